"""Make the sample's pictures and ``pairs.tsv`` from Debian's openclipart packages. Run once; the result is committed.

::

    apt-get download openclipart-png openclipart-svg
    for package in openclipart-*.deb; do dpkg -x $package openclipart; done
    python docs/sample/collect.py openclipart/usr/share/openclipart laion_pairs/sample

``chosen.tsv`` beside this file is the choice, made by eye from pictures whose SVG says that it is in the public domain:
one source each, and whether its title or its description is the caption. Titles, descriptions, authors and licences are
read from the SVG; pixels from the PNG of the same name. A picture whose SVG does not say so stops the run.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import html
import io
import re
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

PUBLIC_DOMAIN = "http://web.resource.org/cc/PublicDomain"
COLUMNS = ("file", "caption", "title", "author", "licence", "source", "width", "height", "format", "bytes", "md5")
MAX_SIDES_PX = (320, 360, 384, 400, 448, 480, 512)
LARGEST_SOURCE_PX = 4096 * 4096


def read_metadata(svg: Path) -> dict[str, str]:
    """Title, description, author and licence from an SVG's RDF block."""
    root = ElementTree.fromstring(svg.read_text("utf-8", "replace"))  # noqa: S314 (a file of a Debian package)
    work = next(element for element in root.iter() if element.tag.endswith("}Work"))
    fields = {"title": "", "description": "", "creator": "", "license": ""}
    for element in work:
        name = element.tag.rpartition("}")[2]
        if name == "license":
            fields[name] = next(iter(element.attrib.values()), "")
        elif name in fields and not fields[name]:
            fields[name] = re.sub(r"\s+", " ", html.unescape(" ".join(element.itertext()))).strip()
    return fields


def author_name(text: str) -> str:
    """An author without mail or web address; nobody asked them whether we may print it."""
    text = re.sub(r"\[[^]]*\]|\([^)]*@[^)]*\)|<[^>]*>|-? *\S+@\S+|https?://\S+", "", text).strip(" -")
    return text or "unknown"


def file_name(title: str, taken: set[str]) -> str:
    """A file's stem from a title: lower-case words and dashes, numbered where taken."""
    stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    names = (stem, *(f"{stem}-{n}" for n in range(2, 100)))
    name = next(name for name in names if name not in taken)
    taken.add(name)
    return name


def scaled(png: Path, max_side_px: int) -> Image.Image:
    """The picture with its transparency, at most ``max_side_px`` on its longer side, never enlarged."""
    with Image.open(png) as opened:
        if opened.width * opened.height > LARGEST_SOURCE_PX:
            raise ValueError(f"{png} has {opened.width}x{opened.height} pixels; choose another")
        picture = opened.convert("RGBA")
    picture.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS)
    return picture


def on_white(picture: Image.Image) -> Image.Image:
    """Without transparency."""
    page = Image.new("RGBA", picture.size, "white")
    page.alpha_composite(picture)
    return page.convert("RGB")


def encode(picture: Image.Image, image_format: str) -> bytes:
    """One of the three formats: JPEG on white, PNG with a palette, WEBP with transparency."""
    out = io.BytesIO()
    if image_format == "JPEG":
        on_white(picture).save(out, "JPEG", quality=84, optimize=True)
    elif image_format == "PNG":
        on_white(picture).quantize(96, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    else:
        picture.save(out, "WEBP", quality=82, method=6)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("openclipart", type=Path, help="folder that holds png/ and svg/")
    parser.add_argument("sample", type=Path, help="where pictures/ and pairs.tsv go")
    options = parser.parse_args()
    with (Path(__file__).parent / "chosen.tsv").open(encoding="utf-8", newline="") as file:
        chosen = list(csv.DictReader(file, delimiter="\t"))
    pictures = []
    for number, line in enumerate(chosen):
        svg = options.openclipart / "svg" / line["source"]
        facts = read_metadata(svg)
        if facts["license"] != PUBLIC_DOMAIN:
            raise ValueError(f"{svg} is not marked as public domain but {facts['license'] or 'nothing'!r}")
        png = (options.openclipart / "png" / line["source"]).with_suffix(".png")
        pictures.append((line, facts, scaled(png, MAX_SIDES_PX[number % len(MAX_SIDES_PX)])))
    # The 40 % that PNG packs best become PNG; of the others two in three are JPEG.
    by_png_bytes = sorted(range(len(pictures)), key=lambda n: len(encode(pictures[n][2], "PNG")))
    as_png = set(by_png_bytes[: len(pictures) * 2 // 5])
    folder = options.sample / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    rows = []
    for number, (line, facts, picture) in enumerate(pictures):
        image_format = "PNG" if number in as_png else ("WEBP" if number % 3 == 0 else "JPEG")
        name = file_name(facts["title"], taken) + {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}[image_format]
        data = encode(picture, image_format)
        (folder / name).write_bytes(data)
        rows.append(
            {
                "file": name,
                "caption": facts[line["caption"]],
                "title": facts["title"],
                "author": author_name(facts["creator"]),
                "licence": facts["license"],
                "source": line["source"],
                "width": picture.width,
                "height": picture.height,
                "format": image_format,
                "bytes": len(data),
                "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
            }
        )
    with (options.sample / "pairs.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: str(row["file"])))
    print(f"{len(rows)} pictures, {sum(int(row['bytes']) for row in rows):,} bytes")


if __name__ == "__main__":
    main()
