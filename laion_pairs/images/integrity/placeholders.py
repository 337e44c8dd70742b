"""One card for many pictures: "image unavailable", "hotlinking forbidden", the logo of a parked domain.

A host that no longer has its pictures often answers every address with the same file and 200. So: the same bytes at so
many different addresses of one registered domain are a placeholder, from then on. The same address asked again is not
counted, and other domains' files never are.

But shops serve one photo at many addresses too. So a file that looks like a card (small, or few bits for its pixels)
is one at 20 addresses, as many as a domain needs to be quarantined; a file that could be a photo only at 100.

The rows before the 20th keep the word they got. Memory is 10 MB at most: files seen at one address share a table of
524,288 slots, where a new one takes the place of an older one; the 8,192 last repeated ones are kept with their
addresses. So a card that does not come back within about half a million files is not noticed.

Files are told apart by 64 bits of XXH3 (1 µs for 70 kB, where MurmurHash3 needs 12), addresses by 32: that one of the
remembered files is taken for another has a chance of 10⁻¹⁰, that one of 20 addresses is missed one of 10⁻⁷. Files that
collide on purpose count together only if one domain serves them.
"""

from __future__ import annotations

from array import array
from threading import Lock

import xxhash
from cachetools import LRUCache

from laion_pairs.images.decoding import read_image_header
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.refusal import Refused
from laion_pairs.takedown.keys import hash_text

__all__ = ["CARD_ADDRESSES", "PHOTO_ADDRESSES", "Placeholders"]

CARD_ADDRESSES, PHOTO_ADDRESSES = 20, 100

_CARD_BYTES = 2048
_CARD_BITS_PER_PIXEL = 0.5
"""A JPEG of a photo needs 0.5 bits a pixel to look good at all (Wallace, "The JPEG still picture compression standard",
1991, section 4); lettering on a plain ground needs less, in JPEG and in PNG."""

_SLOTS = 2**19
_REPEATED = 8192


class Placeholders:
    """The files that were seen last, and at which addresses. Safe in threads.

    Args:
        policy: the limits under which a header is read.
    """

    def __init__(self, policy: DownloadPolicy) -> None:
        self._policy = policy
        self._lock = Lock()
        self._marks, self._first_addresses = array("I", bytes(4 * _SLOTS)), array("I", bytes(4 * _SLOTS))
        self._repeated: LRUCache[int, array[int]] = LRUCache(_REPEATED)

    def sees(self, domain: str, address: int, body: bytes) -> bool:
        """Take one file into account, and say whether it is a placeholder.

        Args:
            domain: the registered domain that was asked.
            address: the key of the address, see :mod:`laion_pairs.takedown.keys`.
            body: the file.
        """
        file = hash_text(domain) ^ xxhash.xxh3_64_intdigest(body)
        slot, mark, address = file % _SLOTS, file >> 32, address % 2**32
        with self._lock:
            addresses = self._repeated.get(file, array("I"))
            if not addresses and self._marks[slot] == mark:
                addresses.append(self._first_addresses[slot])
            if len(addresses) < PHOTO_ADDRESSES and address not in addresses:
                addresses.append(address)
            if len(addresses) == 1:
                self._marks[slot], self._first_addresses[slot] = mark, address
            else:
                self._repeated[file] = addresses
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
