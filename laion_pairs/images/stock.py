"""Lazy images to stock types, for everything that leaves this machine: uploads, exports, files for other people.

A machine without this package cannot load the type of lazy images. What it gets is their URLs, as strings, or the
``{"bytes", "path"}`` storage of `datasets.Image`. Boundary: never opens a connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, TypeVar

import datasets

from laion_pairs.errors import SchemaError, WithdrawnRelease
from laion_pairs.images.feature import RemoteImageFeature
from laion_pairs.images.remote_image import RemoteImage

__all__ = ["to_stock"]

AnyDataset = TypeVar(
    "AnyDataset",
    datasets.Dataset,
    datasets.IterableDataset,
    datasets.DatasetDict,
    datasets.IterableDatasetDict,
)


def to_stock(dataset: AnyDataset, images: Literal["url", "storage"] = "url") -> AnyDataset:
    """Turn every column of lazy images into stock types; nothing is fetched. A format set by `with_format` is reset.

    Args:
        dataset: with or without such columns, prepared or streamed.
        images: ``"url"`` leaves each column out where the dataset has its URLs already (column ``image`` beside column
            ``url``), and replaces it by a string column of that name where not (``url`` for ``image``, ``x_url`` for
            ``x``). ``"storage"`` keeps the column as ``datasets.Image(decode=False)``: stored bytes, and the URL.

    Raises:
        SchemaError: a stream whose columns are unknown (after ``map`` without ``features=``), or lazy images inside
            lists or structs.
        WithdrawnRelease: the rows come from a withdrawn release; they are not passed on.
    """
    if isinstance(dataset, dict):
        return type(dataset)({split: to_stock(part, images) for split, part in dataset.items()})
    features = dataset.features
    if features is None:
        raise SchemaError(
            "to_stock was given a stream whose columns are unknown, as they are after map(): "
            "pass features= to that map(), or call to_stock before it"
        )
    lazy = _lazy_columns(features)
    dataset = dataset.with_format(None)
    for column in lazy:
        dataset = _to_storage(dataset, column) if images == "storage" else _to_url(dataset, column)
    return dataset


def _lazy_columns(features: datasets.Features) -> list[str]:
    """The names of the columns to turn, checked."""
    lazy = [name for name, feature in features.items() if isinstance(feature, RemoteImageFeature)]
    nested = [name for name, feature in features.items() if name not in lazy and "RemoteImageFeature(" in repr(feature)]
    if nested:
        raise SchemaError(
            f"to_stock was given lazy images inside the lists or structs of {', '.join(nested)}: "
            "map these columns to their URLs first"
        )
    for name in lazy:
        if features[name].withdrawn:
            raise WithdrawnRelease(
                f"to_stock was given rows of {features[name].withdrawn}, which was withdrawn and is not passed on: "
                "run `laion clean` on the files first"
            )
    return lazy


def _to_storage(dataset: Any, column: str) -> Any:
    return dataset.cast_column(column, datasets.Image(decode=False))


def _to_url(dataset: Any, column: str) -> Any:
    target = "url" if column == "image" else f"{column}_url"
    if target in dataset.features:
        return dataset.remove_columns(column)
    features = datasets.Features(
        {
            target if name == column else name: datasets.Value("string") if name == column else feature
            for name, feature in dataset.features.items()
        }
    )
    urls = partial(_urls, target=target)
    return dataset.map(urls, batched=True, input_columns=[column], remove_columns=[column], features=features)


def _urls(images: Sequence[RemoteImage | None], *, target: str) -> dict[str, list[str | None]]:
    return {target: [None if image is None else image.url for image in images]}
