"""How a downloaded image is handed over: as what, and what becomes of a row whose image could not be had."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, get_args

import numpy as np
from datasets import Array3D, Features, Image, Sequence, Value

from laion_pairs.errors import MissingExtra, PolicyError
from laion_pairs.images.bulk import Downloaded
from laion_pairs.images.pixels import Resize

__all__ = ["Decode", "Delivery", "OnError"]

Decode = Literal["pil", "numpy", "torch", "bytes"]
OnError = Literal["skip", "none", "raise"]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The form of the pictures, and the mode for failures. A wrong word is a :class:`PolicyError`.

    Args:
        decode (str): ``"pil"``, ``"numpy"`` (height, width, 3), ``"torch"`` (3, height, width; a view whose strides are
            channels-last), both uint8 RGB, or ``"bytes"``: the file as the host sent it.
        on_error (str): ``"skip"`` the row, deliver it with ``"none"`` for a picture, or ``"raise"`` FetchFailed.
    """

    decode: Decode = "pil"
    on_error: OnError = "skip"

    def __post_init__(self) -> None:
        for name, words in (("decode", get_args(Decode)), ("on_error", get_args(OnError))):
            if getattr(self, name) not in words:
                raise PolicyError(f"{name} must be one of {', '.join(words)}, got {getattr(self, name)!r}")
        if self.decode == "torch" and find_spec("torch") is None:
            raise MissingExtra('decode="torch" needs PyTorch: pip install "laion-dataset[train]"')

    def features(self, source: Features | None, column: str, resize: Resize) -> Features | None:
        """The delivered rows' features, or None where the source's are unknown."""
        if source is None:
            return None
        added = {"outcome": Value("string"), "trust": Value("string")}
        return Features({**source, column: self._feature(resize), **added})

    def _feature(self, resize: Resize) -> Any:
        if self.decode == "bytes":
            return Value("binary")
        if self.decode != "torch":
            return Image()
        if resize.mode in ("center_crop", "border") and not resize.only_if_bigger:
            return Array3D((3, resize.size, resize.size), "uint8")
        return Sequence(Sequence(Sequence(Value("uint8"))))

    def picture(self, done: Downloaded) -> Any:
        """What an image that could be had is delivered as."""
        if self.decode == "bytes":
            return done.body
        if self.decode == "numpy":
            return done.pixels
        if self.decode == "torch":
            import torch

            return torch.from_numpy(done.pixels).permute(2, 0, 1)
        from PIL import Image as pil

        return pil.fromarray(np.asarray(done.pixels))
