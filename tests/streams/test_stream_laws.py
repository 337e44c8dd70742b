"""Laws of streams: streamed = prepared = pyarrow's own read; interrupted anywhere = uninterrupted; nothing uncounted.

For random schemas, layouts of files, filters, columns and interruptions, on disk, on a Hub and at a web address.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pytest
from faulty_hub import Web
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numbered import write_numbered
from published_shards import CANONICAL, CODECS, FLOATS, SCHEMAS, Layout, Published, Shard, readable

import laion_dataset
from laion_pairs.sample import LoopbackHub

pytestmark = pytest.mark.filterwarnings("ignore:.*was withdrawn.*:UserWarning")

SOAK, CI = pytest.mark.soak, pytest.mark.ci
MODERN = datasets.__version__ >= "4"  # 3.6 keeps no state behind map() and shuffle(), also of files


@dataclass
class Places:
    """Where shards can lie: ``put`` writes them there and says what `load_dataset` is asked for."""

    folder: Path
    hub: LoopbackHub
    web: Web

    def __post_init__(self) -> None:
        self._numbers = itertools.count()

    def put(self, where: str, published: Published) -> dict[str, Any]:
        name = f"set{next(self._numbers)}"
        files = {f"train-{n:05d}.parquet": content for n, content in enumerate(published.files)}
        if where == "local":
            folder = self.folder / name
            folder.mkdir()
            for path, content in files.items():
                (folder / path).write_bytes(content)
            return {"data_files": [str(folder / path) for path in files], **published.options}
        if where == "hf":
            self.hub.add_repository(f"me/{name}", files)
            return {"data_files": f"hf://datasets/me/{name}/*.parquet", **published.options}
        self.web.files |= {f"/{name}/{path}": content for path, content in files.items()}
        return {"data_files": [f"{self.web.url_of('127.0.0.1')}/{name}/{path}" for path in files], **published.options}


@pytest.fixture
def places(tmp_path: Path, hub: LoopbackHub) -> Iterator[Places]:
    with Web() as web:
        yield Places(tmp_path, hub, web)
        assert not web.errors, web.errors


layouts = st.builds(
    Layout,
    codec=st.sampled_from(CODECS),
    row_group_rows=st.sampled_from([1, 2, 7, 100, 999, 4096, 10_000]),
    dictionary=st.booleans(),
    page=st.sampled_from(["1.0", "2.0"]),
    page_bytes=st.sampled_from([64, 4096, 1 << 20]),
    statistics=st.booleans(),
)
row_counts = st.one_of(st.sampled_from([0, 1, 2, 15, 100, 4095, 4096, 4097]), st.integers(0, 300))


@st.composite
def published_sets(draw: st.DrawFn, max_shards: int = 3) -> Published:
    name, count = draw(st.sampled_from(list(SCHEMAS))), draw(st.integers(1, max_shards))
    shards = []
    for n in range(count):
        layout = draw(layouts)
        n_rows = draw(row_counts if count == 1 else st.integers(0, 120))
        n_rows = min(n_rows, 60) if layout.row_group_rows < 7 else n_rows
        shards.append(Shard(n_rows, 10 * n + draw(st.integers(0, 9)), draw(st.sampled_from([0.0, 0.1, 1.0])), layout))
    return Published(name, tuple(shards))


def _literals(column: str) -> st.SearchStrategy[Any]:
    if column in FLOATS:
        return st.sampled_from([0.0, 0.1, 0.3, 0.05, 0.5, 1.0, 4.5, 7, 8.0])
    if column in ("width", "height"):
        return st.sampled_from([1, 100, 256, 512, 1024])
    if column == "pair_id":
        return st.sampled_from([0, 2**40])
    return st.sampled_from(["NSFW", "UNLIKELY"] if column == "nsfw" else ["", "a", "fox", "en", "?", "x"])


@st.composite
def terms(draw: st.DrawFn) -> tuple[Any, ...]:
    column = draw(st.sampled_from(CANONICAL))
    kind = draw(st.sampled_from(["compare", "compare", "list", "null"]))
    if kind == "null":
        return (column, draw(st.sampled_from(["is null", "is not null"])))
    if kind == "list":
        return (
            column,
            draw(st.sampled_from(["in", "not in"])),
            draw(st.lists(_literals(column), min_size=1, max_size=3)),
        )
    return (column, draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">="])), draw(_literals(column)))


branches = st.lists(terms(), min_size=1, max_size=2)
filters = st.one_of(st.none(), branches, st.lists(branches, min_size=1, max_size=2))
columns = st.one_of(
    st.none(),
    st.just("all"),
    st.lists(st.sampled_from(["image", *CANONICAL]), min_size=1, max_size=4, unique=True),
)
interruptions = st.lists(st.integers(1, 130), max_size=3)
wheres = st.sampled_from(["local", "local", "hf", "web"])


def laws(examples: int) -> Callable[[Any], Any]:
    """So many examples, found anew each time in a soak, the same ones elsewhere."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=examples < 1000,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def check_stream(places: Places, where: str, published: Published, filters: Any, columns: Any) -> None:
    """Streamed = pyarrow's own read, filtered row by row; and every row is in the ledger."""
    ledger = laion_dataset.Ledger(places.folder / f"{next(places._numbers)}.ledger")
    source = places.put(where, published)
    rows = laion_dataset.load_dataset(
        **source, split="train", streaming=True, filters=filters, columns=columns, ledger=ledger
    )
    found, wanted = [readable(row) for row in rows], published.rows(filters, columns)
    assert found == wanted
    counts = ledger.counts().get("rows", {})
    dropped = sum(ledger.counts().get("dropped", {}).values())
    assert counts.get("kept", 0) == len(wanted)
    assert counts.get("seen", 0) == len(wanted) + dropped
    assert counts.get("seen", 0) + counts.get("skipped", 0) == len(published.canonical_rows())


def resumed(load: Callable[[], Any], stops: list[int], show: Callable[[Any], Any] = readable) -> list[Any]:
    """The rows of a stream that is stopped after so many rows, again and again; each time by a new object."""
    rows: list[Any] = []
    state = None
    for stop in [*stops, None]:
        stream = load()
        if state is not None:
            stream.load_state_dict(json.loads(state))
        rows += [show(row) for row in itertools.islice(stream, stop)]
        state = json.dumps(stream.state_dict())
    return rows


def check_resume(places: Places, where: str, published: Published, filters: Any, stops: list[int]) -> None:
    """Interrupted = uninterrupted, whichever rows the interruptions fall on; and no row is counted twice."""
    source = places.put(where, published)
    ledger = laion_dataset.Ledger(places.folder / f"{next(places._numbers)}.ledger")

    def load() -> Any:
        return laion_dataset.load_dataset(**source, split="train", streaming=True, filters=filters, ledger=ledger)

    wanted = published.rows(filters)
    found = resumed(load, stops)
    assert found == wanted
    assert ledger.counts().get("rows", {}).get("kept", 0) == len(wanted)


def check_prepared(places: Places, published: Published, filters: Any, columns: Any) -> None:
    """Prepared = pyarrow's own read."""
    source = places.put("local", published)
    cache = places.folder / f"cache{next(places._numbers)}"
    rows = laion_dataset.load_dataset(**source, split="train", filters=filters, columns=columns, cache_dir=cache)
    assert [readable(row) for row in rows] == published.rows(filters, columns)


def check_arrow(places: Places, where: str, published: Published, filters: Any, columns: Any) -> None:
    """In Arrow's format: the same values, without a Python row made."""
    source = places.put(where, published)
    rows = laion_dataset.load_dataset(**source, split="train", streaming=True, filters=filters, columns=columns)
    found = [row for table in rows.with_format("arrow") for row in table.to_pylist()]
    for row in found:
        if row.get("image") is not None:
            image = row["image"]
            row["image"] = (image["path"], image["width"], image["height"], image["digest"])
    assert found == published.rows(filters, columns)


HARD = Published("DataComp", (Shard(4500, layout=Layout("zstd", 4097, dictionary=False, page="2.0", page_bytes=64)),))
"""Rows whose values are lists, in many small pages, over the edge of a batch and of a row group."""


@pytest.mark.parametrize("examples", [12, pytest.param(250, marks=CI), pytest.param(2500, marks=SOAK)])
def test_streamed_is_what_pyarrow_reads(examples: int, places: Places) -> None:
    @laws(examples)
    @given(wheres, published_sets(), filters, columns)
    @example("hf", HARD, [("similarity", ">", 0.5)], "all")
    def law(where: str, published: Published, filters: Any, columns: Any) -> None:
        check_stream(places, where, published, filters, columns)

    law()
    print(f"\n{examples:,} random loads: streamed = pyarrow's own read, and every row counted")


@pytest.mark.parametrize("examples", [12, pytest.param(250, marks=CI), pytest.param(2500, marks=SOAK)])
def test_interrupted_is_uninterrupted(examples: int, places: Places) -> None:
    @laws(examples)
    @given(wheres, published_sets(), filters, interruptions)
    @example("local", HARD, None, [4096, 1])
    @example("web", HARD, None, [4095, 2])
    def law(where: str, published: Published, filters: Any, stops: list[int]) -> None:
        check_resume(places, where, published, filters, stops)

    law()
    print(f"\n{examples:,} random loads, each interrupted up to 3 times: every row exactly once, in order")


@pytest.mark.parametrize("examples", [4, pytest.param(40, marks=CI), pytest.param(400, marks=SOAK)])
def test_prepared_is_what_pyarrow_reads(examples: int, places: Places) -> None:
    @laws(examples)
    @given(published_sets(), filters, columns)
    def law(published: Published, filters: Any, columns: Any) -> None:
        check_prepared(places, published, filters, columns)

    law()
    print(f"\n{examples:,} random loads: prepared = pyarrow's own read")


@pytest.mark.parametrize("examples", [6, pytest.param(100, marks=CI), pytest.param(1000, marks=SOAK)])
def test_arrow_is_what_pyarrow_reads(examples: int, places: Places) -> None:
    @laws(examples)
    @given(wheres, published_sets(), filters, columns)
    def law(where: str, published: Published, filters: Any, columns: Any) -> None:
        check_arrow(places, where, published, filters, columns)

    law()
    print(f"\n{examples:,} random loads in Arrow's format = pyarrow's own read")


def _upper(row: dict[str, Any]) -> dict[str, Any]:
    return {"caption": (row["caption"] or "").upper()}


def _upper_batch(batch: dict[str, Any]) -> dict[str, Any]:
    return {"caption": [(text or "").upper() for text in batch["caption"]]}


def _is_wide(row: dict[str, Any]) -> bool:
    return (row["width"] or 0) > 200


CHAINS: dict[str, tuple[Callable[[Any], Any], Callable[[list[Any]], list[Any]]]] = {
    "map": (lambda rows: rows.map(_upper), lambda rows: [row | _upper(row) for row in rows]),
    "filter": (lambda rows: rows.filter(_is_wide), lambda rows: [row for row in rows if _is_wide(row)]),
    "batched map": (
        lambda rows: rows.map(_upper_batch, batched=True, batch_size=7),
        lambda rows: [row | _upper(row) for row in rows],
    ),
    "skip and take": (lambda rows: rows.skip(3).take(50), lambda rows: rows[3:53]),
    "select": (
        lambda rows: rows.select_columns(["width", "caption"]),
        lambda rows: [{"width": row["width"], "caption": row["caption"]} for row in rows],
    ),
}  # fmt: skip


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("examples", [2, pytest.param(20, marks=CI), pytest.param(200, marks=SOAK)])
def test_chains(chain: str, examples: int, places: Places) -> None:
    """What `datasets` puts on top: the same rows; and the same after interruptions, where it keeps its own place."""
    apply, oracle = CHAINS[chain]

    @laws(examples)
    @given(published_sets(), filters, interruptions)
    def law(published: Published, filters: Any, stops: list[int]) -> None:
        source = places.put("local", published)

        def load() -> Any:
            return apply(laion_dataset.load_dataset(**source, split="train", streaming=True, filters=filters))

        wanted = oracle(published.rows(filters))
        assert [readable(row) for row in load()] == wanted
        if MODERN and chain != "skip and take":  # its count of rows is not in its state, also over files
            assert resumed(load, stops) == wanted

    law()
    print(f"\n{examples:,} random loads behind {chain}: the same rows")


@pytest.mark.parametrize("where", ["local", "hf"])
def test_rows_that_stay_are_far_apart_in_a_row_group(where: str, hub: LoopbackHub, tmp_path: Path) -> None:
    """The columns that are read late skip the batches between them, and stay beside the ones that were read first."""
    (file,) = write_numbered(tmp_path, [17_000])
    hub.add_repository("me/far", {"train.parquet": Path(file)})
    rows = laion_dataset.load_dataset(
        file if where == "local" else "me/far",
        split="train",
        streaming=True,
        filters=[[("pair_id", "<", 2)], [("pair_id", ">", 16_990)]],
        columns=["pair_id", "caption"],
    )
    wanted = [0, 1, *range(16_991, 17_000)]
    assert list(rows) == [{"pair_id": n, "caption": f"a caption of some words, number {n}"} for n in wanted]


@pytest.mark.parametrize("recipe", ["laion-aesthetic-v1", "laion-art", "laion-high-resolution"])
def test_recipes(recipe: str, places: Places) -> None:
    rules: dict[str, list[tuple[Any, ...]]] = {
        "laion-aesthetic-v1": [("punsafe", "<", 0.5), ("pwatermark", "<", 0.8), ("aesthetic", ">", 7)],
        "laion-art": [("aesthetic", ">", 8)],
        "laion-high-resolution": [("width", ">=", 1024), ("height", ">=", 1024)],
    }
    published = Published("aesthetic", tuple(Shard(700, n, layout=Layout(row_group_rows=100)) for n in range(2)))
    rows = laion_dataset.load_dataset(**places.put("hf", published), split="train", streaming=True, recipe=recipe)
    assert [readable(row) for row in rows] == published.rows(rules[recipe])


def test_values_are_python_3_10(tmp_path: Path) -> None:
    """Every file of the package and of these tests is read by the grammar of the oldest Python that is promised."""
    import ast

    root = Path(__file__).parents[2]
    for file in [root / "laion_dataset.py", *root.glob("laion_pairs/**/*.py"), *Path(__file__).parent.glob("*.py")]:
        ast.parse(file.read_text(), feature_version=(3, 10))
    assert os.environ["HF_ENDPOINT"].startswith("http://127.")
