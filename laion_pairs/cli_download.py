"""``laion download`` and ``laion tar``: images of a release as files, or as a tar on a pipe.

Stands at the top of the layers with ``cli``: it may use the front door, and imports it, and all else that is heavy, in
the functions that use it.

Exit status: 0 when every row has its outcome, whatever that is (dead links are normal); 1 when the run could not go on
(a full disk, the Hub, too many failures in a row); 2 for wrong use.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from laion_pairs.cli_arguments import add_command, add_row_arguments, count, load_rows, number
from laion_pairs.errors import ExportMismatch, LaionError, PolicyError

if TYPE_CHECKING:
    from laion_pairs.images.bulk import Settings
    from laion_pairs.images.export.settings import ExportSettings
    from laion_pairs.ledger import Ledger, Outcome

__all__ = ["add_download", "add_tar"]


def add_download(commands: Any) -> None:
    """Register ``laion download``."""
    command = add_command(commands, "download", _download, "images of a release as files, resumable")
    add_row_arguments(command, release="?")
    command.add_argument("--output", required=True, metavar="DIR", help="a new folder, or one to go on with")
    command.add_argument(
        "--format", default="webdataset", metavar="F", help="webdataset, parquet or files (default: %(default)s)"
    )
    command.add_argument(
        "--shard-size", type=count, default=10_000, metavar="ROWS", help="rows of a shard (default: %(default)s)"
    )
    command.add_argument("--data-files", action="append", metavar="FILES", help="shards by hand; may be repeated")
    command.add_argument(
        "--retry", metavar="PLACE", help="instead of RELEASE: parquet of an earlier run, or its folder"
    )
    command.add_argument("--only", metavar="A,B,…", help="outcomes to retry (default: all that can end differently)")
    _add_image_arguments(command)


def add_tar(commands: Any) -> None:
    """Register ``laion tar``."""
    command = add_command(commands, "tar", _tar, "images of a part of a release as a tar on standard output")
    add_row_arguments(command)
    command.add_argument("--shard", type=_index, required=True, metavar="N", help="which part, from 0; may have zeros")
    command.add_argument("--shards", type=count, required=True, metavar="M", help="how many parts there are")
    command.add_argument("--data-files", action="append", metavar="FILES", help="shards by hand; may be repeated")
    _add_image_arguments(command)


def _add_image_arguments(command: argparse.ArgumentParser) -> None:
    image = command.add_argument_group("images")
    image.add_argument("--image-size", type=count, default=256, metavar="PX", help="default: %(default)s")
    image.add_argument(
        "--resize",
        default="center_crop",
        metavar="MODE",
        help="no, border, keep_ratio, keep_ratio_largest or center_crop (default: %(default)s)",
    )
    image.add_argument("--only-if-bigger", action="store_true", help="leave smaller pictures as they are")
    image.add_argument("--min-side", type=count, default=0, metavar="PX", help="smaller pictures are not wanted")
    image.add_argument("--max-aspect-ratio", type=number(least=1), metavar="R", help="nor are longer ones")
    image.add_argument("--encode", default="jpg", metavar="E", help="jpg, webp, png or original (default: %(default)s)")
    image.add_argument("--quality", type=count, metavar="Q", help="of jpg and webp (default: 95)")
    image.add_argument(
        "--integrity", default="record", metavar="MODE", help="off, record, prefer or require (default: %(default)s)"
    )
    image.add_argument("--lock", metavar="PATH", help="a lock file, to get the same images again")
    web = command.add_argument_group("web")
    web.add_argument("--concurrency", type=count, default=256, metavar="N", help="requests at a time (%(default)s)")
    web.add_argument("--timeout", type=number(least=0.001), metavar="S", help="seconds for one image")
    web.add_argument("--retries", type=_index, metavar="N", help="further tries of what another try can help")
    web.add_argument("--contact", default="", metavar="C", help="your e-mail address or page, told to the hosts")
    web.add_argument("--ask-robots-txt", action="store_true", help="ask each host's robots.txt first")
    web.add_argument("--ask-tdmrep", action="store_true", help="ask each host's tdmrep.json first")
    web.add_argument("--read-xmp", action="store_true", help="obey reservations inside the image files")
    web.add_argument("--allow-private", action="store_true", help="also fetch from this machine and private networks")


def _download(asked: argparse.Namespace) -> int:
    from laion_pairs.images.export.export import export, finished_rows
    from laion_pairs.images.export.manifest import read_manifest

    settings = _export_settings(asked, format=asked.format, shard_rows=asked.shard_size)
    directory = Path(asked.output).expanduser()
    if directory.exists() and not directory.is_dir():
        raise ExportMismatch(f"{directory} is a file; --output is a folder.")
    begun = read_manifest(directory)
    with _ledger(asked) as ledger:
        rows, source = _retried_rows(asked, ledger) if asked.retry is not None else _rows(asked, ledger, begun)
        download = _download_settings(asked, settings, rows, ledger)
        with _progress(asked, done=finished_rows(directory)) as progress:
            summary = export(
                rows,
                rows.features.arrow_schema,
                directory,
                settings,
                download,
                source=source | {"integrity": asked.integrity},
                split=asked.split,
                limit=asked.limit,
                progress=progress,
            )
        if asked.json:
            print(json.dumps({"stats": summary.as_dict(), "ledger": ledger.counts()}))
        elif not asked.quiet:
            if ledger.parts:  # nothing is counted where all was finished before
                print(ledger.report())
            images, n_rows = summary.counts.images, summary.counts.rows
            print(f"{directory}: {images:,} images of {n_rows:,} rows in {summary.shards:,} shards")
    return 0


def _tar(asked: argparse.Namespace) -> int:
    from laion_pairs.images.export.tar_stream import part_of, stream_tar

    settings = _export_settings(asked)
    if asked.shard >= asked.shards:
        raise PolicyError(
            f"--shard {asked.shard} of --shards {asked.shards}: parts are numbered from 0, so it is too high."
        )
    if sys.stdout.isatty():
        raise PolicyError("a tar goes to a file or to another program; redirect standard output.")
    with _ledger(asked) as ledger, _standard_output() as out:
        rows, _ = _rows(asked, ledger, None)
        download = _download_settings(asked, settings, rows, ledger)
        part = part_of(rows, asked.shard, asked.shards)
        with _progress(asked) as progress:
            stream_tar(
                part,
                rows.features.arrow_schema,
                out,
                settings,
                download,
                part=asked.shard,
                limit=asked.limit,
                progress=progress,
            )
        if not asked.quiet:
            print(json.dumps(ledger.counts()) if asked.json else ledger.report(), file=sys.stderr)
    return 0


def _export_settings(asked: argparse.Namespace, **options: Any) -> ExportSettings:
    from laion_pairs.images.export.settings import ExportSettings
    from laion_pairs.images.pixels import Resize

    resize = Resize(
        mode=asked.resize,
        size=asked.image_size,
        only_if_bigger=asked.only_if_bigger,
        min_side_px=asked.min_side,
        max_aspect_ratio=asked.max_aspect_ratio,
    )
    if asked.quality is not None:
        if asked.encode not in ("jpg", "webp"):
            raise PolicyError(f"--quality is for jpg and webp; --encode {asked.encode} has none, so leave it out.")
        options["quality"] = asked.quality
    return ExportSettings(resize=resize, encode=asked.encode, **options)


def _download_settings(asked: argparse.Namespace, settings: ExportSettings, rows: Any, ledger: Ledger) -> Settings:
    from laion_pairs.images import DownloadPolicy
    from laion_pairs.images.integrity import Integrity

    limits = {"total_timeout_s": asked.timeout, "max_retries": asked.retries}
    policy = DownloadPolicy(
        contact=asked.contact,
        ask_robots_txt=asked.ask_robots_txt,
        ask_tdmrep=asked.ask_tdmrep,
        read_xmp=asked.read_xmp,
        allow_private=asked.allow_private,
        **{name: value for name, value in limits.items() if value is not None},
    )
    return settings.download(
        policy=policy,
        concurrency=asked.concurrency,
        takedown=rows.features["image"].takedown,
        integrity=Integrity(mode=asked.integrity, lock=asked.lock),
        ledger=str(ledger.path),
    )


def _rows(asked: argparse.Namespace, ledger: Ledger, begun: dict[str, Any] | None) -> tuple[Any, dict[str, Any]]:
    """The rows of RELEASE with what an export needs of them, and what to remember of where they come from."""
    if asked.release is None and not asked.data_files:
        raise PolicyError("name a RELEASE or --data-files, or --retry what an earlier run could not get.")
    if getattr(asked, "only", None) is not None:
        raise PolicyError("--only says which rows of an earlier run are tried again; it goes with --retry.")
    if begun is not None and isinstance(begun.get("commit"), str) and begun.get("revision") == asked.revision:
        revision = begun["commit"]  # what was begun goes on in the same data
    else:
        revision = asked.revision
    columns = asked.columns
    if columns not in (None, "all"):
        columns = list(dict.fromkeys(["image", "url", "caption", *(name.strip() for name in columns.split(","))]))
    files = asked.data_files
    rows = load_rows(asked, ledger, revision=revision, columns=columns, data_files=files)
    source = {name: getattr(asked, name) for name in ("release", "split", "recipe", "filter", "columns", "revision")}
    commit = getattr(rows._ex_iterable, "commit", None)
    return rows, source | {"data-files": files, "commit": commit, "files": _state_of([asked.release, *(files or ())])}


def _retried_rows(asked: argparse.Namespace, ledger: Ledger) -> tuple[Any, dict[str, Any]]:
    """The rows of an earlier run that ended in certain outcomes, as they were before."""
    from laion_pairs.images.export.record import FOUND
    from laion_pairs.images.export.retry import find_retry_source, parse_outcomes
    from laion_pairs.schema import NAMES

    for name in ("release", "recipe", "columns", "revision", "data_files"):
        if getattr(asked, name):
            raise PolicyError(f"--retry takes its rows from {asked.retry}; leave out {name.replace('_', '-')}.")
    only = parse_outcomes(asked.only)
    found = find_retry_source(asked.retry)
    rows = load_rows(asked, ledger, columns="all", data_files=list(found.files), column_mapping=found.column_mapping)
    ours = {*FOUND.names, "detail", *(f"source_{name}" for name in FOUND.names)} - {*NAMES}
    retried = rows.filter(lambda outcome: outcome in only, input_columns=["outcome"])
    retried = retried.remove_columns([name for name in rows.features if name in ours])
    source = {"retry": asked.retry, "only": sorted(only), "split": asked.split, "filter": asked.filter}
    return retried, source | {"files": _state_of(found.files)}


def _state_of(places: Any) -> str | None:
    """A hash of the names, sizes and times of the local files at ``places``; None where there are none."""
    seen = hashlib.sha256()
    files = [
        file
        for place in places
        if place is not None and os.path.exists(path := os.path.expanduser(place))
        for file in ([path] if os.path.isfile(path) else sorted(map(str, Path(path).rglob("*"))))
    ]
    for file in files:
        state = os.stat(file)
        if os.path.isfile(file):
            seen.update(f"{os.path.abspath(file)}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return seen.hexdigest() if files else None


@contextmanager
def _ledger(asked: argparse.Namespace) -> Iterator[Ledger]:
    """The ledger that was named, or one of this run alone; told also when the run could not go on."""
    from laion_pairs.ledger import Ledger

    with TemporaryDirectory(prefix="laion-ledger-") as scratch:
        ledger = Ledger(asked.ledger or f"{scratch}/run.ledger")
        try:
            yield ledger
        except (LaionError, KeyboardInterrupt):
            if not asked.quiet and ledger.parts:
                print(json.dumps(ledger.counts()) if asked.json else ledger.report(), file=sys.stderr)
            raise


@contextmanager
def _progress(asked: argparse.Namespace, done: int = 0) -> Iterator[Any]:
    """Called with each outcome: rows and rows a second, and how many of them are images."""
    from tqdm import tqdm

    from laion_pairs.ledger import Outcome

    bar = tqdm(initial=done, total=asked.limit, unit=" rows", disable=True if asked.quiet else None, file=sys.stderr)
    seen = ok = 0

    def count_one(outcome: Outcome) -> None:
        nonlocal seen, ok
        seen, ok = seen + 1, ok + (outcome is Outcome.OK)
        if bar.update(1):
            bar.set_postfix_str(f"{100 * ok / seen:.1f} % ok", refresh=False)

    with bar:
        yield count_one


@contextmanager
def _standard_output() -> Iterator[Any]:
    """Standard output for the tar alone: whatever else prints, prints on standard error."""
    sys.stdout.flush()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=2**20)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        yield out
    finally:
        with suppress(BrokenPipeError):  # what the reader did not want any more
            out.close()


def _index(text: str) -> int:
    """A whole number of at least 0, with as many zeros before it as wanted."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, got {text!r}")
    return int(text)
