"""Compare fastmlp's table classes with boosted trees and others; write benchmarks/results/."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.peers.worker import Worker, WorkerError, available_cores
from benchmarks.tables import chart, large, report, results, rounds
from benchmarks.tables.methods import METHODS
from benchmarks.tables.more_sets import MORE, SOURCES
from benchmarks.tables.sets import QUICK, SEEN, UNSEEN, Source

RESULTS = Path(__file__).parents[1] / "results"

GROUPS = {"seen": SEEN, "unseen": UNSEEN, "also": MORE}


def names_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    """A parser of names with commas between; a method's own comma has a space behind it."""

    def parsed(text: str) -> list[str]:
        names = text.replace(", ", "\0").split(",")
        names = [name.replace("\0", ", ") for name in names]
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r}: give some of {'; '.join(known)}")
        return names

    return parsed


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def sources(names: Sequence[str], quick: bool) -> list[Source]:
    if not names:
        return QUICK if quick else [*SEEN, *UNSEEN]
    return [source for name in names for source in GROUPS.get(name, [SOURCES.get(name)]) if source]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument(
        "--sets", type=names_of([*GROUPS, *SOURCES]), default=[],
        help="'seen', 'unseen', 'also' (more that were seen), or names; by default the first two",
    )  # fmt: skip
    parser.add_argument(
        "--methods", type=names_of(list(METHODS)), default=[],
        help="measure these anew, and keep what an earlier run has of others",
    )  # fmt: skip
    parser.add_argument("--seeds", type=numbers, default=[0, 1], help="of the splits; 0,1")
    parser.add_argument("--threads", type=numbers, default=[1, 2], help="1,2")
    parser.add_argument("--quick", action="store_true", help="three small tables, one thread")
    args = parser.parse_args()
    started = time.perf_counter()

    def show(text: str) -> None:
        print(f"[{time.perf_counter() - started:5.0f} s] {text}", flush=True)

    if args.quick:
        args.seeds, args.threads = [0], [1]
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / ("tables-quick.jsonl" if args.quick else "tables.jsonl")
    if not args.methods:
        path.unlink(missing_ok=True)
    methods = rounds.installed(args.methods or list(METHODS), show)
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        show(f"other programs are running (load {os.getloadavg()[0]:.1f}): trust CPU time only")
    long = None
    try:
        for n_threads in args.threads:
            if n_threads > len(available_cores()):
                show(f"{n_threads} threads: there are fewer cores")
                continue
            show(f"{n_threads} thread{'s' * (n_threads > 1)}")
            rounds.measure(
                path, sources(args.sets, args.quick), methods, args.seeds, n_threads, show
            )
        if not args.quick and 2 in args.threads and not args.sets:
            show("a long table")
            with Worker(2) as worker:
                long = worker.call(large.measure, 2)
    except WorkerError as error:
        show(str(error))
    finally:  # an interrupted run keeps what it has
        found = results.load(path)
        print("\n" + report.write(RESULTS, found, long))
        for picture in chart.draw(RESULTS, found):
            print(picture)


if __name__ == "__main__":
    main()
