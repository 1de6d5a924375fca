"""Checks and normalises every argument, once, before any arithmetic.

After that, features are two-dimensional, C-contiguous, in native byte order, of uint8, float32 or
float64, and finite; labels are integers within the classes, and dense targets have one value per
output. The kernels, which work on raw pointers, depend on it: a wrong label would make them write
outside of their buffers. A callback or another thread may change the caller's arrays afterwards, so
engines make a checked copy of everything that addresses are derived from (`own`).

`numbers` checks single arguments; `names` and `keywords` suggest what an unknown one was meant to
be. `containers` extracts numbers from whatever holds them, `shapes` and `arrays` check shapes, and
`sparse` checks SciPy's matrices, which are not trusted. `features` checks X, whose columns are put
in the order of their `column_names`; `labels` and `targets` check y, of which no value may be
`missing`. `times` are not numbers, and `generators` may be
of a class of the user's own.
"""

from fastmlp.checks.arrays import as_finite, as_layers, as_shaped, is_finite
from fastmlp.checks.column_names import as_feature_names, names_of, names_to_keep, order_of
from fastmlp.checks.containers import as_numeric, is_sparse, refuse_no_array
from fastmlp.checks.features import FEATURE_DTYPES, as_features, warn_user
from fastmlp.checks.keywords import telling_names
from fastmlp.checks.labels import as_class_names, as_labels
from fastmlp.checks.missing import refuse_missing
from fastmlp.checks.numbers import (
    as_callables,
    as_count,
    as_dtype,
    as_input_scale,
    as_layer_sizes,
    as_name,
    as_positive,
    as_random_state,
    as_rates,
    as_share,
    as_threads,
)
from fastmlp.checks.own import own_orders, own_rows, own_targets
from fastmlp.checks.sparse import own_structure
from fastmlp.checks.targets import as_targets

__all__ = [
    "FEATURE_DTYPES",
    "as_callables",
    "as_class_names",
    "as_count",
    "as_dtype",
    "as_feature_names",
    "as_features",
    "as_finite",
    "as_input_scale",
    "as_labels",
    "as_layer_sizes",
    "as_layers",
    "as_name",
    "as_numeric",
    "as_positive",
    "as_random_state",
    "as_rates",
    "as_shaped",
    "as_share",
    "as_targets",
    "as_threads",
    "is_finite",
    "is_sparse",
    "names_of",
    "names_to_keep",
    "order_of",
    "own_orders",
    "own_rows",
    "own_structure",
    "own_targets",
    "refuse_missing",
    "refuse_no_array",
    "telling_names",
    "warn_user",
]
