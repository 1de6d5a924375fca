"""Texts that the docstrings of both classes share."""

from __future__ import annotations

from fastmlp import docstrings

WHAT = """\
Several small networks, each trained on all folds of the rows but one, which chooses the epoch; the
prediction is their mean. Nothing has to be scaled, encoded or filled in beforehand: `TableEncoder`
does that, and its description says what becomes of each kind of column."""

PARAMETERS = """\
n_members : int, default=5
    Number of networks and of folds; 1 holds out a fifth of the rows. There are fewer if there are
    fewer distinct rows. Rows with the same features and target stay in one fold.
trees : bool, default=False
    Average the networks, half and half, with scikit-learn's histogram-based boosted trees, fitted
    on the same folds.
max_seconds : float, default=None
    About how long `fit` may take: the number of epochs depends on how long a few of them take. Each
    network is trained for at least one epoch; trees that would take half of the time are left out,
    with a warning. Results then depend on the machine's speed.
categorical_features : 'from_dtype' or array-like of str, int or bool, default='from_dtype'
    See `TableEncoder`.
n_threads : int, default=None
    Number of networks that are trained at once; by default, as many as there are cores. The result
    is the same for any number.
random_state : int, RandomState instance, default=None
    For the folds, the initial weights, the order of rows and dropout.
verbose : bool or int, default=False
    Show progress: a bar in terminals and notebooks, lines elsewhere.
cv : int, splitter or iterable of (train, held out), default=None
    Your own folds, with a network for each, instead of `n_members`; for instance for rows in order
    of time. Rows that are never held out have no out-of-fold predictions."""

ATTRIBUTES = """\
members_ : list of MLPClassifier or MLPRegressor
    The networks. Each takes the table as `encoder_` transforms it.
encoder_ : TableEncoder
    What turns the table into numbers; `encoder_.taken_for_` says what each column was taken for.
trees_ : list
    With `trees=True`, the boosted trees that go with each network; None for those that there was no
    time for.
history_ : TableHistory
    The networks' figures, epoch by epoch, with `to_frame()` and `plot()`.
n_features_in_ : int
    Columns of `X`.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Their names, where `X` had names that are all strings."""

documented = docstrings.documented(WHAT=WHAT, PARAMETERS=PARAMETERS, ATTRIBUTES=ATTRIBUTES)
"""Fills the placeholders in a class's docstring with the texts above."""
