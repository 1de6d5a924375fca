"""Measure every target against every peer, or how fastmlp scales; see benchmarks/results/."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.peers import charts, report, scaling, scaling_chart
from benchmarks.peers.field import Fields
from benchmarks.peers.rows import (
    accuracy,
    adam_grid,
    bits,
    busy,
    dense,
    estimator_predict,
    grid,
    lbfgs,
    many_fits,
    memory,
    mlp_predict,
    optimizers,
    predict,
    reach,
    regression,
    search,
    speed,
    start,
    tutorial,
    whole_fits,
)
from benchmarks.peers.run import Run, Target
from benchmarks.peers.worker import available_cores

Measure = Callable[[Run, Fields], list[Target]]

BUSY = 0.5  # load average above which the machine is not quiet
RESULTS = Path(__file__).parents[1] / "results"
MEASURES: dict[str, tuple[tuple[int, ...], Measure]] = {
    "H against the roofline and the peers": ((1, 2, 3), speed.measure),
    "H through the tutorial's API": ((4,), tutorial.measure),
    "larger nets on dense data": ((5,), dense.measure),
    "the grid": ((6,), grid.measure),
    "the same bits": ((7,), bits.measure),
    "memory": ((8,), memory.measure),
    "predict": ((9,), predict.measure),
    "cold and warm starts": ((10, 11), start.measure),
    "with a core busy": ((12,), busy.measure),
    "H with adam": ((13,), optimizers.adam),
    "H with momentum": ((14,), optimizers.momentum),
    "a table of numbers, squared error": ((15,), regression.table),
    "a tiny net in full batches": ((16,), regression.full_batch),
    "the grid with adam": ((17,), adam_grid.measure),
    **{
        f"a whole fit, {row.what}": ((number,), partial(whole_fits.measure, number))
        for number, row in whole_fits.ROWS.items()
    },
    "a grid search": ((24,), search.measure),
    "predict of the estimators": ((25,), estimator_predict.measure),
    "lbfgs": ((26,), lbfgs.measure),
    "time to 98 % on MNIST": ((27,), reach.measure),
    "accuracy of float32": ((28,), accuracy.measure),
    "predict of MLP": ((29,), mlp_predict.measure),
    "many fits at once": ((30,), many_fits.measure),
}
ROWS = {number for numbers, _ in MEASURES.values() for number in numbers}


def row_numbers(text: str) -> set[int]:
    numbers = {int(part) for part in text.split(",") if part.strip().isdigit()}
    if not numbers or numbers - ROWS or len(numbers) != len(text.split(",")):
        raise argparse.ArgumentTypeError(f"{text!r}: give numbers of 1 to {max(ROWS)}, as in 1,2,3")
    return numbers


def thread_counts(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    counts = sorted({int(part) for part in parts if part.isdecimal()})
    if len(counts) != len(parts) or counts[0] != 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give different numbers from 1 on, as in 1,2,4")
    return counts


def scale(run: Run, counts: list[int]) -> None:
    """Measure with so many threads, and draw the picture."""
    best, n_cores = scaling.measure(run, counts), len(available_cores())
    RESULTS.mkdir(exist_ok=True)
    scaling_chart.write_csv(RESULTS / "scaling.csv", best, n_cores)
    print("\n" + (RESULTS / "scaling.csv").read_text())
    print(*scaling_chart.draw(RESULTS, best, n_cores), sep="\n")


def compared(
    what: str, numbers: tuple[int, ...], measure: Callable[[], list[Target]]
) -> list[Target]:
    """Rows of the table; where the sides differ, which stops no other row, how they do."""
    try:
        return measure()
    except AssertionError as error:
        return [Target(n, what, "-", "the sides differ", False, str(error)) for n in numbers]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument(
        "--rows",
        type=row_numbers,
        default=ROWS,
        help="targets to measure, such as 1,2,3; by default all",
    )
    parser.add_argument(
        "--threads",
        type=thread_counts,
        help="no targets, but a picture of how fastmlp scales to such numbers, as 1,2,4,8,16",
    )
    parser.add_argument("--quick", action="store_true", help="a round each and a few shapes only")
    args = parser.parse_args()
    targets: list[Target] = []
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), args.quick)
        if hasattr(os, "getloadavg") and os.getloadavg()[0] > BUSY:
            run.show(f"other programs are running (load {os.getloadavg()[0]:.1f}): figures suffer")
        if args.threads:
            return scale(run, args.threads)
        try:
            with Fields(run) as fields:
                for what, (numbers, measure) in MEASURES.items():
                    if args.rows & set(numbers):
                        run.show(f"{what}: row {', '.join(map(str, numbers))}")
                        targets += compared(what, numbers, partial(measure, run, fields))
        finally:  # an interrupted run keeps what it has
            print("\n" + report.write(RESULTS, targets, run))
            for path in charts.draw(RESULTS, run):
                print(path)


if __name__ == "__main__":
    main()
