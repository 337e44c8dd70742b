"""Lazy images to stock types, for everything that leaves this machine: uploads, exports, files for other people.

A machine without this package cannot load the type of lazy images. What it gets is their URLs as strings, or plain
``{"bytes", "path"}`` structs, the storage of `datasets.Image`. Never that type itself: to write a column of it,
`datasets` fetches its URLs, without a policy. Boundary: never opens a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

import datasets

from laion_pairs.errors import SchemaError, WithdrawnRelease
from laion_pairs.images.feature import RemoteImageFeature
from laion_pairs.images.remote_image import RemoteImage

__all__ = ["to_stock"]

STORED = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}

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
            ``x``). ``"storage"`` keeps the column as a struct of the stored bytes and the URL; where every image is
            stored, ``cast_column("image", datasets.Image())`` makes it a column of pictures.

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
        if images == "storage":
            dataset = _replace(dataset, column, column, STORED, _stored)
        else:
            dataset = _to_url(dataset, column)
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
                "load its replacement instead"
            )
    return lazy


def _to_url(dataset: Any, column: str) -> Any:
    target = "url" if column == "image" else f"{column}_url"
    if target in dataset.features:
        return dataset.remove_columns(column)
    return _replace(dataset, column, target, datasets.Value("string"), _url)


def _replace(dataset: Any, column: str, target: str, feature: Any, turn: Callable[[RemoteImage], Any]) -> Any:
    """Put a column ``target`` with this feature where ``column`` was."""
    features = datasets.Features(
        {
            target if name == column else name: feature if name == column else kept
            for name, kept in dataset.features.items()
        }
    )
    values = partial(_values, target=target, turn=turn)
    return dataset.map(values, batched=True, input_columns=[column], remove_columns=[column], features=features)


def _values(
    images: Sequence[RemoteImage | None], *, target: str, turn: Callable[[RemoteImage], Any]
) -> dict[str, list[Any]]:
    return {target: [None if image is None else turn(image) for image in images]}


def _url(image: RemoteImage) -> str | None:
    return image.url


def _stored(image: RemoteImage) -> dict[str, Any]:
    return {"bytes": image["bytes"], "path": image["path"]}
