"""What leaves the machine: stock types only, readable without this package."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub
import pytest
from datasets import Dataset, DatasetDict, Features, Value

from laion_pairs.errors import SchemaError, WithdrawnRelease
from laion_pairs.images import RemoteImageFeature, to_stock
from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.sample.image_host import ImageHost
from laion_pairs.sample.loopback import Answer, Request

WITHOUT_US = """
import json, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("laion_pairs", "laion_dataset"):
            raise ModuleNotFoundError(f"{name} is not installed on this machine")

sys.meta_path.insert(0, Blocker())
import datasets

ds = datasets.Dataset.from_parquet(sys.argv[1], cache_dir=sys.argv[2])
print(json.dumps({"features": repr(ds.features), "first": ds[0]}))
"""


@pytest.fixture(autouse=True)
def no_request(picture_host: ImageHost) -> Iterator[None]:
    yield
    assert picture_host.count() == 0


def read_without_us(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_US, str(path), str(path.parent)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def _streamed(pairs: Dataset) -> datasets.IterableDataset:
    return pairs.to_iterable_dataset()


@pytest.mark.parametrize("form", [lambda pairs: pairs, _streamed])
@pytest.mark.parametrize("images", ["url", "storage"])
@pytest.mark.parametrize("columns", [["image", "url", "punsafe"], ["punsafe", "image"], ["image"], ["punsafe"]])
def test_stock_types_only(lazy_pairs: Dataset, form: Any, images: Any, columns: list[str]) -> None:
    stock = to_stock(form(lazy_pairs.select_columns(columns)), images)
    if images == "url":
        expected = [name for name in columns if name != "image" or "url" not in columns]
        expected = ["url" if name == "image" else name for name in expected]
        values: list[Any] = lazy_pairs["url"][:]
        column = "url"
    else:
        expected, column = columns, "image"
        values = [None if url is None else {"bytes": None, "path": url} for url in lazy_pairs["url"][:]]
    assert sorted(stock.features) == sorted(expected)
    assert {type(feature) for feature in stock.features.values()} <= {Value, dict}
    if column in expected:
        assert [row[column] for row in stock] == values
        stored = {"bytes": Value("binary"), "path": Value("string")}
        assert stock.features[column] == (Value("string") if images == "url" else stored)


def test_stored_bytes_are_kept(jpeg: bytes) -> None:
    stored = Dataset.from_dict({"image": [{"bytes": jpeg}]}, features=Features(image=RemoteImageFeature()))
    stock = to_stock(stored, "storage").cast_column("image", datasets.Image())
    assert stock[0]["image"].size == (64, 48)


def test_other_names_and_splits(lazy_pairs: Dataset) -> None:
    both = lazy_pairs.rename_column("image", "picture").with_format("numpy")
    stock = to_stock(DatasetDict(train=both, test=both))
    assert set(stock) == {"train", "test"}
    assert set(stock["test"].features) == {"picture_url", "url", "punsafe"}
    assert stock["test"]["picture_url"][:] == lazy_pairs["url"][:]


def test_what_cannot_be_turned(lazy_pairs: Dataset) -> None:
    with pytest.raises(SchemaError, match=r"columns are unknown, as they are after map\(\)"):
        to_stock(_streamed(lazy_pairs).map(lambda row: row))
    features = Features({**lazy_pairs.features, "images": datasets.Sequence(RemoteImageFeature())})
    with pytest.raises(SchemaError, match="lists or structs of images"):
        to_stock(lazy_pairs.map(lambda row: {"images": [row["image"]]}, features=features))
    with pytest.raises(WithdrawnRelease, match="rows of laion2B-en, which was withdrawn"):
        to_stock(lazy_pairs.cast_column("image", RemoteImageFeature(withdrawn="laion2B-en")))


@pytest.mark.parametrize("images", ["url", "storage"])
def test_a_machine_without_this_package_reads_it(lazy_pairs: Dataset, images: Any, tmp_path: Path) -> None:
    to_stock(lazy_pairs, images).to_parquet(tmp_path / "stock.parquet")
    reader = read_without_us(tmp_path / "stock.parquet")
    assert reader.returncode == 0, reader.stderr
    found = json.loads(reader.stdout)
    assert found["first"]["url"] == lazy_pairs[0]["url"]
    assert "laion" not in found["features"].lower()


def test_a_machine_without_this_package_cannot_read_lazy_images(lazy_pairs: Dataset, tmp_path: Path) -> None:
    """The reason for to_stock; should this ever work, to_stock can go."""
    lazy_pairs.to_parquet(tmp_path / "lazy.parquet")
    reader = read_without_us(tmp_path / "lazy.parquet")
    assert reader.returncode != 0
    assert "RemoteImage" in reader.stderr


@pytest.fixture
def upload_hub(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> LoopbackHub:
    """The loopback Hub takes no uploads; this one lets a client get as far as the first file."""
    answer = hub.answer
    created = Answer(200, (("Content-Type", "application/json"),), b'{"url": "%s/datasets/me/pairs"}')

    def answer_to_writers(request: Request) -> Answer:
        if request.path == "/api/repos/create":
            return replace(created, body=created.body % hub.endpoint.encode())  # type: ignore[operator]
        return answer(request)

    monkeypatch.setattr(hub, "answer", answer_to_writers)
    hub.users["hf_writer"] = "me"
    hub.add_repository("me/pairs", {"README.md": "mine"})
    return hub


@pytest.mark.parametrize("form", [lambda pairs: pairs, lambda pairs: DatasetDict(train=pairs)])
def test_an_upload_of_lazy_images_is_refused(lazy_pairs: Dataset, upload_hub: LoopbackHub, form: Any) -> None:
    with pytest.raises(SchemaError, match=r"laion_dataset\.to_stock\(ds\)\.push_to_hub"):
        form(lazy_pairs).push_to_hub("me/pairs", token="hf_writer")


def test_an_upload_of_stock_types_is_not(lazy_pairs: Dataset, upload_hub: LoopbackHub) -> None:
    with pytest.raises(huggingface_hub.errors.HfHubHTTPError):
        to_stock(lazy_pairs).push_to_hub("me/pairs", token="hf_writer")
    assert any("preupload" in request.path for request in upload_hub.requests())
