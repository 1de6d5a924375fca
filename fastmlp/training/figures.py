"""An epoch's figures, and times, in words for those who watch a training."""

from __future__ import annotations

from collections.abc import Mapping


def figures_of(logs: Mapping[str, float]) -> list[str]:
    """Return what a bar shows of an epoch, the most important figure first."""
    figures = [f"loss {logs.get('mean_loss', logs['loss']):.4f}"]
    if "val_accuracy" in logs:
        figures.append(f"validation {100 * logs['val_accuracy']:.2f} %")
    elif "val_score" in logs:
        figures.append(f"validation {logs['val_score']:.4f}")
    elif "val_loss" in logs:
        figures.append(f"validation {logs['val_loss']:.4f}")
    return figures


def seconds_taken(seconds: float) -> str:
    """Return the time that something has taken."""
    return f"in {seconds:.1f} s" if seconds < 60 else f"in {_clock(seconds)}"


def seconds_left(seconds: float | None) -> str:
    """Return the time that something is going to take; None is not known yet."""
    return "-:-- left" if seconds is None else f"{_clock(seconds)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
