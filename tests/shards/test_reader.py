"""Reading shards: exactly the rows that the filters say, no more bytes than they need, every row counted."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relaion_shard import RELEASE, REPO, parquet, s1_table, s8_table, shard_name

from laion_pairs.errors import AccessDenied, CorruptShard, NoShards, RecipeError, SchemaError
from laion_pairs.ledger import Ledger
from laion_pairs.releases import find_recipe, find_release
from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.schema import NAMES, Predicate
from laion_pairs.shards import Listing, ReadPlan, Shard, list_source, own_schema, read_shard
from laion_pairs.takedown import Entry, write_list

ROWS, GROUP = 1000, 100


def local(folder: Path, table: pa.Table, rows_per_group: int = GROUP, name: str = "shard.parquet") -> Shard:
    (folder / name).write_bytes(parquet(table, rows_per_group))
    return Shard(str(folder / name), "train")


def read(shard: Shard, plan: ReadPlan, token: str | None = None) -> pa.Table:
    batches = [batch for _, batch in read_shard(shard, plan, token)]
    return pa.Table.from_batches(batches) if batches else pa.table({})


def expected_frame(rows: int = ROWS) -> pd.DataFrame:
    """The canonical rows of s8_table, from its definition."""
    numbers = range(rows)
    return pd.DataFrame(
        {
            "pair_id": numbers,
            "similarity": pd.Series([(i % 100) / 100 for i in numbers], dtype="float32"),
            "punsafe": pd.Series([i / 1000 for i in numbers], dtype="float32"),
            "width": [i + 1 for i in numbers],
            "caption": [None if i % 7 == 0 else f"caption {i}" for i in numbers],
        }
    )


def test_a_shard_in_canonical_columns_with_exact_places(tmp_path: Path) -> None:
    shard = local(tmp_path, s8_table(ROWS))
    places, ids = [], []
    for place, batch in read_shard(shard, ReadPlan(("image", "caption", "pair_id"), batch_rows=64)):
        made_from = ["url", "width", "height", "digest", "punsafe", "nsfw"]
        assert batch.schema.names == [*made_from, "caption", "pair_id"]
        assert batch.num_rows <= 64
        row_group, first_row = place
        assert batch.column("pair_id")[0].as_py() == row_group * GROUP + first_row
        places.append(place)
        ids += batch.column("pair_id").to_pylist()
    assert ids == list(range(ROWS))
    assert places == [(group, row) for group in range(10) for row in (0, 16, 64)]


OPERATORS = ["<", "<=", ">", ">=", "=", "!="]
TERMS = st.one_of(
    st.tuples(st.just("punsafe"), st.sampled_from(OPERATORS), st.integers(0, 1000).map(lambda i: i / 1000)),
    st.tuples(st.just("similarity"), st.sampled_from(OPERATORS), st.integers(0, 100).map(lambda i: i / 100)),
    st.tuples(st.just("width"), st.sampled_from(["<", ">="]), st.integers(0, 1100)),
    st.tuples(st.just("pair_id"), st.just("in"), st.lists(st.integers(0, 1100), min_size=1, max_size=4)),
    st.sampled_from([("caption", "is null"), ("caption", "is not null")]),
)  # fmt: skip


def pandas_mask(frame: pd.DataFrame, term: tuple) -> pd.Series:
    column, op, *value = term
    values = frame[column]
    if op == "is null":
        return values.isna()
    if op == "is not null":
        return values.notna()
    if op == "in":
        return values.isin(value[0])
    literal = values.dtype.type(value[0])
    return {
        "<": values < literal, "<=": values <= literal, ">": values > literal,
        ">=": values >= literal, "=": values == literal, "!=": values != literal,
    }[op]  # fmt: skip


@given(st.lists(st.lists(TERMS, min_size=1, max_size=3), min_size=1, max_size=2))
@settings(max_examples=60, deadline=None)
def test_filters_are_what_pandas_computes_and_every_row_is_counted(
    tmp_path_factory: pytest.TempPathFactory, groups: list
) -> None:
    folder = tmp_path_factory.mktemp("filters")
    shard = local(folder, s8_table(ROWS))
    plan = ReadPlan(("pair_id",), predicate=Predicate.parse(groups), ledger=str(folder / "l"), batch_rows=33)
    frame = expected_frame()
    mask = pd.Series(False, index=frame.index)
    for group in groups:
        mask |= pd.concat([pandas_mask(frame, term) for term in group], axis=1).all(axis=1)
    table = read(shard, plan)
    found = table["pair_id"].to_pylist() if table.num_columns else []
    assert found == frame[mask].pair_id.tolist()
    counts = Ledger(folder / "l").counts()
    rows = {word: counts.get("rows", {}).get(word, 0) for word in ("seen", "kept", "skipped")}
    assert rows["seen"] + rows["skipped"] == ROWS
    assert rows["seen"] == rows["kept"] + sum(counts.get("dropped", {}).values())
    assert rows["kept"] == len(found)
    groups_counted = counts["row_groups"]
    assert set(groups_counted) <= {"read", "skipped", "filter columns only"}
    assert sum(groups_counted.values()) == ROWS // GROUP


def test_row_groups_that_cannot_match_are_not_read(tmp_path: Path) -> None:
    shard = local(tmp_path, s8_table(ROWS))
    plan = ReadPlan(("pair_id",), predicate=Predicate.parse([("punsafe", "<", 0.25)]), ledger=str(tmp_path / "l"))
    assert read(shard, plan)["pair_id"].to_pylist() == list(range(250))
    assert Ledger(tmp_path / "l").counts() == {
        "row_groups": {"skipped": 7, "read": 3},
        "rows": {"skipped": 700, "seen": 300, "kept": 250},
        "dropped": {"filter": 50},
    }


def hub_shard(hub: LoopbackHub, table: pa.Table, rows_per_group: int, **options: object) -> tuple[Listing, int]:
    content = parquet(table, rows_per_group)
    hub.add_repository(REPO, {shard_name(): content}, **options)  # type: ignore[arg-type]
    return list_source(find_release(RELEASE)), len(content)


def moved(hub: LoopbackHub) -> int:
    """Bytes of files that the Hub has sent since its log was emptied."""
    return sum(line.bytes_sent for line in hub.requests() if "/resolve/" in line.path)


def test_pushdown_and_projection_move_fewer_bytes(hub: LoopbackHub) -> None:
    import numpy as np

    rows = 60_000
    noise = np.random.default_rng(0).integers(0, 255, (rows, 150), np.uint8)  # incompressible: 9 MB of it
    table = s8_table(rows).set_column(13, "exif", pa.array([row.tobytes().hex() for row in noise]))
    listing, size = hub_shard(hub, table, 5000)
    assert size > 15 << 20
    everything = ReadPlan(("url", "pair_id"), all_columns=True)
    narrow = ReadPlan(("pair_id",))
    pruned = replace(everything, predicate=Predicate.parse([("width", "<", 4000)]))
    sent = {}
    for name, plan, n in (("everything", everything, rows), ("narrow", narrow, rows), ("pruned", pruned, 3999)):
        hub.forget()
        assert read(listing.shards[0], plan).num_rows == n
        sent[name] = moved(hub)
    assert size * 0.8 < sent["everything"] < size  # two columns are nobody's
    assert sent["narrow"] < size * 0.05
    assert sent["pruned"] < size * 0.15


def test_the_hub_is_sent_the_token_and_gated_files_say_what_to_do(hub: LoopbackHub) -> None:
    listing, _ = hub_shard(hub, s8_table(5), 5)
    hub.repositories[REPO].gated, hub.repositories[REPO].readers = "auto", frozenset({"hf_reader"})  # since the listing
    hub.users["hf_reader"] = "me"
    plan = ReadPlan(("url",))
    with pytest.raises(AccessDenied, match=f"accept the terms at https://huggingface.co/datasets/{REPO}"):
        read(listing.shards[0], plan)
    assert read(listing.shards[0], plan, token="hf_reader").num_rows == 5
    assert {line.authorization for line in hub.requests() if line.status == 206} == {"Bearer hf_reader"}


def test_a_file_that_went_away(hub: LoopbackHub, tmp_path: Path) -> None:
    listing, _ = hub_shard(hub, s8_table(5), 5)
    shard = listing.shards[0]
    for gone in (
        replace(shard, url=shard.url.replace("part-00000", "part-00009")),
        Shard(str(tmp_path / "x.parquet"), "train"),
    ):
        with pytest.raises(NoShards):
            read(gone, ReadPlan(("url",)))


GOOD = parquet(s8_table(200), 50)
CORRUPT = {
    "empty": b"",
    "a web page": b"<html>" * 100,
    "a git-lfs pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    "cut short": GOOD[: len(GOOD) // 2],
    "without its first half": GOOD[len(GOOD) // 2 :],
    "overwritten in the middle": GOOD[:3000] + bytes(b ^ 0x5A for b in GOOD[3000:9000]) + GOOD[9000:],
}


@pytest.mark.parametrize("content", CORRUPT.values(), ids=CORRUPT.keys())
def test_corrupt_parquet(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shard.parquet").write_bytes(content)
    with pytest.raises(CorruptShard, match=r"shard\.parquet.*download it again") as caught:
        read(Shard(str(tmp_path / "shard.parquet"), "train"), ReadPlan(tuple(NAMES)))
    assert "\n" not in str(caught.value)


def test_a_file_of_another_kind_is_told_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text("[]")
    with pytest.raises(CorruptShard, match=r"rows\.json.*what is read are \.parquet, \.csv and \.tsv"):
        read(list_source(files=tmp_path / "rows.json").shards[0], ReadPlan(("url",)))


def test_rows_before_a_corrupt_row_group_are_delivered(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    (tmp_path / "good.parquet").write_bytes(GOOD)
    start = pq.read_metadata(tmp_path / "good.parquet").row_group(2).column(0).dictionary_page_offset
    (tmp_path / "shard.parquet").write_bytes(GOOD[:start] + b"\x5a" * 500 + GOOD[start + 500 :])
    batches = read_shard(Shard(str(tmp_path / "shard.parquet"), "train"), ReadPlan(("url",)))
    assert [next(batches)[1].num_rows for _ in range(2)] == [50, 50]
    with pytest.raises(CorruptShard, match="row group 2"):
        next(batches)


def test_a_connection_that_breaks_is_not_corruption(hub: LoopbackHub) -> None:
    from laion_pairs.errors import HubUnreachable

    listing, _ = hub_shard(hub, s8_table(5), 5)
    hub.fail(404, times=50, path_contains="/resolve/")
    with pytest.raises((HubUnreachable, NoShards)):
        read(listing.shards[0], ReadPlan(("url",)))
    hub._failures.clear()


def test_a_column_that_a_file_lacks_is_null(tmp_path: Path) -> None:
    table = read(local(tmp_path, s8_table(5)), ReadPlan(("language", "aesthetic", "license")))
    assert table.to_pydict() == {"language": [None] * 5, "aesthetic": [None] * 5, "license": [None] * 5}


def test_unknown_columns_name_the_file(tmp_path: Path) -> None:
    shard = local(tmp_path, pa.table({"a": [1], "b": [2]}))
    with pytest.raises(SchemaError, match=r"shard\.parquet.*column_mapping"):
        read(shard, ReadPlan(("url",)))
    mapped = local(tmp_path, pa.table({"link": ["https://x.example/1"], "words": ["w"]}))
    plan = ReadPlan(("url", "caption", "width"), column_mapping={"url": "link", "caption": "words"})
    assert read(mapped, plan).to_pylist() == [{"url": "https://x.example/1", "caption": "w", "width": None}]


def test_every_file_is_mapped_on_its_own(tmp_path: Path) -> None:
    plan = ReadPlan(("url", "width", "height"), withdrawn="laion2B-en")
    raw = read(local(tmp_path, s1_table(2)), plan)
    assert raw.slice(0, 1).to_pylist() == [
        {"url": "https://host.example/0.jpg", "width": 640, "height": 480}
    ]  # swapped
    assert read(local(tmp_path, s8_table(2)), plan).slice(1).to_pylist()[0]["width"] == 2


def test_all_columns_follow_the_first_file(tmp_path: Path) -> None:
    first = local(tmp_path, s8_table(3), name="a.parquet")
    second = local(tmp_path, s8_table(3).set_column(6, "key", pa.array([1, 2, 3])), name="b.parquet")
    broken = local(tmp_path, s8_table(3).set_column(6, "key", pa.array([[1], [2], [3]])), name="c.parquet")
    listing = list_source(files=[first.url, second.url])
    plan = ReadPlan(("url",), all_columns=True)
    own = own_schema(listing, plan)
    assert {"key", "status", "exif", "source_width"} <= set(own.names)
    plan = replace(plan, own=own)
    assert read(first, plan).schema.names == ["url", *own.names]
    assert read(first, plan).schema == read(second, plan).schema
    assert read(second, plan)["key"].to_pylist() == ["1", "2", "3"]
    with pytest.raises(SchemaError, match=r"c\.parquet.*'key'"):
        read(broken, plan)


def test_a_recipe_is_checked_against_each_file(tmp_path: Path) -> None:
    shard = local(tmp_path, s8_table(ROWS))
    safe = ReadPlan(("pair_id",), recipe=find_recipe("relaion-research-safe"), ledger=str(tmp_path / "l"))
    assert read(shard, safe)["pair_id"].to_pylist() == list(range(451))
    assert Ledger(tmp_path / "l").counts()["dropped"] == {"recipe": 49}
    with pytest.raises(RecipeError):
        read(shard, replace(safe, recipe=find_recipe("stable-diffusion-v1-2")))


def test_takedown_lists_apply_to_rows_whatever_is_projected(tmp_path: Path) -> None:
    write_list(
        tmp_path / "t.parquet",
        [
            Entry("url", "https://host0.example/0.jpg", "asked"),
            Entry("domain", "host1.example", "gdpr"),
            Entry("pair_id", 7, "asked"),
            Entry("md5", f"{8:016x}" * 2, "asked"),
            Entry("phash", "0" * 16, "asked"),
            Entry("sample_id", 3, "asked", release="laion400m"),
        ],
        "v2",
    )
    shard = local(tmp_path, s8_table(20))
    plan = ReadPlan(("caption",), takedown=(str(tmp_path / "t.parquet"),), ledger=str(tmp_path / "l"))
    kept = read(shard, plan)
    assert kept.schema.names == ["caption"]
    assert kept["caption"].to_pylist() == [
        None if i % 7 == 0 else f"caption {i}" for i in range(20) if i % 5 != 1 and i not in (0, 7, 8)
    ]
    counts = Ledger(tmp_path / "l").counts()
    assert counts["rows"] == {"seen": 20, "kept": 13}
    assert counts["dropped"] == {"takedown: t.parquet v2: asked": 3, "takedown: t.parquet v2: gdpr": 4}
    unchecked = {"t.parquet v2: 1 phash entries": 20, "t.parquet v2: 1 sample_id entries": 20}
    assert counts["takedown unchecked"] == unchecked
    everything = b"".join(part.read_bytes() for part in Ledger(tmp_path / "l").parts)
    assert b"host" not in everything
    assert b"http" not in everything


def test_sample_ids_are_read_where_the_file_has_them(tmp_path: Path) -> None:
    write_list(tmp_path / "t.parquet", [Entry("sample_id", 3, "asked", release="laion400m")], "v1")
    plan = ReadPlan(("caption",), withdrawn="laion400m", takedown=(str(tmp_path / "t.parquet"),))
    assert read(local(tmp_path, s1_table(5)), plan)["caption"].to_pylist() == ["text 0", "text 1", "text 2", "text 4"]


def test_nulled_scores_are_counted(tmp_path: Path) -> None:
    table = s8_table(3).set_column(1, "similarity", pa.array([6016.0, 0.3, 0.4]))
    plan = ReadPlan(("similarity",), ledger=str(tmp_path / "l"))
    assert read(local(tmp_path, table), plan)["similarity"].null_count == 1
    assert sum(Ledger(tmp_path / "l").counts()["nulled"].values()) == 1


QUOTED = 'image_url,caption\nhttps://x.example/1,"2\nlines, ""q"""\nhttps://x.example/2,b\n'
TEXT_FILES = [
    ("cc3m.tsv", 'a "q" caption\thttps://x.example/1\nb\thttps://x.example/2\n', ['a "q" caption', "b"]),
    ("cc12m.tsv", "https://x.example/1\tone\nhttps://x.example/2\ttwo", ["one", "two"]),
    ("head.csv", QUOTED, ['2\nlines, "q"', "b"]),
    (
        "quoted.tsv",
        QUOTED.replace("image_url,caption", '"image_url"\t"caption"').replace('1,"', '1\t"').replace("2,b", "2\tb"),
        ['2\nlines, "q"', "b"],
    ),
]


@pytest.mark.parametrize(("name", "content", "captions"), TEXT_FILES)
def test_text_files(tmp_path: Path, name: str, content: str, captions: list) -> None:
    (tmp_path / name).write_text(content)
    shard = list_source(files=tmp_path / name).shards[0]
    table = read(shard, ReadPlan(("url", "caption")))
    assert table["caption"].to_pylist() == captions
    assert table["url"].to_pylist() == ["https://x.example/1", "https://x.example/2"]


def test_a_large_quoted_file_is_cut_between_records(tmp_path: Path) -> None:
    captions = [f'line {i}\nand, "more"' * 20 for i in range(12_000)]
    frame = pd.DataFrame({"image_url": [f"https://x.example/{i}" for i in range(12_000)], "caption": captions})
    frame.to_csv(tmp_path / "big.csv", index=False)
    shard = Shard(str(tmp_path / "big.csv"), "train")
    assert (tmp_path / "big.csv").stat().st_size > 3 << 20
    rows, found = 0, []
    for (group, first_row), batch in read_shard(shard, ReadPlan(("caption",), batch_rows=1000)):
        assert (group, first_row) == (0, rows)
        rows += batch.num_rows
        found += batch.column("caption").to_pylist()
    assert found == captions


def test_a_broken_text_file(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("image_url,caption\nhttps://x.example/1,b\nonly one\n")
    with pytest.raises(CorruptShard, match=r"x\.csv"):
        read(Shard(str(tmp_path / "x.csv"), "train"), ReadPlan(("url",)))


def test_a_plan_is_picklable(tmp_path: Path) -> None:
    plan = ReadPlan(
        ("image",),
        Predicate.parse([("width", ">", 5)]),
        find_recipe("relaion-research-safe"),
        all_columns=True,
        own=pa.schema({"key": pa.string()}),
        column_mapping={"url": "x"},
        release=find_release(RELEASE),
    )
    assert pickle.loads(pickle.dumps(plan)) == plan


@pytest.mark.parametrize("kind", ["parquet", "csv", "hub"])
def test_an_abandoned_reader_lets_the_process_exit(tmp_path: Path, hub: LoopbackHub, kind: str) -> None:
    if kind == "hub":
        url = hub_shard(hub, s8_table(20_000), 5000)[0].shards[0].url
    elif kind == "parquet":
        url = local(tmp_path, s8_table(20_000), 5000).url
    else:
        url = str(tmp_path / "x.csv")
        pd.DataFrame({"image_url": ["https://x.example/1"] * 200_000, "caption": ["c"] * 200_000}).to_csv(
            url, index=False
        )
    code = """
        import sys
        from laion_pairs.shards import ReadPlan, Shard, read_shard
        batches = read_shard(Shard(sys.argv[1], "train"), ReadPlan(("url", "caption"), batch_rows=100))
        next(batches)
        print("reading", flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), url]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stdout, run.stderr) == (0, "reading\n", "")
