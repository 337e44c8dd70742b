"""``README.md`` of an output folder: tells ``datasets.load_dataset(FOLDER)`` which files are the data. Pure text."""

from __future__ import annotations

import re
from pathlib import Path

from laion_pairs.images.export.durable import write_whole
from laion_pairs.images.export.settings import Format

__all__ = ["write_card"]

_DATA_FILES = {"webdataset": "*.tar", "parquet": "data/*.parquet"}


def write_card(directory: Path, format: Format, split: str) -> None:
    """Write the card, for the formats that `datasets` reads; a split that is no plain word becomes ``train``."""
    if format not in _DATA_FILES:
        return
    name = split if re.fullmatch(r"\w+", split) else "train"
    card = (
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        f'  - split: {name}\n    path: "{_DATA_FILES[format]}"\n---\n\n'
        "Images and captions, written by `laion download`. A shard is finished when its `_stats.json` is there; the\n"
        "numbered `.parquet` files beside it hold one record for every row, also for those whose image was not had.\n"
    )
    write_whole(directory / "README.md", card.encode())
