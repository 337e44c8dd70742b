"""One rank of two that train together on downloaded pictures; prints how many steps it made in each epoch, as JSON.

    python gloo_rank.py RANK RENDEZVOUS_FILE URLS_FILE STEPS EPOCHS

The URLs are two lists, one a shard, so that each rank has one of them.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import datasets
import torch
import torch.distributed as dist
from datasets.distributed import split_dataset_by_node

import laion_dataset

if __name__ == "__main__":
    rank, steps, epochs = int(sys.argv[1]), int(sys.argv[4]), int(sys.argv[5])
    dist.init_process_group(
        "gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2, timeout=timedelta(seconds=60)
    )
    first, second = json.loads(Path(sys.argv[3]).read_text())
    rows = datasets.Dataset.from_dict({"image": first + second})
    pairs = rows.cast_column("image", laion_dataset.RemoteImageFeature()).to_iterable_dataset(num_shards=2)
    policy = laion_dataset.DownloadPolicy(allow_private=True, host_interval_s=0.0, max_retries=0, stop_after_failures=0)
    pairs = laion_dataset.shuffle(pairs, window_rows=30)
    images = laion_dataset.download_images(pairs, size=8, decode="torch", policy=policy).select_columns(["image"])
    loader = torch.utils.data.DataLoader(split_dataset_by_node(images, rank, 2), batch_size=4, num_workers=1)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(3 * 8 * 8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    batches = laion_dataset.steps_per_epoch(loader, steps)
    made = []
    for _ in range(epochs):
        made.append(0)
        for batch in batches:
            optimizer.zero_grad()
            model(batch["image"].flatten(1).float() / 255).square().mean().backward()
            optimizer.step()
            made[-1] += 1
    weights = model.module.weight.detach().sum().item()
    print(json.dumps({"steps": made, "weights": weights}), flush=True)
    dist.destroy_process_group()
