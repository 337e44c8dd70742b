"""A download over shards: they split and go on below it, so that no image is fetched twice, by rows where they must."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets.distributed import split_dataset_by_node
from gallery import Gallery, there

import laion_dataset
from laion_pairs.images import DownloadPolicy
from laion_pairs.images.stream import download_images

N_ROWS = 60


def images(gallery: Gallery, folder: Path, policy: DownloadPolicy, n_shards: int, **options: Any) -> Any:
    folder.mkdir(exist_ok=True)
    table = pa.table({"link": gallery.urls(N_ROWS), "number": pa.array(range(N_ROWS), pa.int64())})
    for shard in range(n_shards):
        rows = table.slice(shard * N_ROWS // n_shards, N_ROWS // n_shards)
        pq.write_table(rows, folder / f"train-{shard}.parquet", row_group_size=14)
    pairs = laion_dataset.load_dataset(
        data_dir=folder, split="train", streaming=True, column_mapping={"url": "link", "pair_id": "number"}
    )
    return download_images(pairs, size=8, policy=policy, **options)


@pytest.mark.parametrize(("shards", "nodes"), [(1, 3), (3, 2), (3, 3)])
def test_every_image_is_fetched_by_one_node(
    gallery: Gallery, hurry: DownloadPolicy, tmp_path: Path, shards: int, nodes: int
) -> None:
    rows = images(gallery, tmp_path / "s", hurry, shards, on_error="none")
    parts = [[row["pair_id"] for row in split_dataset_by_node(rows, rank, nodes)] for rank in range(nodes)]
    assert sorted(n for part in parts for n in part) == list(range(N_ROWS))
    assert gallery.requested() == dict.fromkeys(range(N_ROWS), 1)
    assert max(map(len, parts)) - min(map(len, parts)) <= 4  # a cut near a row group's end moves there


@pytest.mark.parametrize("ordered", [False, True])
def test_every_row_exactly_once(gallery: Gallery, hurry: DownloadPolicy, tmp_path: Path, ordered: bool) -> None:
    found, state = [], None
    for stop in (1, 9, 20, None):
        rows = images(gallery, tmp_path / "s", hurry, 2, ordered=ordered, concurrency=8)
        if state is not None:
            rows.load_state_dict(json.loads(state))
        found += [row["pair_id"] for row in islice(rows, stop)]
        state = json.dumps(rows.state_dict())
    assert sorted(found) == there(N_ROWS)
    assert not ordered or found == there(N_ROWS)
