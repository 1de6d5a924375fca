"""Training where the rows of a Dask cluster lie: DaskMLPClassifier and DaskMLPRegressor.

From the innermost out: `clients` checks the client and its workers, and `collections` takes Dask's
collections apart. `read_blocks` checks the rows of a shard, which `shards` keeps on a worker, and
`facts` is what the client has to know of them; `tallies` sums up losses and scores. `plans` says
how a fit goes about them; `rounds` is what a worker does in a round, a pure function, and
`averages` makes one network of what the workers have found. `cluster` submits all that, `trainer`
is the engine's trainer for a run whose rows are elsewhere, and `held_out` judges it by rows that
are elsewhere, too. `lazy` predicts. `docstrings` describes parameters once; `copies` says what
becomes of the client in copies, `model` is what both classes do alike, and `classifier` and
`regressor` are the classes.
"""

from __future__ import annotations

try:
    import distributed  # noqa: F401
    import sklearn.callback  # noqa: F401 - from 1.9 on
except ImportError as error:
    raise ImportError(
        "DaskMLPClassifier and DaskMLPRegressor need Dask, distributed and scikit-learn 1.9 or "
        "newer: pip install 'fastmlp[dask]'"
    ) from error

from fastmlp.dask.classifier import DaskMLPClassifier
from fastmlp.dask.regressor import DaskMLPRegressor

__all__ = ["DaskMLPClassifier", "DaskMLPRegressor"]
