"""One clear sentence when PyTorch is asked to stack lazy images into a batch.

`torch.utils.data.default_collate` would fail on the first null field of a lazy image with a sentence about NoneType.
It has a documented table of functions by type, ``default_collate_fn_map``; once PyTorch is loaded, ours stands there.
Boundary: never imports PyTorch.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

__all__ = ["refuse_collation"]


def refuse_collation(handle_type: type) -> None:
    """Tell PyTorch, if this process has loaded it, that ``handle_type`` cannot be collated. Cheap and idempotent."""
    collate = sys.modules.get("torch.utils.data._utils.collate")
    if collate is not None:
        collate.default_collate_fn_map.setdefault(handle_type, _refuse)


def _refuse(batch: Any, *, collate_fn_map: Any = None) -> NoReturn:
    raise TypeError(
        f"default_collate was asked to stack {len(batch)} lazy images, which hold no pixels yet: "
        "download them first with laion_dataset.download_images, give the DataLoader a collate_fn that opens them, "
        "or leave their column out with columns= or remove_columns"
    )
