"""scikit-learn's interface: MLPClassifier and MLPRegressor, trained by the compiled engine.

From the innermost out: `hyperparameters` says which settings there are, `read_input` reads
features, and a fit is about a `part` of what was read; `label_encoding` encodes classes, `initial`
draws the first weights, `by_hand` completes what was assigned instead of fitted, `outputs`
predicts. `validation` judges a run after each epoch, `callbacks` are told of it, `trainers` lays
out the engine; `stochastic` and `lbfgs` are the runs. `storage` writes to files, `export` for
programs without Python, with `onnx_file`, as does `skl2onnx_converter`, within pipelines;
`class_names` says how classes are called in them, and `restored` checks what is read from them.
`fitted` sets the attributes that a fit leaves, `fingerprint` is what must be the same for a fit to
go on, `scores` judges, `docstrings` describes parameters once. `base` is a fit, `hooks` what the
classes say of it, `class_targets` what a classifier adds to it, and `classifier` and `regressor`
are the classes. `fit_many` fits several estimators at once: on `splits` of the rows, as `members`
that run side by side. `compiled` is the engine that all use.
"""

from __future__ import annotations

try:
    import sklearn.callback  # noqa: F401 - from 1.9 on
except ImportError as error:
    raise ImportError(
        "MLPClassifier, MLPRegressor and fit_many need scikit-learn 1.9 or newer: "
        "pip install 'fastmlp[sklearn]'"
    ) from error

from fastmlp.estimators.classifier import MLPClassifier
from fastmlp.estimators.fit_many import fit_many
from fastmlp.estimators.regressor import MLPRegressor
from fastmlp.estimators.skl2onnx_converter import register_skl2onnx

__all__ = ["MLPClassifier", "MLPRegressor", "fit_many", "register_skl2onnx"]
