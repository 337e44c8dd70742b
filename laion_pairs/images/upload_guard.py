"""An upload must carry stock types only; here the column type of lazy images notices one that would not.

`datasets` asks a feature to embed external files in two places: when it saves to a local disk, and in ``push_to_hub``.
From 4.8.5 on it says which by ``remote_files``. Before, the only witness is the call stack. Nothing asks a feature
about ``push_to_hub(embed_external_files=False)``: that one is not noticed.
"""

from __future__ import annotations

import sys

from laion_pairs.errors import SchemaError

__all__ = ["refuse_upload"]


def refuse_upload(remote_files: bool | None) -> None:
    """Raise if the embedding that is being asked for belongs to an upload.

    Args:
        remote_files: what `datasets` said; None where it is too old to say.

    Raises:
        SchemaError: it does.
    """
    uploading = _called_by_push_to_hub() if remote_files is None else remote_files
    if uploading:
        raise SchemaError(
            "push_to_hub was asked to upload a column of lazy images, which readers without this package cannot load: "
            "use laion_dataset.to_stock(ds).push_to_hub(…), which uploads their URLs"
        )


def _called_by_push_to_hub() -> bool:
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_name == "push_to_hub" and frame.f_globals.get("__name__", "").startswith("datasets."):
            return True
    return False
