"""What `fastmlp train` says of a run on a table, and the pictures that it draws."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.markup import escape
from rich.table import Table as Grid

from fastmlp.cli import table_pictures, table_scores
from fastmlp.cli.page_file import short_name, write_page
from fastmlp.cli.run_files import FINISHED, HISTORY, write_figure
from fastmlp.cli.run_folder import print_files
from fastmlp.cli.table_kind import Task
from fastmlp.cli.table_notes import NOTES, OUT_OF_FOLD
from fastmlp.cli.table_page import Importances, page_of_table
from fastmlp.cli.terminal import Terminal
from fastmlp.data.frames import Table
from fastmlp.network.model_file import MODEL_NAME
from fastmlp.words import counted, listed, shortened, shown

RESULT = "Out of fold"
CURVES = "learning_curves.png"
MATRIX, SCATTER = "confusion_matrix.png", "truth_and_prediction.png"
IMPORTANCES = "importances.png"
KINDS = {"number": "number", "boolean": "Boolean", "time": "date", "text": "text"}
MOST_ROWS = 1000  # by which importances are measured
SHUFFLES = 5  # of a column
MOST_CELLS = 2_000_000  # that are encoded for it: of many columns there are fewer shuffles and rows


def found_line(encoder: Any, y: NDArray[Any], task: Task, table: Table) -> str:
    """Return one line: what each column was taken for, and what is done with the labels."""
    by_kind: dict[str, list[str]] = {}
    for name, kind in encoder.taken_for_.items():
        by_kind.setdefault(kind, []).append(str(name))
    parts = [
        f"{counted(len(by_kind[kind]), noun)} ({listed(by_kind[kind])})"
        for kind, noun in KINDS.items()
        if kind in by_kind
    ]
    if "nothing" in by_kind:
        parts.append(f"left out {listed(by_kind['nothing'])}")
    target = "the labels" if table.label_name is None else f"column {shown(table.label_name)}"
    if task is Task.regress:
        what = f"regresses {target}, from {y.min():g} to {y.max():g} (--task classify for classes)"
    else:
        classes = np.unique(y).tolist()
        what = f"classifies {target}, {counted(len(classes), 'class')} ({listed(classes)})"
        if y.dtype.kind == "i" and len(classes) > 2:
            what += " (--task regress for quantities)"
    return f"Columns: {', '.join(parts)}; {what}."


def facts(
    estimator: Any, name: str, y: NDArray[Any], task: Task, seconds: float | None = None
) -> dict[str, str]:
    """Return what was trained on what, in so many seconds if that is known, and how good it is."""
    members = estimator.history_.members
    n_epochs = [len(member.loss) for member in members]
    best = estimator.history_.best_epochs
    figures = scores(estimator, y, task)
    taken = "" if seconds is None else f" in {seconds:.1f} s"
    return {
        "Data": f"{name}: {counted(len(y), 'row')}, each of them predicted by a "
        "network that was not trained on it",
        "Model": f"{counted(len(members), 'network')} of "
        f"{counted(estimator.members_[0].coefs_[0].shape[0], 'input')}",
        "Training": f"{counted(max(n_epochs), 'epoch')} each{taken}; the best ones, "
        f"{listed(best, 10)}, are kept",
        RESULT: ", ".join(f"{name} {text}" for name, text in figures.items()),
    }


def summary(
    estimator: Any, table: Table, y: NDArray[Any], task: Task, seconds: float, console: Terminal
) -> None:
    """Print the results of a run, whose training has taken so many seconds."""
    grid = Grid(box=None, show_header=False, pad_edge=False)
    for what, text in facts(estimator, table.name, y, task, seconds).items():
        grid.add_row(what, escape(text), style="bold" if what == RESULT else "")
    console.print()
    console.print(grid)
    if note := _worthless(estimator, y, task):
        console.print(note, soft_wrap=True)


def scores(estimator: Any, y: NDArray[Any], task: Task) -> dict[str, str]:
    """Return the figures of the out-of-fold predictions."""
    oof = estimator.oof_predictions_
    if task is Task.regress:
        return table_scores.of_quantities(y, oof)
    return table_scores.of_classes(y, oof, estimator.classes_)


def _worthless(estimator: Any, y: NDArray[Any], task: Task) -> str:
    """Return a warning if predictions are no better than always the same one."""
    if task is Task.regress:
        if estimator.oof_score_ > 0:
            return ""
        return "This is no better than predicting the mean for every row."
    values, counts = np.unique(y, return_counts=True)
    share = counts.max() / len(y)
    if estimator.oof_score_ > share:
        return ""
    name = escape(shortened(str(values[counts.argmax()])))
    return (
        f"This is no better than guessing the largest class, {name}, for every row "
        f"({100 * share:.2f} % right)."
    )


def draw(
    estimator: Any, table: Table, y: NDArray[Any], task: Task, options: Mapping[str, Any],
    folder: Path, console: Terminal,
) -> None:  # fmt: skip
    """Draw the pictures and the page, and list all files of the run."""
    write_figure(estimator.history_.plot(), folder / CURVES)
    oof = estimator.oof_predictions_
    files = {
        MODEL_NAME: "the model",
        FINISHED: "what was asked of this run, which has finished",
        NOTES: "names of label and ids, for fastmlp evaluate and predict",
        OUT_OF_FOLD: "each row's prediction by a network that was not trained on it",
        HISTORY: "losses, scores and seconds of each epoch of each network",
        CURVES: "the same, drawn",
    }
    if task is Task.regress:
        write_figure(table_pictures.truth_and_prediction(y, oof), folder / SCATTER)
        files[SCATTER] = "out-of-fold predictions against the truth"
    else:
        classes = estimator.classes_
        matrix = table_pictures.confusion_matrix(
            np.searchsorted(classes, y), oof.argmax(axis=1), list(map(str, classes.tolist()))
        )
        write_figure(matrix, folder / MATRIX)
        files[MATRIX] = "which class is taken for which, out of fold"
    found = importances_of(estimator, table, y, task)
    write_figure(table_pictures.importances(*found), folder / IMPORTANCES)
    files[IMPORTANCES] = "how much worse predictions are when a column is shuffled"
    known = facts(estimator, short_name(table.name), y, task)
    files |= write_page(page_of_table(estimator, table, y, known, found, options), folder, console)
    print_files(folder, files, console)


def importances_of(estimator: Any, table: Table, y: NDArray[Any], task: Task) -> Importances:
    """Measure by rows of the training: the scale is too good, the order tells what is used."""
    from sklearn.inspection import permutation_importance

    n_columns = table.x.shape[1]
    n_rows = min(len(y), MOST_ROWS, max(50, MOST_CELLS // n_columns**2))
    rows = np.sort(np.random.RandomState(0).permutation(len(y))[:n_rows])
    n_repeats = int(np.clip(MOST_CELLS // (n_rows * n_columns**2), 1, SHUFFLES))
    x = table.x.iloc[rows]
    classes = None if task is Task.regress else estimator.classes_

    def score(model: Any, x: Any, truth: Any) -> float:
        if classes is None:
            return -float(np.sqrt(np.mean((model.predict(x) - truth) ** 2)))
        shares = model.predict_proba(x)[np.arange(len(truth)), np.searchsorted(classes, truth)]
        return float(np.mean(np.log(np.maximum(shares, 1e-12))))

    found = permutation_importance(
        estimator, x, y[rows], scoring=score, n_repeats=n_repeats, random_state=0
    )
    what = "rise of the RMSE" if task is Task.regress else "rise of the log-loss"
    names = list(map(str, table.x.columns))
    return Importances(
        names, found.importances_mean, found.importances_std,
        f"{what} on {counted(n_rows, 'row')} of the training",
    )  # fmt: skip
