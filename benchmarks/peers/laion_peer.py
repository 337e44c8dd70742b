"""Us, by the public interface: rows from a parquet file with a LAION schema, ledger, guard and opt-outs as always."""

from __future__ import annotations

from harness import Run

run = Run.start()
import laion_dataset  # noqa: E402

run.imported()


def main() -> None:
    rows = laion_dataset.load_dataset(data_files=str(run.shard), split="train", streaming=True)
    mode, side = run.resize or ("no", 256)  # the size is of no matter then
    policy = laion_dataset.DownloadPolicy(
        allow_private=True,  # the web of this benchmark is the loopback
        first_byte_timeout_s=run.timeout_s,
        total_timeout_s=run.timeout_s,
        max_retries=0,  # as everybody here
    )
    images = laion_dataset.download_images(
        rows,
        size=side,
        resize=mode,
        decode="numpy" if run.resize else "bytes",
        concurrency=run.in_flight,
        policy=policy,
        ledger=laion_dataset.Ledger(run.scratch / "ledger"),
    )
    row_of = {url: row for row, url in enumerate(run.urls)}
    for row in images:
        run.good(row_of[row["url"]], row["image"])


if __name__ == "__main__":
    main()
    run.finish()
