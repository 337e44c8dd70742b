"""Text from the web, made safe to print on a terminal or in an error: one line, nothing that steers or hides. Pure."""

from __future__ import annotations

import unicodedata

__all__ = ["one_line"]

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of what is escaped: control, format, surrogate, private, unassigned, line and paragraph ends."""


def one_line(text: str, *, max_chars: int | None = None) -> str:
    """Escape what a terminal or a reader could mistake, and cut to length; a cut is marked by ``…``.

    ``one_line("a\\u202eb\\n")`` is ``a\\\\u202eb\\\\n``. A caption may hold sequences that move a terminal's cursor, or
    marks that reverse what is read; none is passed on.
    """
    looked_at = text if max_chars is None else text[: max_chars + 1]
    escaped = "".join(ascii(char)[1:-1] if unicodedata.category(char) in _UNSAFE else char for char in looked_at)
    return escaped if max_chars is None or len(escaped) <= max_chars else escaped[: max_chars - 1] + "…"
