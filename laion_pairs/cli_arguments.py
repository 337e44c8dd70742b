"""Arguments that several commands share: a release and which of its rows, in one grammar and with one meaning."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from laion_pairs.plain_text import one_line

__all__ = ["Parser", "add_command", "add_row_arguments", "count", "load_rows", "number"]


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, and where the grammar is told, instead of telling it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {one_line(message)}; `{self.prog} --help` says how it is used.\n")


def add_command(commands: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    """A command with ``--json`` and ``--quiet``; ``run`` is its function ``(arguments) -> exit status``."""
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.add_argument("--json", action="store_true", help="for machines: JSON instead of a table or a report")
    command.add_argument("--quiet", action="store_true", help="no progress, no report")
    command.set_defaults(run=run)
    return command


def add_row_arguments(command: argparse.ArgumentParser, *, release: str | None = None) -> None:
    """RELEASE and what selects its rows; ``release`` is ``"?"`` where something else may be named instead."""
    command.add_argument(
        "release", metavar="RELEASE", nargs=release, help="a release's name, a Hub repository or a local directory"
    )
    command.add_argument("--split", default="train", help="default: %(default)s")
    command.add_argument("--recipe", metavar="R", help="a published training subset, such as stable-diffusion-v1-2")
    command.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="EXPR",
        help='such as "punsafe < 0.1"; may be repeated (all hold)',
    )
    command.add_argument("--columns", metavar="A,B,…", help='canonical columns, or "all"')
    command.add_argument(
        "--takedown", action="append", default=[], metavar="LIST", help="a takedown list; may be repeated"
    )
    command.add_argument("--revision", help="a branch, tag or commit of the Hub repository")
    command.add_argument("--ledger", metavar="PATH", help="keep the counts there")
    command.add_argument("--limit", type=count, metavar="N", help="stop after N rows")


def load_rows(asked: argparse.Namespace, ledger: Any, **options: Any) -> Any:
    """The stream that the row arguments name; ``options`` of ``load_dataset`` are added, or said anew."""
    import laion_dataset
    from laion_pairs.schema import Predicate

    columns = asked.columns
    if columns not in (None, "all"):
        columns = [name.strip() for name in columns.split(",")]
    given: dict[str, Any] = {
        "split": asked.split,
        "recipe": asked.recipe,
        "filters": Predicate.parse_text(" and ".join(asked.filter)) if asked.filter else None,
        "columns": columns,
        "takedown": asked.takedown or None,
        "ledger": ledger,
        "revision": asked.revision,
    }
    return laion_dataset.load_dataset(asked.release, streaming=True, **{**given, **options})


def count(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {one_line(text)!r}")
    return int(text)


def number(*, least: float) -> Callable[[str], float]:
    """A number of at least ``least``."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = least - 1
        if not value >= least:
            raise argparse.ArgumentTypeError(f"must be a number of at least {least:g}, got {one_line(text)!r}")
        return value

    return parse
