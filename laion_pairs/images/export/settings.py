"""What an export looks like: one frozen object, validated once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from laion_pairs.errors import PolicyError
from laion_pairs.images.bulk import Settings
from laion_pairs.images.pixels import Resize

__all__ = ["ENCODES", "FORMATS", "Encode", "ExportSettings", "Format"]

Format = Literal["webdataset", "parquet", "files"]
FORMATS: tuple[Format, ...] = get_args(Format)
Encode = Literal["jpg", "webp", "png", "original"]
ENCODES: tuple[Encode, ...] = get_args(Encode)


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """How images become files. A wrong value is a :class:`PolicyError`.

    A picture that is neither resized nor turned, and is of the wanted format already, is written byte for byte as its
    host sent it, with whatever metadata it carries. What is encoded anew carries none.

    Args:
        format (str): ``"webdataset"``, ``"parquet"`` or ``"files"``.
        shard_rows (int): rows of the stream that one shard stands for, images and failures together.
        resize (Resize): the wanted size.
        encode (str): ``"jpg"``, ``"webp"``, ``"png"``, or ``"original"``: the format that the host sent (GIF and BMP
            become PNG when they are resized). With ``Resize(mode="no")``, originals are judged by their header alone.
        quality (int): of JPEG and WEBP, 1 to 100. 95 as in img2dataset.
    """

    format: Format = "webdataset"
    shard_rows: int = 10_000
    resize: Resize = Resize()  # noqa: RUF009 (frozen)
    encode: Encode = "jpg"
    quality: int = 95

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise PolicyError(f"format must be one of {', '.join(FORMATS)}, got {self.format!r}")
        if self.encode not in ENCODES:
            raise PolicyError(f"encode must be one of {', '.join(ENCODES)}, got {self.encode!r}")
        for name, value, most in (("shard_rows", self.shard_rows, 10_000_000), ("quality", self.quality, 100)):
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
                raise PolicyError(f"{name} must be a whole number from 1 to {most}, got {value!r}")

    @property
    def needs_pixels(self) -> bool:
        """Whether anything is decoded at all."""
        return self.encode != "original" or self.resize.mode != "no"

    def download(self, **options: Any) -> Settings:
        """The engine's settings for such an export; ``options`` are those that an export leaves open."""
        if self.needs_pixels:
            return Settings(resize=self.resize, keep_body=True, **options)
        return Settings(resize=None, check=self.resize, keep_body=True, **options)

    def as_dict(self) -> Mapping[str, Any]:
        """By the names of the command line: what a resumed export must not change."""
        resize = asdict(self.resize)
        return {
            "format": self.format,
            "shard-size": self.shard_rows,
            "encode": self.encode,
            "quality": self.quality,
            "resize": resize.pop("mode"),
            "image-size": resize.pop("size"),
            **{name.removesuffix("_px").replace("_", "-"): value for name, value in resize.items()},
        }
