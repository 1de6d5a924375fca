"""The training of a network: what it is given, the run, and what is left."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp import checks
from fastmlp.checkpoints.checkpoint import Checkpoint
from fastmlp.checkpoints.file import NoFile
from fastmlp.checkpoints.fingerprint import of_data
from fastmlp.checks.generators import seed_of
from fastmlp.engine import Trainer
from fastmlp.history import History
from fastmlp.network.divergence import DivergenceError
from fastmlp.network.prediction import Predictions
from fastmlp.network.targets import Targets, targets_of
from fastmlp.parameters import Parameters
from fastmlp.problem import Problem
from fastmlp.reference.losses import LOSSES, mean_loss
from fastmlp.training.callbacks import Callback, Callbacks
from fastmlp.training.epochs import permuted
from fastmlp.training.fallback import Fallback
from fastmlp.training.progress import Progress, progress_of
from fastmlp.training.run import DivergedError, Run
from fastmlp.training.schedules import Schedule
from fastmlp.training.state import RunState
from fastmlp.words import shown

Array = NDArray[Any]
Logs = dict[str, float]


class Rows(NamedTuple):
    """Rows and their targets, checked."""

    features: Any
    truth: Array


class Settings(NamedTuple):
    """How a training goes, checked."""

    n_epochs: int
    batch_size: int
    rate: float
    lambda_reg: float
    scale: float | None
    n_threads: int | None
    problem: Problem


class Given(NamedTuple):
    """What a training is given, checked, in the dtype of its arithmetic."""

    rows: Rows
    validation: Rows | None
    targets: Targets
    feature_names: tuple[str, ...] | None
    dtype: np.dtype[Any]
    warnings: list[str]


def train(
    network: Predictions, x: ArrayLike, y: ArrayLike, n_epochs: int, batch_size: int,
    lambda_reg: float, validation_data: tuple[ArrayLike, ArrayLike] | None, verbose: bool | str,
    functions: Sequence[Callback], class_names: Iterable[str] | None, file: NoFile,
) -> History:  # fmt: skip
    """Train a network; see `fastmlp.MLP.train`."""
    progress = _progress(verbose, n_epochs)
    rate, lambda_reg = checks.as_rates(network.learning_rate, lambda_reg)
    scale, n_threads = network._check_runtime()
    settings = Settings(n_epochs, batch_size, rate, lambda_reg, scale, n_threads, network.problem)
    given = _check(network, x, y, validation_data, class_names, settings.problem.loss)
    parameters = network._check_parameters()
    for message in given.warnings:
        checks.warn_user(message)
    with file:
        checkpoint = Checkpoint(file)
        checkpoint.compare(lambda: _fingerprint(network, settings, given), epochs=n_epochs)
        _train(network, settings, given, parameters, progress, functions, checkpoint)
    return network.history_


def _train(
    network: Predictions, settings: Settings, given: Given, parameters: Parameters,
    progress: Progress, functions: Sequence[Callback], checkpoint: Checkpoint,
) -> None:  # fmt: skip
    """Train a network on what has been checked."""
    # Fresh arrays: an array that the user assigned to w1, or has read from it, never changes.
    parameters = Parameters(*([np.array(a, given.dtype) for a in arrays] for arrays in parameters))
    network.parameters = parameters
    network.class_names, network.feature_names = given.targets.class_names, given.feature_names
    network.history_ = History()
    network.untrained_classes = given.targets.untrained(given.rows.truth)
    n_rows = len(given.rows.truth)
    problem, scale = settings.problem, settings.scale
    stream, engine = network._random_stream(), network.engine
    state = RunState(
        parameters, Schedule(settings.rate), network.history_, np.arange(n_rows), stream,
        fallback=Fallback(parameters),
    )  # fmt: skip
    # A callback may change the rows.
    features = engine.read(given.rows.features, 1 if functions else settings.n_epochs)
    # Drawn for dropout only, so that other runs' orders stay as they are.
    seed = checkpoint.seed(lambda: seed_of(stream)) if problem.dropout > 0 else 0
    with engine.Trainer(
        *parameters, features, given.rows.truth,
        problem=problem,
        batch_size=min(settings.batch_size, n_rows),
        learning_rate=settings.rate,
        lambda_reg=settings.lambda_reg,
        input_scale=scale,
        n_threads=settings.n_threads,
        seed=seed,
    ) as trainer:  # fmt: skip
        validate = None
        if given.validation is not None:
            # Now, so that nothing is left to compile between epochs, or after the last one.
            engine.prepare(*parameters, given.validation.features, scale, problem)
            validate = partial(_validation_figures, network, given.targets, given.validation)
        callbacks = AssigningCallbacks(functions, network, trainer, state, checkpoint.is_on)
        run = Run(
            state, validate=validate, callbacks=callbacks, progress=progress, checkpoint=checkpoint
        )
        try:
            with progress:
                run.train(trainer, settings.n_epochs, permuted, tells_last_batch=True)
        except DivergedError as error:
            raise DivergenceError(state.epoch, error.loss, state.schedule.rate) from None


def _check(
    network: Predictions, x: ArrayLike, y: ArrayLike, validation_data: Any,
    class_names: Iterable[str] | None, loss: str,
) -> Given:  # fmt: skip
    """Check rows, targets and names."""
    names = network.class_names if class_names is None else class_names
    targets = targets_of(loss, network.n_classes, names)
    warnings: list[str] = []  # about rows and validation rows; the first one stands for both
    orders: list[str] = []  # likewise, about rows whose columns go by their names
    known = checks.as_feature_names(network.feature_names, network.layer_sizes[0])
    feature_names = checks.names_to_keep(checks.names_of(x), known)
    own = checks.as_dtype(network.dtype)

    def check_rows(x: Any, dtype: np.dtype[Any], name: str) -> Any:
        return network._features_by_name(
            x, feature_names, dtype, name, warnings.append, orders.append
        )

    features = check_rows(x, own or np.dtype(np.float64), "x_train")
    dtype = own or np.dtype(np.float64 if features.dtype == np.float64 else np.float32)
    rows = Rows(features, targets.check(y, features.shape[0], dtype, "y_train"))
    validation = None
    if validation_data is not None:
        name = "validation_data"
        if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
            raise TypeError(f"{name} is no pair: give (x, y), rows and their targets")
        features = check_rows(validation_data[0], dtype, f"{name}[0]")
        truth = targets.check(validation_data[1], features.shape[0], dtype, f"{name}[1]")
        validation = Rows(features, truth)
    return Given(
        rows, validation, targets, feature_names, dtype, [*warnings[:1], *orders[:1]]
    )  # fmt: skip


def _fingerprint(network: Predictions, settings: Settings, given: Given) -> dict[str, Any]:
    """Return what has to be the same for a training to go on."""
    validation = given.validation
    return {
        "engine": getattr(network.engine, "__name__", ""),
        "layer_sizes": network.layer_sizes,
        **vars(settings.problem),
        "dtype": given.dtype.name,
        "input_scale": settings.scale,
        "learning_rate": settings.rate,
        "lambda_reg": settings.lambda_reg,
        "batch_size": settings.batch_size,
        "class_names": given.targets.class_names,
        "feature_names": given.feature_names,
        "x_train": of_data(given.rows.features),
        "y_train": of_data(given.rows.truth),
        "validation_data": validation and [of_data(validation.features), of_data(validation.truth)],
    }


def _validation_figures(network: Predictions, targets: Targets, rows: Rows) -> Logs:
    """Return val_loss, and where there are probabilities val_accuracy."""
    outputs = network._outputs_of(rows.features)
    figures = {"val_loss": mean_loss(LOSSES[targets.loss], outputs, rows.truth)}
    if targets.has_probabilities:
        figures["val_accuracy"] = targets.score(outputs, rows.truth)
    return figures


class AssigningCallbacks(Callbacks):
    """Callbacks that may assign weights and learning rate: the training goes on with those."""

    def __init__(
        self, functions: Iterable[Callback], network: Predictions, trainer: Trainer,
        state: RunState, is_kept: bool,
    ) -> None:  # fmt: skip
        super().__init__(functions)
        self._is_kept = is_kept
        self._network, self._trainer, self._state = network, trainer, state

    def end_epoch(self, epoch: int, logs: Mapping[str, float]) -> bool:
        stop = super().end_epoch(epoch, logs)
        if not stop or self._is_kept:  # a checkpoint holds the result, too
            network, trainer, state = self._network, self._trainer, self._state
            state.parameters.assign(network._check_parameters())
            network.parameters = state.parameters
            trainer.load()
            state.schedule.rate, _ = checks.as_rates(network.learning_rate, trainer.lambda_reg)
        return stop

    def load_state_dict(self, kept: Sequence[Any], path: str | os.PathLike[str]) -> None:
        super().load_state_dict(kept, path)
        if not self.is_empty:
            self._network.learning_rate = self._state.schedule.rate


def _progress(verbose: bool | str, n_epochs: int) -> Progress:
    """Return what `verbose` asks for: the tutorial's lines, nothing, or a bar."""
    if isinstance(verbose, str):
        if verbose != "bar":
            raise ValueError(f"verbose is {shown(verbose)}: give True, False, or 'bar'")
        return progress_of(True, n_epochs, TutorialLines)
    return TutorialLines() if verbose else Progress()


class TutorialLines(Progress):
    """A line for each epoch, as the tutorial prints it."""

    is_shown = True

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        line = f"Epoch {number}, Loss: {logs['loss']}"
        if "val_accuracy" in logs:
            line += f", Validation Accuracy: {logs['val_accuracy'] * 100:.2f}%"
        elif "val_loss" in logs:
            line += f", Validation Loss: {logs['val_loss']}"
        print(line)
