"""The door: every argument is checked and normalised here, once, before any arithmetic.

Behind it, features are two-dimensional, row by row in memory, in this machine's byte order, uint8,
float32 or float64, and finite; labels are whole numbers inside the classes, and other targets have
a number for each output. Raw-pointer kernels depend on that: a wrong label would make them write
foreign memory. A callback or another thread may change the caller's arrays afterwards, so engines
copy once more what they find their way by, and check that (`own`).

`numbers` checks single arguments, `names` and `keywords` know what was meant by those that are not
known. `containers` gets numbers out of whatever holds them, `shapes` and `arrays` see to shapes,
`sparse` to SciPy's matrices, which are not trusted. `features` are what is trained on, in the order
of their `column_names`; `labels` and `targets` are what is to come out, none of them `missing`.
`times` are no numbers, and `generators` may be the user's own.
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
