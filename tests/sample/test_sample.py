"""The sample is what its table says, its shards are what a release's are, and its broken pairs break as announced."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from importlib import resources
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from laion_pairs.errors import HubUnreachable
from laion_pairs.images import fetch_image
from laion_pairs.sample import (
    BROKEN_PAIRS,
    SHARD_UUID,
    LoopbackHub,
    Sample,
    sample_pictures,
    serve_sample,
    write_shards,
)
from laion_pairs.sample.pictures import PICTURES_DIR
from laion_pairs.schema import COLUMNS

PUBLIC_DOMAIN = "http://web.resource.org/cc/PublicDomain"
S8 = [  # typed from what relaion2B-en-research-safe publishes
    ("url", "string"),
    ("similarity", "double"),
    ("hash", "int64"),
    ("pwatermark", "float"),
    ("punsafe", "float"),
    ("caption", "string"),
    ("key", "string"),
    ("status", "string"),
    ("error_message", "string"),
    ("width", "int32"),
    ("height", "int32"),
    ("original_width", "int32"),
    ("original_height", "int32"),
    ("exif", "string"),
    ("md5", "string"),
]


def test_every_file_is_what_its_line_says() -> None:
    for picture in sample_pictures():
        data = picture.path.read_bytes()
        assert (len(data), hashlib.md5(data).hexdigest()) == (picture.bytes, picture.md5), picture.file
        with Image.open(picture.path) as image:
            image.load()
            assert (image.format, image.size) == (picture.format, (picture.width, picture.height)), picture.file


def test_no_file_without_a_line_and_no_line_twice() -> None:
    files = [picture.file for picture in sample_pictures()]
    assert sorted(files) == sorted(path.name for path in PICTURES_DIR.iterdir())
    assert len(set(files)) == len({picture.source for picture in sample_pictures()}) == len(files)


def test_size_formats_and_licences() -> None:
    pictures = sample_pictures()
    assert len(pictures) >= 250
    assert sum(picture.bytes for picture in pictures) <= 6 * 2**20
    share = {name: count / len(pictures) for name, count in Counter(picture.format for picture in pictures).items()}
    assert share == pytest.approx({"JPEG": 0.4, "PNG": 0.4, "WEBP": 0.2}, abs=0.05)
    assert {picture.licence for picture in pictures} == {PUBLIC_DOMAIN}


def test_captions_are_words_and_nobodys_address_is_in_the_table() -> None:
    for picture in sample_pictures():
        assert len(picture.caption) >= 5
        assert picture.caption.isprintable()
        assert re.search("[a-z]{3}", picture.caption.lower())
        assert "@" not in "".join((picture.caption, picture.title, picture.author))


def test_shards_have_the_published_columns(tmp_path: Path) -> None:
    paths = write_shards("http://127.0.0.1:1", tmp_path)
    assert [path.name for path in paths] == [f"part-{n:05d}-{SHARD_UUID}-c000.snappy.parquet" for n in range(4)]
    for path in paths:
        assert [(field.name, str(field.type)) for field in pq.read_schema(path)] == S8
    table = pa.concat_tables(pq.read_table(path) for path in paths)
    assert table.num_rows == len(sample_pictures()) + len(BROKEN_PAIRS)
    for never_computed in ("similarity", "punsafe", "pwatermark"):
        assert table[never_computed].null_count == table.num_rows


def test_the_hash_is_laions(tmp_path: Path) -> None:
    import mmh3

    for path in write_shards("http://127.0.0.1:1", tmp_path):
        for row in pq.read_table(path).to_pylist():
            assert row["hash"] == mmh3.hash64((row["url"] + row["caption"]).encode())[0]


def test_pictures_and_broken_pairs_end_as_announced(hub: LoopbackHub) -> None:
    with serve_sample(hub) as sample:
        for pair in BROKEN_PAIRS:
            assert fetch_image(sample.images.url(pair.url_path), sample.policy).outcome is pair.outcome, pair.caption
        for picture in sample_pictures()[::20]:
            fetched = fetch_image(sample.images.url(picture.url_path), sample.policy)
            assert fetched.body == picture.path.read_bytes()
    assert not sample.images.errors


def test_the_card_says_what_is_there() -> None:
    card = resources.files("dataset_card").joinpath("sample.md").read_text("utf-8")
    _, front, text = card.split("---\n", 2)
    assert yaml.safe_load(front)["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "part-*.parquet"}]}
    ]
    rows = len(sample_pictures()) + len(BROKEN_PAIRS)
    for fact in (f"{rows} image–text pairs", f"{len(sample_pictures())} drawings", f"{len(BROKEN_PAIRS)} links"):
        assert fact in text
    assert [name for name, _ in S8] == re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", text, re.M)))


def test_the_card_has_one_line_per_canonical_column() -> None:
    lines = resources.files("dataset_card").joinpath("columns.tsv").read_text("utf-8").splitlines()
    names = {"float": "float32"}
    wanted = [f"{column.name}\t{names.get(str(column.type), str(column.type))}\t{column.doc}" for column in COLUMNS]
    assert lines[0] == "name\ttype\tmeaning"
    assert lines[1].startswith("image\tRemoteImage\t")
    assert lines[2:] == wanted


def test_the_sample_changes_nothing_by_itself_and_cleans_up(hub: LoopbackHub) -> None:
    before = dict(os.environ)
    with serve_sample(hub) as sample:
        assert os.environ == before
        home = Path(sample.environment["HF_HOME"])
        assert home.parent.is_dir()
    assert not home.parent.exists()
    assert not hub.repositories
    with pytest.raises(RuntimeError, match="not running"):
        _ = sample.environment


def test_use_after_the_clients_were_imported_says_what_to_do() -> None:
    import huggingface_hub  # noqa: F401 (so that it certainly is imported)

    with Sample() as other, pytest.raises(HubUnreachable, match="restart Python"):
        other.use()


def test_importing_the_sample_leaves_the_clients_unimported() -> None:
    code = "import laion_pairs.sample, sys; print([m for m in ('datasets', 'huggingface_hub') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
