"""Hostile text on one line: URLs and captions as they may be printed on a terminal or in an error. Pure."""

from __future__ import annotations

__all__ = ["one_line"]


def one_line(text: str, *, max_chars: int = 200) -> str:
    """Escape what a terminal or a reader could mistake (control, bidirectional, invisible characters); cut to length.

    ``one_line("a\\u202eb\\n")`` is ``a\\\\u202eb\\\\n``; a cut is marked by ``…``.
    """
    escaped = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[: max_chars + 1])
    return escaped if len(escaped) <= max_chars else escaped[: max_chars - 1] + "…"
