"""What a prepared cache depends on besides its source: the code that wrote it."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

__all__ = ["code_hash"]


@cache
def code_hash() -> str:
    """SHA-256 of every source file of the engine and the front door: a cache that older code wrote is never reused."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for file in (package.parent / "laion_dataset.py", *sorted(package.rglob("*.py"))):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()
