"""Whether a picture is the one that was published, or the one that somebody else got: a word on every row.

What a link serves today need not be what it served when the release was made: expired domains are bought for little
money to put other pictures under old captions (Carlini et al., arXiv 2302.10149). But 5 to 15 % of the links that live
serve other bytes for harmless reasons, so by default nothing is dropped: the row carries a :class:`Trust`.

``trust`` the words · ``options`` modes, as one frozen object · ``digests`` what releases publish · ``phash`` what a
picture looks like · ``lock`` what an earlier run got · ``placeholders`` one card for many pictures · ``domains`` hosts
whose pictures are all others · ``judge`` all of them as one answer. Opens no connection.
"""

from laion_pairs.images.integrity.judge import Judge
from laion_pairs.images.integrity.options import INTEGRITY_MODES, Integrity
from laion_pairs.images.integrity.trust import Judged, Trust

__all__ = ["INTEGRITY_MODES", "Integrity", "Judge", "Judged", "Trust"]
