"""Suggests what an unknown name was meant to be: one of another library, or a typing error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

LONGEST = 40  # letters of names to compare by similarity, which takes quadratic time

# Other libraries' names for the same thing, in lower case without underscores. Of several meanings,
# the first one that is known in the context counts.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    # activations
    "sigmoid": ("logistic", "binary_cross_entropy"),
    "expit": ("logistic",),
    "swish": ("silu",),
    "linear": ("identity", "squared_error"),
    "none": ("identity",),
    "lrelu": ("leaky_relu",),
    # losses
    "mse": ("squared_error",),
    "meansquarederror": ("squared_error",),
    "l2": ("squared_error", "lambda_reg"),
    "crossentropyloss": ("cross_entropy",),
    "categoricalcrossentropy": ("cross_entropy",),
    "sparsecategoricalcrossentropy": ("cross_entropy",),
    "softmax": ("cross_entropy",),
    "logloss": ("cross_entropy",),
    "nll": ("cross_entropy",),
    "nllloss": ("cross_entropy",),
    "bce": ("binary_cross_entropy",),
    "bceloss": ("binary_cross_entropy",),
    "bcewithlogitsloss": ("binary_cross_entropy",),
    "logistic": ("binary_cross_entropy",),
    "mseloss": ("squared_error",),
    "poissonnllloss": ("poisson",),
    # optimisers, first weights
    "gd": ("sgd",),
    "gradientdescent": ("sgd",),
    "nag": ("nesterov",),
    "kaiming": ("he",),
    # arguments of MLP
    "lr": ("learning_rate",),
    "eta": ("learning_rate",),
    "learningrateinit": ("learning_rate",),
    "ninputs": ("input_size",),
    "nfeatures": ("input_size",),
    "infeatures": ("input_size",),
    "inputdim": ("input_size",),
    "hidden": ("hidden_size",),
    "hiddendim": ("hidden_size",),
    "hiddenlayersizes": ("hidden_size",),
    "nhidden": ("hidden_size",),
    "layers": ("hidden_size",),
    "noutputs": ("output_size",),
    "nclasses": ("output_size",),
    "numclasses": ("output_size",),
    "outfeatures": ("output_size",),
    "outputdim": ("output_size",),
    "criterion": ("loss",),
    "lossfn": ("loss",),
    "lossfunction": ("loss",),
    "solver": ("optimizer",),
    "optim": ("optimizer",),
    "optimiser": ("optimizer",),
    "eps": ("epsilon",),
    "dropoutrate": ("dropout",),
    "seed": ("random_state",),
    "randomseed": ("random_state",),
    "rng": ("random_state",),
    "precision": ("dtype",),
    "njobs": ("n_threads",),
    "threads": ("n_threads",),
    "numthreads": ("n_threads",),
    "scale": ("input_scale",),
    # arguments of train
    "x": ("x_train",),
    "y": ("y_train",),
    "nepochs": ("epochs",),
    "numepochs": ("epochs",),
    "maxiter": ("epochs",),
    "niter": ("epochs",),
    "alpha": ("lambda_reg",),
    "weightdecay": ("lambda_reg",),
    "l2reg": ("lambda_reg",),
    "xval": ("validation_data",),
    "yval": ("validation_data",),
    "valdata": ("validation_data",),
    "validation": ("validation_data",),
    "validationset": ("validation_data",),
    "evalset": ("validation_data",),
    "quiet": ("verbose",),
    "silent": ("verbose",),
    "classes": ("class_names",),
    "labels": ("class_names",),
}

# Other libraries' names for the share of rows to hold out, which `train` does not take.
SHARES_HELD_OUT = {"validationsplit", "valsplit", "validationfraction", "valfraction"}


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the `known` name that was probably meant; None if none is similar."""
    by_letters = {letters_of(one): one for one in known}
    letters = letters_of(name)
    for candidate in (letters, *map(letters_of, SYNONYMS.get(letters, ()))):
        if candidate in by_letters:
            return by_letters[candidate]
    if len(letters) > LONGEST:
        return None
    from difflib import get_close_matches

    close = get_close_matches(letters, by_letters, n=1, cutoff=0.7)
    return by_letters[close[0]] if close else None


def letters_of(name: str) -> str:
    """Return a name in lower case, without underscores, hyphens and blanks."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")
