"""The features of several streams as those of one: their columns must agree, and what protects one protects all.

A feature that carries protection (a column of lazy images: ``takedown`` lists, a ``withdrawn`` release) is known by
having these fields; nothing of images is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Any

from datasets import Features

from laion_pairs.errors import SchemaError

__all__ = ["check_columns", "needs_protection", "protected", "unite_features"]


def unite_features(all_features: Sequence[Features]) -> Features:
    """The features that hold for rows of any of the streams, in the order of the first one's.

    Raises:
        SchemaError: a column is missing somewhere, has another type, or images of a withdrawn release, which nobody
            may fetch, would be in one column with images that may be fetched.
    """
    first = all_features[0]
    for number, features in enumerate(all_features[1:], 1):
        check_columns(first, features, 0, number)
    return Features({name: _unite(name, [features[name] for features in all_features]) for name in first})


def check_columns(one: Mapping[str, Any], other: Mapping[str, Any], number: int, other_number: int) -> None:
    """Raise a SchemaError unless these datasets, named by their numbers, have the same columns, in any order."""
    if one.keys() == other.keys():
        return
    lacks, adds = sorted(one.keys() - other.keys()), sorted(other.keys() - one.keys())
    differences = [
        f"{verb} {', '.join(map(repr, names))}" for verb, names in (("lacks", lacks), ("adds", adds)) if names
    ]
    raise SchemaError(
        f"interleave needs datasets with the same columns, but datasets[{other_number}] {' and '.join(differences)}, "
        f"compared to datasets[{number}]; choose the same ones with select_columns."
    )


def needs_protection(own: Any, united: Any) -> bool:
    """Whether a source's values, made by its own feature, lack something that the united one protects by."""
    return own != united and bool(united.decode)


def protected(own: Any, united: Any, value: Any) -> Any:
    """A value that a source's own feature made, as the united one makes it."""
    return None if value is None else united.decode_example(own.encode_example(value))


def _unite(name: str, features: Sequence[Any]) -> Any:
    protected = all(map(_is_protected, features))
    for number, feature in enumerate(features):
        wanted = (
            replace(feature, takedown=features[0].takedown, withdrawn=features[0].withdrawn) if protected else feature
        )
        if wanted != features[0]:
            raise SchemaError(
                f"interleave needs columns of the same type, but {name!r} is {feature} in datasets[{number}] "
                f"and {features[0]} in datasets[0]; cast one of them with cast_column."
            )
    return _protected_by_all(name, features) if protected else features[0]


def _is_protected(feature: Any) -> bool:
    return is_dataclass(feature) and hasattr(feature, "takedown") and hasattr(feature, "withdrawn")


def _protected_by_all(name: str, features: Sequence[Any]) -> Any:
    withdrawn = list(dict.fromkeys(feature.withdrawn for feature in features))
    if None in withdrawn and len(withdrawn) > 1:
        where = ", ".join(f"datasets[{number}]" for number, feature in enumerate(features) if feature.withdrawn)
        raise SchemaError(
            f"interleave was given images of {' and '.join(filter(None, withdrawn))} ({where}), which was withdrawn: "
            f"none of them may be fetched, and in one column {name!r} none of the others could be either; leave that "
            f"dataset out, or the images, with remove_columns({name!r})."
        )
    takedown = tuple(dict.fromkeys(path for feature in features for path in feature.takedown))
    return replace(features[0], takedown=takedown, withdrawn=" and ".join(filter(None, withdrawn)) or None)
