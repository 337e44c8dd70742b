"""Makes the stock ``datasets.load_dataset`` find our builder, by the name ``"laion"`` and by the script's own path.

`datasets` 4 dropped loading scripts, and has no hook for a builder that lives in another package. What is left is its
registry of packaged builders; it is private, so everything that touches it is in this one file and is tested on every
supported version. Importing the project registers nothing here: :func:`register` is an explicit call.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import datasets.load
import datasets.packaged_modules

__all__ = ["NAME", "register"]

NAME = "laion"
_MODULE = "laion_dataset"


class _ModuleFactory(datasets.load.PackagedDatasetModuleFactory):  # type: ignore[misc] # datasets has no types
    """The stock factory, except that our builder lists its own shards instead of scanning the current directory."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        if name not in _our_names():
            super().__init__(name, *args, **kwargs)
        self.name = name
        self.data_files = kwargs.get("data_files")

    def get_module(self) -> Any:
        if self.name not in _our_names():
            return super().get_module()
        module, code_hash = datasets.packaged_modules._PACKAGED_DATASETS_MODULES[self.name]
        files = self.data_files if self.data_files is not None else datasets.data_files.DataFilesDict()
        return datasets.load.DatasetModule(module, code_hash, {"dataset_name": NAME, "data_files": files})


def register() -> None:
    """Let the stock ``datasets.load_dataset("laion", name, …)`` and ``("…/laion_dataset.py", name, …)`` load us.

    Idempotent. Call it once before the stock call, in the process that makes it; workers need nothing.
    """
    from laion_pairs.code_hash import code_hash

    for name in _our_names():
        datasets.packaged_modules._PACKAGED_DATASETS_MODULES[name] = (_MODULE, code_hash())
    datasets.load.PackagedDatasetModuleFactory = _ModuleFactory


def _our_names() -> set[str]:
    """``"laion"``, and the loading script's path in the spellings that a user would write from here."""
    spec = importlib.util.find_spec(_MODULE)
    if spec is None or spec.origin is None:
        return {NAME}
    script = Path(spec.origin)
    relative = os.path.relpath(script)
    return {NAME, str(script), str(script.resolve()), relative, os.path.join(".", relative)}
