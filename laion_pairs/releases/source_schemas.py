"""Every published column set, S1 to S19, exactly as published: names, order and types.

A file is matched by its whole column set, never by one name: ``prediction`` is an aesthetic score in S13 and an NSFW
score in S11s, ``aesthetic`` is V1's in S3 and S4 and V2's in S10 and S13, and ``SAMPLE_ID`` without ``hash`` means raw
files, in which width and height are swapped (S1, S1m).

``caption`` is the alt text everywhere, because ``similarity`` and the published ``hash`` are about it; texts that a
model wrote stay reachable under their own names with ``columns="all"``.
"""

from __future__ import annotations

from laion_pairs.releases.laion_schemas import LAION_SCHEMAS
from laion_pairs.releases.sister_schemas import SISTER_SCHEMAS
from laion_pairs.releases.source_schema import SourceSchema

__all__ = ["SOURCE_SCHEMAS", "find_source_schema"]

SOURCE_SCHEMAS: tuple[SourceSchema, ...] = (*LAION_SCHEMAS, *SISTER_SCHEMAS)


def find_source_schema(id: str) -> SourceSchema:
    """The schema of that id (the first of its variants). Raises KeyError."""
    for schema in SOURCE_SCHEMAS:
        if schema.id == id:
            return schema
    raise KeyError(id)
