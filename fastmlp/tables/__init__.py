"""A front end for tables as they come: `TableClassifier`, `TableRegressor`, `TableEncoder`.

From the innermost out: `frames` takes a table apart into columns, `cells` finds out what a column
holds and reads it as that, text as `dates` too, and `numbers`, `categories` and `times` say how
such cells become a network's inputs, `level_means` words of very many levels; `encodings` are all
of these. `columns` reads them, and `encoder` does so for all of them; `plain` returns what trees
need of that.

`recipe` has the settings that were found by experiment, `importance` how much columns count to
begin with, `decay` how rate, weight decay and dropout change over a run. `temperature` calibrates
probabilities. `members` are the networks, `folds` says which rows each of them is trained on, and
`fits` trains them side by side, for as many epochs as `budget` finds time for by the `clock`, once
`trial` has tried a few. `trees` are the boosted trees that can be averaged in, and `forest` has
them as arrays. `bar` shows how far a fit has come, `kept` is what a checkpoint has of it beside the
networks, and `curves` is what it leaves to look at. `docstrings` describes parameters once. `base`
is a fit, `hooks` what it leaves to the classes, and `classifier` and `regressor` are these;
`storage` writes them to files, with `written` for the encoder, and `onnx_file` to others.
"""

from __future__ import annotations

try:
    import sklearn.callback  # noqa: F401 - from 1.9 on
except ImportError as error:
    raise ImportError(
        "TableClassifier, TableRegressor and TableEncoder need scikit-learn 1.9 or newer: "
        "pip install 'fastmlp[sklearn]'"
    ) from error

from fastmlp.tables.classifier import TableClassifier
from fastmlp.tables.encoder import TableEncoder
from fastmlp.tables.regressor import TableRegressor

__all__ = ["TableClassifier", "TableEncoder", "TableRegressor"]
