"""The counts of a ledger as lines for people (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from laion_pairs.ledger.heavy_hosts import HOSTS_FAILURES, MAX_HOSTS
from laion_pairs.ledger.likely_cause import likely_cause
from laion_pairs.ledger.outcome import Outcome
from laion_pairs.plain_text import one_line

__all__ = ["render_report"]

_TOP_HOSTS = 10
_IMAGES = ("images", "http_status", "trust", "opt_out_signals", "failing_hosts", "retries", "bytes")


def render_report(counts: Mapping[str, Mapping[str, int]]) -> str:
    """The rows with the law kept + dropped = seen, the images by outcome, every other counter, and what is wrong.

    >>> print(render_report({"rows": {"seen": 10, "kept": 7}, "dropped": {"filter": 3}}))
    rows: 10 seen = 7 kept + 3 dropped
    dropped: 3 filter
    >>> print(render_report({"images": {"ok": 3, "timed_out": 1}, "failing_hosts": {"slow.example": 1}}))
    images: 3 ok of 4 = 75.0 %
    not ok: 1 timed_out (25.0 %)
    failing hosts: 1 slow.example
    """
    if not counts:
        return "nothing was counted"
    lines = [_rows_line(counts)] if "rows" in counts else []
    told_apart = {"rows", *_IMAGES} if "images" in counts else {"rows"}
    lines += [_line(name, counts[name]) for name in sorted(counts) if name not in told_apart]
    if "images" in counts:
        lines += _image_lines(counts)
    return "\n".join(lines)


def _rows_line(counts: Mapping[str, Mapping[str, int]]) -> str:
    rows = counts["rows"]
    seen, kept, skipped, narrow = (rows.get(word, 0) for word in ("seen", "kept", "skipped", "filter columns only"))
    dropped = sum(counts.get("dropped", {}).values())
    line = f"rows: {seen:,} seen = {kept:,} kept + {dropped:,} dropped"
    if kept + dropped != seen:
        line += f" (DOES NOT ADD UP: {seen - kept - dropped:+,})"
    if skipped:
        line += f"; {skipped:,} more never read, their row groups cannot match"
    if narrow:
        line += f"; of {narrow:,} of those dropped, only the columns that filters use were read"
    return line


def _image_lines(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    images = counts["images"]
    total, ok = sum(images.values()), images.get(Outcome.OK.value, 0)
    line = f"images: {ok:,} ok of {total:,} = {_percent(ok, total)}"
    received = counts.get("bytes", {}).get("received", 0)
    lines = [f"{line}; {received / 1e6:,.1f} MB received" if received else line]
    if total > ok:
        bad = [(n, f"{word} ({_percent(n, total)})") for n, word in _by_weight(images) if word != Outcome.OK.value]
        lines.append(f"not ok: {_join(bad)}")
    for title, name in (("by HTTP status", "http_status"), ("trust", "trust"), ("opt-outs", "opt_out_signals")):
        if name in counts:
            lines.append(_line(title, counts[name]))
    if "failing_hosts" in counts:
        failures = sum(images.get(outcome.value, 0) for outcome in HOSTS_FAILURES)
        lines.append(_hosts_line(counts["failing_hosts"], failures))
    retries = counts.get("retries", {})
    if retries:
        lines.append(f"retries: {retries.get('further_tries', 0):,}; {retries.get('helped', 0):,} images ok by them")
    cause = likely_cause(images, counts.get("http_status"))
    if cause is not None:
        lines.append(f"likely cause: {cause}")
    return lines


def _hosts_line(hosts: Mapping[str, int], failures: int) -> str:
    """The hosts that failed most, and by how much their counts may be too low: each lowering cost MAX_HOSTS + 1."""
    line = f"failing hosts: {_join(_by_weight(hosts)[:_TOP_HOSTS])}"
    short = (failures - sum(hosts.values())) // (MAX_HOSTS + 1)
    return f"{line} (each up to {short:,} more)" if short > 0 else line


def _line(title: str, reasons: Mapping[str, int]) -> str:
    return f"{title}: {_join(_by_weight(reasons))}"


def _by_weight(reasons: Mapping[str, int]) -> list[tuple[int, str]]:
    return [(n, reason) for reason, n in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))]


def _join(counted: list[tuple[int, str]]) -> str:
    return ", ".join(f"{n:,} {one_line(reason)}" for n, reason in counted)


def _percent(n: int, total: int) -> str:
    return f"{100 * n / total:.1f} %"
