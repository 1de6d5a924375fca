"""The result of a profile: as a DataFrame, as a table for the terminal, and as a figure."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastmlp.notebooks import html_table
from fastmlp.problem import differences
from fastmlp.profiling.advice import OUTSIDE, advice
from fastmlp.profiling.machine import Machine
from fastmlp.profiling.work import WAIT, Case, Work

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from fastmlp.figure import Figure

GIGA = 1e9
GATHER, LOSS, TOTAL = "gather", "loss", "total"
BUSY = 0.15  # share of the time from which figures are not to be trusted
WIDE = 200  # characters, of a table whose lines are not to be wrapped


@dataclass(frozen=True, repr=False)
class Profile:
    """The stages of an epoch: their time, their work, and how much of the machine they use.

    Attributes
    ----------
    case : Case
        What was trained.
    machine : Machine
        What that number of threads can do at best.
    work : dict of str to Work
        Each stage's operations and bytes.
    stage_seconds : dict of str to float
        Time of each stage in the fastest epoch; the mean of the threads that shared it.
    epoch_seconds : float
        Time of the whole fastest epoch, including the shuffle and everything in Python.
    epoch_seconds_unwatched : float
        Time of the fastest epoch without stopwatches.
    most_threads : int
        The larger number of threads that was tried; the faster number was used.
    """

    case: Case
    machine: Machine
    work: dict[str, Work]
    stage_seconds: dict[str, float]
    epoch_seconds: float
    epoch_seconds_unwatched: float
    most_threads: int

    def __repr__(self) -> str:
        """Return the table, with what it is of, and a warning if there is one."""
        from rich.console import Console

        # In a notebook, rich would show the table instead of writing it.
        console = Console(
            file=io.StringIO(), width=WIDE, color_system=None, force_terminal=False,
            force_jupyter=False,
        )  # fmt: skip
        console.print(self.table())
        lines = [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
        return "\n".join([self.title, *lines, *([self.warning] if self.warning else [])])

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the table and its notes."""
        headings, lines = self._cells()
        return html_table(self.title, headings, lines, self.notes(), bold=-1)

    @property
    def rows_per_second(self) -> float:
        """Rows trained on per second, without stopwatches."""
        return self.case.n_rows / self.epoch_seconds_unwatched

    @property
    def warning(self) -> str:
        """Why the figures can't be trusted; empty if nothing suggests that."""
        stages = self.to_frame().drop(TOTAL)
        most = float(stages["of_peak"].max())
        if most <= 1 and self.machine.busy <= BUSY:
            return ""
        if most > 1:
            seen = f"{stages['of_peak'].idxmax()} seems to run at {_percent(most)} of the peak"
        else:
            seen = f"they seem to take {_percent(self.machine.busy)} of the time"
        return (
            f"Warning: other programs keep the machine busy ({seen}): the limits are too low, and "
            "times too long. Profile again when they have ended."
        )

    @property
    def advice(self) -> str:
        """One line of advice on what would make this training faster."""
        frame = self.to_frame()
        shares = {str(stage): float(share) for stage, share in frame["share"].items()}
        del shares[TOTAL]
        return f"Advice: {advice(self.case, shares, float(frame['of_peak'][TOTAL]))}"

    @property
    def overhead(self) -> float:
        """The share that stopwatches add to an epoch's time: 0.01 is one per cent."""
        return self.epoch_seconds / self.epoch_seconds_unwatched - 1

    @property
    def of_roofline(self) -> float:
        """Time of an epoch, divided by the time that all its products would take at the peak."""
        products = sum(w.dense for stage, w in self.work.items() if stage not in (GATHER, LOSS))
        return self.epoch_seconds_unwatched * self.machine.peak / products

    @property
    def title(self) -> str:
        """A short description of what was trained, and rows per second."""
        sizes = "-".join(map(str, self.case.layer_sizes))
        n = self.machine.n_threads
        if abs(n - round(n)) < 0.1:
            threads = f"{round(n)} thread{'s' if round(n) > 1 else ''}"
        else:
            threads = f"{n:.1f} threads on average"
        changed = differences(self.case.problem)
        parts = [changed[name] for name in ("activation", "optimizer") if name in changed]
        parts = [part if isinstance(part, str) else ", ".join(part) for part in parts]
        if "dropout" in changed:
            parts.append(f"dropout {changed['dropout']:g}")
        batch = f"batch {self.case.batch_size}"
        words = [sizes, *parts, batch, self.case.dtype, threads]
        return f"{', '.join(words)}: {self.rows_per_second:,.0f} rows/s"

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each stage of an epoch, one for the time outside of steps, and a total.

        Returns
        -------
        pandas.DataFrame
            Indexed by stage, with the columns seconds, share (of the epoch's time), dense_gflop,
            done_gflop (without skipped zeros), gbyte, dense_gflop_per_second,
            done_gflop_per_second, gbyte_per_second, of_peak (done_gflop_per_second, divided by the
            peak), of_memory (gbyte_per_second, divided by the memory's bandwidth; it may exceed 1
            for data in caches) and intensity (operations done per byte).
        """
        import pandas as pd

        seconds = dict(self.stage_seconds)
        seconds[OUTSIDE] = max(0.0, self.epoch_seconds - sum(seconds.values()))
        frame = pd.DataFrame(
            {
                "seconds": seconds,
                "dense_gflop": {stage: work.dense / GIGA for stage, work in self.work.items()},
                "done_gflop": {stage: work.done / GIGA for stage, work in self.work.items()},
                "gbyte": {stage: work.n_bytes / GIGA for stage, work in self.work.items()},
            },
            index=pd.Index(seconds, name="stage"),
        ).fillna(0.0)
        frame.loc[TOTAL] = frame.sum()
        frame.insert(1, "share", frame["seconds"] / sum(seconds.values()))
        for name in ("dense_gflop", "done_gflop", "gbyte"):
            frame[f"{name}_per_second"] = frame[name] / frame["seconds"]
        frame["of_peak"] = frame["done_gflop_per_second"] / (self.machine.peak / GIGA)
        frame["of_memory"] = frame["gbyte_per_second"] / (self.machine.memory / GIGA)
        frame["intensity"] = frame["done_gflop"] / frame["gbyte"]
        return frame.fillna(0.0)

    def table(self) -> Table:
        """Return a table for `rich`."""
        from rich.table import Table

        (first, *headings), lines = self._cells()
        table = Table(box=None, pad_edge=False)
        table.add_column(first)
        for heading in headings:
            table.add_column(heading, justify="right")
        for stage, *cells in lines:
            style = "bold" if stage == TOTAL else "dim" if stage in (WAIT, OUTSIDE) else None
            table.add_row(stage, *cells, style=style)
        return table

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        """Return the table's headings and lines."""
        dense = ["as if dense"] if self.case.skips_zeros else []
        headings = ["stage", "ms", "share", "GFLOP/s", "of peak", *dense, "GB/s", "of memory"]
        lines = []
        for stage, row in self.to_frame().iterrows():
            is_dense = row["done_gflop"] == row["dense_gflop"]
            as_if = "" if is_dense else _number(row["dense_gflop_per_second"])
            lines.append(
                [
                    str(stage),
                    f"{1000 * row['seconds']:.2f}",
                    _percent(row["share"]),
                    _number(row["done_gflop_per_second"]),
                    _percent(row["of_peak"]),
                    *([as_if] if dense else []),
                    _number(row["gbyte_per_second"]),
                    _percent(row["of_memory"]),
                ]
            )
        return headings, lines

    def notes(self) -> list[str]:
        """Return the lines below the table: a warning, if any, advice, and explanations."""
        case, machine = self.case, self.machine
        notes = [
            *([self.warning] if self.warning else []),
            self.advice,
            f"Peak: {machine.peak / GIGA:,.0f} GFLOP/s of {case.dtype} multiply-adds; memory: "
            f"{machine.memory / GIGA:,.0f} GB/s; measured just now.",
            f"Without stopwatches an epoch took {1000 * self.epoch_seconds_unwatched:.2f} ms "
            f"({100 * self.overhead:+.1f} % with them): {self.of_roofline:.2f} of the time that "
            "all its products, zeros included, would take at the peak.",
            "gather includes finding the zeros; wait is the time at the barrier between threads; "
            "outside is the time between steps: the shuffle, starting threads, and Python.",
            "GB/s counts the minimum that a stage must read and write. Most of it is in the "
            "caches, so it may exceed the memory's bandwidth.",
        ]
        if case.skips_zeros:
            notes.append(
                f"Zeros are skipped: forward 1 does {_percent(case.forward_share)} and update 1 "
                f"{_percent(case.update_share)} of a dense layer's arithmetic. GFLOP/s counts "
                "operations done; 'as if dense' counts all of them and may exceed the peak."
            )
        if "exchange" in case.stages:
            notes.append(
                "Threads divided the first layer's inputs: exchange adds up what they summed up."
            )
        if machine.n_threads > 1.1:
            notes.append("Times are means over threads; work that each thread repeats counts once.")
        if machine.n_threads < self.most_threads - 0.1:
            notes.append(
                f"{self.most_threads} threads were tried too; each stretch of steps uses 1 or "
                f"{self.most_threads}, whichever was faster before."
            )
        return notes

    def figure(self) -> Figure:
        """Return the roofline: each stage's GFLOP/s over operations per byte, and the limits."""
        from fastmlp.profiling.roofline import roofline

        frame = self.to_frame()
        return roofline(
            frame.drop(TOTAL),
            self.machine.peak / GIGA,
            {"caches": self.machine.cache / GIGA, "memory": self.machine.memory / GIGA},
            self.title,
        )


def _percent(share: float) -> str:
    if share == 0:
        return "-"
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"


def _number(value: float) -> str:
    if value == 0:
        return "-"
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}"
