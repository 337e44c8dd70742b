"""A small real dataset that ships with the package, and the loopback Hub and image host that serve it.

About 300 public-domain pictures with their own captions, as shards in a published schema. The servers are real HTTP
servers on 127.0.0.1: the tests, ``laion demo`` and the notebook read from them through the same code as from the web.
"""

from __future__ import annotations

from laion_pairs.sample.hub import LoopbackHub
from laion_pairs.sample.image_host import ImageHost
from laion_pairs.sample.loopback import Answer, LoggedRequest, LoopbackServer, Request
from laion_pairs.sample.repository import Commit, Repository

__all__ = ["Answer", "Commit", "ImageHost", "LoggedRequest", "LoopbackHub", "LoopbackServer", "Repository", "Request"]
