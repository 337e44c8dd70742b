"""One spelling for every URL that means the same request, so that a takedown entry matches however it was written.

Pure text: never resolves a name, never opens a connection. The grammar is RFC 3986's,
``scheme://host:port/path?query#fragment``:

- scheme and host are lower-cased, an international host name becomes its ASCII (IDNA) form, a final dot goes;
- the scheme's default port, an empty port and the fragment go; an empty path becomes ``/``;
- ``%41`` becomes ``A`` where the character needs no escape, ``%c3`` becomes ``%C3``, a bare ``%``, a space and
  everything outside ASCII are escaped as UTF-8.

Not touched: the order of query parameters, ``www.``, the path's case, a trailing slash. Those may be different images.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import idna

__all__ = ["normalise_url"]

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_KEPT = _UNRESERVED | frozenset(b"!$&'()*+,;=:@/?[]")  # RFC 3986 reserved characters mean something where they stand

# Most published URLs are already in normal form: one match tells.
_NORMAL = re.compile(r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*/[A-Za-z0-9\-._~!$&'()*+,;=:@/?\[\]]*(?<!\?)", re.ASCII)
_PARTS = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(?:(.*)@)?(\[[^\]]*\]|[^:@]*)(?::([0-9]*))?", re.DOTALL)
_HOST_NAME = re.compile(r"[a-z0-9._~-]+", re.ASCII)
_ESCAPE_OR_BYTE = re.compile(rb"%([0-9A-Fa-f]{2})|(.)", re.DOTALL)


def normalise_url(url: str) -> str:
    """Return the normal form of ``url``. Total and idempotent: text that is no URL is only stripped and escaped.

    >>> normalise_url("HTTP://Example.COM:80/%7Ea b.jpg#top")
    'http://example.com/~a%20b.jpg'
    """
    if _NORMAL.fullmatch(url):
        return url
    scheme, authority, path, query = _split(url.strip())
    parts = []
    if scheme is not None:
        parts.append(f"{scheme}:")
    if authority is not None:
        parts.append(f"//{_authority(authority, scheme)}")
    parts.append(_escape(path) or ("/" if authority is not None else ""))
    if query:
        parts.append(f"?{_escape(query)}")
    return "".join(parts)


def _split(url: str) -> tuple[str | None, str | None, str, str | None]:
    match = _PARTS.fullmatch(url)
    if match is None:  # the expression accepts every string
        return None, None, url, None
    scheme, authority, path, query = match.groups()
    return (None if scheme is None else _escape(scheme).lower()), authority, path, query


def _authority(authority: str, scheme: str | None) -> str:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return _escape(authority).lower()
    user, host, port = match.groups()
    port = port.lstrip("0") if port else ""
    return "".join(
        (
            f"{_escape(user)}@" if user is not None else "",
            _host(host),
            f":{port}" if port and port != _DEFAULT_PORTS.get(scheme or "") else "",
        )
    )


def _host(host: str) -> str:
    decoded = unquote_to_bytes(host.encode("utf-8", "surrogatepass"))
    try:
        name = decoded.decode("utf-8").rstrip(".\u3002\uff0e\uff61")  # the four dots of IDNA
        name = name.lower() if name.isascii() else idna.encode(name, uts46=True).decode("ascii").lower()
    except UnicodeError:  # idna.IDNAError is one
        name = ""
    if not _HOST_NAME.fullmatch(name):  # an address in brackets, or no host name at all
        name = _escape(_escape(host).lower())
    return name.rstrip(".")


def _escape(text: str) -> str:
    return _ESCAPE_OR_BYTE.sub(_spell, text.encode("utf-8", "surrogatepass")).decode("ascii")


def _spell(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        byte = int(match[1], 16)
        return bytes([byte]) if byte in _UNRESERVED else b"%%%02X" % byte
    byte = match[2][0]
    return match[2] if byte in _KEPT else b"%%%02X" % byte
