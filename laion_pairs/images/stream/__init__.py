"""From a stream of pairs to a stream of pictures: `download_images`, an ordinary `datasets.IterableDataset`.

``download_images`` says what is wanted; ``examples`` speaks `datasets`' protocol; ``source_rows`` reads, ``splitting``
divides, ``downloading`` passes the rows through the engine (:mod:`laion_pairs.images.bulk`) and remembers in a
``window`` which are through, and in which ``turns`` some have to come again.
"""

from laion_pairs.images.stream.download_images import download_images

__all__ = ["download_images"]
