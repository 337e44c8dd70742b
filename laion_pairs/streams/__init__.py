"""Rows for training: from shards to `datasets`' streams, split among any number of readers, resumed at any row.

``examples`` speaks `datasets`' protocol, ``rows`` makes rows of tables, ``splitting`` divides.
"""

from laion_pairs.streams.examples import Reading, ShardExamples

__all__ = ["Reading", "ShardExamples"]
