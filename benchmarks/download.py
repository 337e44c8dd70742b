"""Us against the tools people use, from URLs to bytes or pixels: python benchmarks/download.py [options]

    --work bytes | center_crop_256 | keep_ratio_512      what comes out (default: bytes)
    --web clean | mix                                    all links alive, or as broken as LAION's (default: clean)
    --rows N --rounds N --in-flight N                    6000, 5; 256 in flight, 512 on the mix
    --peers NAME,NAME…                                   of `contestants.py`; default: all that can do it
    --venvs DIR                                          virtual environments by name; those that lack are made
    --output FILE                                        also write the report there

The web is nginx on the loopback, every URL on a host of its own (`web.py`), over real photographs (`corpus.py`). First
everybody shows on some rows that what comes out is the same (bare pycurl's quick pictures are known not to be). Then
each round runs every contestant once, in a fresh process. One that fails is reported and does not stop the others. The
command exits with 1 when anybody's count of good images, or our pictures, are wrong, and with 2 when we did not finish.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from contestants import CONTESTANTS, ENVIRONMENT, OURS, Contestant, python_of
from corpus import Corpus, default_cache, make_corpus
from download_report import render
from measured import Measured, measure
from outcomes import LEAST_PSNR_DB, compare_pictures, compare_rows
from peers.harness import SIZES
from web import Link, clean_links, mixed_links, serve

_PEERS = Path(__file__).with_name("peers")
#: Time-outs of every request, for everybody, on both webs.
TIMEOUT_S = 10.0
#: The run whose whole wall time is the fixed cost before the first images.
FEW_ROWS = 16


@dataclass(frozen=True)
class Round:
    """One run: what it cost, what the script told (rows, moments), and what was wrong with its rows."""

    cost: Measured
    told: dict
    fault: str


class Arena:
    """Runs contestants over lists of links, each in a fresh process, in folders that vanish with the arena."""

    def __init__(self, options: argparse.Namespace, corpus: Corpus, scratch: Path) -> None:
        self.options, self.corpus, self.scratch = options, corpus, scratch

    def run(self, contestant: Contestant, links: Sequence[Link], name: str, pictures: Path | None = None) -> Round:
        """One run. A failure is in ``cost.failure``, wrong rows in ``fault``; neither raises."""
        listed = self.scratch / f"{name}.txt"
        if not listed.exists():
            listed.write_text("\n".join(link.url for link in links))
            urls = pa.array([link.url for link in links])
            captions = pa.array([f"photograph {row}" for row in range(len(links))])
            pq.write_table(pa.table({"URL": urls, "TEXT": captions}), listed.with_suffix(".parquet"))
        own = Path(tempfile.mkdtemp(dir=self.scratch))
        report = own / "report.json"
        command = [str(python_of(contestant.venv, self.options.venvs)), str(_PEERS / contestant.script)]
        command += [
            "--links",
            str(listed),
            "--work",
            self.options.work,
            "--in-flight",
            str(self._in_flight(contestant)),
        ]
        command += ["--timeout-s", str(TIMEOUT_S), "--report", str(report), "--scratch", str(own)]
        if pictures is not None:
            command += ["--pictures", str(pictures)]
        environment = {**os.environ, **ENVIRONMENT, "HOME": str(own), "HF_HOME": str(own / "hf")}
        cost = measure(command, environment, own / "log.txt", self.options.run_limit_s)
        told = {} if cost.failure else json.loads(report.read_text())
        fault = "" if cost.failure else compare_rows(links, told["rows"], contestant.lists_rows)
        if cost.failure:
            shutil.copy(own / "log.txt", self.options.cache / f"failed-{contestant.script}.log")
        shutil.rmtree(own, ignore_errors=True)
        return Round(cost, told, fault)

    def check(self, contestant: Contestant, links: Sequence[Link]) -> str:
        """How its pictures compare with the reference, as a sentence that begins with ``wrong:`` when they do not."""
        if not contestant.lists_rows:
            return "tells no rows; counts only"
        kept = Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            once = self.run(contestant, links, "check", pictures=kept)
            if once.cost.failure or once.fault:
                return f"wrong: {once.cost.failure or once.fault}"
            originals, work = self.corpus.directory / "p", self.options.work
            agreement = compare_pictures(links, originals, kept, work, contestant.stretches)
        except ValueError as error:
            return f"wrong: {error}"
        finally:
            shutil.rmtree(kept, ignore_errors=True)
        return (
            str(agreement) if agreement.all_db >= LEAST_PSNR_DB else f"wrong: below {LEAST_PSNR_DB:g} dB: {agreement}"
        )

    def _in_flight(self, contestant: Contestant) -> int:
        own = contestant.in_flight if self.options.web == "clean" else contestant.in_flight_mix
        return own or self.options.in_flight


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    corpus = make_corpus(options.cache)
    make_links = clean_links if options.web == "clean" else mixed_links
    links = make_links(corpus, options.rows, options.port)
    few = clean_links(corpus, FEW_ROWS, options.port)
    contestants = [
        CONTESTANTS[name]
        for name in options.peers
        if options.work in CONTESTANTS[name].works and (options.web == "clean" or CONTESTANTS[name].mix)
    ]
    for contestant in contestants:
        python_of(contestant.venv, options.venvs)
    scratch = Path(tempfile.mkdtemp(prefix="laion-benchmark-"))
    try:
        with serve(corpus, options.port):
            arena = Arena(options, corpus, scratch)
            checks, rounds, fixed, entrants = {}, {}, {}, list(contestants)
            for contestant in contestants:
                checks[contestant.name] = arena.check(contestant, links[: options.check_rows])
                _say(f"check  {contestant.name}: {checks[contestant.name]}")
                if "did not finish" in checks[contestant.name]:
                    entrants.remove(contestant)
            for turn in range(options.rounds):
                for contestant in entrants:
                    for name, some, into in (("fixed", few, fixed), ("timed", links, rounds)):
                        if any(earlier.cost.failure for earlier in into.get(contestant.name, ())):
                            continue  # once is enough
                        done = arena.run(contestant, some, name)
                        into.setdefault(contestant.name, []).append(done)
                        cost = done.cost
                        trouble = cost.failure or done.fault
                        _say(f"{name} {turn + 1}/{options.rounds} {contestant.name}: {cost.wall_s:.2f} s {trouble}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    report = render(options, corpus.describe(), len(links), checks, rounds, fixed)
    print(report)
    if options.output:
        options.output.write_text(report + "\n")
    return _verdict(checks, rounds)


def _verdict(checks: dict[str, str], rounds: dict[str, list[Round]]) -> int:
    if OURS in rounds and any(each.cost.failure for each in rounds[OURS]):
        return 2
    faults = any(each.fault for of_one in rounds.values() for each in of_one)
    return 1 if faults or checks.get(OURS, "").startswith("wrong") else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", choices=SIZES, default="bytes")
    parser.add_argument("--web", choices=("clean", "mix"), default="clean")
    parser.add_argument("--rows", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--check-rows", type=int, default=600)
    parser.add_argument("--in-flight", type=int)
    parser.add_argument("--peers", type=lambda text: text.split(","))
    parser.add_argument("--run-limit-s", type=float, default=400.0)
    parser.add_argument("--port", type=int, default=8700)
    parser.add_argument("--cache", type=Path, default=default_cache())
    parser.add_argument("--venvs", type=Path)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    options.in_flight = options.in_flight or (256 if options.web == "clean" else 512)
    options.venvs = options.venvs or options.cache / "venvs"
    options.peers = options.peers or list(CONTESTANTS)
    if unknown := set(options.peers) - set(CONTESTANTS):
        parser.error(f"no contestant is called {', '.join(sorted(unknown))}; there are: {', '.join(CONTESTANTS)}")
    return options


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
