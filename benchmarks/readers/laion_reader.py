"""Ours: the eight columns of the file as canonical ones, and the image handle besides, but for tables and arrays."""

from __future__ import annotations

import warnings

from harness import Reading

reading = Reading()
from datasets_tasks import Names, perform, prepare  # noqa: E402

import laion_dataset  # noqa: E402

prepare(reading)
reading.imported()
EIGHT = ["url", "caption", "width", "height", "similarity", "pair_id", "punsafe", "pwatermark"]
#: In which everybody delivers the very same columns; ``numpy-image`` and ``torch-image`` say what the handles add.
WITHOUT_IMAGE = ("arrow", "check", "filter", "numpy", "torch", "arrow-rows", "numpy-rows", "torch-rows")


def main() -> None:
    warnings.simplefilter("ignore", UserWarning)  # that the columns are a withdrawn release's
    dataset = laion_dataset.load_dataset(
        data_files=reading.where,
        split="train",
        streaming=True,
        columns=EIGHT if reading.task in WITHOUT_IMAGE else ["image", *EIGHT],
        filters=[("width", ">=", 1024)] if reading.task == "filter" else None,
    )
    perform(reading, dataset, Names("caption", "width"))


if __name__ == "__main__":
    main()
