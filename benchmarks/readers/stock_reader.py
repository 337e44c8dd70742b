"""Stock `datasets`: its parquet builder with its defaults, and its own ``filters=``."""

from __future__ import annotations

from harness import Reading

reading = Reading()
import datasets  # noqa: E402
from datasets_tasks import Names, perform, prepare  # noqa: E402

prepare(reading)
reading.imported()


def main() -> None:
    more = {"filters": [("WIDTH", ">=", 1024)]} if reading.task == "filter" else {}
    dataset = datasets.load_dataset("parquet", data_files=reading.where, split="train", streaming=True, **more)
    perform(reading, dataset, Names("TEXT", "WIDTH"))


if __name__ == "__main__":
    main()
