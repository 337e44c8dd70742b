"""Bulk download: jobs in, what became of each out; one thread for the network, a few for the pixels.

From the inside out: ``budget``, ``hosts``, ``names``, ``retries``, ``streak`` know one thing each · ``network`` brings
them together, in one thread · ``finishing`` makes a delivery of a body · ``engine`` owns the threads · ``lane`` and
``download`` are what callers use.
"""

from laion_pairs.images.bulk.download import download, open_lane
from laion_pairs.images.bulk.job import Downloaded, Job, Settings
from laion_pairs.images.bulk.lane import Lane

__all__ = ["Downloaded", "Job", "Lane", "Settings", "download", "open_lane"]
