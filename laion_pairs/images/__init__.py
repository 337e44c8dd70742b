"""From a URL to pixels: the policy, one safe fetch, and the lazy handle that asks for it.

``fetch_image`` follows one URL under a ``DownloadPolicy`` and answers with a ``Fetched``, whatever the web does.
"""

from laion_pairs.images.fetch import fetch_image
from laion_pairs.images.fetched import Fetched
from laion_pairs.images.policy import DownloadPolicy

__all__ = ["DownloadPolicy", "Fetched", "fetch_image"]
