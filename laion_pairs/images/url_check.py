"""What a URL must be before anything is resolved or dialled, and the form in which it is requested.

The grammar, and any other form is refused rather than guessed::

    url       = ("http" | "https") "://" host [":" port] [path] ["?" query] ["#" fragment]
    host      = "[" IPv6 without zone "]" | IPv4 | label *("." label) ["."]
    IPv4      = what ends in a number: 1*4 numbers joined by ".", decimal, octal (0…) or hexadecimal (0x…)
    label     = 1*63 of letters, digits, "-", "_" | Unicode that IDNA (UTS 46) maps to such
    port      = "" | 1..65535

No userinfo, no backslash, no space, control or other white-space character anywhere, no "%" in the host.
The URL is rendered again from its parts, so that libcurl is given exactly what was judged: lower-case ASCII host
without its last dot, IPv4 in dotted form, explicit port only where it is not the scheme's own, dot segments removed
as browsers do, what is not a URI character percent-encoded, no fragment. Rendering is idempotent.

Whether the host may be *dialled* is not judged here: the text of a URL does not say where it leads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote, urljoin

import idna

from laion_pairs.images.refusal import Refused
from laion_pairs.ledger import Outcome

__all__ = ["MAX_URL_CHARS", "CheckedUrl", "check_redirect", "check_url"]

MAX_URL_CHARS = 8192
"""Longer URLs are refused: common servers take no longer request line (Apache and nginx: 8 KiB by default)."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_WHOLE = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#.*)?", re.I)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(?P<port>[0-9]{0,5}))?")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_DOTTED = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_NUMBER = re.compile(r"0x[0-9a-f]{0,15}|[0-9]{1,15}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_URI_CHARACTERS = "!#$%&'()*+,-./:;=?@[]_~"  # and letters and digits, which quote() keeps anyway
_ENCODED = re.compile(r"[A-Za-z0-9!#$%&'()*+,./:;=?@\[\]_~-]*")  # such characters only: quote() would change nothing
_NEVER = re.compile(  # C0, C1, every Unicode space and separator, byte order mark, surrogates, backslash
    r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff\ud800-\udfff\\]"
)
_DOT = re.compile(r"\.|%2e", re.I)


@dataclass(frozen=True)
class CheckedUrl:
    """A URL that may be requested. ``text`` is ASCII without spaces or controls; ``host`` has no brackets."""

    text: str
    scheme: str
    host: str
    port: int


def check_url(url: str) -> CheckedUrl:
    """``url`` rendered again from its parts, or :class:`Refused` with ``BAD_URL``.

    >>> check_url("HTTP://Exämple.org.:80/a/../b%20c#top").text
    'http://xn--exmple-cua.org/b%20c'
    """
    if not isinstance(url, str):
        raise _bad("it is not text")
    if len(url) > MAX_URL_CHARS:
        raise _bad(f"it is longer than {MAX_URL_CHARS} characters")
    if _NEVER.search(url):
        raise _bad("it holds a space, a control character or a backslash")
    parts = _WHOLE.fullmatch(url)
    if parts is None:
        raise _bad("it is not an http or https URL")
    scheme = parts["scheme"].lower()
    host, port = _host_and_port(parts["authority"], scheme)
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    rest = _encode(_remove_dot_segments(parts["path"])) + _encode(parts["query"] or "")
    return CheckedUrl(f"{scheme}://{shown_host}{shown_port}{rest}", scheme, host, port)


def check_redirect(base: CheckedUrl, location: bytes) -> CheckedUrl:
    """Where a ``Location`` header sends a request for ``base`` (RFC 3986 section 5), checked like any other URL."""
    try:
        text = location.decode("utf-8")
    except UnicodeDecodeError:
        text = location.decode("latin-1")
    text = text.strip(" \t")
    if _NEVER.search(text):  # before urljoin, which drops some of them
        raise _bad("it holds a space, a control character or a backslash", "the redirect's target")
    try:
        return check_url(text if _SCHEME.match(text) else urljoin(base.text, text))
    except ValueError:
        raise _bad("it is malformed", "the redirect's target") from None
    except Refused as refused:
        raise Refused(refused.outcome, refused.detail.replace("the URL", "the redirect's target", 1)) from None


def _host_and_port(authority: str, scheme: str) -> tuple[str, int]:
    if "@" in authority:
        raise _bad("it carries a user name or password")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise _bad("its host or port is malformed")
    port = int(parts["port"]) if parts["port"] else _DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65_535:
        raise _bad("its port is not between 1 and 65535")
    return _host(parts["host"]), port


def _host(host: str) -> str:
    if host.startswith("["):
        try:
            return IPv6Address(host[1:-1]).compressed
        except AddressValueError:
            raise _bad("its host is not an IPv6 address") from None
    name = host.lower() if host.isascii() else _idna(host)
    name = name.removesuffix(".")
    if not _NAME.fullmatch(name):
        raise _bad("its host is not a host name")
    if _DOTTED.fullmatch(name):
        return name
    return _dotted(name.split(".")) if _NUMBER.fullmatch(name.rpartition(".")[2]) else name


def _dotted(labels: list[str]) -> str:
    """``127.1``, ``2130706433``, ``0x7f000001`` and ``0177.0.0.1`` as what they mean (as browsers and libcurl do)."""
    if len(labels) > 4 or not all(map(_NUMBER.fullmatch, labels)):
        raise _bad("its host ends like an IPv4 address and is none")
    try:
        *upper, last = (int(label, _base(label)) if label != "0x" else 0 for label in labels)
    except ValueError:
        raise _bad("its host is not an IPv4 address") from None
    if any(number > 255 for number in upper) or last >= 256 ** (4 - len(upper)):
        raise _bad("its host is not an IPv4 address")
    number = last + sum(part << (24 - 8 * place) for place, part in enumerate(upper))
    return str(IPv4Address(number))


def _base(label: str) -> int:
    if label.startswith("0x"):
        return 16
    return 8 if label.startswith("0") else 10


def _idna(host: str) -> str:
    """The ASCII form of a Unicode host name (UTS 46, non-transitional, as browsers do)."""
    if len(host) > 253:
        raise _bad("its host is not a host name")
    try:
        labels = idna.uts46_remap(host, std3_rules=False, transitional=False).split(".")
        return ".".join(label if label.isascii() else idna.alabel(label).decode("ascii") for label in labels).lower()
    except (idna.IDNAError, UnicodeError):
        raise _bad("its host is not a valid international name") from None


def _remove_dot_segments(path: str) -> str:
    """RFC 3986 section 5.2.4, with ``%2e`` read as a dot, as browsers and libcurl do. The result starts with ``/``."""
    if "/." not in path and "/%2" not in path:
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")[1:] or [""]
    for index, segment in enumerate(segments):
        plain = _DOT.sub(".", segment) if len(segment) <= 6 else segment
        last = index == len(segments) - 1
        if plain == "..":
            kept = kept[:-1]
        if plain not in (".", ".."):
            kept.append(segment)
        elif last:
            kept.append("")
    return "/" + "/".join(kept)


def _encode(text: str) -> str:
    """Percent-encode (as UTF-8) what is no URI character; what is encoded already stays as it is."""
    return text if _ENCODED.fullmatch(text) else quote(text, safe=_URI_CHARACTERS)


def _bad(reason: str, subject: str = "the URL") -> Refused:
    return Refused(Outcome.BAD_URL, f"{subject} is refused: {reason}.")
