"""`interleave`: several streams mixed by weight, as one that can be resumed at any row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from datasets import IterableDataset

from laion_pairs.errors import PolicyError, SchemaError
from laion_pairs.streams.draws import checked_weights
from laion_pairs.streams.mix import Mix
from laion_pairs.streams.mixed_rows import MixedRows
from laion_pairs.streams.mixed_tables import MixedTables
from laion_pairs.streams.order import Order, checked_seed
from laion_pairs.streams.sources import as_rows, as_tables, checked_stream, features_of, mixed_stream
from laion_pairs.streams.uniting import unite_features

__all__ = ["StoppingStrategy", "interleave"]

StoppingStrategy = Literal["first_exhausted", "all_exhausted"]


def interleave(
    datasets: Sequence[IterableDataset],
    *,
    weights: Sequence[float] | None = None,
    seed: int = 0,
    stopping_strategy: StoppingStrategy = "first_exhausted",
) -> IterableDataset:
    """One stream of the rows of several, drawn by weight; each keeps its own order.

    It works on pairs and on downloaded images alike. Every dataset is split among nodes and workers by itself, and each
    worker draws for itself. ``set_epoch(e)`` draws anew, and reaches the datasets: a shuffled one is shuffled anew, and
    of others the shards come in another order. ``state_dict()`` may be taken at any row, as far as the datasets' own
    states are exact; what was drawn is not in it, and costs nothing to draw again.

    Every image stays protected by what protects any of them: all takedown lists of all datasets apply to all images.

    Args:
        datasets: streams with the same columns, in any order; shuffle them before with `laion_dataset.shuffle`.
        weights: how often a row is drawn from each, relative to the others; equally often when None. A weight of 0
            leaves a dataset out.
        seed: of the draws.
        stopping_strategy: ``"first_exhausted"`` ends when a dataset is drawn that has no row left;
            ``"all_exhausted"`` gives every row of every dataset once: those that have rows left keep their proportions.

    Raises:
        SchemaError: one is not a stream, the columns disagree, or images that may not be fetched would be mixed with
            images that may.
        PolicyError: an option that cannot be; and on iteration, a state of another order.

    >>> mixed = interleave([english, multilingual], weights=[3, 1], seed=0)
    """
    streams = [checked_stream(ds, "interleave") for ds in _listed(datasets)]
    if stopping_strategy not in get_args(StoppingStrategy):
        choices = " or ".join(map(repr, get_args(StoppingStrategy)))
        raise PolicyError(f"stopping_strategy must be {choices}, got {stopping_strategy!r}.")
    checked = checked_weights(weights, len(streams))
    options = f"weights={','.join(map(str, checked))} stopping_strategy={stopping_strategy}"
    known = [features for ds in streams if (features := features_of(ds)) is not None]
    mix = Mix(
        weights=checked,
        stops_at_first=stopping_strategy == "first_exhausted",
        features=unite_features(known) if len(known) == len(streams) else None,
        order=Order(checked_seed(seed), options),
    )
    has_tables = mix.features is not None and all(ds._ex_iterable.iter_arrow for ds in streams)
    examples: Any = (
        MixedTables([as_tables(ds) for ds in streams], mix)
        if has_tables
        else MixedRows([as_rows(ds) for ds in streams], mix)
    )
    return mixed_stream(streams, examples, mix.order)


def _listed(given: Any) -> list[Any]:
    if isinstance(given, (str, dict)) or not isinstance(given, Sequence) or not given:
        found = "an empty one" if isinstance(given, Sequence) and not given else type(given).__name__
        raise SchemaError(f"interleave needs a list of streams, and got {found}; give it [one, another].")
    return list(given)
