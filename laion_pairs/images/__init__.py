"""From a URL to pixels: the policy, one safe fetch, and the lazy handle that asks for it.

``fetch_image`` follows one URL under a ``DownloadPolicy`` and answers with a ``Fetched``, whatever the web does.

A ``RemoteImage`` is the handle in a row, ``RemoteImageFeature`` its column type in `datasets`, ``image_array`` makes
the column from canonical ones, and ``to_stock`` turns it into stock types for everything that leaves the machine.
``set_notebook_policy`` sets the limits under which notebooks fetch the pictures that they show.
"""

from laion_pairs.images.display import set_notebook_policy
from laion_pairs.images.feature import RemoteImageFeature
from laion_pairs.images.fetch import fetch_image
from laion_pairs.images.fetched import Fetched
from laion_pairs.images.policy import DownloadPolicy
from laion_pairs.images.remote_image import RemoteImage
from laion_pairs.images.stock import to_stock
from laion_pairs.images.storage import image_array

__all__ = [
    "DownloadPolicy",
    "Fetched",
    "RemoteImage",
    "RemoteImageFeature",
    "fetch_image",
    "image_array",
    "set_notebook_policy",
    "to_stock",
]
