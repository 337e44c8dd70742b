"""What an output folder was begun with: ``manifest.json``. It is resumed with the same, or not at all.

How fast and how patiently images are fetched may differ from run to run, and so may the takedown lists; what decides
which rows are in which shard, and what is written of them, may not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from laion_pairs import __version__
from laion_pairs.errors import ExportError, ExportMismatch, LaionError
from laion_pairs.images.export.durable import write_whole

__all__ = ["begin", "read_manifest"]

_NAME = "manifest.json"


def read_manifest(directory: Path) -> dict[str, Any] | None:
    """The settings of the export in ``directory``; None where there is none. Raises ExportError."""
    path = directory / _NAME
    try:
        return _read(directory, path)
    except LaionError:
        raise
    except OSError as error:
        raise ExportError(f"{path} cannot be read ({error.strerror or error}); choose another folder.") from error


def _read(directory: Path, path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        if directory.is_dir() and any(_is_visible(entry) for entry in directory.iterdir()):
            raise ExportMismatch(f"{directory} holds something else than an export; choose an empty or a new folder.")
        return None
    try:
        settings = json.loads(path.read_bytes())["settings"]
        if not isinstance(settings, dict):
            raise TypeError("settings are a dictionary")
        return settings
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ExportMismatch(f"{path} is not the manifest of an export; choose an empty or a new folder.") from error


def begin(directory: Path, settings: Mapping[str, Any]) -> None:
    """Write the manifest, or make sure that the one which is there says the same. Raises ExportMismatch."""
    settings = json.loads(json.dumps(settings))
    there = read_manifest(directory)
    if there is None:
        directory.mkdir(parents=True, exist_ok=True)
        content = {"written_by": f"laion-dataset {__version__}", "settings": settings}
        write_whole(directory / _NAME, json.dumps(content, indent=4).encode())
        return
    names = [name for name in {**there, **settings} if there.get(name) != settings.get(name)]
    if names:
        differences = "; ".join(
            f"{name} was {_shown(there, name)} and is now {_shown(settings, name)}" for name in names
        )
        raise ExportMismatch(
            f"{directory} was begun with other settings ({differences}); give the same again, or another folder."
        )


def _shown(settings: Mapping[str, Any], name: str) -> str:
    return json.dumps(settings[name], ensure_ascii=False) if settings.get(name) is not None else "not given"


def _is_visible(entry: Path) -> bool:
    return not entry.name.startswith(".")
