"""A file in memory that answers only so often: decoders that go byte by byte through what a stranger sent, end."""

from __future__ import annotations

from io import BytesIO

__all__ = ["MAX_READS", "PatientFile"]

MAX_READS = 100_000
"""Pillow looks for a JPEG's markers and a GIF's blocks with a read for each byte of padding, and holds the GIL: 20 MiB
of padding cost half a minute. A PNG of 20 MiB in chunks of 1 KiB takes 80,000 reads, any other picture far fewer."""


class PatientFile(BytesIO):
    """``body``, which can be read from ``MAX_READS`` times; then ``OSError``."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self._left = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """As ``BytesIO``, until patience ends."""
        self._left -= 1
        if self._left < 0:
            raise OSError("the file was read from more often than any picture takes.")
        return super().read(size)
