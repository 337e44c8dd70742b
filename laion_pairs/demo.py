"""``laion demo``: the sample, offline, through the same calls as everybody's, ending in a contact sheet.

Stands at the top of the layers with ``cli``: it may use the front door. Everything that imports ``datasets`` or
``huggingface_hub`` is imported after the sample's Hub is up, because they read ``HF_ENDPOINT`` when they are imported.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laion_pairs.sample import BROKEN_PAIRS, LoopbackHub, Sample, serve_sample

if TYPE_CHECKING:
    from laion_pairs.images import DownloadPolicy
    from laion_pairs.images.contact_sheet import SheetEntry

__all__ = ["run_demo"]

WORKERS = 32
ROWS_PRINTED = 5
COLUMNS = ["image", "caption", "url", "width", "height", "similarity", "pair_id", "digest"]


def run_demo(
    output: str | PathLike[str] = "laion-demo.html",
    *,
    as_json: bool = False,
    quiet: bool = False,
    hub: LoopbackHub | None = None,
) -> dict[str, Any]:
    """Stream the sample, fetch its pictures, write the contact sheet, and say what was done.

    Args:
        output: where the HTML goes.
        as_json: print the summary as one JSON object instead of text.
        quiet: print nothing.
        hub: a running Hub that this process's clients already use; a new one when None.

    Returns:
        The summary: rows, outcomes, requests and bytes, seconds, and where the sheet is.

    Raises:
        HubUnreachable: ``huggingface_hub`` was imported before and talks to another Hub.
    """
    talk = not (quiet or as_json)
    with serve_sample(hub) as sample, tempfile.TemporaryDirectory(prefix="laion-demo-") as scratch:
        sample.use()
        import laion_dataset

        began = time.monotonic()
        ledger = laion_dataset.Ledger(Path(scratch) / "demo.ledger")
        stream = laion_dataset.load_dataset(
            sample.repo_id, split="train", streaming=True, columns=COLUMNS, ledger=ledger
        )
        rows: list[dict[str, Any]] = list(stream)
        requests_before = sample.images.count()
        if talk:
            _print_rows(sample, rows, time.monotonic() - began)
        entries = _fetch_all(rows, sample.policy, ledger, progress=talk)
        page = Path(output)
        page.write_text(_render(sample, entries), encoding="utf-8")
        summary = {
            "repository": sample.repo_id,
            "rows": len(rows),
            "requests_before_fetching": requests_before,
            "counts": ledger.counts(),
            "as_expected": _as_expected(entries),
            "hub": _traffic(sample.hub.requests()),
            "image_host": _traffic(sample.images.requests()),
            "seconds": round(time.monotonic() - began, 2),
            "sheet": str(page),
            "sheet_bytes": page.stat().st_size,
        }
        report = ledger.report()
    if as_json:
        print(json.dumps(summary, indent=2))
    elif talk:
        _print_end(summary, report)
    return summary


def _fetch_all(
    rows: Sequence[dict[str, Any]], policy: DownloadPolicy, ledger: Any, *, progress: bool
) -> list[SheetEntry]:
    """Ask for every picture, some at once; the entries are in the order of the rows."""
    from tqdm import tqdm

    with ThreadPoolExecutor(WORKERS) as pool:
        results = pool.map(lambda row: _fetch(row, policy), rows)
        entries = list(tqdm(results, total=len(rows), desc="pictures", unit="", disable=not progress, ncols=80))
    for entry in entries:
        ledger.add("fetched", str(entry.outcome))
    return entries


def _fetch(row: dict[str, Any], policy: DownloadPolicy) -> SheetEntry:
    from laion_pairs.images.contact_sheet import SheetEntry, make_thumbnail
    from laion_pairs.images.decoding import decode_image

    image = row["image"]
    fetched = image.fetch(policy)
    if fetched.body is None:
        return SheetEntry(row["caption"], fetched.url, fetched.outcome, detail=fetched.detail)
    facts = (fetched.format, f"{fetched.width} × {fetched.height}", f"{len(fetched.body) / 1024:.0f} KB")
    thumbnail = make_thumbnail(decode_image(fetched.body, policy))
    return SheetEntry(row["caption"], fetched.url, fetched.outcome, thumbnail, facts, unsafe=bool(image.unsafe))


def _as_expected(entries: Sequence[SheetEntry]) -> bool:
    """Whether every link that fails on purpose failed, and no other did."""
    failed = sorted(str(entry.caption) for entry in entries if entry.thumbnail is None)
    return failed == sorted(pair.caption for pair in BROKEN_PAIRS)


def _render(sample: Sample, entries: Sequence[SheetEntry]) -> str:
    from laion_pairs.images.contact_sheet import render_contact_sheet

    return render_contact_sheet(
        entries,
        title="The laion-dataset sample",
        introduction=(
            f"{len(entries)} image-text pairs, streamed from {sample.repo_id} on a loopback Hub. Each picture was "
            "fetched when it was asked for. They are public-domain drawings from the Open Clip Art Library, with their "
            "authors' own captions. A few links fail on purpose, as many links of a real dataset do."
        ),
        footer="Authors, sources and licences: laion_pairs/sample/pairs.tsv. This page loads nothing and runs nothing.",
    )


def _traffic(log: Sequence[Any]) -> dict[str, int]:
    return {"requests": len(log), "bytes": sum(line.bytes_sent for line in log)}


def _print_rows(sample: Sample, rows: Sequence[dict[str, Any]], seconds: float) -> None:
    from laion_pairs.plain_text import one_line

    print(f'load_dataset("{sample.repo_id}", split="train", streaming=True)')
    print(f"{len(rows)} rows in {seconds:.1f} s; requests for pictures so far: {sample.images.count()}\n")
    for row in rows[:ROWS_PRINTED]:
        print(f"  caption  {one_line(row['caption'])}")
        print(f"  image    {row['image']!r}")
        print(f"  pair_id  {row['pair_id']}   similarity  {row['similarity']}   digest  {row['digest']}\n")


def _print_end(summary: dict[str, Any], report: str) -> None:
    hub, images = summary["hub"], summary["image_host"]
    print(report)
    print(f"Hub: {hub['requests']} requests, {hub['bytes']:,} bytes. ", end="")
    print(f"Image host: {images['requests']} requests, {images['bytes']:,} bytes.")
    print(f"Wrote {summary['sheet']} ({summary['sheet_bytes'] / 2**20:.1f} MB) after {summary['seconds']:.1f} s.")
