"""The report of ``download.py`` as text: one line a contestant, medians with their spread."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from statistics import median
from typing import TYPE_CHECKING

from contestants import OURS
from rounds import machine

if TYPE_CHECKING:
    from download import Round

__all__ = ["render", "spread_of"]


def render(
    options: argparse.Namespace,
    corpus: str,
    rows: int,
    checks: Mapping[str, str],
    rounds: Mapping[str, Sequence[Round]],
    fixed: Mapping[str, Sequence[Round]],
) -> str:
    """Conditions, what was checked, the figures, what failed."""
    lines = [
        f"laion-dataset {version('laion-dataset')}, {machine()}",
        f"{options.work}, {options.web} web, {rows} rows; corpus: {corpus}",
        f"{options.rounds} rounds, alternating, a fresh process each; median (min–max); {options.in_flight} in flight",
        "",
        "Same work? (checked before timing)",
        *(f"  {name}: {said}" for name, said in checks.items()),
        "",
        _HEAD,
    ]
    ours = _cpu_ms(rounds[OURS]) if _ended(rounds.get(OURS, ())) else None
    for name, all_rounds in rounds.items():
        ended = _ended(all_rounds)
        lines.append(_line(name, ended, _ended(fixed.get(name, ())), ours) if ended else f"{name:30} failed")
    lines += ["", *_NOTES]
    for name in rounds:
        for each in [*rounds[name], *fixed.get(name, ())]:
            if trouble := each.cost.failure or each.fault:
                lines.append(f"!! {name}: {trouble}")
    return "\n".join(lines)


_HEAD = (
    f"{'':30} {'good':>5} {'images/s':>22} {'CPU ms/image':>20} {'× ours':>7} {'after import':>18} {'wall s':>20} "
    f"{'peak MB':>16} {'+MB':>5} {'import s':>9} {'first s':>8} {'16 rows s':>10}"
)
_NOTES = (
    "images/s, CPU, wall: of good images; the whole process and its children, start to end; × ours: CPU over ours.",
    "after import: CPU ms/image without the import's. peak MB: summed over the process tree; +MB: above imports.",
    "import s: from start to imported; first s: from there to the first image; 16 rows s: wall of a whole small run.",
)


def _line(name: str, ended: Sequence[Round], small: Sequence[Round], ours: float | None) -> str:
    def spread(figure: Callable[[Round], float], digits: int) -> str:
        return spread_of([figure(each) for each in ended], digits)

    def middle(figure: Callable[[Round], float], of: Sequence[Round], digits: int) -> str:
        return f"{median(map(figure, of)):.{digits}f}" if of else "–"

    ratio = f"{_cpu_ms(ended) / ours:.2f}" if ours else "–"
    return (
        f"{name:30} {len(ended[0].told['rows']):5d}"
        f" {spread(lambda each: len(each.told['rows']) / each.cost.wall_s, 0):>22}"
        f" {spread(_cpu_ms_of, 2):>20} {ratio:>7} {spread(_cpu_after_import_ms, 2):>18}"
        f" {spread(lambda each: each.cost.wall_s, 2):>20}"
        f" {spread(lambda each: each.cost.peak_rss_mb, 0):>16}"
        f" {middle(lambda each: each.cost.peak_rss_mb - each.told['import_rss_mb'], ended, 0):>5}"
        f" {middle(lambda each: each.told['imported_at'] - each.cost.began_at, ended, 2):>9}"
        f" {middle(lambda each: each.told['first_at'] - each.told['imported_at'], small, 2):>8}"
        f" {middle(lambda each: each.cost.wall_s, small, 2):>10}"
    )


def spread_of(values: Sequence[float], digits: int) -> str:
    """``median (min–max)``."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def _ended(rounds: Sequence[Round]) -> list[Round]:
    return [each for each in rounds if not each.cost.failure and each.told["rows"]]


def _cpu_ms(rounds: Sequence[Round]) -> float:
    return median(_cpu_ms_of(each) for each in _ended(rounds))


def _cpu_ms_of(each: Round) -> float:
    return each.cost.cpu_s * 1000 / len(each.told["rows"])


def _cpu_after_import_ms(each: Round) -> float:
    return (each.cost.cpu_s - each.told["import_cpu_s"]) * 1000 / len(each.told["rows"])
