"""One shard: what its files hold in every format, that they are seen only when whole, and what is never in them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_up import ROWS, fetched, had, picture_bytes
from PIL import Image

from laion_pairs.errors import ExportError, ExportMismatch, PolicyError
from laion_pairs.images.export.card import write_card
from laion_pairs.images.export.manifest import begin, read_manifest
from laion_pairs.images.export.naming import sample_key, shard_name
from laion_pairs.images.export.picture import make_picture
from laion_pairs.images.export.record import FOUND, own_columns, record_schema
from laion_pairs.images.export.settings import ENCODES, FORMATS, ExportSettings
from laion_pairs.images.export.shard import Shard
from laion_pairs.images.export.stats import Counts, read_finished, stats_path
from laion_pairs.images.pixels import Resize
from laion_pairs.ledger import Outcome

KEYS = [
    (0, 10_000, "000000000"),
    (120_034, 10_000, "000120034"),
    (12_034, 1_000, "00012034"),
    (100, 100, "0000100"),
    (7, 1, "00007"),
    (10**9 + 5, 1000, "1000000005"),
]


@pytest.mark.parametrize(("index", "shard_rows", "key"), KEYS)
def test_keys_are_numbered_as_img2dataset_does(index: int, shard_rows: int, key: str) -> None:
    assert sample_key(*divmod(index, shard_rows), shard_rows) == key
    assert key.startswith(shard_name(index // shard_rows))


KEPT = [  # what was sent, --encode, whether the pixels changed -> the extension, and whether the very bytes are kept
    ("JPEG", "jpg", False, "jpg", True),
    ("JPEG", "jpg", True, "jpg", False),
    ("PNG", "jpg", False, "jpg", False),
    ("PNG", "png", False, "png", True),
    ("JPEG", "webp", False, "webp", False),
    ("GIF", "original", False, "gif", True),
    ("GIF", "original", True, "png", False),
    ("WEBP", "original", True, "webp", False),
    ("JPEG", "original", True, "jpg", False),
]


@pytest.mark.parametrize(("sent", "encode", "changed", "extension", "kept"), KEPT)
def test_original_bytes_are_kept_when_nothing_changes(
    sent: str, encode: Any, changed: bool, extension: str, kept: bool
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    body = picture_bytes(sent, exif=exif) if sent in ("JPEG", "WEBP", "PNG") else picture_bytes(sent)
    done, picture = make_picture(had(body, changed=changed), ExportSettings(encode=encode))
    assert picture is not None
    assert done.body is None
    assert done.pixels is None
    assert (picture.extension, picture.body == body) == (extension, kept)
    assert picture.sha256 == hashlib.sha256(body).hexdigest()
    with Image.open(io.BytesIO(picture.body)) as image:
        assert image.size == ((40, 30) if kept else (16, 16))
        assert kept or not image.getexif()


def test_bytes_alone_are_kept_without_pixels() -> None:
    body = picture_bytes("BMP")
    _, picture = make_picture(had(body, side=None), ExportSettings(encode="original", resize=Resize(mode="no")))
    assert picture is not None
    assert (picture.body, picture.extension, picture.width, picture.height) == (body, "bmp", 40, 30)


def test_what_a_format_cannot_hold_is_an_outcome() -> None:
    body = picture_bytes("PNG", (20_000, 1))
    done = had(body)
    done.pixels = np.zeros((1, 20_000, 3), "uint8")
    ended, picture = make_picture(done, ExportSettings(encode="webp"))
    assert (ended.outcome, picture) == (Outcome.TOO_MANY_PIXELS, None)
    assert "20000 x 1" in ended.detail


def fill(directory: Path, settings: ExportSettings, outcomes: list[Outcome]) -> Shard:
    directory.mkdir(exist_ok=True)
    shard = Shard(directory, 0, settings, ROWS)
    shard.asked = len(outcomes)
    for index, outcome in enumerate(outcomes):
        shard.add(fetched(index, settings, outcome))
    return shard


def visible(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir() if not path.name.startswith(".")} - {"data"}


OUTCOMES = [Outcome.OK, Outcome.TIMED_OUT, Outcome.TAKEN_DOWN, Outcome.OK, Outcome.CORRUPT_IMAGE, Outcome.WITHDRAWN]


@pytest.mark.parametrize("format", FORMATS)
def test_a_shard_is_seen_when_it_is_whole(tmp_path: Path, format: Any) -> None:
    out = tmp_path / "out"
    shard = fill(out, ExportSettings(format=format, shard_rows=10), OUTCOMES)
    assert visible(out) == set()
    assert shard.complete
    shard.resume = {"at": 6}
    shard.publish()
    images = {"webdataset": "00000.tar", "files": "00000", "parquet": None}[format]
    assert visible(out) == {"00000.parquet", "00000_stats.json", *([images] if images else [])}
    (stats,) = read_finished(out)
    assert (stats.counts.rows, stats.counts.images, stats.resume) == (6, 2, {"at": 6})


@pytest.mark.parametrize("format", FORMATS)
def test_an_abandoned_shard_leaves_nothing(tmp_path: Path, format: Any) -> None:
    out = tmp_path / "out"
    fill(out, ExportSettings(format=format), OUTCOMES).abandon()
    assert [path for path in out.rglob("*") if path.is_file()] == []
    assert visible(out) == set()


@pytest.mark.parametrize("format", FORMATS)
def test_what_must_not_be_listed_is_counted_and_nothing_else(tmp_path: Path, format: Any) -> None:
    out = tmp_path / "out"
    fill(out, ExportSettings(format=format), OUTCOMES).publish()
    for path in out.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(
                f"{word}{index}".encode() in content for word in ("picture ", ".example/") for index in (2, 5)
            )
    stats = json.loads(stats_path(out, 0).read_bytes())
    assert stats["status_dict"] == {"success": 2, "timed_out": 1, "taken_down": 1, "corrupt_image": 1, "withdrawn": 1}
    assert (stats["count"], stats["successes"], stats["failed_to_download"], stats["failed_to_resize"]) == (6, 2, 3, 1)


def test_the_records_of_all_other_rows(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(out, ExportSettings(), OUTCOMES).publish()
    records = pq.read_table(out / "00000.parquet")
    assert records.schema == record_schema(ROWS)
    shown = [(r["key"], r["status"], r["outcome"], r["published_width"], r["width"]) for r in records.to_pylist()]
    assert shown == [
        ("000000000", "success", "ok", 400, 16),
        ("000000001", "failed_to_download", "timed_out", 400, None),
        ("000000002", "success", "ok", 400, 16),  # no gap says that a row is not here
        ("000000003", "failed_to_resize", "corrupt_image", 400, None),
    ]
    assert records["error_message"].to_pylist() == [None, "timed_out it was", None, "corrupt_image it was"]


def test_a_row_column_of_our_name_is_what_was_published() -> None:
    schema = pa.schema({"url": pa.string(), **{name: pa.string() for name in FOUND.names}, "blob": pa.binary()})
    assert own_columns(schema) == {"url": "url", **{name: f"published_{name}" for name in FOUND.names}}


def test_a_tar_has_the_files_of_a_sample_side_by_side(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(out, ExportSettings(encode="png"), [Outcome.OK] * 3).publish()
    with tarfile.open(out / "00000.tar") as tar:
        names = tar.getnames()
        caption = tar.extractfile("000000001.txt").read()  # type: ignore[union-attr]
        record = json.load(tar.extractfile("000000001.json"))  # type: ignore[arg-type]
    assert names == [f"00000000{index}.{end}" for index in range(3) for end in ("png", "txt", "json")]
    assert caption == b"picture 1"
    assert record["key"] == "000000001"
    assert (record["url"], record["original_width"], record["width"]) == ("http://a.example/1.jpg", 40, 16)


def test_parquet_is_a_dataset_of_images_in_bounded_groups(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(out, ExportSettings(format="parquet"), [Outcome.OK] * 250).publish()
    write_card(out, "parquet", "test")
    file = pq.ParquetFile(out / "data/00000.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(3)] == [100, 100, 50]
    loaded = datasets.load_dataset(str(out), streaming=True)
    assert list(loaded) == ["test"]
    first = next(iter(loaded["test"]))
    assert first["image"].size == (16, 16)
    assert first["caption"] == "picture 0"
    assert isinstance(loaded["test"].features["image"], datasets.Image)


def test_webdataset_is_a_dataset_too(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(out, ExportSettings(), [Outcome.OK] * 3).publish()
    write_card(out, "webdataset", "train")
    rows = list(datasets.load_dataset(str(out), split="train", streaming=True))
    assert [row["json"]["pair_id"] for row in rows] == [0, 1, 2]
    assert rows[0]["jpg"].size == (16, 16)


BAD = [
    ({"format": "tfrecord"}, "webdataset, parquet, files"),
    ({"encode": "jpeg"}, "jpg, webp, png, original"),
    ({"quality": 0}, "1 to 100"),
    ({"quality": True}, "1 to 100"),
    ({"shard_rows": 0}, "shard_rows"),
]


@pytest.mark.parametrize(("options", "sentence"), BAD)
def test_wrong_settings(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PolicyError, match=sentence):
        ExportSettings(**options)


def test_a_folder_is_gone_on_with_as_it_was_begun_or_not_at_all(tmp_path: Path) -> None:
    begin(tmp_path / "out", {"release": "a", "quality": 95, "limit": None})
    begin(tmp_path / "out", {"release": "a", "quality": 95, "limit": None})
    with pytest.raises(ExportMismatch, match="quality was 95 and is now 90; limit was not given and is now 5"):
        begin(tmp_path / "out", {"release": "a", "quality": 90, "limit": 5})
    (tmp_path / "mine.txt").write_text("important")
    with pytest.raises(ExportMismatch, match="something else"):
        begin(tmp_path, {})
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(ExportMismatch, match="not the manifest"):
        begin(tmp_path, {})


def test_stats_that_are_damaged_are_told(tmp_path: Path) -> None:
    stats_path(tmp_path, 0).write_text("{}")
    with pytest.raises(ExportError, match=r"00000_stats\.json"):
        list(read_finished(tmp_path))


GOOD_STATS = {**Counts().as_dict(), "shard": 0, "first_row": 0, "resume": {"at": 1}}
DAMAGED = [
    {"status_dict": []},
    {"status_dict": {"eaten": 1}},
    {"status_dict": {"success": "1"}},
    {"status_dict": {"success": -1}},
    {"status_dict": {"success": True}},
    {"trust": [1]},
    {"trust": {"blind": 1}},
    {"bytes": -1},
    {"bytes": "1"},
    {"duration": "long"},
    {"start_time": float("nan")},
    {"end_time": None},
    {"shard": 1},
    {"first_row": 7},
    {"first_row": "0"},
    {"resume": [1]},
    {"resume": 3},
]


@pytest.mark.parametrize("damage", DAMAGED, ids=json.dumps)
def test_each_damage_of_stats_is_told(tmp_path: Path, damage: dict[str, Any]) -> None:
    stats_path(tmp_path, 0).write_text(json.dumps(GOOD_STATS))
    assert len(list(read_finished(tmp_path))) == 1
    stats_path(tmp_path, 0).write_text(json.dumps(GOOD_STATS | damage))
    with pytest.raises(ExportError, match=r"00000_stats\.json is not .*; remove it"):
        list(read_finished(tmp_path))


@pytest.mark.parametrize(
    "text", ["[]", "3", "null", "[" * 100_000, '{"settings": []}', '{"settings": [["a", 1]]}', "\x00"]
)
def test_damaged_json_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ExportMismatch, match="not the manifest"):
        read_manifest(tmp_path)
    stats_path(tmp_path, 0).write_text(text)
    with pytest.raises(ExportError, match=r"00000_stats\.json"):
        list(read_finished(tmp_path))


def test_every_encode_is_written(tmp_path: Path) -> None:
    for encode in ENCODES:
        _, picture = make_picture(had(picture_bytes("WEBP")), ExportSettings(encode=encode))
        assert picture is not None
        with Image.open(io.BytesIO(picture.body)) as image:
            assert image.format == {"jpg": "JPEG", "png": "PNG"}.get(encode, "WEBP")
