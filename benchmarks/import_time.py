"""What ``import laion_dataset`` costs on top of ``import datasets``: python benchmarks/import_time.py [--rounds 15]

The claim: at most 0.3 s. Both imports run in fresh processes, in turn; the difference is taken round by round.
"""

from __future__ import annotations

import argparse
import sys

from rounds import alternate, machine, spread


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    runs = alternate(
        {name: [sys.executable, "-c", f"import {name}"] for name in ("datasets", "laion_dataset")},
        rounds,
    )
    print(f"{machine()}; {rounds} rounds, alternating; median (min–max)")
    for name, of_name in runs.items():
        wall, cpu = spread([run.wall_s for run in of_name]), spread([run.cpu_s for run in of_name])
        print(f"import {name:14}  wall {wall}  cpu {cpu}")
    pairs = list(zip(runs["laion_dataset"], runs["datasets"], strict=True))
    wall = spread([ours.wall_s - theirs.wall_s for ours, theirs in pairs])
    cpu = spread([ours.cpu_s - theirs.cpu_s for ours, theirs in pairs])
    print(f"difference             wall {wall}  cpu {cpu}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
