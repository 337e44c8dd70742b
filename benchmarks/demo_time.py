"""From ``laion demo`` to the contact sheet on disk: python benchmarks/demo_time.py [--rounds 5]"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rounds import alternate, machine, spread


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder, "laion-demo.html")
        command = [sys.executable, "-m", "laion_pairs.cli", "demo", "--quiet", "--output", str(sheet)]
        runs = alternate({"laion demo": command}, rounds)["laion demo"]
        size = sheet.stat().st_size
    wall, cpu = spread([run.wall_s for run in runs]), spread([run.cpu_s for run in runs])
    print(f"{machine()}; {rounds} rounds; median (min–max)")
    print(f"laion demo  wall {wall}  cpu {cpu}  sheet {size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
