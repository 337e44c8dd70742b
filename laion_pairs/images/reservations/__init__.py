"""Opt-outs that are not in an image's answer: files of the host, asked for by policy, and XMP inside the image file.

``robots``, ``tdmrep`` and ``xmp`` read one form each and open no connection; ``inquiry`` asks one origin for its files;
``reservations`` knows the answers of many. :class:`laion_pairs.images.hops.Hops` brings them together.
"""

from laion_pairs.images.reservations.reservations import Reservations, Wait, asks_origins

__all__ = ["Reservations", "Wait", "asks_origins"]
