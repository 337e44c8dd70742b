"""The front door: load any LAION release with one call, and see an image when you ask for it.

::

    import laion_dataset

    ds = laion_dataset.load_dataset("relaion2B-en-research-safe", split="train", streaming=True)
    row = next(iter(ds))
    row["caption"]        # the alt text
    row["image"]          # a RemoteImage: no request has been made yet
    row["image"].open()   # fetched now, safely, as a PIL.Image

This one file is also a `datasets` loading script (``datasets`` 3.6) and, after :func:`register`, the module behind
``datasets.load_dataset("laion", name)`` on every supported version. It parses what was asked and hands on: which shards
there are and what they hold is said in :mod:`laion_pairs`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import datasets
import pyarrow as pa

from laion_pairs.code_hash import code_hash
from laion_pairs.errors import LaionError, NoShards, ReleaseError, SchemaError, UnknownRelease
from laion_pairs.images import (
    DownloadPolicy,
    Fetched,
    RemoteImage,
    RemoteImageFeature,
    fetch_image,
    image_array,
    set_notebook_policy,
    to_stock,
)
from laion_pairs.images.stream import download_images
from laion_pairs.ledger import Ledger, Outcome
from laion_pairs.registration import register
from laion_pairs.releases import (
    RELEASES,
    check_loadable,
    check_recipe,
    find_recipe,
    find_release,
    releases_table,
)
from laion_pairs.schema import ALL, IMAGE, SCHEMA, Predicate, select_columns
from laion_pairs.shards import (
    Listing,
    ReadPlan,
    Shard,
    fetch_takedown_lists,
    list_source,
    own_schema,
    read_shard,
)
from laion_pairs.streams import Reading, ShardExamples
from laion_pairs.streams.mixing import interleave
from laion_pairs.streams.shuffling import shuffle
from laion_pairs.streams.steps import steps_per_epoch
from laion_pairs.takedown import configured_lists, open_lists

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DownloadPolicy",
    "Fetched",
    "LaionConfig",
    "LaionDataset",
    "Ledger",
    "Outcome",
    "RemoteImage",
    "RemoteImageFeature",
    "download_images",
    "fetch_image",
    "interleave",
    "load_dataset",
    "register",
    "releases",
    "set_notebook_policy",
    "shuffle",
    "steps_per_epoch",
    "to_stock",
]

FILES = "files"
"""The configuration for what is in no catalogue: ``data_files``, a directory, or any Hub repository (``source=``)."""


@dataclass
class LaionConfig(datasets.BuilderConfig):  # type: ignore[misc] # datasets has no types
    """What to load, and how.

    Args:
        name (`str`):
            A release of the catalogue (``laion_dataset.releases()``), or ``"files"`` for anything else.
        source (`str`, *optional*):
            A Hub repository (``"me/my-set"``) or a local directory, with ``name="files"``.
        files (`str`, `list` or `dict` of these by split, *optional*):
            Shards by hand: local paths, globs, ``hf://`` or ``https://`` URLs.
        hub_revision (`str`, *optional*):
            Branch, tag or commit of the Hub repository; resolved to a commit once, before anything is read.
        recipe (`str`, *optional*):
            A published training subset, such as ``"stable-diffusion-v1-2"``.
        filters (`list`, *optional*):
            ``[("punsafe", "<", 0.1), …]`` (all hold), or a list of such lists (any holds). Canonical column names.
        columns (`list[str]` or `str`, *optional*):
            Canonical columns in the order wanted, ``"image"`` included; ``"all"`` adds the files' own columns.
        takedown (`list[str]`, *optional*):
            Takedown lists, applied on top of the user's and the machine's.
        ledger (`str`, *optional*):
            Where the counts of this run are written.
        column_mapping (`dict[str, str]`, *optional*):
            ``{"caption": "my_text", …}``: canonical column to the file's column, for files that nobody knows.

    Example::

        builder = LaionDataset(config_name="laion2B-en-aesthetic", filters=[("punsafe", "<", 0.1)])
        builder.as_streaming_dataset(split="train")
    """

    source: str | None = None
    files: Any = None
    hub_revision: str | None = None
    recipe: str | None = None
    filters: Any = None
    columns: Any = None
    takedown: Any = None
    ledger: str | None = None
    column_mapping: dict[str, str] | None = None

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: Any = None) -> str:
        """The cache key: everything that changes rows; a ledger only counts them."""
        changes_rows = {key: value for key, value in config_kwargs.items() if key != "ledger"}
        return str(super().create_config_id(changes_rows, custom_features=custom_features))


class LaionDataset(datasets.ArrowBasedBuilder):  # type: ignore[misc] # datasets has no types
    """Streams the pairs of a release as canonical columns, each with a lazy image handle."""

    BUILDER_CONFIG_CLASS = LaionConfig
    BUILDER_CONFIGS = [  # noqa: RUF012 (the attribute that `datasets` reads)
        *(LaionConfig(name=release.name, description=release.summary) for release in RELEASES),
        LaionConfig(name=FILES, description="data_files, a directory or a Hub repository that is in no catalogue"),
    ]

    def _create_builder_config(self, config_name: str | None = None, **kwargs: Any) -> tuple[LaionConfig, str]:
        """Adds to the cache key what its names stand for today: the commit, the files' state, the lists' content."""
        config, config_id = super()._create_builder_config(config_name, **kwargs)
        plan = _plan(config, self.token)
        self._listing = _list_shards(config, self.token)
        plan = replace(plan, release=self._listing.release, withdrawn=self._listing.withdrawn)
        self._plan = replace(plan, own=own_schema(self._listing, plan, token=self.token)) if plan.all_columns else plan
        state = self._listing.fingerprint + open_lists(self._plan.takedown).content_digest
        return config, f"{config_id}-{hashlib.sha256(state.encode()).hexdigest()[:16]}"

    @classmethod
    def get_all_exported_dataset_infos(cls) -> dict[str, datasets.DatasetInfo]:
        """None: `datasets` would take the README beside this file, which is the project's, for a dataset's card."""
        return {}

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description=self.config.description or "",
            features=self._features(),
            homepage="https://laion.ai",
            license=(self._listing.release.license if self._listing.release else None) or "",
        )

    def _features(self) -> datasets.Features:
        """The columns of every example: the lazy image, then the canonical ones, then (for "all") the files' own."""
        lazy = RemoteImageFeature(takedown=self._plan.takedown, withdrawn=self._listing.withdrawn)
        features = {
            name: lazy
            if name == "image"
            else datasets.Features.from_arrow_schema(pa.schema([SCHEMA.field(name)]))[name]
            for name in self._plan.columns
        }
        if self._plan.own is not None:
            try:
                features |= datasets.Features.from_arrow_schema(self._plan.own)
            except ValueError as error:
                raise SchemaError(
                    f"columns={ALL!r} asks for columns of types that datasets has no feature for ({error}); "
                    "name the columns that you need instead."
                ) from error
        return datasets.Features(features)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"shards": list(shards), "plan": self._plan})
            for split, shards in self._listing.splits.items()
        ]

    def _get_examples_iterable_for_split(self, split_generator: datasets.SplitGenerator) -> Any:
        """What streams: the same rows as prepared ones, at any place from the start."""
        reading = Reading(
            plan=self._plan,
            to_table=partial(_to_table, self.info.features.arrow_schema),
            features=self.info.features,
            token=self.token,
            commit=self._listing.commit,
        )
        return ShardExamples.of_shards(reading, tuple(split_generator.gen_kwargs["shards"]))

    def _as_dataset(self, split: Any = datasets.Split.TRAIN, in_memory: bool = False) -> datasets.Dataset:
        """A prepared split; one from which every row was dropped is an empty dataset, as it is an empty stream."""
        reader = datasets.arrow_reader.ArrowReader(self.cache_dir, self.info)
        if reader.get_file_instructions(self.dataset_name, split, self.info.splits.values()):
            return super()._as_dataset(split, in_memory)
        empty = datasets.table.InMemoryTable(self.info.features.arrow_schema.empty_table())
        return datasets.Dataset(empty, info=self.info, split=datasets.Split(str(split)))

    def _generate_tables(self, shards: list[Shard], plan: ReadPlan) -> Iterator[tuple[str, pa.Table]]:
        wanted = self.info.features.arrow_schema
        for number, shard in enumerate(shards):
            for (row_group, row), batch in read_shard(shard, plan, token=self.token):
                yield f"{number}-{row_group}-{row}", _to_table(wanted, batch)


def load_dataset(
    path: str | PathLike[str] | None = None,
    *,
    split: str | None = None,
    streaming: bool = False,
    recipe: str | None = None,
    filters: Predicate | Sequence[Any] | None = None,
    columns: Sequence[str] | str | None = None,
    takedown: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
    ledger: Ledger | str | PathLike[str] | None = None,
    column_mapping: Mapping[str, str] | None = None,
    data_files: Any = None,
    data_dir: str | PathLike[str] | None = None,
    revision: str | None = None,
    token: bool | str | None = None,
    cache_dir: str | PathLike[str] | None = None,
    num_proc: int | None = None,
) -> datasets.IterableDataset | datasets.Dataset | datasets.IterableDatasetDict | datasets.DatasetDict:
    """Load a LAION release, another Hub repository or files, as rows of canonical columns with lazy images.

    Args:
        path: a release's name in any case (``"relaion2B-en-research-safe"``), a Hub repository or a local directory.
            May be left out when ``data_files`` or ``data_dir`` is given.
        split: ``"train"``; all splits in a dictionary when left out, as `datasets` does.
        streaming: ``True`` yields rows while reading; ``False`` (as in `datasets`) prepares an Arrow cache of the rows
            that recipe, filters and columns leave.
        recipe: a published training subset by name (``"stable-diffusion-v1-2"``).
        filters: ``[("similarity", ">", 0.32), …]`` or a list of such lists, in canonical names; row groups are skipped.
        columns: canonical columns in the order wanted; ``"all"`` keeps the release's own columns too.
        takedown: a takedown list or several, added to those configured for the user and the machine.
        ledger: a :class:`Ledger` or its path: counts what was read, kept and dropped, over all processes; what comes
            from an Arrow cache is not read again, and not counted again.
        column_mapping: canonical column to file column, for files whose columns match no release.
        data_files: shards by hand: paths, globs, ``hf://`` or ``https://`` URLs; a list, or a dictionary by split.
        data_dir: a directory of shards.
        revision: a branch, tag or commit of the Hub repository; pinned to a commit when the call is made. A stream's
            ``state_dict`` names the commit, and refuses to be resumed at another one.
        token: a Hub token, or ``True`` for the one that `hf auth login` keeps; sent to the Hub only.
        cache_dir: where ``streaming=False`` keeps its Arrow files.
        num_proc: processes that prepare shards side by side (``streaming=False``).

    Raises:
        LaionError: one sentence that says what was asked, what was found and what to do (:mod:`laion_pairs.errors`).
    """
    builder = LaionDataset(
        cache_dir=fspath(cache_dir) if cache_dir is not None else None,
        hash=code_hash(),
        token=token,
        **_config(path, data_files, data_dir, revision),
        recipe=recipe,
        filters=filters,
        columns=columns,
        takedown=takedown,
        ledger=_ledger_path(ledger),
        column_mapping=_mapping(column_mapping),
    )
    if isinstance(split, str) and re.fullmatch(r"[\w.-]+", split) and split not in (*builder._listing.splits, "all"):
        raise _bad_split(split, streaming, builder)
    if not streaming:
        _prepare(builder, num_proc)
    try:
        return builder.as_streaming_dataset(split=split) if streaming else builder.as_dataset(split=split)
    except LaionError:
        raise
    except (ValueError, KeyError) as error:
        raise _bad_split(split, streaming, builder) from error


def _to_table(wanted: pa.Schema, batch: pa.RecordBatch) -> pa.Table:
    """Adds the lazy image and puts the columns in the order of the schema, that of the features."""
    columns = {name: image_array(batch) if name == IMAGE else batch.column(name) for name in wanted.names}
    table = pa.table(columns)
    return table if table.schema.equals(wanted) else datasets.table.table_cast(table, wanted)


def releases() -> pd.DataFrame:
    """The catalogue, one row a release: where it lives, how many rows, its status, schema and score models."""
    import pandas as pd

    return pd.DataFrame(releases_table()).set_index("name").astype({"rows": "Int64", "shard_count": "Int64"})


def _config(path: Any, data_files: Any, data_dir: Any, revision: str | None) -> dict[str, Any]:
    """The configuration that a first argument names: a release, or what is outside the catalogue.

    Whatever would be ignored beside something else is refused instead.
    """
    if data_files is not None and data_dir is not None:
        raise ReleaseError("data_files and data_dir were both given, and say the same thing; give one of them.")
    files = data_files if data_files is not None else (fspath(data_dir) if data_dir is not None else None)
    config = _named(None if path is None else fspath(path), files)
    if revision is not None and not _has_revision(config):
        raise ReleaseError(
            f"revision={revision!r} was given, but what is loaded is no release or repository of the Hub's; "
            "leave it out, or name the revision in the address (hf://datasets/owner/name@revision/…)."
        )
    return {**config, "hub_revision": revision}


def _named(name: str | None, files: Any) -> dict[str, Any]:
    if name is None:
        if files is None:
            raise ReleaseError(
                "load_dataset was given no release, no data_files and no data_dir; "
                "name a release, such as 'relaion2B-en-research-safe' (laion_dataset.releases() lists them)."
            )
        return {"config_name": FILES, "files": files}
    try:
        return {"config_name": find_release(name).name, "files": files}
    except UnknownRelease:
        if "://" in name or os.path.isfile(os.path.expanduser(name)):
            if files is not None:
                raise ReleaseError(f"{name} was given, and data_files beside it; give one of them.") from None
            return {"config_name": FILES, "files": name}
        if os.path.isdir(os.path.expanduser(name)):
            return {"config_name": FILES, "source": name, "files": files}
        if name.startswith((".", "/", "~")) or name.lower().endswith((".parquet", ".csv", ".tsv")):
            raise NoShards(f"There is no file or folder {name}; check the path.") from None
        if name.count("/") == 1:
            return {"config_name": FILES, "source": name, "files": files}
        raise


def _has_revision(config: Mapping[str, Any]) -> bool:
    """Whether ``revision=`` says something about what is loaded: a release without files, or a Hub repository."""
    if config["config_name"] != FILES:
        return config["files"] is None
    source = config.get("source")
    return source is not None and not os.path.isdir(os.path.expanduser(source))


def _plan(config: LaionConfig, token: bool | str | None) -> ReadPlan:
    """What to read; a mistake in it is told before anything is asked of the Hub."""
    release = find_release(config.name) if config.name != FILES else None
    if release is not None and not (config.files or config.data_files or config.data_dir):
        check_loadable(release)
    recipe = find_recipe(config.recipe) if config.recipe is not None else None
    if recipe is not None and release is not None:
        check_recipe(recipe, release)
    return ReadPlan(
        columns=select_columns(config.columns),
        all_columns=config.columns == ALL,
        predicate=Predicate.parse(config.filters) if config.filters is not None else None,
        recipe=recipe,
        column_mapping=config.column_mapping,
        takedown=(*configured_lists(), *fetch_takedown_lists(config.takedown, token)),
        ledger=config.ledger,
    )


def _list_shards(config: LaionConfig, token: bool | str | None) -> Listing:
    files = config.files if config.files is not None else dict(config.data_files or {}) or config.data_dir
    source = find_release(config.name) if config.name != FILES else config.source
    return list_source(source, files=files, revision=config.hub_revision, token=token)


def _mapping(column_mapping: Any) -> dict[str, str] | None:
    if column_mapping is not None and not isinstance(column_mapping, Mapping):
        raise SchemaError(
            f'column_mapping is {column_mapping!r}; give a dictionary such as {{"url": "link", "caption": "words"}}.'
        )
    return None if column_mapping is None else dict(column_mapping)


def _ledger_path(ledger: Ledger | str | PathLike[str] | None) -> str | None:
    return None if ledger is None else fspath(ledger.path if isinstance(ledger, Ledger) else ledger)


def _bad_split(split: Any, streaming: bool, builder: LaionDataset) -> ReleaseError:
    slices = "a stream has no slices (take() and skip() give a part)" if streaming else "train[:10%] is a slice of one"
    loaded = builder.config.name if builder.config.name != FILES else builder.config.source or "what data_files names"
    return ReleaseError(
        f"{loaded} has no split {str(split)!r}; it has {', '.join(builder._listing.splits)}, and {slices}."
    )


def _prepare(builder: LaionDataset, num_proc: int | None) -> None:
    """Writes the Arrow cache; what went wrong inside `datasets`' workers is raised as the one sentence it was."""
    try:
        builder.download_and_prepare(num_proc=num_proc, verification_mode="no_checks")
    except datasets.exceptions.DatasetGenerationError as error:
        if isinstance(error.__cause__, LaionError):
            raise error.__cause__ from None
        raise
