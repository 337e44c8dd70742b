"""Pairs whose pictures live on a counting web server on loopback."""

from __future__ import annotations

import io
from collections.abc import Iterator

import datasets
import pyarrow as pa
import pytest
from PIL import Image

from laion_pairs.images import DownloadPolicy, RemoteImageFeature, image_array
from laion_pairs.sample.image_host import ImageHost


@pytest.fixture
def jpeg() -> bytes:
    """A small picture, red on the left, blue on the right."""
    picture = Image.new("RGB", (64, 48), "red")
    picture.paste("blue", (32, 0, 64, 48))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture
def picture_host(jpeg: bytes) -> Iterator[ImageHost]:
    """Serves ``/0.jpg`` to ``/4.jpg``; ``/gone.jpg`` is gone."""
    with ImageHost() as host:
        for number in range(5):
            host.serve(f"/{number}.jpg", jpeg)
        host.gone("/gone.jpg")
        yield host


@pytest.fixture
def loopback() -> DownloadPolicy:
    """The policy under which the picture host may be asked."""
    return DownloadPolicy(allow_private=True)


@pytest.fixture
def lazy_pairs(picture_host: ImageHost) -> datasets.Dataset:
    """Five pairs with a lazy image; the third has none, the fourth is unsafe."""
    urls = [picture_host.url(f"/{number}.jpg") for number in range(5)]
    table = pa.table(
        {
            "url": [None if number == 2 else url for number, url in enumerate(urls)],
            "width": pa.array([64, 64, None, 64, None], pa.int32()),
            "height": pa.array([48, 48, None, 48, None], pa.int32()),
            "punsafe": pa.array([0.1, None, 0.1, 0.9, None], pa.float32()),
        }
    )
    columns = {"image": image_array(table), "url": table["url"], "punsafe": table["punsafe"]}
    features = datasets.Features(
        image=RemoteImageFeature(), url=datasets.Value("string"), punsafe=datasets.Value("float32")
    )
    return datasets.Dataset(pa.table(columns).replace_schema_metadata(features.arrow_schema.metadata))
