"""The counts of a ledger as lines for people (pure)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["render_report"]


def render_report(counts: Mapping[str, Mapping[str, int]]) -> str:
    """One line for the rows, with the law kept + dropped = seen, then one line for each other counter.

    >>> print(render_report({"rows": {"seen": 10, "kept": 7}, "dropped": {"filter": 3}}))
    rows: 10 seen = 7 kept + 3 dropped
    dropped: 3 filter
    """
    if not counts:
        return "nothing was counted"
    lines = [_rows_line(counts)] if "rows" in counts else []
    for counter in sorted(counts):
        if counter != "rows":
            reasons = sorted(counts[counter].items(), key=lambda item: (-item[1], item[0]))
            lines.append(f"{counter}: " + ", ".join(f"{n:,} {reason}" for reason, n in reasons))
    return "\n".join(lines)


def _rows_line(counts: Mapping[str, Mapping[str, int]]) -> str:
    rows = counts["rows"]
    seen, kept, skipped = (rows.get(word, 0) for word in ("seen", "kept", "skipped"))
    dropped = sum(counts.get("dropped", {}).values())
    line = f"rows: {seen:,} seen = {kept:,} kept + {dropped:,} dropped"
    if kept + dropped != seen:
        line += f" (DOES NOT ADD UP: {seen - kept - dropped:+,})"
    if skipped:
        line += f"; {skipped:,} more never read, their row groups cannot match"
    return line
