"""A small real dataset that ships with the package, and the loopback Hub and image host that serve it.

About 300 public-domain pictures with their own captions, as shards in a published schema. The servers are real HTTP
servers on 127.0.0.1: the tests, ``laion demo`` and the notebook read from them through the same code as from the web.
Importing this imports neither ``datasets`` nor ``huggingface_hub``, which read ``HF_ENDPOINT`` when they are imported.
"""

from __future__ import annotations

from laion_pairs.sample.broken_pairs import BROKEN_PAIRS, BrokenPair
from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.sample.image_host import ImageHost
from laion_pairs.sample.loopback import Answer, LoggedRequest, LoopbackServer, Request
from laion_pairs.sample.pictures import Picture, sample_pictures
from laion_pairs.sample.repository import Commit, Repository
from laion_pairs.sample.serve import SAMPLE_REPO_ID, Sample, serve_sample
from laion_pairs.sample.shards import SHARD_UUID, write_shards

__all__ = [
    "BROKEN_PAIRS",
    "SAMPLE_REPO_ID",
    "SHARD_UUID",
    "Answer",
    "BrokenPair",
    "Commit",
    "ImageHost",
    "LoggedRequest",
    "LoopbackHub",
    "LoopbackServer",
    "Picture",
    "Repository",
    "Request",
    "Sample",
    "sample_pictures",
    "serve_sample",
    "write_shards",
]
