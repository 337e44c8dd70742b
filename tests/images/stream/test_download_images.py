"""`download_images`: rows come out with pictures, what cannot be had is handled as asked, and mistakes are told."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from gallery import Gallery, is_gone, picture, there
from PIL import Image

from laion_pairs.errors import FetchFailed, PolicyError, SchemaError
from laion_pairs.images import DownloadPolicy, RemoteImage, RemoteImageFeature
from laion_pairs.images.stream import download_images
from laion_pairs.ledger import Outcome
from laion_pairs.takedown import Entry, write_list

N_ROWS = 20
TELLS_FEATURES = tuple(map(int, datasets.__version__.split(".")[:2])) >= (4, 0)
"""3.6 cannot filter a stream that does."""


def _numbers(rows: Any) -> list[int]:
    return sorted(row["n"] for row in rows)


def _list_of(url: str, folder: Path) -> str:
    write_list(folder / "list.parquet", [Entry("url", url, "asked for")], version="1")
    return str(folder / "list.parquet")


def test_rows_come_out_with_their_pictures(gallery: Gallery, hurry: DownloadPolicy) -> None:
    images = download_images(gallery.pairs(N_ROWS), size=8, policy=hurry)
    assert type(images) is datasets.IterableDataset
    assert gallery.count() == 0
    rows = list(images)
    assert _numbers(rows) == there(N_ROWS)
    for row in rows:
        assert list(row) == ["image", "n", "outcome", "trust"]
        assert isinstance(row["image"], Image.Image)
        assert row["image"].size == (8, 8)
        assert row["image"].getpixel((4, 4)) == (row["n"], 128, 0)
        assert row["outcome"] == "ok"
    assert gallery.requested() == dict.fromkeys(range(N_ROWS), 1)


@pytest.mark.parametrize("resize", ["no", "keep_ratio", "border"])
def test_sizes(gallery: Gallery, hurry: DownloadPolicy, resize: str) -> None:
    images = download_images(gallery.pairs(2), size=8, resize=resize, policy=hurry)
    assert {row["image"].size for row in images} == {{"no": (24, 16), "keep_ratio": (12, 8), "border": (8, 8)}[resize]}


def test_limits_on_size(gallery: Gallery, hurry: DownloadPolicy) -> None:
    for decode in ("pil", "bytes"):
        options: dict[str, Any] = {"decode": decode, "on_error": "none", "policy": hurry}
        outcomes = [row["outcome"] for row in download_images(gallery.pairs(1), min_side_px=17, **options)]
        assert outcomes == ["too_small"]
        outcomes = [row["outcome"] for row in download_images(gallery.pairs(1), max_aspect_ratio=1.1, **options)]
        assert outcomes == ["bad_aspect_ratio"]


def test_numpy_and_bytes(gallery: Gallery, hurry: DownloadPolicy) -> None:
    for row in download_images(gallery.pairs(3), size=8, decode="numpy", policy=hurry):
        assert row["image"].shape == (8, 8, 3)
        assert row["image"].dtype == np.uint8
        assert row["image"][4, 4].tolist() == [row["n"], 128, 0]
    for row in download_images(gallery.pairs(3), size=8, decode="bytes", policy=hurry):
        assert row["image"] == picture(row["n"])


@pytest.mark.parametrize(("decode", "feature"), [("pil", datasets.Image()), ("bytes", datasets.Value("binary"))])
def test_the_features_are_told(gallery: Gallery, decode: str, feature: Any) -> None:
    images = download_images(gallery.pairs(3), decode=decode)
    assert images._ex_iterable.features == {
        "image": feature,
        "n": datasets.Value("int64"),
        "outcome": datasets.Value("string"),
        "trust": datasets.Value("string"),
    }
    assert images.features == (images._ex_iterable.features if TELLS_FEATURES else None)


def test_ordered(gallery: Gallery, hurry: DownloadPolicy) -> None:
    pairs = gallery.pairs(N_ROWS)
    gallery.slow(2, delay_s=0.5)
    rows = [row["n"] for row in download_images(pairs, size=8, ordered=True, policy=hurry)]
    assert rows == there(N_ROWS)
    rows = [row["n"] for row in download_images(pairs, size=8, policy=hurry)]
    assert rows[-1] == 2


def test_failures_are_skipped_shown_or_raised(gallery: Gallery, hurry: DownloadPolicy) -> None:
    pairs = gallery.pairs(N_ROWS)
    rows = list(download_images(pairs, size=8, on_error="none", policy=hurry))
    assert _numbers(rows) == list(range(N_ROWS))
    for row in rows:
        assert (row["image"] is None) == is_gone(row["n"])
        assert row["outcome"] == ("http_client_error" if is_gone(row["n"]) else "ok")
    with pytest.raises(FetchFailed, match=r"asked for http://127.*/3.jpg, got http_client_error") as raised:
        list(download_images(pairs, size=8, on_error="raise", ordered=True, policy=hurry))
    assert raised.value.outcome is Outcome.HTTP_CLIENT_ERROR


def test_a_failure_that_was_raised_is_not_delivered(gallery: Gallery, hurry: DownloadPolicy) -> None:
    images = download_images(gallery.pairs(N_ROWS), size=8, on_error="raise", ordered=True, policy=hurry)
    rows = iter(images)
    assert [next(rows)["n"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(FetchFailed):
        next(rows)
    images.load_state_dict(images.state_dict())
    gallery.serve("/3.jpg", picture(3))
    assert next(iter(images))["n"] == 3


def test_failures_are_kept_as_parquet(gallery: Gallery, hurry: DownloadPolicy, tmp_path: Path) -> None:
    list(download_images(gallery.pairs(N_ROWS), size=8, policy=hurry, failures=tmp_path / "failures"))
    table = pq.read_table(tmp_path / "failures")
    assert sorted(table["n"].to_pylist()) == [n for n in range(N_ROWS) if is_gone(n)]
    assert set(table["outcome"].to_pylist()) == {"http_client_error"}
    assert gallery.url("/3.jpg") in table["url"].to_pylist()


def test_listed_and_withdrawn_rows_never_come_out(gallery: Gallery, hurry: DownloadPolicy, tmp_path: Path) -> None:
    takedown = _list_of(gallery.url("/1.jpg"), tmp_path)
    for on_error in ("skip", "none"):
        options: dict[str, Any] = {"size": 8, "on_error": on_error, "policy": hurry, "failures": tmp_path / "failures"}
        pairs = gallery.pairs(3).cast_column("image", RemoteImageFeature(takedown=(takedown,)))
        assert _numbers(download_images(pairs, **options)) == [0, 2]
        handles = pairs.to_iterable_dataset().map(lambda row: row)  # features unknown: the handles know their list
        assert _numbers(download_images(handles, **options)) == [0, 2]
        gone = gallery.pairs(3).cast_column("image", RemoteImageFeature(withdrawn="laion2B-en"))
        with pytest.warns(UserWarning, match="laion2B-en, which was withdrawn: none"):
            withdrawn = download_images(gone, **options)
        assert list(withdrawn) == []
    pairs = gallery.pairs(3).cast_column("image", RemoteImageFeature(takedown=(takedown,)))
    assert _numbers(download_images(pairs, size=8, on_error="raise", policy=hurry)) == [0, 2]
    assert gallery.requested()[1] == 0
    assert not (tmp_path / "failures").exists()


def test_lists_that_come_up_later_protect_their_rows(gallery: Gallery, hurry: DownloadPolicy, tmp_path: Path) -> None:
    takedown = [_list_of(gallery.url("/9.jpg"), tmp_path)]

    def with_a_list(row: dict[str, Any]) -> dict[str, Any]:
        return {"image": RemoteImage({**row["image"], "takedown": takedown}) if row["n"] >= 5 else row["image"]}

    stream = gallery.pairs(N_ROWS).to_iterable_dataset().map(with_a_list)
    assert _numbers(download_images(stream, size=8, policy=hurry)) == [n for n in there(N_ROWS) if n != 9]
    assert gallery.requested()[9] == 0


def test_rows_without_an_image(gallery: Gallery, hurry: DownloadPolicy) -> None:
    rows = datasets.Dataset.from_dict({"image": [None, *gallery.urls(2)], "n": [9, 0, 1]})
    pairs = rows.cast_column("image", RemoteImageFeature())
    outcomes = {row["n"]: row["outcome"] for row in download_images(pairs, size=8, on_error="none", policy=hurry)}
    assert outcomes == {0: "ok", 1: "ok", 9: "bad_url"}


def test_stored_images_need_no_request(gallery: Gallery, hurry: DownloadPolicy) -> None:
    stored = [{"bytes": picture(number), "path": None} for number in range(5)]
    rows = datasets.Dataset.from_dict({"image": stored, "n": list(range(5))})
    pairs = rows.cast_column("image", RemoteImageFeature())
    for row in download_images(pairs, size=8, policy=hurry):
        assert row["image"].getpixel((4, 4)) == (row["n"], 128, 0)
    assert gallery.count() == 0


def test_a_column_of_urls(gallery: Gallery, hurry: DownloadPolicy) -> None:
    rows = datasets.Dataset.from_dict({"link": gallery.urls(N_ROWS), "n": list(range(N_ROWS))})
    images = download_images(rows, url_column="link", image_column="picture", size=8, policy=hurry)
    for row in images:
        assert list(row) == ["link", "n", "picture", "outcome", "trust"]
        assert row["picture"].getpixel((4, 4)) == (row["n"], 128, 0)
    assert _numbers(images) == there(N_ROWS)


def test_sources_of_every_kind(gallery: Gallery, hurry: DownloadPolicy) -> None:
    pairs = gallery.pairs(N_ROWS)
    stream = pairs.to_iterable_dataset(num_shards=4)
    features = datasets.Features({**pairs.features, "m": datasets.Value("int64")})
    sources = [
        pairs,
        pairs.shuffle(seed=3),
        stream,
        stream.map(lambda row: {"m": row["n"]}),
        stream.map(lambda row: {"m": row["n"]}, features=features),
        stream.filter(lambda row: True),
        stream.shuffle(seed=3, buffer_size=5),
        stream.with_format("numpy"),
        stream.rename_column("n", "k").rename_column("k", "n"),
        datasets.concatenate_datasets([stream.take(10), stream.skip(10)]),
    ]
    for source in sources:
        assert _numbers(download_images(source, size=8, policy=hurry)) == there(N_ROWS)


def test_other_columns_are_decoded_as_usual(gallery: Gallery, hurry: DownloadPolicy) -> None:
    rows = {
        "image": gallery.urls(3),
        "n": [0, 1, 2],
        "thumbnail": [Image.new("RGB", (2, 2))] * 3,
        "label": ["cat", "dog", "cat"],
        "boxes": [[[0, 1], [2, 3]]] * 3,
        "handle": gallery.urls(3),
    }
    pairs = datasets.Dataset.from_dict(rows).cast_column("image", RemoteImageFeature())
    pairs = pairs.cast_column("label", datasets.ClassLabel(names=["cat", "dog"]))
    pairs = pairs.cast_column("boxes", datasets.Array2D((2, 2), "int32")).cast_column("handle", RemoteImageFeature())
    for row in download_images(pairs, size=8, policy=hurry):
        usual = pairs[row["n"]]
        assert isinstance(row["thumbnail"], Image.Image)
        assert {name: row[name] for name in ("label", "boxes", "handle")} == {
            name: usual[name] for name in ("label", "boxes", "handle")
        }


def test_what_datasets_does_with_a_stream(gallery: Gallery, hurry: DownloadPolicy) -> None:
    images = download_images(gallery.pairs(N_ROWS), size=8, policy=hurry)
    ordered = download_images(gallery.pairs(N_ROWS), size=8, policy=hurry, ordered=True)
    assert _numbers(images.map(lambda row: {"n": row["n"] + 1})) == [n + 1 for n in there(N_ROWS)]
    assert _numbers(images.filter(lambda row: row["n"] % 2 == 0)) == [n for n in there(N_ROWS) if n % 2 == 0]
    assert sorted(n for batch in images.batch(4) for n in batch["n"]) == there(N_ROWS)
    assert [row["n"] for row in ordered.skip(3).take(4)] == there(N_ROWS)[3:7]
    assert _numbers(images.remove_columns("image")) == there(N_ROWS)
    assert {row["image"].shape for row in images.with_format("numpy")} == {(8, 8, 3)}
    assert [len(batch["n"]) for batch in images.iter(10)] == [10, 7]
    again = datasets.concatenate_datasets([images, images])
    assert _numbers(again) == sorted(there(N_ROWS) * 2)
    assert images.with_format("arrow").map(lambda table: table, batched=True) is not None


def test_a_round_trip_through_parquet(gallery: Gallery, hurry: DownloadPolicy, tmp_path: Path) -> None:
    images = download_images(gallery.pairs(N_ROWS), size=8, policy=hurry)
    datasets.Dataset.from_list(list(images)).to_parquet(str(tmp_path / "images.parquet"))
    back = datasets.Dataset.from_parquet(str(tmp_path / "images.parquet"), cache_dir=str(tmp_path))
    assert _numbers(back) == there(N_ROWS)
    for row in back:
        colour = Image.open(io.BytesIO(row["image"]["bytes"])) if isinstance(row["image"], dict) else row["image"]
        assert colour.getpixel((4, 4)) == (row["n"], 128, 0)


ROWS = {"image": ["http://a.invalid/"], "url": ["http://a.invalid/"], "outcome": ["?"]}
PLAIN = datasets.Dataset.from_dict({"image": ["http://a.invalid/"], "n": [1]})
LAZY = PLAIN.cast_column("image", RemoteImageFeature())
MISTAKES: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (PLAIN, {}, SchemaError, r"lazy images in 'image', but column 'image' holds Value.*url_column="),
    (
        LAZY,
        {"image_column": "photo"},
        SchemaError,
        "columns are image, n; give image_column='image'",
    ),
    (PLAIN, {"url_column": "url"}, SchemaError, r"url_column='url' must name a column of URLs.*columns are image, n"),
    (
        PLAIN,
        {"url_column": "n"},
        SchemaError,
        r"url_column='n' must name .* URLs \(strings\), but its type is",
    ),
    (PLAIN, {"url_column": "image"}, SchemaError, r"a new column 'image', but there is one already; name another"),
    (LAZY.add_column("u", ["http://a.invalid/"]), {"url_column": "u"}, SchemaError, "already; leave url_column out"),
    (LAZY.add_column("outcome", ["?"]), {}, SchemaError, "adds a column 'outcome', and there is one already; rename"),
    (LAZY.add_column("trust", ["?"]), {}, SchemaError, "adds a column 'trust', and there is one already"),
    (
        datasets.DatasetDict(train=LAZY, test=LAZY),
        {},
        SchemaError,
        r"train, test; choose one, such as ds\['train'\]",
    ),
    ([{"image": "http://a.invalid/"}], {}, SchemaError, "was given a list; give it a datasets.IterableDataset"),
    (LAZY, {"decode": "jpeg"}, PolicyError, "decode must be one of pil, numpy, torch, bytes, got 'jpeg'"),
    (LAZY, {"on_error": "ignore"}, PolicyError, "on_error must be one of skip, none, raise, got 'ignore'"),
    (LAZY, {"resize": "squash"}, PolicyError, "resize must be one of"),
    (LAZY, {"size": 0}, PolicyError, "size must be"),
    (LAZY, {"integrity": "always"}, PolicyError, "integrity"),
    (LAZY, {"concurrency": 0}, PolicyError, "concurrency must be a whole number of at least 1, got 0"),
    (LAZY, {"policy": "polite"}, PolicyError, "policy must be a DownloadPolicy, got 'polite'"),
    ({}, {}, SchemaError, "a dict without a split; give it one dataset"),
    (LAZY, {"ledger": 3}, PolicyError, "ledger must be a path, or None, got 3"),
    (LAZY, {"lock": 3}, PolicyError, "lock must be a path, or None, got 3"),
    (LAZY, {"failures": 3}, PolicyError, "failures must be a path, or None, got 3"),
    (LAZY, {"failures": ""}, PolicyError, "failures must be a path, or None, got ''"),
    (LAZY, {"ordered": "yes"}, PolicyError, "ordered must be True or False, got 'yes'"),
    (LAZY, {"concurrency": True}, PolicyError, "concurrency must be a whole number of at least 1, got True"),
]


@pytest.mark.parametrize(("ds", "options", "error", "sentence"), MISTAKES)
def test_mistakes_are_told(ds: Any, options: dict[str, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        download_images(ds, **options)


def test_rows_of_unknown_features_are_checked_one_by_one(gallery: Gallery, hurry: DownloadPolicy) -> None:
    stream = gallery.pairs(2).to_iterable_dataset().map(lambda row: {"photo": 3, "outcome": "mine"})
    with pytest.raises(SchemaError, match="A row has no column 'picture' to download from; it has image, n, photo"):
        list(download_images(stream.remove_columns("outcome"), image_column="picture", policy=hurry))
    with pytest.raises(SchemaError, match="Column 'photo' holds a int, which is neither a lazy image nor a URL"):
        list(download_images(stream.remove_columns("outcome"), image_column="photo", policy=hurry))
    with pytest.raises(SchemaError, match="adds a column 'outcome', and there is one already"):
        list(download_images(stream, policy=hurry))


def test_nothing_is_warned_of(gallery: Gallery, hurry: DownloadPolicy) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _numbers(download_images(gallery.pairs(2), size=8, policy=hurry)) == [0, 1]


def test_a_dataset_without_rows_has_no_images():
    urls = datasets.Dataset.from_dict({"url": []}, features=datasets.Features({"url": datasets.Value("string")}))
    images = download_images(urls, url_column="url")
    assert list(images) == []
