"""`download_images`: from a stream of pairs to a stream of pictures."""

from __future__ import annotations

import warnings
from copy import deepcopy
from os import PathLike, fspath
from typing import Any

import datasets

from laion_pairs.errors import PolicyError, SchemaError
from laion_pairs.images.bulk import Settings
from laion_pairs.images.integrity import Integrity
from laion_pairs.images.pixels import Resize
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.stream.delivery import Decode, Delivery, OnError
from laion_pairs.images.stream.downloading import Downloading
from laion_pairs.images.stream.examples import DownloadExamples
from laion_pairs.images.stream.image_column import find_image_column
from laion_pairs.images.stream.source_rows import RowDecoder, as_source
from laion_pairs.ledger import Ledger

__all__ = ["download_images"]


def download_images(
    ds: datasets.IterableDataset | datasets.Dataset,
    *,
    size: int = 256,
    resize: str = "center_crop",
    decode: Decode = "pil",
    concurrency: int = 256,
    on_error: OnError = "skip",
    policy: DownloadPolicy | None = None,
    ledger: Ledger | str | PathLike[str] | None = None,
    ordered: bool = False,
    image_column: str = "image",
    url_column: str | None = None,
    only_if_bigger: bool = False,
    min_side_px: int = 0,
    max_area_px: int | None = None,
    max_aspect_ratio: float | None = None,
    integrity: str = "record",
    lock: str | PathLike[str] | None = None,
    failures: str | PathLike[str] | None = None,
) -> datasets.IterableDataset:
    """The same rows with their images: downloaded hundreds at a time, decoded, resized, as they finish.

    What comes back is an ordinary `datasets.IterableDataset`: ``map``, ``filter``, ``batch``, ``with_format``,
    ``shuffle``, ``take``, ``split_dataset_by_node`` and a DataLoader's workers work on it, and however it is split,
    each image is fetched once. Nothing is fetched before it is iterated, and nothing more once the iteration ends.

    ``state_dict()`` may be taken at any moment. A stream that loads it, also in a new process, gives every row that was
    not delivered by then exactly once. Two things of others forget rows of their own: a plain DataLoader, what its
    workers have read ahead (use torchdata's StatefulDataLoader), and ``shuffle``, its buffer.

    Args:
        ds: rows with a column of lazy images, as `laion_dataset.load_dataset` gives them, or with URLs.
        size: pixels, as ``resize`` uses them.
        resize: ``"center_crop"``, ``"keep_ratio"``, ``"keep_ratio_largest"``, ``"border"`` or ``"no"``; what they mean
            is the table in :mod:`laion_pairs.images.pixels.resize`.
        decode: ``"pil"``, ``"numpy"`` (height, width, 3), ``"torch"`` (3, height, width), both uint8 RGB; or
            ``"bytes"``, the files as the hosts sent them, to which ``size`` and ``resize`` do not apply.
        concurrency: requests in flight, at most.
        on_error: what becomes of a row whose image cannot be had. ``"skip"`` leaves it out, ``"none"`` delivers it with
            None for an image, ``"raise"`` ends with FetchFailed. Rows that a takedown list names, or of a withdrawn
            release, are left out always.
        policy: the limits and manners of every fetch; :class:`DownloadPolicy`'s own by default.
        ledger: counts every row by its outcome, over all processes.
        ordered: rows in the source's order, where a slow host holds up those after it; else as they finish.
        image_column: the column of lazy images, which the pictures replace. With ``url_column``, the new column.
        url_column: a column of URLs (strings), for streams without lazy images.
        only_if_bigger: leave smaller pictures as they are, instead of scaling them up.
        min_side_px, max_area_px, max_aspect_ratio: which pictures are wanted, as :class:`Resize` says.
        integrity: ``"off"``, ``"record"``, ``"prefer"`` or ``"require"``: what becomes of images that are not the ones
            that the release describes.
        lock: a file of what was downloaded, so that another run can tell whether it gets the same.
        failures: a directory; every process adds the rows that failed as parquet, with ``outcome`` and ``detail``.

    Returns:
        The columns of ``ds`` with the pictures, and ``outcome`` (``"ok"``; with ``on_error="none"`` also others) and
        ``trust`` (:mod:`laion_pairs.images.integrity`).

    Raises:
        SchemaError: ``ds`` has no such column, one that is added is there already, or it is several splits.
        PolicyError: an option that cannot be.
        MissingExtra: ``decode="torch"`` without PyTorch.

    >>> images = download_images(pairs, size=256, decode="torch")
    >>> for batch in torch.utils.data.DataLoader(images, batch_size=64, num_workers=4): ...
    """
    ds = _as_stream(ds)
    if not isinstance(ordered, bool):
        raise PolicyError(f"ordered must be True or False, got {ordered!r}")
    limits = {"min_side_px": min_side_px, "max_area_px": max_area_px, "max_aspect_ratio": max_aspect_ratio}
    wanted = Resize(mode=resize, size=size, only_if_bigger=only_if_bigger, **limits)  # type: ignore[arg-type]
    delivery = Delivery(decode=decode, on_error=on_error)
    column = find_image_column(ds.features, image_column, url_column)
    if column.withdrawn is not None:
        warnings.warn(
            f"These pairs come from {column.withdrawn}, which was withdrawn: none of their images is downloaded.",
            stacklevel=2,
        )
    settings = Settings(
        policy=policy if policy is not None else DownloadPolicy(),
        resize=None if decode == "bytes" else wanted,
        check=Resize(mode="no", **limits),  # type: ignore[arg-type]
        concurrency=concurrency,
        integrity=Integrity(mode=integrity, lock=_path("lock", lock)),  # type: ignore[arg-type]
        ledger=_path("ledger", ledger.path if isinstance(ledger, Ledger) else ledger),
    )
    examples = DownloadExamples(
        as_source(ds._ex_iterable, ds.features, ds._token_per_repo_id),
        Downloading(
            column=column, settings=settings, delivery=delivery, ordered=ordered, failures=_path("failures", failures)
        ),
        RowDecoder(ds.features, column.source, ds._token_per_repo_id),
        delivery.features(ds.features, column.name, wanted),
    )
    return _like(ds, examples)


def _as_stream(ds: Any) -> datasets.IterableDataset:
    if isinstance(ds, dict) and not ds:
        raise SchemaError("download_images was given a dict without a split; give it one dataset.")
    if isinstance(ds, dict):
        raise SchemaError(
            f"download_images was given the splits {', '.join(map(str, ds))}; "
            f"choose one, such as ds[{str(next(iter(ds)))!r}]."
        )
    if isinstance(ds, datasets.Dataset):
        if not len(ds):  # which `datasets` cannot divide into shards
            return datasets.IterableDataset.from_generator(tuple, features=ds.features)
        return ds.to_iterable_dataset()
    if not isinstance(ds, datasets.IterableDataset):
        raise SchemaError(
            f"download_images was given a {type(ds).__name__}; give it a datasets.IterableDataset or datasets.Dataset."
        )
    return ds


def _like(ds: datasets.IterableDataset, examples: DownloadExamples) -> datasets.IterableDataset:
    """A dataset of these examples, formatted, split and shuffled as ``ds`` is."""
    shuffling = {"shuffling": deepcopy(ds._shuffling)} if hasattr(ds, "_shuffling") else {}  # until datasets 4

    def with_features(features: datasets.Features | None) -> datasets.IterableDataset:
        info = ds.info.copy()
        info.features = features
        return datasets.IterableDataset(
            examples,
            info=info,
            split=ds.split,
            formatting=deepcopy(ds._formatting),
            distributed=deepcopy(ds._distributed),
            token_per_repo_id=ds._token_per_repo_id,
            **shuffling,
        )

    images = with_features(examples.features)
    try:
        images.with_format(None).filter(bool)
    except TypeError:  # datasets 3.6 cannot filter a stream whose examples tell their features, if it has them too
        return with_features(None)
    return images


def _path(option: str, path: str | PathLike[str] | None) -> str | None:
    if path is None:
        return None
    text = fspath(path) if isinstance(path, (str, PathLike)) else None
    if not isinstance(text, str) or not text:
        raise PolicyError(f"{option} must be a path, or None, got {path!r}")
    return text
