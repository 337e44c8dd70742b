"""datasets: URLs cast to ``Image()``, decoded by 32 threads. It dies at the first dead link: clean web only."""

from __future__ import annotations

from harness import Run

run = Run.start()
from datasets import Dataset, Image  # noqa: E402
from pillow_fit import fit  # noqa: E402

run.imported()


def main() -> None:
    if run.resize is None:
        raise SystemExit("Image(decode=False) over a URL column hands the URL back, no bytes: nothing to measure")
    rows = Dataset.from_dict({"row": list(range(len(run.urls))), "image": run.urls}).to_iterable_dataset()
    for row in rows.cast_column("image", Image(mode="RGB")).decode(num_threads=32):
        run.good(row["row"], fit(row["image"], *run.resize))


main()
run.finish()
