"""Streams of us, of stock `datasets` and of Daft over one shard: python benchmarks/stream.py [options]

    --part first-row,scan,resume,import     which measures (default: all)
    --rounds N                              5; everybody once a round, in a fresh process
    --datasets newest,3.6                   versions of `datasets` for ours and the stock stream (default: newest)
    --tasks arrow,dicts,…                   only these scans
    --rows N                                of the shard: 1,000,000
    --json, --output FILE                   the figures of every round instead; also write the report there
    --work-dir DIR, --venvs DIR             where shards are kept; virtual environments by name, made where they lack

The shard (`stream_shard.py`) lies behind a host on the loopback (`shaped_host.py`): with 50 ms before each answer and
100 Mbit/s for all of them together, or as fast as it goes. All read the same columns of the same file; ours deliver the
image handle with each row besides. Before any scan everybody's captions are compared; the command exits with 1 when
rows or their checksums differ or a stream resumes at another row, and with 2 when ours did not finish.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from itertools import chain
from pathlib import Path

from corpus import default_cache
from stream_parts import Bench, Table
from stream_readers import Arena, readers_of
from stream_report import as_json, render

PARTS = {"first-row": Bench.first_row, "scan": Bench.scan, "resume": Bench.resume, "import": Bench.imports}


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    readers = readers_of(options.datasets, options.daft)
    scratch = Path(tempfile.mkdtemp(prefix="laion-benchmark-"))
    tables: list[Table] = []
    try:
        arena = Arena(options.venvs, scratch, options.run_limit_s)
        bench = Bench(arena, readers, options.work_dir, options.rows, options.rounds, options.tasks)
        conditions = [f"{each.name}: {arena.versions(each)}" for each in readers]
        size_mb = bench.shard(1).stat().st_size / 1e6
        conditions.append(f"{options.rows:,} rows, 8 columns, {size_mb:.1f} MB; {options.rounds} rounds, alternating")
        for table in chain.from_iterable(PARTS[part](bench) for part in options.part):
            tables.append(table)
            report = json.dumps(as_json(conditions, tables), indent=1) if options.json else render(conditions, tables)
            if options.output:
                options.output.write_text(report + "\n")  # so that hours of measuring are not lost
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(report)
    return _verdict(tables)


def _verdict(tables: list[Table]) -> int:
    faults = [(line.reader, fault) for table in tables for line in table.lines.values() for fault in line.faults]
    if any("other row" in fault for _, fault in faults):
        return 1
    return 2 if any(reader.startswith("laion-dataset") for reader, _ in faults) else 0


def _options() -> argparse.Namespace:
    def names(text: str) -> list[str]:
        return text.split(",")

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", type=names, default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--datasets", type=names, default=["newest"])
    parser.add_argument("--tasks", type=names, default=[])
    parser.add_argument("--no-daft", dest="daft", action="store_false")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--run-limit-s", type=float, default=300.0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--work-dir", type=Path, default=default_cache())
    parser.add_argument("--venvs", type=Path)
    options = parser.parse_args()
    options.venvs = options.venvs or options.work_dir / "venvs"
    if unknown := set(options.part) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    if unknown := set(options.datasets) - {"newest", "3.6"}:
        parser.error(f"no version is called {', '.join(sorted(unknown))}; there are: newest, 3.6")
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
