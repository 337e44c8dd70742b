"""datasets: the recipe of its documentation and of many cards: ``map(batched=True)``, urllib, a pool of threads."""

from __future__ import annotations

import io
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from harness import Run

run = Run.start()
import PIL.Image  # noqa: E402
from datasets import Dataset  # noqa: E402
from datasets.utils.file_utils import get_datasets_user_agent  # noqa: E402
from pillow_fit import fit  # noqa: E402

run.imported()

USER_AGENT = get_datasets_user_agent()


def fetch_single_image(url: str) -> object:
    try:
        request = urllib.request.Request(url, data=None, headers={"user-agent": USER_AGENT})
        with urllib.request.urlopen(request, timeout=run.timeout_s) as response:
            body = response.read()
        return body if run.resize is None else fit(PIL.Image.open(io.BytesIO(body)), *run.resize)
    except Exception:
        return None


def main() -> None:
    # where links are dead a batch waits for its slowest, so that the larger batch (map's default) is the better one
    batch_size = 100 if run.in_flight <= 32 else 1_000
    rows = Dataset.from_dict({"row": list(range(len(run.urls))), "url": run.urls}).to_iterable_dataset()
    with ThreadPoolExecutor(run.in_flight) as pool:

        def fetch_images(batch: dict) -> dict:
            batch["image"] = list(pool.map(fetch_single_image, batch["url"]))
            return batch

        for row in rows.map(fetch_images, batched=True, batch_size=batch_size):
            if row["image"] is not None:
                run.good(row["row"], row["image"])


main()
run.finish()
