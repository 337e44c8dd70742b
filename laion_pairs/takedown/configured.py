"""Which takedown lists apply to everything that this user and this machine load.

In this order, all of them together:

1. ``LAION_TAKEDOWN``: paths, separated as in ``PATH``
2. the user's: ``*.parquet`` in ``$XDG_CONFIG_HOME/laion/takedown`` (``~/.config/laion/takedown``; on Windows
   ``%APPDATA%\\laion\\takedown``)
3. the machine's: ``*.parquet`` in ``/etc/laion/takedown`` (on Windows ``%PROGRAMDATA%\\laion\\takedown``)

A folder that is not there means no lists; one that cannot be looked into stops the run.
"""

from __future__ import annotations

import os
from pathlib import Path

from laion_pairs.errors import TakedownError

__all__ = ["configured_lists", "list_folders"]


def configured_lists() -> tuple[str, ...]:
    """The absolute paths of the configured lists, each once.

    Raises:
        TakedownError: a folder of lists cannot be looked into.
    """
    named = [entry for entry in os.environ.get("LAION_TAKEDOWN", "").split(os.pathsep) if entry]
    found = [os.path.abspath(os.path.expanduser(path)) for path in named]
    for folder in list_folders():
        found += _lists_in(folder)
    return tuple(dict.fromkeys(found))


def list_folders() -> tuple[Path, Path]:
    """The user's and the machine's folder of lists."""
    if os.name == "nt":
        user = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
        machine = Path(os.environ.get("PROGRAMDATA") or "C:\\ProgramData")
    else:
        user = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        machine = Path("/etc")
    return user / "laion" / "takedown", machine / "laion" / "takedown"


def _lists_in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:  # not glob, which takes a forbidden folder for an empty one
            return sorted(os.path.abspath(entry.path) for entry in entries if entry.name.endswith(".parquet"))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TakedownError(
            f"The folder of takedown lists {folder} cannot be looked into ({error.strerror}); "
            "nothing is delivered without it."
        ) from error
