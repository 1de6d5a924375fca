"""One line of advice: what would make a profiled training faster."""

from __future__ import annotations

from collections.abc import Mapping

from fastmlp.profiling.work import WAIT, Case

OUTSIDE = "outside"
MUCH = 0.3  # share of the time that is worth a word
SMALL_BATCH = 256  # rows
NEAR = 0.6  # of the peak, which the products of whole stages hardly exceed


def advice(case: Case, shares: Mapping[str, float], of_peak: float) -> str:
    """Return a sentence.

    Parameters
    ----------
    case : Case
        What was trained.
    shares : mapping of str to float
        The share of the time that each stage takes, and what is outside of steps.
    of_peak : float
        The rate of an epoch's operations, divided by the peak.
    """
    updates = sum(share for stage, share in shares.items() if stage.startswith("update"))
    if case.dtype == "float64":
        return "train in float32: arithmetic and memory take about half the time of float64's."
    if shares.get(OUTSIDE, 0.0) > MUCH:
        return (
            "an epoch is so short that much of the time goes to what comes between epochs: train "
            "without callbacks, validation or printed lines, or several networks side by side "
            "(fit_many)."
        )
    if shares.get(WAIT, 0.0) > MUCH:
        return "threads wait for each other: try one thread, or larger batches."
    if updates > MUCH and case.batch_size < min(SMALL_BATCH, case.n_rows):
        return (
            f"updates of the weights take {100 * updates:.0f} % of the time: larger batches need "
            "fewer of them (and, as a rule, a larger learning rate)."
        )
    if of_peak > NEAR:
        return (
            f"products run at {100 * of_peak:.0f} % of the machine's peak: only a smaller network, "
            "fewer rows or epochs, or more cores would be faster."
        )
    largest = max(shares, key=lambda stage: shares[stage])
    return (
        f"nothing stands out; most of the time, {100 * shares[largest]:.0f} %, goes to {largest}: "
        "smaller layers there would be faster."
    )
