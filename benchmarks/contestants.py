"""Who is measured, with what settings, and the virtual environments that they live in.

Settings are those of the tools' own documentation, at the concurrency that served them best in earlier measurements.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CONTESTANTS", "ENVIRONMENT", "OURS", "Contestant", "python_of"]

_REPOSITORY = Path(__file__).resolve().parent.parent
_ALL = ("bytes", "center_crop_256", "keep_ratio_512")
_PIXELS = ("center_crop_256", "keep_ratio_512")

#: virtual environment → what pip installs in it.
VENVS = {
    "laion": ("-e", str(_REPOSITORY)),
    "bare": ("pycurl", "simplejpeg", "opencv-python-headless"),
    "datasets": ("datasets", "pillow", "aiohttp"),
    "img2": ("img2dataset==1.47.0",),
    "daft": ("daft==0.7.26",),
    "torch": ("-e", str(_REPOSITORY), "torch==2.13.0"),
    "old": ("-e", str(_REPOSITORY), "datasets==3.6.0"),
}

#: For all: nobody phones home, looks for updates or asks the Hub.
ENVIRONMENT = {
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "WANDB_MODE": "disabled",
    "DAFT_ANALYTICS_ENABLED": "0",
    "DO_NOT_TRACK": "1",
    "SCARF_NO_ANALYTICS": "true",
    "HF_HUB_OFFLINE": "1",
}


@dataclass(frozen=True)
class Contestant:
    """One tool: its script under ``peers/``, its virtual environment and how it is set up.

    Args:
        works: what it can do. ``stretches``: it has no crop, its pictures are stretched to the square.
        in_flight, in_flight_mix: requests at a time on the clean web and on the mix; None: as the command says.
        mix: whether it survives dead links at all. ``lists_rows``: whether it says which rows were good.
    """

    name: str
    script: str
    venv: str
    works: tuple[str, ...] = _ALL
    in_flight: int | None = None
    in_flight_mix: int | None = None
    mix: bool = True
    stretches: bool = False
    lists_rows: bool = True


OURS = "laion-dataset"
CONTESTANTS = {
    each.name: each
    for each in (
        Contestant(OURS, "laion_peer.py", "laion"),
        Contestant("pycurl", "bare_pycurl.py", "bare"),
        Contestant("pycurl-careful", "bare_pycurl_careful.py", "bare", _PIXELS),
        Contestant("img2dataset", "img2dataset_peer.py", "img2", in_flight=128, in_flight_mix=512),
        Contestant("img2dataset-dummy", "img2dataset_dummy_peer.py", "img2", _PIXELS, 128, 512, lists_rows=False),
        Contestant("Daft", "daft_peer.py", "daft", in_flight=128, in_flight_mix=512, stretches=True),
        Contestant("datasets-decode", "datasets_decode.py", "datasets", _PIXELS, 32, mix=False),
        Contestant("datasets-threads", "datasets_threads.py", "datasets", in_flight=32, in_flight_mix=128),
        Contestant("datasets-async", "datasets_async.py", "datasets", in_flight=128, in_flight_mix=128),
    )
}


def python_of(venv: str, venvs: Path) -> Path:
    """The interpreter of a virtual environment of ``VENVS``, made now (minutes, by pip) if ``venvs`` lacks it."""
    home = venvs / venv
    python = home / "bin" / "python"
    if not python.exists():
        unfinished = venvs / f"unfinished-{venv}-{os.getpid()}"
        try:
            subprocess.run([sys.executable, "-m", "venv", str(unfinished)], check=True)
            pip = [str(unfinished / "bin" / "python"), "-m", "pip", "install", "-q"]
            subprocess.run([*pip, *VENVS[venv]], check=True)
            unfinished.rename(home)  # only ever run as bin/python, so it may move
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return python
