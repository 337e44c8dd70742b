"""The column type of lazy images: whatever `datasets` does with a column, handles come back and nothing is fetched."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pytest
from datasets import Dataset, Features, Value
from PIL import Image

from laion_pairs.errors import SchemaError, TakedownError
from laion_pairs.images import DownloadPolicy, RemoteImage, RemoteImageFeature
from laion_pairs.ledger import Outcome
from laion_pairs.sample.image_host import ImageHost

MARKED = RemoteImageFeature(takedown=("/lists/a.parquet", "/lists/b.parquet"), withdrawn="laion2B-en")


@pytest.fixture(autouse=True)
def no_request(picture_host: ImageHost) -> Iterator[None]:
    yield
    assert picture_host.count() == 0


@pytest.fixture
def rows(lazy_pairs: Dataset) -> list[dict[str, Any]]:
    return list(lazy_pairs)


def _prepared(pairs: Dataset, directory: Path) -> Dataset:
    return pairs


def _saved(pairs: Dataset, directory: Path) -> Dataset:
    pairs.save_to_disk(str(directory / "saved"))
    return datasets.load_from_disk(str(directory / "saved"))


def _saved_in_processes(pairs: Dataset, directory: Path) -> Dataset:
    pairs.save_to_disk(str(directory / "saved"), num_proc=2)
    return datasets.load_from_disk(str(directory / "saved"))


def _parquet(pairs: Dataset, directory: Path) -> Dataset:
    pairs.to_parquet(directory / "pairs.parquet")
    return Dataset.from_parquet(str(directory / "pairs.parquet"), cache_dir=str(directory))


def _streamed(pairs: Dataset, directory: Path) -> datasets.IterableDataset:
    pairs.to_parquet(directory / "pairs.parquet")
    return datasets.load_dataset(
        "parquet", data_files=str(directory / "pairs.parquet"), split="train", streaming=True, cache_dir=str(directory)
    )


def _iterable(pairs: Dataset, directory: Path) -> datasets.IterableDataset:
    return pairs.to_iterable_dataset(num_shards=2)


def _pickled(pairs: Dataset, directory: Path) -> Dataset:
    return pickle.loads(pickle.dumps(pairs))


SOURCES = [_prepared, _saved, _parquet, _streamed, _iterable, _pickled]


@pytest.mark.parametrize("source", [*SOURCES, pytest.param(_saved_in_processes, marks=pytest.mark.ci)])
def test_survives_storing_and_loading(
    lazy_pairs: Dataset, rows: list[dict[str, Any]], source: Callable[..., Any], tmp_path: Path
) -> None:
    loaded = source(lazy_pairs.cast_column("image", MARKED), tmp_path)
    assert loaded.features["image"] == MARKED
    for got, expected in zip(loaded, rows, strict=True):
        assert got["url"] == expected["url"]
        if expected["image"] is None:
            assert got["image"] is None
        else:
            assert type(got["image"]) is RemoteImage
            assert {**got["image"]} == {
                **expected["image"],
                "takedown": MARKED.takedown,
                "withdrawn": "laion2B-en",
            }


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "map a new column": lambda ds: ds.map(lambda row: {"n": 1}),
    "map the handle itself": lambda ds: ds.map(lambda row: {"image": row["image"]}),
    "map in batches": lambda ds: ds.map(lambda rows: {"image": rows["image"]}, batched=True, batch_size=2),
    "filter": lambda ds: ds.filter(lambda row: row["image"] is None or row["image"].url.startswith("http")),
    "select columns": lambda ds: ds.select_columns(["url", "image"]),
    "rename": lambda ds: ds.rename_column("image", "picture").rename_column("picture", "image"),
    "cast": lambda ds: ds.cast(ds.features),
    "take": lambda ds: ds.take(5),
    "chained": lambda ds: ds.map(lambda row: {"n": 1}).filter(lambda row: row["n"] == 1).map(lambda row: {"m": 2}),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("source", [_prepared, _streamed])
def test_survives_operations(
    lazy_pairs: Dataset, rows: list[dict[str, Any]], source: Callable[..., Any], operation: str, tmp_path: Path
) -> None:
    if source is _streamed and operation == "filter" and datasets.__version__ < "4":
        pytest.xfail("datasets 3.6 does not decode what a streamed filter() yields, datasets.Image neither")
    result = OPERATIONS[operation](source(lazy_pairs, tmp_path))
    got = [row["image"] for row in result]
    assert got == [row["image"] for row in rows]
    assert {type(image) for image in got} == {RemoteImage, type(None)}


def test_a_streamed_filter_on_every_version(lazy_pairs: Dataset, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    """On 3.6 iterating right after filter() gives the storage; a handle is made of it, and a map() sees handles."""
    kept = _streamed(lazy_pairs, tmp_path).filter(lambda row: row["image"] is not None)
    images = [row["image"] for row in rows if row["image"] is not None]
    assert [RemoteImage(row["image"]) for row in kept] == images
    assert [row["image"] for row in kept.map(lambda row: row)] == images


def test_survives_what_only_prepared_datasets_do(lazy_pairs: Dataset, rows: list[dict[str, Any]]) -> None:
    images = [row["image"] for row in rows]
    assert lazy_pairs.select([4, 0])["image"][:] == [images[4], images[0]]
    assert lazy_pairs.sort("url")[0]["image"] == images[0]
    assert lazy_pairs.train_test_split(test_size=2, seed=0)["test"].features == lazy_pairs.features
    assert datasets.concatenate_datasets([lazy_pairs, lazy_pairs])[9]["image"] == images[4]
    assert lazy_pairs.map(lambda row: {"n": 1}, num_proc=2)[1]["image"] == images[1]
    assert lazy_pairs.flatten().features["image"] == RemoteImageFeature()


@pytest.mark.parametrize("name", ["numpy", "pandas", "arrow"])
def test_formats_give_plain_values_that_make_handles_again(lazy_pairs: Dataset, name: str) -> None:
    row = lazy_pairs.cast_column("image", MARKED).with_format(name)[0]
    value = row["image"][0].as_py() if name == "arrow" else row["image"]
    if name == "pandas":
        value = value.iloc[0]
    again = RemoteImage(value)
    assert again.url == lazy_pairs[0]["url"]
    assert again.size == (64, 48)
    if name != "arrow":  # Arrow is the storage itself: what the column has in common stays in the features
        assert (again.takedown, again.withdrawn) == (MARKED.takedown, MARKED.withdrawn)


def test_a_new_column_of_handles_keeps_what_they_know(lazy_pairs: Dataset) -> None:
    """Without ``features=`` `datasets` makes plain structs of them."""
    pairs = lazy_pairs.cast_column("image", MARKED).map(lambda row: {"twin": row["image"], "pair": [row["image"]] * 2})
    for value in (pairs[0]["twin"], pairs[0]["pair"][1]):
        assert RemoteImage(value) == pairs[0]["image"]


def test_lists_of_images(lazy_pairs: Dataset, tmp_path: Path) -> None:
    features = Features({**lazy_pairs.features, "images": datasets.Sequence(MARKED)})
    pairs = lazy_pairs.map(lambda row: {"images": [None, row["image"], row["image"]]}, features=features)
    for loaded in (pairs, _saved(pairs, tmp_path), _streamed(pairs, tmp_path)):
        nothing, image, twin = next(iter(loaded))["images"]
        assert nothing is None
        assert type(image) is type(twin) is RemoteImage
        assert (image.url, image.withdrawn) == (lazy_pairs[0]["url"], "laion2B-en")


def test_an_url_column_can_be_cast(picture_host: ImageHost) -> None:
    urls = Dataset.from_dict({"url": [picture_host.url("/0.jpg"), None]})
    for pairs in (urls, urls.to_iterable_dataset()):
        first, second = (row["url"] for row in pairs.cast_column("url", RemoteImageFeature()))
        assert first == RemoteImage(picture_host.url("/0.jpg"))
        assert second is None


def test_a_stock_image_column_can_be_cast(jpeg: bytes) -> None:
    stock = Dataset.from_dict(
        {"image": [{"bytes": jpeg, "path": "https://example.org/a.jpg"}]}, features=Features(image=datasets.Image())
    )
    image = stock.cast_column("image", RemoteImageFeature())[0]["image"]
    assert image.url == "https://example.org/a.jpg"
    assert image.open().size == (64, 48)


def test_without_decoding_the_storage_is_a_plain_dict(lazy_pairs: Dataset) -> None:
    raw = lazy_pairs.cast_column("image", RemoteImageFeature(decode=False))
    assert type(raw[0]["image"]) is dict
    assert raw[0]["image"] == {**lazy_pairs[0]["image"]}
    assert {"image.path", "image.unsafe"} < set(raw.flatten().features)


@pytest.mark.parametrize("feature", [RemoteImageFeature(), MARKED, RemoteImageFeature(decode=False)])
def test_written_and_read_as_text(feature: RemoteImageFeature) -> None:
    features = Features(image=feature, n=Value("int32"))
    assert Features.from_dict(json.loads(json.dumps(features.to_dict()))) == features
    assert Features._from_yaml_list(features._to_yaml_list()) == features
    assert Features.from_arrow_schema(features.arrow_schema) == features
    assert pickle.loads(pickle.dumps(features)) == features


def test_takedown_paths_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert RemoteImageFeature(takedown=("mine.parquet",)).takedown == (str(tmp_path / "mine.parquet"),)


def test_the_marks_of_a_column_rule_its_handles(lazy_pairs: Dataset, loopback: DownloadPolicy, tmp_path: Path) -> None:
    withdrawn = _saved(lazy_pairs.cast_column("image", RemoteImageFeature(withdrawn="laion2B-en")), tmp_path)
    assert withdrawn[0]["image"].fetch(loopback).outcome is Outcome.WITHDRAWN
    again = RemoteImage(withdrawn.with_format("numpy")[0]["image"])
    assert again.fetch(loopback).outcome is Outcome.WITHDRAWN
    listed = lazy_pairs.cast_column("image", RemoteImageFeature(takedown=(f"{tmp_path}/gone.parquet",)))
    with pytest.raises(TakedownError, match=r"gone\.parquet"):
        _parquet(listed, tmp_path)[0]["image"].fetch(loopback)


def _picture(mode: str = "RGB", written_as: str | None = None) -> Image.Image:
    picture = Image.new(mode, (3, 2))
    if written_as is None:
        return picture
    file = io.BytesIO()
    picture.save(file, written_as)
    return Image.open(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize(
    ("picture", "kept"),
    [
        (_picture(), "PNG"),
        (_picture("CMYK"), "PNG"),
        (_picture("F"), "PNG"),
        (_picture(written_as="JPEG"), "JPEG"),
        (_picture("CMYK", written_as="JPEG"), "JPEG"),
        (_picture(written_as="WEBP"), "WEBP"),
        (_picture("P", written_as="GIF"), "PNG"),
        (_picture(written_as="TIFF"), "PNG"),
    ],
)
def test_pictures_are_stored(picture: Image.Image, kept: str) -> None:
    stored = RemoteImage(RemoteImageFeature().encode_example(picture))
    fetched = stored.fetch()
    assert (fetched.outcome, fetched.format, stored.size) == (Outcome.OK, kept, (3, 2))


def test_pictures_and_files_in_a_column(jpeg: bytes) -> None:
    """`datasets` itself encodes pictures here, before it asks the feature."""
    given = {"image": [_picture(), jpeg, {"bytes": jpeg}, None]}
    *stored, nothing = Dataset.from_dict(given, features=Features(image=RemoteImageFeature()))["image"][:]
    assert [image.open().size for image in stored] == [(3, 2), (64, 48), (64, 48)]
    assert nothing is None


def test_what_can_be_encoded(jpeg: bytes) -> None:
    encode = RemoteImageFeature().encode_example
    image = RemoteImage("https://example.org/a.jpg", width=1, height=2, unsafe=True)
    marked = RemoteImageFeature(withdrawn="x").encode_example(RemoteImage({**image, "withdrawn": "x"}))
    assert encode(image) == marked == encode({**image}) == {**image}
    assert type(encode(image)) is dict
    assert encode("https://example.org/a.jpg")["path"] == "https://example.org/a.jpg"
    assert encode(jpeg)["bytes"] == encode(bytearray(jpeg))["bytes"] == jpeg
    with pytest.raises(TypeError, match="an image column was given float: give it"):
        encode(1.5)


def test_an_image_column_of_nothing() -> None:
    empty = Dataset.from_dict({"image": [None, None]}, features=Features(image=RemoteImageFeature()))
    assert empty[:] == {"image": [None, None]}
    assert empty.data.column("image").type == RemoteImageFeature.pa_type


def test_registered_in_silence_and_once(recwarn: pytest.WarningsRecorder) -> None:
    import importlib

    from laion_pairs.images import feature

    registered = datasets.features.features._FEATURE_TYPES
    assert registered["RemoteImage"] is RemoteImageFeature
    feature._register()
    assert registered["RemoteImage"] is RemoteImageFeature
    assert not recwarn.list
    assert importlib.import_module("laion_pairs.images").RemoteImageFeature is RemoteImageFeature


def test_decoding_a_row_costs_microseconds(lazy_pairs: Dataset) -> None:
    """About 1 µs here; the bound is loose for a busy machine."""
    import timeit

    storage = pa.array([lazy_pairs[0]["image"]], RemoteImageFeature.pa_type)[0].as_py()
    seconds = min(timeit.repeat(lambda: RemoteImageFeature().decode_example(storage), number=1000, repeat=5))
    assert seconds / 1000 < 50e-6


@pytest.mark.parametrize("mark", [{"withdrawn": "laion400m"}, {"takedown": ("/lists/a.parquet",)}])
def test_a_handle_is_not_put_where_its_protection_would_be_forgotten(mark):
    protected = RemoteImageFeature(**mark)
    handle = protected.decode_example(RemoteImage("https://h.example/1.jpg"))
    with pytest.raises(SchemaError, match="the same feature"):
        datasets.Dataset.from_dict({"x": [handle]}, features=datasets.Features({"x": RemoteImageFeature()}))
    kept = datasets.Dataset.from_dict({"x": [handle]}, features=datasets.Features({"x": protected}))[0]["x"]
    assert (kept.withdrawn, kept.takedown) == (handle.withdrawn, handle.takedown)
