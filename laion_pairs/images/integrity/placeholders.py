"""One card for many pictures: "image unavailable", "hotlinking forbidden", the logo of a parked domain.

A host that no longer has its pictures often answers every address with the same file and 200. So: the same bytes at so
many different addresses of one registered domain are a placeholder, from then on. The same address asked again is not
counted, and other domains' files never are.

But shops serve one photo at many addresses too. So a file that looks like a card (small, or few bits for its pixels)
is one at 20 addresses, as many as a domain needs to be quarantined; a file that could be a photo only at 100.

Only the last 65,536 files of a process are remembered (about 20 MB), so a card that comes less often than that is not
noticed, and the rows before the 20th keep the word they got. Files are told apart by 64 bits of XXH3 (1 µs for 70 kB,
where MurmurHash3 needs 12): two of the remembered ones share them with a chance of 10⁻¹⁰. Files that collide on purpose
count together only if one domain serves them.
"""

from __future__ import annotations

from threading import Lock

import xxhash

from laion_pairs.images.decoding import read_image_header
from laion_pairs.images.integrity.recent import Recent
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.takedown.keys import hash_text

__all__ = ["CARD_ADDRESSES", "PHOTO_ADDRESSES", "Placeholders"]

CARD_ADDRESSES, PHOTO_ADDRESSES = 20, 100

_CARD_BYTES = 2048
_CARD_BITS_PER_PIXEL = 0.5
"""A JPEG of a photo needs 0.5 bits a pixel to look good at all (Wallace, "The JPEG still picture compression standard",
1991, section 4); lettering on a plain ground needs less, in JPEG and in PNG."""

_REMEMBERED = 65_536


class Placeholders:
    """The files that were seen last, and at which addresses. Safe in threads.

    Args:
        policy: the limits under which a header is read.
    """

    def __init__(self, policy: DownloadPolicy) -> None:
        self._policy = policy
        self._lock = Lock()
        self._addresses: Recent[int, tuple[int, ...]] = Recent(_REMEMBERED)

    def sees(self, domain: str, address: int, body: bytes) -> bool:
        """Take one file into account, and say whether it is a placeholder.

        Args:
            domain: the registered domain that was asked.
            address: the key of the address, see :mod:`laion_pairs.takedown.keys`.
            body: the file.
        """
        file = hash_text(domain) ^ xxhash.xxh3_64_intdigest(body)
        with self._lock:
            addresses = self._addresses.get(file, ())
            if len(addresses) < PHOTO_ADDRESSES and address not in addresses:
                addresses = (*addresses, address)
            self._addresses.put(file, addresses)
        if len(addresses) < CARD_ADDRESSES:
            return False
        return len(addresses) >= PHOTO_ADDRESSES or self._looks_like_a_card(body)

    def _looks_like_a_card(self, body: bytes) -> bool:
        if len(body) <= _CARD_BYTES:
            return True
        try:
            header = read_image_header(body, self._policy)
        except Refused:
            return False
        return 8 * len(body) < _CARD_BITS_PER_PIXEL * header.width * header.height
