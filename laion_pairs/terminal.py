"""Text from the web, made safe to print: control and formatting characters become visible escapes."""

from __future__ import annotations

import unicodedata

__all__ = ["printable"]


def printable(text: str) -> str:
    """``text`` with every control, format, surrogate and line-separating character written as ``\\x1b`` or ``\\u202e``.

    A caption may hold sequences that move a terminal's cursor, or marks that reverse what is read; none is passed on.
    """
    return "".join(_escape(char) if unicodedata.category(char) in _UNSAFE else char for char in text)


_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
