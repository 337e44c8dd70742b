"""The 64-bit keys that takedown entries hold and rows are looked up by (pure).

=============  ====================================================================================================
kind           key
=============  ====================================================================================================
url, page_url  hash of the text as it is, and hash of its *address*
url_prefix     hash of the prefix's address without a final ``/``; matches at ``/``: ``…/ann`` is not ``…/anna.jpg``
domain         hash of the host; a listed domain covers its subdomains
pair_id        the id, sample_id too
md5, sha256    the first 8 bytes of the digest, big-endian
phash          the 64 bits
=============  ====================================================================================================

``hash`` is the first word of MurmurHash3 x64-128 of the UTF-8, seed 0, as in LAION's ``pair_id``. An *address* is the
normalised URL without its scheme (``http`` and ``https`` of one address are one picture) and without a user name, dot
segments resolved, ``//`` in the path read as ``/``, as servers do.
Hashes of URLs hide nothing from somebody who holds the dataset; they keep a list from being a list of links.
"""

from __future__ import annotations

import re

import mmh3

from laion_pairs.schema import normalise_url

__all__ = [
    "address_of",
    "domain_address",
    "hash_text",
    "host_suffixes",
    "key_of_digest",
    "prefix_address",
    "prefixes_of",
]

_DIGEST = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{64})", re.IGNORECASE)


def hash_text(text: str) -> int:
    """The unsigned 64-bit key of a text."""
    return int(mmh3.hash64(text.encode("utf-8", "surrogatepass"), signed=False)[0])


def address_of(url: str) -> str:
    """``//host/path?query`` in normal form.

    >>> address_of("HTTPS://Example.com:443/a/../%7Eann/1.jpg#top")
    '//example.com/~ann/1.jpg'
    """
    normal = normalise_url(url)
    _, separator, rest = normal.partition("://")
    if not separator:
        return normal
    path, question, query = rest.partition("?")
    host, slash, path = path.partition("/")
    path = f"{host.rpartition('@')[2]}{slash}{path}"
    if "/." in path:
        path = _without_dot_segments(path)
    if "//" in path:
        path = re.sub("/{2,}", "/", path)
    return f"//{path}{question}{query}"


def prefixes_of(address: str) -> list[str]:
    """Every address, from the host's to the whole path's, that is a prefix ending where a path segment ends.

    >>> prefixes_of("//example.com/a/1.jpg?x=2")
    ['//example.com', '//example.com/a', '//example.com/a/1.jpg']
    """
    path = address.partition("?")[0].rstrip("/")
    ends = [match.start() for match in re.finditer("/", path) if match.start() > 1]
    return [path[:end] for end in ends] + [path]


def host_suffixes(address: str) -> list[str]:
    """The host of an address and the domains above it, the shortest of two labels.

    >>> host_suffixes("//img.shop.example.com:8080/1.jpg")
    ['img.shop.example.com', 'shop.example.com', 'example.com']
    """
    host = address[2:].partition("/")[0].partition("?")[0].rpartition("@")[2]
    if not host.startswith("["):
        host = host.partition(":")[0]
    labels = host.split(".")
    return [host] + [".".join(labels[start:]) for start in range(1, len(labels) - 1)]


def prefix_address(prefix: str) -> str:
    """The address of a listed prefix.

    Raises:
        ValueError: not http(s), or with a query or fragment.
    """
    if not re.match(r"https?://[^/?#]", prefix, re.IGNORECASE) or "?" in prefix or "#" in prefix:
        raise ValueError("a url_prefix is http(s)://host/path without a query or fragment")
    return address_of(prefix).rstrip("/")


def domain_address(domain: str) -> str:
    """The host of a listed domain.

    Raises:
        ValueError: anything but a host name of at least two labels.
    """
    if not re.fullmatch(r"[^\s/:@?#*.]+(\.[^\s/:@?#*.]+)+\.?", domain):
        raise ValueError("a domain is a host name such as example.com, without scheme, port, path or wildcard")
    return host_suffixes(address_of(f"http://{domain}/"))[0]


def key_of_digest(hexadecimal: str) -> int:
    """The key of an md5 (32 digits) or sha256 (64 digits).

    Raises:
        ValueError: neither.
    """
    if not _DIGEST.fullmatch(hexadecimal):
        raise ValueError("a digest is 32 (md5) or 64 (sha256) hexadecimal digits")
    return int(hexadecimal[:16], 16)


def _without_dot_segments(path: str) -> str:
    host, *segments = path.split("/")
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join([host, *kept])
