"""``laion …``: parse, call one function, print. Exit status: 0 done, 1 something failed, 2 wrong use.

Each command is one function ``(arguments) -> exit status``; heavy imports happen inside it, so that ``laion --help`` is
instant and ``laion demo`` can point the Hub's clients at the sample before they are imported.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import sys
from collections.abc import Sequence
from typing import Any

from laion_pairs import __version__
from laion_pairs.errors import FilterError, LaionError, PolicyError, RecipeError, ReleaseError, SchemaError
from laion_pairs.plain_text import one_line

__all__ = ["main", "parser"]

_WRONG_USE = (ReleaseError, SchemaError, FilterError, RecipeError, PolicyError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a user's mistake is one sentence on standard error, never a traceback."""
    asked = parser().parse_args(arguments)
    try:
        return int(asked.run(asked))
    except LaionError as error:
        if asked.command == "run":  # the script's own affair: where in it, is what its author needs to know
            raise
        print(f"laion {asked.command}: {one_line(str(error))}", file=sys.stderr)
        return 2 if isinstance(error, _WRONG_USE) else 1
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        print(f"laion {asked.command}: {one_line(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(
        prog="laion", description="Stream LAION image-text pairs; see an image when you ask for it."
    )
    top.add_argument("--version", action="version", version=f"laion-dataset {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = _command(commands, "demo", _demo, "the sample that ships with the package, offline, through the real paths")
    demo.add_argument(
        "--output",
        type=_writable,
        default="laion-demo.html",
        metavar="FILE",
        help="the contact sheet (default: %(default)s)",
    )

    releases = _command(commands, "releases", _releases, "the catalogue, or one release with its columns")
    releases.add_argument("name", nargs="?", metavar="NAME", help="a release, in any case")

    stream = _command(commands, "stream", _stream, "rows as JSON lines on standard output")
    stream.add_argument("release", metavar="RELEASE", help="a release's name, a Hub repository or a local directory")
    stream.add_argument("--split", default="train", help="default: %(default)s")
    stream.add_argument("--recipe", metavar="R", help="a published training subset, such as stable-diffusion-v1-2")
    stream.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="EXPR",
        help='such as "punsafe < 0.1"; may be repeated (all hold)',
    )
    stream.add_argument("--columns", metavar="A,B,…", help='canonical columns, or "all"')
    stream.add_argument(
        "--takedown", action="append", default=[], metavar="LIST", help="a takedown list; may be repeated"
    )
    stream.add_argument("--revision", help="a branch, tag or commit of the Hub repository")
    stream.add_argument("--ledger", metavar="PATH", help="keep the counts there")
    stream.add_argument("--limit", type=_count, metavar="N", help="stop after N rows")

    run = commands.add_parser("run", help="somebody's unchanged script, with laion_dataset.register() called first")
    run.add_argument("script", metavar="SCRIPT.py")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")
    run.set_defaults(run=_run)
    return top


def _command(commands: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.add_argument("--json", action="store_true", help="for machines: JSON instead of a table or a report")
    command.add_argument("--quiet", action="store_true", help="no progress, no report")
    command.set_defaults(run=run)
    return command


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {one_line(text)!r}")
    return int(text)


def _writable(path: str) -> str:
    """A file that can be made: told before the work is done, not after."""
    if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        raise argparse.ArgumentTypeError(f"the folder of {one_line(path)} does not exist")
    if os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{one_line(path)} is a folder; name a file in it")
    return path


def _demo(asked: argparse.Namespace) -> int:
    from laion_pairs.demo import run_demo

    summary = run_demo(asked.output, as_json=asked.json, quiet=asked.quiet)
    return 0 if summary["as_expected"] else 1


def _releases(asked: argparse.Namespace) -> int:
    from laion_pairs.releases import describe_release, find_release, releases_table, render_release, render_releases

    if asked.name is None:
        print(json.dumps(releases_table(), indent=2) if asked.json else render_releases())
    else:
        release = find_release(asked.name)
        print(json.dumps(describe_release(release), indent=2) if asked.json else render_release(release))
    return 0


def _stream(asked: argparse.Namespace) -> int:
    from itertools import islice
    from tempfile import TemporaryDirectory

    from tqdm import tqdm

    import laion_dataset
    from laion_pairs.schema import Predicate

    columns = asked.columns
    if columns not in (None, "all"):
        columns = [name.strip() for name in columns.split(",")]
    with TemporaryDirectory(prefix="laion-ledger-") as scratch:
        ledger = laion_dataset.Ledger(asked.ledger or f"{scratch}/run.ledger")
        rows = laion_dataset.load_dataset(
            asked.release,
            split=asked.split,
            streaming=True,
            recipe=asked.recipe,
            filters=Predicate.parse_text(" and ".join(asked.filter)) if asked.filter else None,
            columns=columns,
            takedown=asked.takedown or None,
            ledger=ledger,
            revision=asked.revision,
        )
        progress = tqdm(
            islice(rows, asked.limit), unit=" rows", disable=None if not asked.quiet else True, file=sys.stderr
        )
        for row in progress:
            sys.stdout.write(_json_line(row))
        sys.stdout.flush()
        if not asked.quiet:
            print(json.dumps(ledger.counts()) if asked.json else ledger.report(), file=sys.stderr)
    return 0


def _json_line(row: dict[str, Any]) -> str:
    """One row as one line; a lazy image is its URL; what could steer a terminal is escaped as JSON allows."""
    shown = {key: value.url if key == "image" and value is not None else value for key, value in row.items()}
    return json.dumps(shown, ensure_ascii=sys.stdout.isatty(), default=str) + "\n"


def _run(asked: argparse.Namespace) -> int:
    if not os.path.isfile(asked.script):
        print(f"laion run: there is no script {one_line(asked.script)!r} here; give its path.", file=sys.stderr)
        return 2
    import laion_dataset

    laion_dataset.register()
    sys.path[0] = os.path.dirname(os.path.abspath(asked.script))  # its neighbours, as `python script.py` has it
    sys.argv = [asked.script, *(asked.arguments[1:] if asked.arguments[:1] == ["--"] else asked.arguments)]
    runpy.run_path(asked.script, run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
