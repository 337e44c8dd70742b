"""The report of ``stream.py``: a table for each measure, medians with their spread; the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from rounds import machine
from stream_parts import Line, Table

__all__ = ["as_json", "render"]

#: Figure → heading and digits.
_HEADINGS = {
    "rows_per_s": ("rows/s", 0),
    "wall_s": ("wall s", 2),
    "first_s": ("first row s", 2),
    "MB": ("MB sent", 2),
    "requests": ("requests", 0),
    "round_trips": ("round trips", 0),
    "bursts": ("bursts", 0),
    "peak_MB": ("peak +MB", 0),
    "cpu_us_a_row": ("CPU µs/row", 2),
    "cpu_s": ("CPU s", 2),
    "hangs": ("hangs at exit", 0),
    "crashes": ("crashes at exit", 0),
}
_NOTES = (
    "Median (min–max). Times count from everything imported; peak +MB: the reader's own memory above what it had then.",
    "MB, requests: all that the host had sent when the first row was there, listing included. Round trips: the longest",
    "chain of requests each of which came when the one before it had ended; bursts: how often nothing was under way",
    "when something was asked for (exchanges.py). CPU: with children, without the import.",
)


def render(conditions: Sequence[str], tables: Sequence[Table]) -> str:
    """Conditions, every table, what went wrong."""
    lines = [*conditions, machine(), "", *_NOTES]
    for table in tables:
        lines += ["", table.title]
        names = [name for name in _HEADINGS if any(name in line.figures for line in table.lines.values())]
        lines.append(f"  {'':24}" + "".join(f"{_HEADINGS[name][0]:>28}" for name in names))
        for line in table.lines.values():
            lines.append(f"  {line.reader:24}" + "".join(f"{_cell(line, name):>28}" for name in names))
            lines += [f"  !! {line.reader}: {fault}" for fault in line.faults]
    return "\n".join(lines)


def as_json(conditions: Sequence[str], tables: Sequence[Table]) -> Mapping[str, object]:
    """Every figure of every round, and what each reader asked the host in the last one."""
    return {
        "conditions": [*conditions, machine()],
        "tables": [
            {
                "title": table.title,
                "readers": {
                    line.reader: {"figures": line.figures, "faults": line.faults, "asked": line.asked}
                    for line in table.lines.values()
                },
            }
            for table in tables
        ],
    }


def _cell(line: Line, name: str) -> str:
    values = line.figures.get(name)
    if not values:
        return "–"
    if name in ("hangs", "crashes"):
        return f"{sum(values):.0f} of {len(values)}"
    digits = _HEADINGS[name][1]
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"
