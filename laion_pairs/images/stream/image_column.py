"""Which column of a stream holds the images to download, and the job that a row's value makes. Opens no connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datasets import Features, Value

from laion_pairs.errors import SchemaError
from laion_pairs.images.bulk import Job
from laion_pairs.images.feature import RemoteImageFeature

__all__ = ["ADDED_COLUMNS", "ImageColumn", "find_image_column"]

ADDED_COLUMNS = ("outcome", "trust")
"""What every downloaded row has beside its picture."""


@dataclass(frozen=True)
class ImageColumn:
    """Where a row's image is named, and what protects the whole column.

    Attributes:
        source: the column of lazy images or URLs.
        name: the column that the picture goes to; the same one for lazy images.
        takedown: paths of the lists that the column's feature names.
        withdrawn: the withdrawn release that the column's feature names.
    """

    source: str
    name: str
    takedown: frozenset[str] = frozenset()
    withdrawn: str | None = None

    def job(self, row: Mapping[str, Any], tag: Any) -> Job:
        """What to download for a row.

        Raises:
            SchemaError: the row's value is neither a lazy image nor a URL, or the row has a column that is added.
        """
        _check_added(row)
        value = self._value(row)
        if value is None or isinstance(value, str):
            return Job(url=value, withdrawn=self.withdrawn, tag=tag)
        return Job(
            url=value.get("path"),
            digest=value.get("digest"),
            stored=value.get("bytes"),
            withdrawn=value.get("withdrawn") or self.withdrawn,
            tag=tag,
        )

    def takedown_of(self, row: Mapping[str, Any]) -> frozenset[str]:
        """The lists that protect a row: a handle may name more than its column, where the features are unknown."""
        value = self._value(row)
        named = value.get("takedown") if isinstance(value, dict) else None
        return self.takedown.union(named) if named else self.takedown

    def url(self, row: Mapping[str, Any]) -> str | None:
        """The row's URL."""
        value = self._value(row)
        url: str | None = value.get("path") if isinstance(value, dict) else value
        return url

    def _value(self, row: Mapping[str, Any]) -> str | dict[str, Any] | None:
        if self.source not in row:
            raise SchemaError(
                f"A row has no column {self.source!r} to download from; it has {', '.join(map(str, row))}."
            )
        value = row[self.source]
        if value is None or isinstance(value, (dict, str)):  # a lazy image is a dict, and so is its storage
            return value
        raise SchemaError(
            f"Column {self.source!r} holds a {type(value).__name__}, which is neither a lazy image nor a URL; "
            "download images before anything else makes pictures of them."
        )


def find_image_column(features: Features | None, image_column: str, url_column: str | None) -> ImageColumn:
    """The column to download from, checked as far as the features are known.

    Raises:
        SchemaError: it is not there, is of another type, or a column that will be added is there already.
    """
    if features is None:
        return ImageColumn(url_column if url_column is not None else image_column, image_column)
    _check_added(features)
    if url_column is not None:
        _check_url_column(features, image_column, url_column)
        return ImageColumn(url_column, image_column)
    feature = features.get(image_column)
    if not isinstance(feature, RemoteImageFeature):
        raise _no_lazy_images(features, image_column)
    return ImageColumn(image_column, image_column, frozenset(feature.takedown), feature.withdrawn)


def _check_added(columns: Mapping[str, Any]) -> None:
    if "outcome" in columns or "trust" in columns:
        name = next(name for name in ADDED_COLUMNS if name in columns)
        raise SchemaError(
            f"download_images adds a column {name!r}, and there is one already; rename it with rename_column first."
        )


def _check_url_column(features: Features, image_column: str, url_column: str) -> None:
    feature = features.get(url_column)
    if not (isinstance(feature, Value) and feature.dtype in ("string", "large_string")):
        found = f"its type is {feature}" if url_column in features else f"the columns are {', '.join(features)}"
        raise SchemaError(f"url_column={url_column!r} must name a column of URLs (strings), but {found}.")
    if image_column in features:
        lazy = isinstance(features[image_column], RemoteImageFeature)
        advice = "leave url_column out" if lazy else "name another one with image_column="
        raise SchemaError(
            f"Pictures fetched from url_column={url_column!r} go into a new column {image_column!r}, "
            f"but there is one already; {advice}."
        )


def _no_lazy_images(features: Features, image_column: str) -> SchemaError:
    lazy = [name for name, feature in features.items() if isinstance(feature, RemoteImageFeature)]
    found = (
        f"column {image_column!r} holds {features[image_column]}"
        if image_column in features
        else f"the columns are {', '.join(features)}"
    )
    advice = f"give image_column={lazy[0]!r}" if lazy else "name a column of URLs with url_column="
    return SchemaError(f"download_images was asked for the lazy images in {image_column!r}, but {found}; {advice}.")
