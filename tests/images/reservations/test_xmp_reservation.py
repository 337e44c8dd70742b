"""XMP inside image files: real containers, every word of the vocabulary, every way to write the property."""

from __future__ import annotations

import zlib
from io import BytesIO

import pytest
from hostile_host import picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from laion_pairs.images.reservations.xmp import find_xmp_reservation

WORDS = [
    "DMI-PROHIBITED",
    "DMI-PROHIBITED-AIMLTRAINING",
    "DMI-PROHIBITED-GENAIMLTRAINING",
    "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING",
    "DMI-PROHIBITED-SEECONSTRAINT",
    "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR",
    "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR",
]
VOCABULARY = "http://ns.useplus.org/ldf/vocab/"


def packet(inside: str = "", attributes: str = "", prefix: str = "plus") -> bytes:
    """An XMP packet as tools write it."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:{prefix}="http://ns.useplus.org/ldf/xmp/1.0/" {attributes}>{inside}'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def element(value: str, prefix: str = "plus") -> bytes:
    return packet(f"<{prefix}:DataMining>{value}</{prefix}:DataMining>", prefix=prefix)


def jpeg(xmp: bytes) -> bytes:
    plain = picture("JPEG")
    segment = b"http://ns.adobe.com/xap/1.0/\0" + xmp
    return plain[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + plain[2:]


def png(xmp: bytes, *, compressed: bool = False) -> bytes:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=compressed)
    return picture("PNG", pnginfo=info)


def compressed_png(xmp: bytes) -> bytes:
    return png(xmp, compressed=True)


def webp(xmp: bytes) -> bytes:
    return picture("WEBP", xmp=xmp)


def gif(xmp: bytes) -> bytes:
    plain = picture("GIF")
    trailer = bytes([1, *range(255, -1, -1), 0])  # the "magic trailer" of the XMP specification, part 3
    return plain[:-1] + b"\x21\xff\x0bXMP DataXMP" + xmp + trailer + plain[-1:]


CONTAINERS = [jpeg, png, compressed_png, webp, gif]
FORMS = [  # each with the word in its place
    lambda word: element(VOCABULARY + word),
    lambda word: element(word),
    lambda word: element(word.lower()),
    lambda word: element(f"\n  {VOCABULARY}{word}\n"),
    lambda word: element(VOCABULARY + word, prefix="p-1.x"),
    lambda word: packet(attributes=f'plus:DataMining="{VOCABULARY}{word}"'),
    lambda word: packet(attributes=f"plus:DataMining = '{word}'"),
    lambda word: packet(f'<plus:DataMining rdf:resource="{VOCABULARY}{word}"/>'),
    lambda word: packet(f"<plus:DataMining xml:lang='en'>{word}</plus:DataMining>"),
    lambda word: element(f"<rdf:Bag><rdf:li>{VOCABULARY}{word}</rdf:li></rdf:Bag>"),
]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("word", WORDS)
def test_every_prohibiting_word_is_found_in_every_container(container, word):
    body = container(element(VOCABULARY + word))
    Image.open(BytesIO(body)).load()  # the sample is an image
    assert find_xmp_reservation(body) == f"XMP: {word}"


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_every_form_is_read(form):
    assert find_xmp_reservation(jpeg(form("DMI-PROHIBITED-AIMLTRAINING"))) == "XMP: DMI-PROHIBITED-AIMLTRAINING"
    assert find_xmp_reservation(jpeg(form("DMI-ALLOWED"))) is None
    assert find_xmp_reservation(jpeg(form("DMI-UNSPECIFIED"))) is None


@pytest.mark.parametrize(
    "xmp",
    [
        element(""),
        element("no"),
        element("DMI-FORBIDDEN"),
        element("DMI-PROHIBITED-NEWWORD"),
        packet("<plus:DataMining/>"),
        packet(attributes='plus:DataMining=""'),
        packet("<plus:DataMining>DMI-ALLOWED"),  # never closed
        packet("<plus:DataMining>DMI-ALLOWED</plus:DataMining>" * 100),
    ],
)
def test_an_illegal_value_is_a_refusal(xmp):
    assert find_xmp_reservation(jpeg(xmp)) == "XMP: DataMining with an illegal value"


@pytest.mark.parametrize(
    "xmp",
    [
        packet(),
        element("DMI-ALLOWED"),
        packet("<plus:OtherConstraints>No DataMining, DMI-PROHIBITED</plus:OtherConstraints>"),
        packet("<plus:DataMiningNote>DMI-PROHIBITED</plus:DataMiningNote>"),
        b"<x:DataMining>DMI-PROHIBITED</x:DataMining>",  # of nobody's namespace
        b"",
    ],
)
@pytest.mark.parametrize("container", CONTAINERS)
def test_what_does_not_reserve(container, xmp):
    assert find_xmp_reservation(container(xmp)) is None


def test_one_reserving_property_is_enough():
    both = packet("<plus:DataMining>DMI-ALLOWED</plus:DataMining><plus:DataMining>DMI-PROHIBITED</plus:DataMining>")
    assert find_xmp_reservation(jpeg(both)) == "XMP: DMI-PROHIBITED"


def test_a_compressed_packet_that_is_a_bomb_or_broken_is_bounded():
    body = compressed_png(b" " * 200 + element("DMI-PROHIBITED"))
    start = body.index(b"iTXtXML:com.adobe.xmp") + len(b"iTXtXML:com.adobe.xmp\0\1\0\0\0")
    bomb = body[:start] + zlib.compress(b"\0" * 2**24)
    assert find_xmp_reservation(bomb) is None
    for broken in (body[:start], body[: start + 5], body[:start] + b"\xff" * 50, body[: start - 2]):
        assert find_xmp_reservation(broken) is None


@given(st.binary(max_size=300))
def test_any_bytes_have_an_answer(noise):
    for head in (
        b"",
        b"\x89PNG\r\n\x1a\n....iTXtXML:com.adobe.xmp\0\1\0",
        b"http://ns.useplus.org/ldf/xmp/ <plus:DataMining",
    ):
        found = find_xmp_reservation(head + noise)
        assert found is None or found.startswith("XMP: ")
