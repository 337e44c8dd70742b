"""A reservation inside the image file: the property ``plus:DataMining`` of its XMP packet (PLUS, IPTC 2023.1). Pure.

XMP packets are made to be found by scanning a file of any format (XMP specification, part 1, section 7.3.2), so a
packet in a JPEG's APP1 segment, a PNG's ``iTXt``, a WEBP's ``XMP`` chunk or a GIF's application extension is found
alike. A compressed ``iTXt`` is inflated, up to a limit. Every value reserves but ``DMI-ALLOWED`` and
``DMI-UNSPECIFIED``: the ``DMI-PROHIBITED…`` words of the PLUS vocabulary, and illegal ones.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

__all__ = ["find_xmp_reservation"]

_NAMESPACE = b"ns.useplus.org/ldf/xmp/"
_NAME = b":DataMining"
_PREFIX = re.compile(rb"[<\s][A-Za-z_][\w.-]{0,63}\Z")  # of what opens the property; what closes it has a "/" there
_MAX_PREFIX_BYTES = 65
_VALUE = re.compile(
    rb"\s{0,64}=\s{0,64}(?:\"([^\"<]{0,512})|'([^'<]{0,512}))"  # an attribute
    rb"|([^<>]{0,512}/>)"  # an empty element, with its value in rdf:resource
    rb"|([^<>]{0,512}>.{0,1024}?)</[\w.-]{1,64}:DataMining",  # an element
    re.S,
)
_WORD = re.compile(rb"DMI-[A-Z-]*[A-Z]", re.I)
_ALLOWING = frozenset({"DMI-ALLOWED", "DMI-UNSPECIFIED"})
_PROHIBITING = frozenset(
    {
        "DMI-PROHIBITED",
        "DMI-PROHIBITED-AIMLTRAINING",
        "DMI-PROHIBITED-GENAIMLTRAINING",
        "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING",
        "DMI-PROHIBITED-SEECONSTRAINT",
        "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR",
        "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR",
    }
)
_ILLEGAL = "XMP: DataMining with an illegal value"
_ENDS_A_NAME = frozenset(bytes((byte,)) for byte in b" \t\r\n=/>")
_MAX_NAMES = 128
"""A picture has two, of a start and an end, and two for each picture that it was made of. More is no metadata."""
_PNG = b"\x89PNG\r\n\x1a\n"
_COMPRESSED = b"iTXtXML:com.adobe.xmp\0\1\0"
_MAX_PACKET_BYTES = 2**20
"""Of a packet that is inflated; a packet of metadata is a few kB."""


def find_xmp_reservation(body: bytes) -> str | None:
    """The first reservation in an image file, as a word of a closed list such as ``XMP: DMI-PROHIBITED``; or None."""
    if body.startswith(_PNG) and _COMPRESSED in body:
        packet = _inflated(body, body.index(_COMPRESSED) + len(_COMPRESSED))
        found = _in_packets(packet)
        if found is not None:
            return found
    return _in_packets(body)


def _in_packets(data: bytes) -> str | None:
    if _NAME not in data or _NAMESPACE not in data:
        return None
    for count, at in enumerate(_places(data)):
        if count == _MAX_NAMES:
            return _ILLEGAL
        end = at + len(_NAME)
        if data[end : end + 1] not in _ENDS_A_NAME or not _PREFIX.search(data[max(0, at - _MAX_PREFIX_BYTES) : at]):
            continue
        value = _VALUE.match(data, end)
        words = {word.decode("ascii").upper() for word in _WORD.findall(value[0])} if value else set()
        reserving = words - _ALLOWING
        if words and not reserving:
            continue
        known = sorted(reserving & _PROHIBITING)
        return f"XMP: {known[0]}" if known else _ILLEGAL
    return None


def _places(data: bytes) -> Iterator[int]:
    at = data.find(_NAME)
    while at >= 0:
        yield at
        at = data.find(_NAME, at + 1)


def _inflated(body: bytes, at: int) -> bytes:
    """The text of a compressed ``iTXt`` chunk whose language tag starts at ``at``; ``b""`` where it is none."""
    start = body.find(b"\0", body.find(b"\0", at, at + 1024) + 1, at + 2048) + 1
    try:
        return zlib.decompressobj().decompress(memoryview(body)[start : start + _MAX_PACKET_BYTES], _MAX_PACKET_BYTES)
    except zlib.error:
        return b""
