"""Many fits at once: on the same rows, or on parts of them, side by side in threads."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import ExitStack
from copy import copy
from typing import Any, TypeVar

import numpy as np
from sklearn import get_config
from sklearn.exceptions import FitFailedWarning
from sklearn.utils import check_random_state

from fastmlp import checks
from fastmlp.beside import in_training
from fastmlp.checkpoints.checkpoint import Checkpoint
from fastmlp.checkpoints.file import NoFile, as_file
from fastmlp.estimators import read_input
from fastmlp.estimators.base import BaseMLP
from fastmlp.estimators.compiled import usable_threads
from fastmlp.estimators.hyperparameters import LONGEST_MESSAGE, most_epochs
from fastmlp.estimators.members import Member, run
from fastmlp.estimators.part import Part, Table
from fastmlp.estimators.splits import as_splits
from fastmlp.words import listed, shown

E = TypeVar("E", bound=BaseMLP)
MOST_NAMED = 5  # members that a warning quotes


def fit_many(
    estimators: Iterable[E],
    X: Any,
    y: Any,
    *,
    splits: Iterable[Any] | None = None,
    sample_weight: Any = None,
    n_jobs: int | None = None,
    checkpoint: Any = None,
    checkpoint_seconds: float = 1.0,
    resume: bool = False,
) -> list[E]:
    """Fit many estimators on the same rows, or on parts of them, with a core for each.

    Each result is identical to that of ``estimator.fit(X[rows], y[rows], sample_weight[rows])``,
    for any `n_jobs`, and takes less time than with scikit-learn's searches: `X` is checked, and
    encoded as bytes, only once, and a part is a list of row numbers instead of a copy.

    Parameters
    ----------
    estimators : iterable of MLPClassifier and MLPRegressor
        Each with its own settings; no object may occur twice. They are fitted in place, with one
        thread each, whatever `n_threads` is. Their `callbacks` are called from several threads. If
        several share a RandomState, each draws from it when the one before has finished; those with
        ``random_state=None`` get seeds from NumPy's global generator, in order.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        As `fit` takes it. Missing and infinite values are refused in all rows.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets, which must suit every estimator.
    splits : iterable of array-like, default=None
        The rows of each estimator, as ``X[rows]`` takes them: row numbers (a number may occur
        twice) or a Boolean for each row, or None for all rows. By default, each is fitted on all
        rows.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, 0 or more.
    n_jobs : int, default=None
        Number of fits at the same time; by default, as many as there are cores that this process
        may use.
    checkpoint : path-like, default=None
        A file that keeps the state of all fits while they run, as in `fit`; fits that have finished
        stay in it.
    checkpoint_seconds : float, default=1.0
    resume : bool, default=False
        Whether to continue from the checkpoint, with any `n_jobs`.

    Returns
    -------
    list of MLPClassifier and MLPRegressor
        The same objects, in the same order.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid, or differs from that of the fits to be continued, or no estimator
        can begin its training. All estimators are then as they were before, as they are after
        Ctrl-C and after an error in a callback. The exceptions are errors of these two types in a
        callback, which count as a failure of its own fit.
    RuntimeError
        If one of them is already being fitted, or another training uses the checkpoint.
    OSError
        If a checkpoint can't be written under that name.

    Warns
    -----
    FitFailedWarning
        If some of them have failed, for instance because they diverged: these are as they were
        before, and the others are fitted. The warnings of the fits are given afterwards, in order,
        each message once.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import StratifiedKFold
    >>> from fastmlp import MLPClassifier, fit_many
    >>> X, y = load_iris(return_X_y=True)
    >>> folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    >>> models = [MLPClassifier(max_iter=1000, tol=1e-3, random_state=i) for i in range(5)]
    >>> models = fit_many(models, X, y, splits=[train for train, _ in folds])
    >>> min(m.score(X[test], y[test]) for m, (_, test) in zip(models, folds)) > 0.8
    True
    """
    found = _as_estimators(estimators)
    n_threads = None if n_jobs is None else checks.as_threads(n_jobs, "n_jobs")
    file = as_file(checkpoint, checkpoint_seconds, resume)
    if not found:
        return found
    with ExitStack() as guards:
        for estimator in found:
            guards.enter_context(in_training(estimator))
        for i, estimator in enumerate(found):
            _check_settings(estimator, i, file)
        tables = _read(found, X, y, sample_weight)
        parts = as_splits(splits, len(found), tables[0].x.shape[0])
        guards.enter_context(file)
        stop = threading.Event()
        members = [
            Member(
                estimator,
                Part(table, rows),
                random_state,
                stop,
                Checkpoint(file, str(i), may_lack=True),
            )
            for i, (estimator, table, rows, random_state) in enumerate(
                zip(found, tables, parts, _random_states(found, file), strict=True)
            )
        ]  # fmt: skip
        for member in members:
            member.compare()
        run(members, n_threads or usable_threads(), stop)
    _warn(members)
    return found


def _as_estimators(estimators: Iterable[E]) -> list[E]:
    if isinstance(estimators, BaseMLP) or not isinstance(estimators, Iterable):
        raise TypeError(f"estimators is {shown(estimators)}: give a list of estimators")
    found = list(estimators)
    places: dict[int, int] = {}
    for i, estimator in enumerate(found):
        if not isinstance(estimator, BaseMLP):
            raise TypeError(
                f"estimators[{i}] is {shown(estimator)}: give MLPClassifier or MLPRegressor objects"
            )
        first = places.setdefault(id(estimator), i)
        if first != i:
            raise ValueError(
                f"estimators[{first}] and estimators[{i}] are the same "
                f"{type(estimator).__name__}: give a copy of it (sklearn.base.clone)"
            )
    return found


def _check_settings(estimator: BaseMLP, place: int, file: NoFile) -> None:
    """Raise, as `fit` does, where settings alone make a fit impossible."""
    try:
        if not get_config()["skip_parameter_validation"]:
            estimator._validate_params()
        estimator._check_settings(is_partial=False)
        estimator._check_checkpoint(file)
    except (ValueError, TypeError) as error:
        error.add_note(f"This is estimators[{place}].")
        raise


def _read(estimators: list[E], X: Any, y: Any, sample_weight: Any) -> list[Table]:
    """Return the table of each estimator, the same one for all that read it in the same way."""
    n_epochs: dict[Any, int] = {}
    keys = [read_input.way_of_reading(estimator, X) for estimator in estimators]
    for key, estimator in zip(keys, estimators, strict=True):
        n_epochs[key] = n_epochs.get(key, 0) + most_epochs(estimator)
    tables: dict[Any, Table] = {}
    for key, estimator in zip(keys, estimators, strict=True):
        if key not in tables:
            # The copy learns the columns; each member looks at them when its turn comes.
            tables[key] = Table.read(copy(estimator), X, y, sample_weight, True, n_epochs[key])
    return [tables[key] for key in keys]


def _random_states(estimators: list[E], file: NoFile) -> list[Any]:
    """Return what each member draws from: none of it is drawn from by two at once."""
    shared, common = check_random_state(None), Checkpoint(file, "all")
    common.compare(lambda: {"estimators": len(estimators)})
    if any(estimator.random_state is None for estimator in estimators):
        common.rewind(shared)
    states = [
        np.random.RandomState(shared.randint(2**32, dtype=np.uint32))
        if estimator.random_state is None
        else estimator.random_state
        for estimator in estimators
    ]
    common.keep_beginning()
    return states


def _warn(members: list[Member]) -> None:
    """Say which of the fits have failed, and what they have to say."""
    failed = [f"estimators[{i}]: {m.error}" for i, m in enumerate(members) if m.error is not None]
    if failed:
        checks.warn_user(
            f"{len(failed)} of {len(members)} fits have failed, and their estimators are as they "
            f"were before. {listed(failed, MOST_NAMED, LONGEST_MESSAGE)}",
            FitFailedWarning,
        )
    for message, category in dict.fromkeys(w for m in members for w in m.warnings):
        checks.warn_user(message, category)
