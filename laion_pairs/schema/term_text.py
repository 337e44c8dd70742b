"""Filter terms as text: the pair ``parse_terms`` and ``render_term``.

Grammar (keywords in either case, spaces where you like)::

    terms    = term { "and" term }
    term     = column comparison literal
             | column [ "not" ] "in" "(" literal { "," literal } ")"
             | column "is" [ "not" ] "null"
    literal  = number | word | 'text' | "text"        a quote inside is doubled: 'it''s'
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from laion_pairs.errors import FilterError
from laion_pairs.schema.columns import NAMES, SCHEMA
from laion_pairs.schema.term import OPERATORS, Literal, Term, parse_term

__all__ = ["parse_terms", "render_term"]

_TOKEN = re.compile(
    r"""\s*(?: (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")
             | (?P<symbol><=|>=|!=|==|[=<>(),])
             | (?P<word>[^\s'"=<>!(),]+) )\s*""",
    re.VERBOSE,
)
_SYMBOLS = ("=", "==", "!=", "<", "<=", ">", ">=")


def parse_terms(text: str) -> tuple[Term, ...]:
    """Read one term or more, joined with ``and``. Raises FilterError, which quotes what could not be read."""
    reader = _Reader(text)
    terms = [reader.term()]
    while reader.more():
        reader.expect("and")
        terms.append(reader.term())
    return tuple(terms)


def render_term(term: Term) -> str:
    """The text of ``term``, which :func:`parse_terms` reads back as an equal term."""
    if term.value is None:
        return f"{term.column} {term.op}"
    if isinstance(term.value, tuple):
        return f"{term.column} {term.op} ({', '.join(_render_literal(term.column, value) for value in term.value)})"
    return f"{term.column} {term.op} {_render_literal(term.column, term.value)}"


def _render_literal(column: str, value: Literal) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if pa.types.is_floating(SCHEMA.field(column).type):
        return str(np.float32(value))  # the shortest text of that float32: 0.1, not 0.10000000149011612
    return str(value)


class _Reader:
    """Tokens of one text, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._tokenise())
        self._next = 0

    def _tokenise(self) -> Iterator[tuple[str, str]]:
        at = 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None:
                if not self._text[at:].strip():
                    return
                raise self._error(f"{self._text[at:]!r} cannot be read")
            yield str(match.lastgroup), match[str(match.lastgroup)]
            at = match.end()

    def more(self) -> bool:
        return self._next < len(self._tokens)

    def term(self) -> Term:
        column = self._take("word", "a column")
        kind, token = self._peek()
        if kind == "symbol" and token in _SYMBOLS:
            self._next += 1
            return parse_term((column, token, self._literal(column)))
        if self._skip("is"):
            op = "is not null" if self._skip("not") else "is null"
            self.expect("null")
            return parse_term((column, op))
        op = "not in" if self._skip("not") else "in"
        if not self._skip("in"):
            raise self._error(f"expected one of {', '.join(OPERATORS)} after {column!r}, found {self._peek()[1]!r}")
        self.expect("(")
        values = [self._literal(column)]
        while self._skip(","):
            values.append(self._literal(column))
        self.expect(")")
        return parse_term((column, op, values))

    def expect(self, token: str) -> None:
        if not self._skip(token):
            raise self._error(f"expected {token!r}, found {self._peek()[1]!r}")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self.more() else ("end", "the end")

    def _skip(self, token: str) -> bool:
        kind, found = self._peek()
        if kind == "quoted" or found.lower() != token:
            return False
        self._next += 1
        return True

    def _take(self, kind: str, what: str) -> str:
        found_kind, found = self._peek()
        if found_kind != kind:
            raise self._error(f"expected {what}, found {found!r}")
        self._next += 1
        return found

    def _literal(self, column: str) -> Literal:
        kind, found = self._peek()
        if kind == "quoted":
            self._next += 1
            quote = found[0]
            return found[1:-1].replace(quote * 2, quote)
        word = self._take("word", "a value")
        if word.lower() in ("null", "none"):
            raise self._error(f"a comparison with {word} is never true; write {column} is null, or quote the text")
        if column not in NAMES or pa.types.is_string(SCHEMA.field(column).type):
            return word
        try:
            return int(word)
        except ValueError:
            pass
        try:
            return float(word)
        except ValueError:
            raise self._error(f"{word!r} is not a number, and {column!r} holds numbers") from None

    def _error(self, reason: str) -> FilterError:
        return FilterError(
            f'{self._text!r} is not a filter: {reason}. Write terms such as "punsafe < 0.1 and width >= 512".'
        )
