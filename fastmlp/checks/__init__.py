"""Checks and normalises every argument, once, before any arithmetic.

After that, features are two-dimensional, C-contiguous, in native byte order, of uint8, float32 or
float64, and finite; labels are integers within the classes, and dense targets have one value per
output. The kernels, which work on raw pointers, depend on it: a wrong label would make them write
outside of their buffers. A callback or another thread may change the caller's arrays afterwards, so
engines make a checked copy of everything that addresses are derived from (`own`).

`arguments` checks single arguments; `names` and `keywords` suggest what a misspelled one was meant
to be. `containers` converts lists, frames and the like to arrays, `shapes` and `arrays` check
shapes, and `sparse` checks SciPy's matrices, which are not trusted. `features` checks X, whose
columns `column_names` matches with those of the training; `labels` and `targets` check y, where
`missing` finds missing values. `times` refuses dates and times, and `generators` checks what a
user's own class of random generators returns. `user_warnings` warns of what is odd but allowed.
"""

from fastmlp.checks.arguments import as_callables as as_callables
from fastmlp.checks.arguments import as_count as as_count
from fastmlp.checks.arguments import as_dtype as as_dtype
from fastmlp.checks.arguments import as_input_scale as as_input_scale
from fastmlp.checks.arguments import as_layer_sizes as as_layer_sizes
from fastmlp.checks.arguments import as_name as as_name
from fastmlp.checks.arguments import as_positive as as_positive
from fastmlp.checks.arguments import as_random_state as as_random_state
from fastmlp.checks.arguments import as_rates as as_rates
from fastmlp.checks.arguments import as_share as as_share
from fastmlp.checks.arguments import as_threads as as_threads
from fastmlp.checks.arrays import as_finite as as_finite
from fastmlp.checks.arrays import as_layers as as_layers
from fastmlp.checks.arrays import as_shaped as as_shaped
from fastmlp.checks.arrays import is_finite as is_finite
from fastmlp.checks.column_names import as_feature_names as as_feature_names
from fastmlp.checks.column_names import names_of as names_of
from fastmlp.checks.column_names import names_to_keep as names_to_keep
from fastmlp.checks.column_names import order_of as order_of
from fastmlp.checks.containers import as_numeric as as_numeric
from fastmlp.checks.containers import is_sparse as is_sparse
from fastmlp.checks.containers import refuse_no_array as refuse_no_array
from fastmlp.checks.features import FEATURE_DTYPES as FEATURE_DTYPES
from fastmlp.checks.features import as_features as as_features
from fastmlp.checks.keywords import telling_names as telling_names
from fastmlp.checks.labels import as_class_names as as_class_names
from fastmlp.checks.labels import as_labels as as_labels
from fastmlp.checks.missing import refuse_missing as refuse_missing
from fastmlp.checks.own import own_orders as own_orders
from fastmlp.checks.own import own_rows as own_rows
from fastmlp.checks.own import own_targets as own_targets
from fastmlp.checks.sparse import own_structure as own_structure
from fastmlp.checks.targets import as_targets as as_targets
from fastmlp.checks.user_warnings import gathered_warnings as gathered_warnings
from fastmlp.checks.user_warnings import warn_user as warn_user
