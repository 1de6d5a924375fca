"""Texts that the docstrings of both classes share."""

from __future__ import annotations

from fastmlp import docstrings
from fastmlp.estimators.hyperparameters import LOSSES_OF_NUMBERS, STOCHASTIC_SOLVERS
from fastmlp.reference import LOSSES

PARAMETERS = """\
hidden_layer_sizes : int or array-like of int, default=(100,)
    Units of each hidden layer; ``()`` for none.
activation : str or tuple of str, default='relu'
    Activation of the hidden layers, one for all or one for each, with the formulas of
    `fastmlp.reference.activations`:
    <ACTIVATIONS>
solver : {<SOLVERS>}, default='adam'
    'adamw' decouples weight decay from the gradient (Loshchilov and Hutter, arXiv:1711.05101).
alpha : float, default=0.0001
    Strength of L2, divided by the number of rows in the batch, or by the sum of their weights.
batch_size : int, default='auto'
    Rows per step; 'auto' is ``min(200, n_samples)``. lbfgs uses all rows.
learning_rate : {'constant', 'invscaling', 'adaptive', 'cosine'}, default='constant'
    'invscaling' and 'adaptive' affect only sgd. 'cosine' falls from step to step to 0 at the end of
    `max_iter` epochs, for every stochastic solver (arXiv:1608.03983).
learning_rate_init : float, default=0.001
    The learning rate to start with.
power_t : float, default=0.5
    Exponent of 'invscaling'.
max_iter : int, default=200
    Maximum number of epochs, or of lbfgs iterations.
shuffle : bool, default=True
    Draw a new order of the rows for each epoch.
random_state : int, RandomState instance, default=None
    For the initial weights, the validation split, the order of rows and dropout.
tol : float, default=1e-4
    Training ends when the loss (with early stopping, the score) has not improved by this much for
    `n_iter_no_change` epochs. For lbfgs, the bound on the projected gradient.
verbose : bool or int, default=False
    Show progress: a bar in terminals and notebooks, scikit-learn's lines elsewhere.
warm_start : bool, default=False
    Continue with the last fit's weights and optimiser state; an exhausted learning rate restarts.
momentum : float, default=0.9
    Of sgd, in [0, 1].
nesterovs_momentum : bool, default=True
    Use Nesterov momentum.
early_stopping : bool, default=False
    Monitor the score on rows that are not trained on, and keep the best weights.
validation_fraction : float, default=0.1
    Share of the rows to hold out for early stopping, unless `fit` is given validation rows.
beta_1 : float, default=0.9
    Decay of the running mean of gradients: adam and adamw.
beta_2 : float, default=0.999
    Decay of the running mean of squared gradients: adam and adamw.
epsilon : float, default=1e-8
    Added to the root of the mean square: adam and adamw.
n_iter_no_change : int or inf, default=10
    See `tol`.
max_fun : int, default=15000
    Maximum number of evaluations of loss and gradient, for lbfgs."""

MORE = """\
dropout : float, default=0.0
    Share of the hidden units that each step drops, in [0, 1) (Srivastava et al., 2014).
callbacks : list of callable, default=None
    Each is called as ``callback(epoch, logs)`` after every epoch, from 1, with `loss`, `seconds`,
    `rows_per_second` and, with rows to validate with, `val_loss` and `val_score`. At that point the
    estimator has the weights of that epoch. Returning True stops the training.
max_seconds : float, default=None
    Time limit from the start of the first epoch, checked after every epoch; compiling is excluded.
n_threads : int, default=None
    Threads for training and prediction; by default, as many as make it faster.
dtype : {'auto', 'float32', 'float64'}, default='auto'
    Type of the weights and of the arithmetic. 'auto' is float32 for float32 and float16 `X`, else
    float64.
monitor : str, callable or 'loss', default=None
    What early stopping monitors: the name of a scorer, a ``scorer(estimator, X, y)``, or 'loss',
    the negative validation loss. By default what `score` returns."""

ATTRIBUTES = """\
coefs_ : list of ndarray of shape (n_in, n_out)
    Weights of each layer.
intercepts_ : list of ndarray of shape (n_out,)
    Biases of each layer.
loss_ : float
    Of the last epoch: the mean of its batches' losses, each before its step, L2 included.
loss_curve_ : list of float
    `loss_` of each epoch; not with lbfgs.
best_loss_ : float or None
    The lowest of `loss_curve_`; None with early stopping.
validation_scores_ : list of float or None
    Score of the validation rows after each epoch.
validation_loss_curve_ : list of float or None
    Their mean loss, without L2.
best_validation_score_ : float or None
    The best of `validation_scores_`; None without early stopping.
history_ : fastmlp.History
    All figures of the last fit, with `to_frame()` and `plot()`.
n_iter_ : int
    Epochs of the last fit.
t_ : int
    Rows trained on, counted again in each epoch.
n_features_in_ : int
    Columns of `X`.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Their names, where `X` had names that are all strings.
n_layers_ : int
    Layers, the input counted.
n_outputs_ : int
    Units of the last layer.
out_activation_ : str
    The last layer's function."""


documented = docstrings.documented(
    PARAMETERS=PARAMETERS,
    MORE=MORE,
    ATTRIBUTES=ATTRIBUTES,
    SOLVERS=", ".join(map(repr, ["lbfgs", *STOCHASTIC_SOLVERS])),
    LOSSES_OF_NUMBERS=docstrings.described(LOSSES_OF_NUMBERS, LOSSES),
)
"""Fills the placeholders in a class's docstring with the texts above."""
