"""`load_dataset`: what it takes, what it gives, what a mistake is told; on files, repositories and releases."""

from __future__ import annotations

import io
import os
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import laion_dataset
from laion_pairs import errors
from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.schema import NAMES

RELEASE = "laion/laion2B-en-aesthetic"
SHARD = "part-00000-9230b837-b1e0-4254-8b88-ed2976e9cee9-c000.snappy.parquet"


def table(count: int = 8, **replaced: Any) -> pa.Table:
    """Schema S3: as laion2B-en-aesthetic is published."""
    columns = {
        "URL": [f"http://images.example/{number}.jpg" for number in range(count)],
        "TEXT": [f"picture {number}" for number in range(count)],
        "WIDTH": pa.array([100 * number for number in range(1, count + 1)], pa.int32()),
        "HEIGHT": pa.array([500] * count, pa.int32()),
        "similarity": pa.array([0.3] * count, pa.float64()),
        "hash": pa.array(range(count), pa.int64()),
        "punsafe": pa.array([number / count for number in range(count)], pa.float32()),
        "pwatermark": pa.array([0.1] * count, pa.float32()),
        "aesthetic": pa.array([7.5] * count, pa.float32()),
    }
    return pa.table(columns | replaced)


def parquet(rows: pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(rows, file, **options)
    return file.getvalue()


@pytest.fixture
def release(hub: LoopbackHub) -> LoopbackHub:
    hub.add_repository(RELEASE, {SHARD: parquet(table(), row_group_size=2)})
    return hub


def captions(rows: Any) -> list[str]:
    return [row["caption"] for row in rows]


def test_streamed_equals_prepared(release: LoopbackHub, tmp_path: Path) -> None:
    wanted: dict[str, Any] = {
        "split": "train",
        "filters": [("punsafe", "<", 0.5)],
        "columns": ["image", "caption", "width"],
    }
    streamed = laion_dataset.load_dataset("laion2B-en-aesthetic", streaming=True, **wanted)
    prepared = laion_dataset.load_dataset("laion2B-en-aesthetic", cache_dir=tmp_path, **wanted)
    assert isinstance(streamed, datasets.IterableDataset)
    assert isinstance(prepared, datasets.Dataset)
    assert list(streamed) == list(prepared)
    assert captions(prepared) == [f"picture {number}" for number in range(4)]
    assert streamed.features == prepared.features
    assert list(prepared.features) == ["image", "caption", "width"]


def test_no_split_gives_a_dictionary_as_datasets_does(release: LoopbackHub, tmp_path: Path) -> None:
    streamed = laion_dataset.load_dataset("laion2B-en-aesthetic", streaming=True)
    assert isinstance(streamed, datasets.IterableDatasetDict)
    prepared = laion_dataset.load_dataset("laion2B-en-aesthetic", cache_dir=tmp_path)
    assert isinstance(prepared, datasets.DatasetDict)
    assert list(streamed) == list(prepared) == ["train"]


def test_image_is_lazy_and_knows_what_was_published(release: LoopbackHub) -> None:
    row = next(iter(laion_dataset.load_dataset("laion2B-en-aesthetic", split="train", streaming=True)))
    assert isinstance(row["image"], laion_dataset.RemoteImage)
    assert repr(row["image"]) == "<RemoteImage 100x500 http://images.example/0.jpg>"
    assert list(row) == ["image", *NAMES]


def test_the_image_hides_unsafe_pictures_whatever_columns_are_asked_for(release: LoopbackHub) -> None:
    rows = laion_dataset.load_dataset("laion2B-en-aesthetic", split="train", streaming=True, columns=["image"])
    assert [row["image"].unsafe for row in rows] == [False] * 4 + [True] * 4


def test_filters_skip_row_groups_and_the_ledger_says_so(release: LoopbackHub, tmp_path: Path) -> None:
    ledger = laion_dataset.Ledger(tmp_path / "run.ledger")
    rows = laion_dataset.load_dataset(
        "laion2B-en-aesthetic", split="train", streaming=True, filters=[("width", ">", 550)], ledger=ledger
    )
    assert captions(rows) == ["picture 5", "picture 6", "picture 7"]
    counts = ledger.counts()
    assert counts["row_groups"] == {"skipped": 2, "read": 2}
    assert counts["rows"] == {"skipped": 4, "seen": 4, "kept": 3}
    assert counts["dropped"] == {"filter": 1}


def test_recipe_and_filters_both_hold(release: LoopbackHub) -> None:
    rows = laion_dataset.load_dataset(
        "laion2B-en-aesthetic",
        split="train",
        streaming=True,
        recipe="laion-aesthetic-v1",
        filters=[("width", ">", 250)],
    )
    assert captions(rows) == ["picture 2", "picture 3"]  # punsafe < 0.5 is the recipe's


def test_local_directory_repository_and_files(hub: LoopbackHub, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "train-0.parquet").write_bytes(parquet(table(3)))
    (folder / ".hidden.parquet").write_bytes(b"not parquet")
    hub.add_repository("me/my-set", {"data/train-00000.parquet": parquet(table(3)), "README.md": "# mine"})
    found = {
        "folder": laion_dataset.load_dataset(str(folder), split="train", streaming=True),
        "path object": laion_dataset.load_dataset(folder, split="train", streaming=True),
        "data_dir": laion_dataset.load_dataset(data_dir=folder, split="train", streaming=True),
        "file": laion_dataset.load_dataset(str(folder / "train-0.parquet"), split="train", streaming=True),
        "glob": laion_dataset.load_dataset(data_files=str(folder / "*.parquet"), split="train", streaming=True),
        "by split": laion_dataset.load_dataset(
            data_files={"test": [str(folder / "train-0.parquet")]}, split="test", streaming=True
        ),
        "repository": laion_dataset.load_dataset("me/my-set", split="train", streaming=True),
        "hf://": laion_dataset.load_dataset(
            data_files="hf://datasets/me/my-set/data/*.parquet", split="train", streaming=True
        ),
    }
    for how, rows in found.items():
        assert captions(rows) == ["picture 0", "picture 1", "picture 2"], how


def test_a_new_commit_is_not_served_from_the_old_cache(hub: LoopbackHub, tmp_path: Path) -> None:
    repository = hub.add_repository("me/my-set", {"train.parquet": parquet(table(2))})
    first = laion_dataset.load_dataset("me/my-set", split="train", cache_dir=tmp_path)
    repository.add_commit({"train.parquet": parquet(table(5))})
    second = laion_dataset.load_dataset("me/my-set", split="train", cache_dir=tmp_path)
    pinned = laion_dataset.load_dataset(
        "me/my-set", split="train", revision=repository.commits[0].commit_id, cache_dir=tmp_path
    )
    assert (len(first), len(second), len(pinned)) == (2, 5, 2)


def test_changed_file_or_takedown_list_is_not_served_from_the_old_cache(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    file.write_bytes(parquet(table(2)))
    assert len(laion_dataset.load_dataset(data_files=str(file), split="train", cache_dir=tmp_path / "c")) == 2
    file.write_bytes(parquet(table(3)))
    os.utime(file, ns=(1, 1))
    assert len(laion_dataset.load_dataset(data_files=str(file), split="train", cache_dir=tmp_path / "c")) == 3


def test_an_unknown_file_loads_with_a_column_mapping(tmp_path: Path) -> None:
    file = tmp_path / "mine.parquet"
    rows = pa.table({"link": ["http://a.example/1.png"], "words": ["one"], "score": [0.5]})
    file.write_bytes(parquet(rows))
    with pytest.raises(errors.UnknownSchema, match=r"link.*column_mapping"):
        list(laion_dataset.load_dataset(data_files=str(file), split="train", streaming=True))
    mapping = {"url": "link", "caption": "words"}
    found = list(
        laion_dataset.load_dataset(data_files=str(file), split="train", streaming=True, column_mapping=mapping)
    )
    assert found[0]["caption"] == "one"
    assert found[0]["similarity"] is None


CHAINS = {
    "plain": lambda rows: rows,
    "mapped": lambda rows: rows.map(lambda row: {"caption": row["caption"].upper()}),
    "shuffled shards": lambda rows: rows.shuffle(seed=0, buffer_size=1),
}


@pytest.mark.parametrize("chain", CHAINS)
def test_a_state_is_resumed_at_its_commit_or_not_at_all(chain: str, hub: LoopbackHub) -> None:
    repository = hub.add_repository("me/my-set", {f"train-{n}.parquet": parquet(table(40)) for n in range(2)})
    first, commit = repository.commits[0].commit_id, {"revision": repository.commits[0].commit_id}

    def load(**options: Any) -> Any:
        return CHAINS[chain](laion_dataset.load_dataset("me/my-set", split="train", streaming=True, **options))

    whole, stopped = list(load()), load()
    seen = list(islice(stopped, 5))
    state = stopped.state_dict()
    repository.add_commit({"train-0.parquet": parquet(table(60))})
    moved = load()
    moved.load_state_dict(state)
    with pytest.raises(errors.ShardError, match=rf"saved at commit {first}.*revision='{first}'"):
        list(moved)  # not the first row: shuffled, places come first in which nothing was read yet
    pinned = load(**commit)
    pinned.load_state_dict(state)
    resumed = list(pinned)
    if chain != "shuffled shards" or datasets.__version__ >= "4":  # 3.6 loses what its shuffle buffer holds
        assert seen + resumed == whole


@pytest.mark.parametrize("split", ["all", "train[:2]", "train+train", datasets.Split.TRAIN])
def test_split_takes_what_datasets_takes(split: Any, release: LoopbackHub, tmp_path: Path) -> None:
    rows = laion_dataset.load_dataset("laion2B-en-aesthetic", split=split, cache_dir=tmp_path)
    assert len(rows) == {"train[:2]": 2, "train+train": 16}.get(split, 8)


@pytest.mark.parametrize(
    ("split", "streaming"),
    [
        *((split, True) for split in ("", "test", "train[:2]", "train[")),
        *((split, False) for split in ("test", "train[")),
    ],
)
def test_a_split_that_cannot_be_is_one_sentence(
    split: str, streaming: bool, release: LoopbackHub, tmp_path: Path
) -> None:
    with pytest.raises(errors.ReleaseError, match="it has train"):
        laion_dataset.load_dataset("laion2B-en-aesthetic", split=split, streaming=streaming, cache_dir=tmp_path)


def test_what_we_wrote_is_read_again(release: LoopbackHub, tmp_path: Path) -> None:
    rows = laion_dataset.load_dataset("laion2B-en-aesthetic", split="train", cache_dir=tmp_path / "cache")
    rows.to_parquet(tmp_path / "lazy.parquet")
    laion_dataset.to_stock(rows).to_parquet(tmp_path / "stock.parquet")
    for name in ("lazy", "stock"):
        again = laion_dataset.load_dataset(data_files=str(tmp_path / f"{name}.parquet"), split="train", streaming=True)
        assert list(again) == list(rows), name


def test_num_proc_prepares_shards_side_by_side(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.add_repository("me/my-set", {f"train-{n}.parquet": parquet(table(4)) for n in range(3)})
    rows = laion_dataset.load_dataset("me/my-set", split="train", num_proc=3, cache_dir=tmp_path)
    assert len(rows) == 12
    assert {Path(file["filename"]).name[-20:] for file in rows.cache_files} == {
        f"{n:05d}-of-00003.arrow" for n in range(3)
    }


IGNORED: list[dict[str, Any]] = [
    {"data_files": "a.parquet", "data_dir": "b"},
    {"path": "https://a.example/a.parquet", "data_files": "b.parquet"},
    {"data_files": "a.parquet", "revision": "main"},
    {"path": "relaion-art", "data_files": "a.parquet", "revision": "main"},
    {"path": ".", "revision": "main"},
]


@pytest.mark.parametrize("arguments", IGNORED, ids=str)
def test_nothing_that_was_asked_is_ignored(arguments: dict[str, Any]) -> None:
    with pytest.raises(errors.ReleaseError, match=r"give one of them|leave it out"):
        laion_dataset.load_dataset(**arguments, split="train", streaming=True)


def test_own_columns_that_datasets_has_no_type_for(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    kind = pa.map_(pa.string(), pa.int64())
    file.write_bytes(parquet(table(2).append_column("tags", pa.array([[("a", 1)], []], kind))))
    with pytest.raises(errors.SchemaError, match="name the columns that you need"):
        laion_dataset.load_dataset(
            "laion2B-en-aesthetic", data_files=str(file), split="train", streaming=True, columns="all"
        )


MISTAKES: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("unknown release", {"path": "laion5b"}, errors.UnknownRelease, "nearest"),
    ("nothing named", {}, errors.ReleaseError, "no release"),
    ("withdrawn release", {"path": "laion400m"}, errors.WithdrawnRelease, "relaion400m"),
    ("withdrawn repository", {"path": "laion/laion2B-en"}, errors.WithdrawnRelease, "relaion2B-en-research-safe"),
    ("former name", {"path": "laion-art"}, errors.WithdrawnRelease, "relaion-art"),
    ("tags", {"path": "laion2B-en-safety"}, errors.NotPairs, "punsafe"),
    ("unknown recipe", {"path": "relaion-art", "recipe": "sd15"}, errors.RecipeError, "stable-diffusion"),
    (
        "another model's scores",
        {"path": "laion2B-en-aesthetic", "recipe": "stable-diffusion-v1-2"},
        errors.RecipeError,
        "aesthetics_v2_4.75",
    ),
    ("unknown column", {"path": "relaion-art", "columns": ["captoin"]}, errors.UnknownColumn, "caption"),
    ("malformed filter", {"path": "relaion-art", "filters": "punsafe < 0.1"}, errors.FilterError, "list of terms"),
    ("unknown filter column", {"path": "relaion-art", "filters": [("PUNSAFE", "<", 1)]}, errors.FilterError, "punsafe"),
    ("missing file", {"data_files": "nowhere/*.parquet"}, errors.NoShards, "nowhere"),
    ("missing folder", {"path": "./nowhere"}, errors.NoShards, "no file or folder"),
    ("missing path", {"path": "pairs/mine.parquet"}, errors.NoShards, "no file or folder"),
    ("mapping of the wrong kind", {"path": "relaion-art", "column_mapping": "link"}, errors.SchemaError, "dictionary"),
    ("columns of the wrong kind", {"path": "relaion-art", "columns": 5}, errors.UnknownColumn, "list"),
    ("missing repository", {"path": "nobody/nothing"}, errors.RepositoryMissing, "nobody/nothing"),
    (
        "missing takedown list",
        {"path": "relaion-art", "takedown": "gone.parquet"},
        errors.TakedownError,
        "gone.parquet",
    ),
]


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES]
)
def test_mistakes_are_one_sentence(
    arguments: dict[str, Any], error: type[Exception], sentence: str, hub: LoopbackHub
) -> None:
    with pytest.raises(error, match=sentence) as caught:
        laion_dataset.load_dataset(**arguments, split="train", streaming=True)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, errors.LaionError)


def test_unknown_split_and_a_corrupt_shard(release: LoopbackHub, hub: LoopbackHub, tmp_path: Path) -> None:
    with pytest.raises(errors.ReleaseError, match=r"no split 'test'; it has train"):
        laion_dataset.load_dataset("laion2B-en-aesthetic", split="test", streaming=True)
    hub.add_repository("me/broken", {"train.parquet": parquet(table())[:400] + b"PAR1"})
    for streaming in (True, False):
        with pytest.raises(errors.CorruptShard, match=r"train\.parquet"):
            list(laion_dataset.load_dataset("me/broken", split="train", streaming=streaming, cache_dir=tmp_path))


@pytest.mark.filterwarnings("error::UserWarning")
def test_old_files_are_read_with_a_warning_and_their_images_are_not_fetched(tmp_path: Path) -> None:
    rows = table(2).drop_columns(["hash", "punsafe", "pwatermark", "aesthetic"])
    rows = rows.append_column("SAMPLE_ID", pa.array([1, 2], pa.int64()))
    rows = rows.append_column("LICENSE", pa.array(["?", "?"])).append_column("NSFW", pa.array(["UNLIKELY"] * 2))
    file = tmp_path / "part-00000-5b54c5d5-bbcf-484d-a2ce-0d6f73df1a36-c000.snappy.parquet"
    file.write_bytes(parquet(rows))
    with pytest.warns(UserWarning, match="laion400m, which was withdrawn"):
        found = laion_dataset.load_dataset(data_files=str(file), split="train", streaming=True)
    row = next(iter(found))
    assert row["caption"] == "picture 0"
    assert row["image"].fetch().outcome is laion_dataset.Outcome.WITHDRAWN


def test_the_catalogue_is_a_data_frame_and_every_release_a_configuration() -> None:
    frame = laion_dataset.releases()
    names = [config.name for config in laion_dataset.LaionDataset.BUILDER_CONFIGS]
    assert names == [*frame.index, "files"]
    assert frame.loc["laion2B-multi", "rows"] == 2_266_193_302
    assert frame.loc["laion400m", "status"] == "withdrawn"


@pytest.mark.ci
@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "prepared"])
def test_ten_thousand_real_pairs(shared_data: Path, streaming: bool, tmp_path: Path) -> None:
    """Raw LAION-400M columns (URL, TEXT): every row, in order, as pandas reads the file."""
    file = shared_data / "pairs-10k.parquet"
    rows = laion_dataset.load_dataset(data_files=str(file), split="train", streaming=streaming, cache_dir=tmp_path)
    expected = pq.read_table(file).to_pandas()
    found = rows.with_format(None)
    got = [(row["url"], row["caption"]) for row in found]
    assert len(got) == 10_000
    assert got == list(zip(expected["URL"], expected["TEXT"], strict=True))
    if not streaming:
        frame = rows.to_pandas()
        assert len(frame) == 10_000
        assert list(frame["caption"]) == list(expected["TEXT"])


@pytest.mark.parametrize("num_proc", [None, 2])
def test_no_row_is_left_of_a_prepared_split(tmp_path: Path, num_proc: int | None) -> None:
    for number in range(2):
        table = pa.table({"url": [f"https://x.example/{number}"], "caption": ["c"]})
        pq.write_table(table, tmp_path / f"train-{number}.parquet")
    asked = {"data_dir": tmp_path, "filters": [("caption", "=", "d")], "split": "train"}
    prepared = laion_dataset.load_dataset(**asked, num_proc=num_proc, cache_dir=tmp_path / "cache")
    streamed = laion_dataset.load_dataset(**asked, streaming=True)
    assert (prepared.num_rows, list(streamed)) == (0, [])
    assert prepared.features == streamed.features
    assert prepared.to_pandas().shape == (0, 14)


@pytest.mark.parametrize(
    "split", [datasets.Split.TRAIN, "all", "train[:1]", datasets.ReadInstruction("train", to=1, unit="abs")]
)
def test_splits_in_every_spelling_of_datasets(tmp_path: Path, split: object) -> None:
    pq.write_table(pa.table({"url": ["https://x.example/1"], "caption": ["c"]}), tmp_path / "a.parquet")
    rows = laion_dataset.load_dataset(data_dir=tmp_path, split=split, cache_dir=tmp_path / "cache")
    assert rows["caption"][:] == ["c"]
