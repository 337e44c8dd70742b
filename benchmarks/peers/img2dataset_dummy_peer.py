"""img2dataset with ``output_format="dummy"``: all its work but the tars. It tells counts, not which rows."""

from __future__ import annotations

import json

from img2dataset_peer import img2dataset, run


def main() -> None:
    output = img2dataset("dummy")
    good = sum(json.loads(part.read_text())["successes"] for part in output.glob("*_stats.json"))
    for _ in range(good):
        run.good(-1, None)


if __name__ == "__main__":
    main()
    run.finish()
