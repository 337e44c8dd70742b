"""img2dataset as its README sets it up: processes = cores, webdataset shards; bytes with ``disable_all_reencoding``.

It also hashes, reads EXIF, re-encodes at q95 and writes tars; ``img2dataset_dummy_peer.py`` is the same without output.
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

from harness import Run

run = Run.start()
from img2dataset import download  # noqa: E402

run.imported()


def img2dataset(output_format: str) -> Path:
    """Run it over the links; the folder that it wrote."""
    urls, output = run.scratch / "urls.txt", run.scratch / "img2dataset"
    urls.write_text("\n".join(run.urls))
    cores = os.cpu_count() or 1
    # the check compares pixels, so it keeps them without loss
    work = {"encode_format": "png", "encode_quality": 1} if run.pictures else {"encode_quality": 95}
    if run.resize is None:
        work = {"disable_all_reencoding": True, "resize_mode": "no"}
    else:
        work |= {"resize_mode": run.resize[0], "image_size": run.resize[1]}
    download(
        url_list=str(urls),
        output_folder=str(output),
        processes_count=cores,
        thread_count=run.in_flight // cores,
        output_format=output_format,
        number_sample_per_shard=1_000,
        timeout=int(run.timeout_s),
        retries=0,
        **work,
    )
    return output


def main() -> None:
    import pyarrow.parquet as pq

    output = img2dataset("webdataset")
    row_of = {url: row for row, url in enumerate(run.urls)}
    for part in sorted(output.glob("*.parquet")):
        columns = pq.read_table(part, columns=["url", "status", "key"]).to_pydict()
        good = {
            key: row_of[url]
            for url, status, key in zip(columns["url"], columns["status"], columns["key"], strict=True)
            if status == "success"
        }
        if run.pictures is None:
            for row in good.values():
                run.good(row, None)
        else:
            _keep_pictures(part.with_suffix(".tar"), good)


def _keep_pictures(shard: Path, row_of_key: dict[str, int]) -> None:
    import cv2
    import numpy as np

    with tarfile.open(shard) as members:
        for member in members:
            key, _, suffix = member.name.partition(".")
            if suffix in ("jpg", "png", "webp") and key in row_of_key:
                content = members.extractfile(member).read()
                if run.resize:
                    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
                    run.good(row_of_key[key], cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
                else:
                    run.good(row_of_key[key], content)


if __name__ == "__main__":
    main()
    run.finish()
