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
from laion_pairs.cli_arguments import Parser, add_command, add_row_arguments, load_rows
from laion_pairs.cli_download import add_download, add_tar
from laion_pairs.errors import (
    ExportMismatch,
    FilterError,
    LaionError,
    PolicyError,
    RecipeError,
    ReleaseError,
    SchemaError,
)
from laion_pairs.plain_text import one_line

__all__ = ["main", "parser"]

_WRONG_USE = (ReleaseError, SchemaError, FilterError, RecipeError, PolicyError, ExportMismatch)


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
    top = Parser(prog="laion", description="Stream LAION image-text pairs; see an image when you ask for it.")
    top.add_argument("--version", action="version", version=f"laion-dataset {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = add_command(
        commands, "demo", _demo, "the sample that ships with the package, offline, through the real paths"
    )
    demo.add_argument(
        "--output",
        type=_writable,
        default="laion-demo.html",
        metavar="FILE",
        help="the contact sheet (default: %(default)s)",
    )

    releases = add_command(commands, "releases", _releases, "the catalogue, or one release with its columns")
    releases.add_argument("name", nargs="?", metavar="NAME", help="a release, in any case")

    add_row_arguments(add_command(commands, "stream", _stream, "rows as JSON lines on standard output"))
    add_download(commands)
    add_tar(commands)

    run = commands.add_parser("run", help="somebody's unchanged script, with laion_dataset.register() called first")
    run.add_argument("script", metavar="SCRIPT.py")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")
    run.set_defaults(run=_run)
    return top


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

    with TemporaryDirectory(prefix="laion-ledger-") as scratch:
        ledger = laion_dataset.Ledger(asked.ledger or f"{scratch}/run.ledger")
        rows = load_rows(asked, ledger)
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
