"""Datasets taken apart into examples iterables, and put together again around others: `datasets`' private side.

The same from 3.6 to 5.2 but for one thing: until 4, only a stream with a ``shuffling`` of its own hears of
``set_epoch``, and what it hears in epoch 0 is that one's generator (:meth:`Order.first_generator`).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from inspect import signature
from typing import Any

import datasets
import numpy as np
from datasets import Features, iterable_dataset
from datasets.iterable_dataset import FormattedExamplesIterable, RebatchedArrowExamplesIterable

from laion_pairs.errors import SchemaError
from laion_pairs.streams.order import Order

__all__ = ["as_rows", "as_tables", "checked_stream", "features_of", "mixed_stream", "shuffled_source", "stream_like"]

_HAS_SHUFFLING = "shuffling" in signature(datasets.IterableDataset).parameters
_FIXED_ORDER: tuple[type[Exception], ...] = (
    (iterable_dataset.DataSourcesShufflingDisallowed,)
    if hasattr(iterable_dataset, "DataSourcesShufflingDisallowed")
    else ()
)
"""What ``take`` and ``skip`` raise when their shards should be shuffled; before `datasets` 5 they keep quiet."""


def checked_stream(ds: Any, asked: str) -> datasets.IterableDataset:
    """``ds``, if it is a stream.

    Raises:
        SchemaError: it is not; ``asked`` names what was called.
    """
    if isinstance(ds, datasets.IterableDataset):
        return ds
    if isinstance(ds, dict):
        advice = f"choose a split, such as ds[{str(next(iter(ds)))!r}]" if ds else "give it one dataset"
    elif isinstance(ds, datasets.Dataset):
        advice = "make a stream of it with ds.to_iterable_dataset(num_shards=…)"
    else:
        advice = "give it what load_dataset(…, streaming=True) returns"
    raise SchemaError(f"{asked} needs a stream (datasets.IterableDataset), and got {type(ds).__name__}; {advice}.")


def features_of(ds: datasets.IterableDataset) -> Features | None:
    """The features of a stream's rows; 3.6 may know them of the examples only."""
    return ds.features if ds.features is not None else ds._ex_iterable.features


def as_tables(ds: datasets.IterableDataset) -> Any:
    """The stream's examples, whose tables have its features' schema; they may have none."""
    features = features_of(ds)
    if features is None or ds._ex_iterable.features == features:
        return ds._ex_iterable
    return _formatted(ds, ds._ex_iterable, features)


def as_rows(ds: datasets.IterableDataset) -> Any:
    """The stream's examples, whose rows are as the stream's own."""
    features, examples = features_of(ds), ds._ex_iterable
    if features is None or examples.features == features:
        return examples
    if examples.iter_arrow:
        examples = RebatchedArrowExamplesIterable(examples, batch_size=1)
    return _formatted(ds, examples, features)


def shuffled_source(examples: Any, shuffle_with: np.random.Generator) -> Any:
    """The examples with their shards in another order; as they are where ``take`` or ``skip`` fixed it."""
    try:
        return examples.shuffle_data_sources(shuffle_with)
    except _FIXED_ORDER:
        return examples


def stream_like(ds: datasets.IterableDataset, examples: Any, order: Order) -> datasets.IterableDataset:
    """A stream of these examples, with the info of ``ds``, formatted and split among nodes as it is."""
    return _stream(ds, examples, order, ds.info, ds.split, ds._token_per_repo_id)


def mixed_stream(streams: Sequence[datasets.IterableDataset], examples: Any, order: Order) -> datasets.IterableDataset:
    """A stream of these examples of several streams, with their infos together.

    Raises:
        SchemaError: the streams are formatted, or split among nodes, in different ways.
    """
    first = streams[0]
    for number, ds in enumerate(streams):
        for what, one, other, after in (
            ("formatted", first._formatting, ds._formatting, "with_format"),
            ("split among nodes", first._distributed, ds._distributed, "split_dataset_by_node"),
        ):
            if one != other:
                raise SchemaError(
                    f"interleave needs streams that are {what} in the same way, but datasets[{number}] is not as "
                    f"datasets[0] is; call {after} on what interleave returns."
                )
    info = datasets.DatasetInfo.from_merge([ds.info for ds in streams])
    info.features = examples.features
    split = first.split if all(ds.split == first.split for ds in streams) else None
    tokens = {repository: token for ds in streams for repository, token in ds._token_per_repo_id.items()}
    return _stream(first, examples, order, info, split, tokens)


def _formatted(ds: datasets.IterableDataset, examples: Any, features: Features) -> Any:
    return FormattedExamplesIterable(
        examples, formatting=None, features=features, token_per_repo_id=ds._token_per_repo_id
    )


def _stream(
    ds: datasets.IterableDataset, examples: Any, order: Order, info: Any, split: Any, tokens: dict[str, Any]
) -> datasets.IterableDataset:
    options: dict[str, Any] = {}
    if _HAS_SHUFFLING:
        options["shuffling"] = iterable_dataset.ShufflingConfig(order.first_generator(), _original_seed=order.seed)
    info = info.copy()
    if _HAS_SHUFFLING and examples.is_typed:  # these versions cannot filter it, if dataset and examples tell features
        info.features = None
    return datasets.IterableDataset(
        examples,
        info=info,
        split=split,
        formatting=deepcopy(ds._formatting),
        distributed=deepcopy(ds._distributed),
        token_per_repo_id=tokens,
        **options,
    )
