"""`RemoteImageFeature`: the column type of lazy images in `datasets`. Importing this file registers it.

Boundary: encodes, decodes and casts storage; never opens a connection.

An independent feature, not a subclass of `datasets.Image`: that one's ``to_parquet`` would fetch, and dies at the first
dead link. The price is that only this package reads it back, so what leaves the machine goes through
`laion_pairs.images.to_stock` first, and an upload that forgot it is refused here.

The fields of the feature are what a whole column has in common. They survive ``map``, pickling, ``save_to_disk``,
``to_parquet`` and ``Features.to_dict``; every decoded handle carries them.
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa
from datasets import Value
from datasets.features.features import _FEATURE_TYPES, register_feature

from laion_pairs.errors import SchemaError
from laion_pairs.images.encoding import encode_picture
from laion_pairs.images.remote_image import RemoteImage
from laion_pairs.images.storage import STORAGE, as_storage
from laion_pairs.images.upload_guard import refuse_upload

__all__ = ["RemoteImageFeature"]


@dataclasses.dataclass
class RemoteImageFeature:
    """The column type of lazy images.

    Args:
        takedown (`tuple[str, ...]`): paths of the takedown lists that every handle enforces before it fetches, beside
            the configured ones. Relative paths are made absolute. A list that is missing then fails closed.
        withdrawn (`str`, *optional*): the withdrawn release that the rows come from. No handle of the column fetches.
        decode (`bool`, defaults to `True`): False gives the storage as a plain dict instead of a handle.

    ```py
    >>> urls = datasets.Dataset.from_dict({"image": ["https://example.org/cat.jpg"]})
    >>> urls.cast_column("image", RemoteImageFeature())[0]["image"]
    <RemoteImage https://example.org/cat.jpg>
    ```
    """

    takedown: tuple[str, ...] = ()
    withdrawn: str | None = None
    decode: bool = True
    id: str | None = dataclasses.field(default=None, repr=False)
    dtype: ClassVar[str] = "laion_dataset.RemoteImage"
    pa_type: ClassVar[pa.DataType] = STORAGE
    _type: str = dataclasses.field(default="RemoteImage", init=False, repr=False)

    def __post_init__(self) -> None:
        self.takedown = tuple(os.path.abspath(path) for path in self.takedown)

    def __call__(self) -> pa.DataType:
        return self.pa_type

    def encode_example(self, value: Any) -> dict[str, Any]:
        """Encode one value to storage: a handle, a URL, a mapping with a handle's fields, bytes or a PIL image.

        Raises:
            TypeError: ``value`` is none of these.
            SchemaError: ``value`` is a handle of another column, whose protection this one would lose.
        """
        if isinstance(value, (bytes, bytearray)):
            value = {"bytes": bytes(value)}
        elif not isinstance(value, (str, Mapping)):
            value = encode_picture(value)
        handle = value if isinstance(value, RemoteImage) else RemoteImage(value)
        self._refuse_to_forget(handle)
        return {field.name: handle[field.name] for field in STORAGE}

    def _refuse_to_forget(self, handle: RemoteImage) -> None:
        """The storage has no place for what a handle is protected by: this column must say it."""
        if (handle.withdrawn or self.withdrawn) != self.withdrawn or not set(handle.takedown) <= set(self.takedown):
            raise SchemaError(
                "an image is protected by its column (takedown lists, withdrawn data), and would not be in this one: "
                "give the new column the same feature, ds.features[...] of the old one, not a new RemoteImageFeature()"
            )

    def decode_example(self, value: Mapping[str, Any], token_per_repo_id: Any = None) -> RemoteImage:
        """Decode storage to a handle. No request is made."""
        handle = RemoteImage.from_storage(value)
        if self.takedown:
            handle["takedown"] = self.takedown
        if self.withdrawn:
            handle["withdrawn"] = self.withdrawn
        return handle

    def cast_storage(self, storage: pa.Array) -> pa.StructArray:
        """Cast URLs, encoded images or image structs to `STORAGE`."""
        return as_storage(storage)

    def embed_storage(
        self,
        storage: pa.StructArray,
        token_per_repo_id: Any = None,
        local_files: bool = True,
        remote_files: bool | None = None,
    ) -> pa.StructArray:
        """Return the storage as it is: saving a dataset fetches nothing. An upload is refused.

        Raises:
            StockTypesNeeded: called from ``push_to_hub``.
        """
        refuse_upload(remote_files)
        return storage

    def flatten(self) -> RemoteImageFeature | dict[str, Any]:
        """The feature itself, or the storage's fields when ``decode`` is False."""
        if self.decode:
            return self
        return {field.name: Value(str(field.type)) for field in STORAGE}


def _register() -> None:
    """Make the feature known to `datasets` by name. Importing this file again, or reloading it, changes nothing."""
    if _FEATURE_TYPES.get("RemoteImage") is not RemoteImageFeature:
        with warnings.catch_warnings():  # "register_feature is experimental": our tests watch it on every version
            warnings.simplefilter("ignore", UserWarning)
            register_feature(RemoteImageFeature, "RemoteImage")


_register()
