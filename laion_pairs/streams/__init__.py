"""Rows for training: from shards to `datasets`' streams, split among any number of readers, resumed at any row.

``examples`` speaks `datasets`' protocol, ``rows`` makes rows of tables, ``splitting`` divides.
"""

from laion_pairs.streams.examples import Reading, ShardExamples
from laion_pairs.streams.loaded_state import keep_loaded_states

__all__ = ["Reading", "ShardExamples"]

keep_loaded_states()
