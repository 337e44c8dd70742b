"""Lazy images in PyTorch: handles reach the training loop, formats give plain dicts, collating says what to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import datasets
import pytest

from laion_pairs.images import RemoteImage, RemoteImageFeature
from laion_pairs.sample.image_host import ImageHost

pytestmark = pytest.mark.ci
SENTENCE = r"asked to stack 2 lazy images, which hold no pixels yet: .*download_images.*collate_fn.*columns="


@pytest.fixture(autouse=True)
def no_request(picture_host: ImageHost) -> Iterator[None]:
    pytest.importorskip("torch", reason="needs PyTorch, which .ci/run installs")
    yield
    assert picture_host.count() == 0


def _as_list(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return rows


def test_collating_handles_says_what_to_do(lazy_pairs: datasets.Dataset) -> None:
    from torch.utils.data import default_collate

    rows = [lazy_pairs[0], lazy_pairs[1]]
    for batch in (rows, [row["image"] for row in rows]):
        with pytest.raises(TypeError, match=SENTENCE):
            default_collate(batch)


@pytest.mark.parametrize("workers", [0, 1])  # of two, one may still be starting when the other one raises
@pytest.mark.parametrize("streamed", [False, True])
def test_a_data_loader(lazy_pairs: datasets.Dataset, workers: int, streamed: bool) -> None:
    from torch.utils.data import DataLoader

    pairs = lazy_pairs.select([0, 1, 3, 4])
    source = pairs.to_iterable_dataset(num_shards=2) if streamed else pairs
    context = "spawn" if workers else None
    loader = DataLoader(source, batch_size=2, num_workers=workers, collate_fn=_as_list, multiprocessing_context=context)
    images = [row["image"] for batch in loader for row in batch]
    assert sorted(image.url for image in images) == sorted(pairs["url"][:])
    assert {type(image) for image in images} == {RemoteImage}
    with pytest.raises(TypeError, match=SENTENCE):
        list(DataLoader(source, batch_size=2, num_workers=workers, multiprocessing_context=context))


def test_the_torch_format_gives_plain_dicts_that_make_handles_again(lazy_pairs: datasets.Dataset) -> None:
    marked = lazy_pairs.cast_column("image", RemoteImageFeature(takedown=("/lists/a.parquet",), withdrawn="laion2B-en"))
    for row in (marked.with_format("torch")[0], next(iter(marked.to_iterable_dataset().with_format("torch")))):
        assert type(row["image"]) is dict
        assert RemoteImage(row["image"]) == marked[0]["image"]


def test_torch_may_be_imported_later() -> None:
    program = """
import laion_pairs.images
from torch.utils.data import default_collate
default_collate([laion_pairs.images.RemoteImage("https://a/"), laion_pairs.images.RemoteImage("https://b/")])
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert "lazy images, which hold no pixels yet" in ended.stderr
