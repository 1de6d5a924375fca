"""The sides of the rows that compare estimators: fastmlp's and scikit-learn's, a worker each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from benchmarks.peers import estimators
from benchmarks.peers.peak import OfPeak
from benchmarks.peers.run import Target
from benchmarks.peers.worker import Worker

OURS, THEIRS = "fastmlp", "scikit-learn"
MODULES = {OURS: "fastmlp", THEIRS: "sklearn.neural_network"}

Pair = dict[str, Worker]


class AbsentError(Exception):
    """One of the two is not there; says why."""


@contextmanager
def pair(n_threads: int, environment: dict[str, str] | None = None) -> Iterator[Pair]:
    """Both sides in processes of their own.

    Raises
    ------
    AbsentError
        If one of the two can't be imported.
    """
    with ExitStack() as stack:
        workers = {}
        for label, module in MODULES.items():
            worker = stack.enter_context(Worker(n_threads, environment=environment))
            why = worker.call(estimators.why_absent, module)
            if why is not None:
                raise AbsentError(why)
            workers[label] = worker
        yield workers


def times_target(
    number: int,
    what: str,
    seconds: Mapping[str, list[float]],
    times_faster: float,
    count: int = 1,
    of: str = "",
    of_peak: OfPeak | None = None,
) -> Target:
    """A row of the table; the note gives each side's ms, divided by `count`, as "ms an epoch".

    With `of_peak`, our share of a core's peak stands beside the ratio. If that has a target, it is
    the row's: a ratio also depends on how fast the other side's BLAS is.
    """
    ours, theirs = (min(seconds[label]) for label in (OURS, THEIRS))
    ms = 1e3 / count
    target, measured = f">= {times_faster:g} times", f"{theirs / ours:.2f} times"
    met = theirs / ours >= times_faster
    note = f"{ours * ms:.3g} against {theirs * ms:.3g} ms{of}"
    if of_peak is not None:
        percent, to_reach = of_peak.percent(ours), of_peak.percent_to_reach
        measured += f", {percent:.1f} % of peak"
        note += f"; peak {of_peak.peak / 1e9:.0f} GFLOP/s"
        if to_reach is not None:
            target, met = f">= {to_reach:g} % of peak", percent >= to_reach
    return Target(number, what, target, measured, met, note)


def not_there(number: int, what: str, times_faster: float, why: AbsentError) -> Target:
    return Target(number, what, f">= {times_faster:g} times", "not there", None, str(why))
