"""What both classes do alike: a call of fit from the user's table to calibrated networks."""

from __future__ import annotations

from contextlib import nullcontext
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, check_is_fitted

from fastmlp.beside import sole_training
from fastmlp.checkpoints.file import NoFile, as_file
from fastmlp.checks import refuse_missing
from fastmlp.tables import recipe
from fastmlp.tables import trees as boosted
from fastmlp.tables.bar import MembersBar
from fastmlp.tables.budget import Budget
from fastmlp.tables.clock import Clock
from fastmlp.tables.curves import TableHistory
from fastmlp.tables.encoder import TableEncoder, plain_encoder
from fastmlp.tables.fits import fit_members
from fastmlp.tables.folds import folds_of
from fastmlp.tables.hooks import TableHooks
from fastmlp.tables.importance import column_weights
from fastmlp.tables.kept import Kept
from fastmlp.tables.members import Fold, Member
from fastmlp.tables.plain import plain
from fastmlp.tables.storage import TableFileMixin
from fastmlp.tables.trial import seconds_an_epoch

Array = NDArray[Any]


class BaseTable(TableFileMixin, BaseEstimator, TableHooks):
    """Base of `TableClassifier` and `TableRegressor`, where their parameters are described.

    Subclasses say how targets are read, and what becomes of the networks' outputs.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "trees": ["boolean"],
        "max_seconds": [None, Interval(Real, 0, None, closed="neither")],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like"],
        "cv": ["cv_object"],
        "n_threads": [None, Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    n_members: int
    trees: bool
    max_seconds: float | None
    categorical_features: Any
    cv: Any
    n_threads: int | None
    random_state: Any
    verbose: bool | int

    encoder_: TableEncoder
    members_: list[Member]
    oof_predictions_: Array
    oof_score_: float
    trees_: list[Any]
    history_: TableHistory
    n_features_in_: int

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        groups: Any = None,
        checkpoint: Any = None,
        checkpoint_seconds: float = 1.0,
        resume: bool = False,
    ) -> Self:
        """Fit the networks to a table.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            A frame of pandas or polars, a table of pyarrow, or array-like: numbers, text,
            categories, Booleans, dates and times, with missing values anywhere. See `TableEncoder`.
        y : array-like of shape (n_samples,)
            Class labels, or real numbers for a regressor.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, 0 or more.
        X_val : table of shape (n_val, n_features), default=None
            Rows that choose the epochs and calibrate the predictions, instead of folds: every
            network is trained on all of `X`, and there are no out-of-fold predictions.
        y_val : array-like of shape (n_val,), default=None
            Their targets.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group stay in one fold; they are also passed to the splitter `cv`.
        checkpoint, checkpoint_seconds, resume
            As in `MLPClassifier.fit`, for all networks. Those that had begun keep the number of
            epochs that `max_seconds` gave them; trees are fitted again.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is invalid: for instance, a target is missing or infinite, or there is
            only one class or one row.
        TypeError
            If an argument has an invalid type. After either of the two errors, what was fitted
            before is still there.
        RuntimeError
            If the estimator is being fitted by another thread.
        """
        with as_file(checkpoint, checkpoint_seconds, resume) as file:
            return self._fit(X, y, sample_weight, (X_val, y_val), groups, file)

    @sole_training
    def _fit(
        self, X: Any, y: Any, sample_weight: Any, held_out: tuple[Any, Any], groups: Any,
        file: NoFile,
    ) -> Self:  # fmt: skip
        fitted = {n: v for n, v in vars(self).items() if n.endswith("_") or n in self._unseen}
        try:
            for name in fitted:
                delattr(self, name)
            return self._train(X, y, sample_weight, held_out, groups, file)
        except BaseException:
            for name in [n for n in vars(self) if n.endswith("_") or n in self._unseen]:
                delattr(self, name)
            self.__dict__.update(fitted)
            raise

    def _train(
        self, X: Any, y: Any, sample_weight: Any, held_out: tuple[Any, Any], groups: Any,
        file: NoFile,
    ) -> Self:  # fmt: skip
        clock = Clock(self.max_seconds)
        if (held_out[0] is None) != (held_out[1] is None):
            raise ValueError("X_val and y_val are a pair: give both of them, or neither")
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        self.encoder_ = plain_encoder(categorical_features=self.categorical_features)
        x = self.encoder_.fit(X).transform(X)
        self.n_features_in_ = self.encoder_.n_features_in_
        if hasattr(self.encoder_, "feature_names_in_"):
            self.feature_names_in_ = self.encoder_.feature_names_in_
        y = refuse_missing(y, "y")
        check_consistent_length(X, y)
        targets = self._learn_targets(y)
        if len(targets) < 2:
            raise ValueError(
                "X has 1 sample: give at least 2 rows, to train on one and judge by another"
            )
        weights = self._row_weights(sample_weight, x, targets)
        kept = Kept(self, file, clock)
        random = kept.random_state
        if held_out[0] is None:
            strata = self._strata(targets)
            folds = folds_of(self.cv, self.n_members, x, targets, weights, groups, strata, random)
            x = self._with_means(X, x, targets, weights, [fold.held_out for fold in folds])
        else:
            x = self._with_means(X, x, targets, weights, [])
            x, targets, weights, folds = self._with_validation(x, targets, weights, held_out)
        n_trained = max(len(fold.train) for fold in folds)
        n_fewest = min(len(fold.train) for fold in folds)
        seeds = [int(random.randint(2**31 - 1)) for _ in folds]
        n_epochs, n_jobs = recipe.n_epochs(n_trained), self._n_jobs()

        def make(seed: int, fold: Fold) -> Member:
            member = self._member()
            member._fold = fold
            return member.set_params(
                **recipe.SETTINGS,
                max_iter=n_epochs,
                batch_size=min(recipe.BATCH, n_fewest),
                random_state=seed,
                n_threads=self.n_threads,
            )

        is_classifier = self._strata(targets) is not None
        if self.trees:  # before the networks, whose epochs fill the time that is left
            self.trees_ = boosted.fit_trees(
                is_classifier, plain(self.encoder_, x), targets, weights, folds, seeds[0], n_jobs,
                clock, kept,
            )  # fmt: skip
        trained = np.unique(np.concatenate([fold.train for fold in folds]))
        counts = column_weights(self.encoder_, x, targets, weights, trained, is_classifier)
        sizes = [block.n_outputs for block in self.encoder_._blocks]
        x *= (factors := recipe.input_factors(sizes, counts))
        members = [make(seed, fold) for seed, fold in zip(seeds, folds, strict=True)]
        budget = Budget(members, n_jobs, clock, kept.plan(members))
        if self.max_seconds is not None and (first := budget.first()):
            budget.seconds = seconds_an_epoch(first, x, targets, weights, n_jobs, clock)
        with MembersBar(bool(self.verbose), members) as bar:
            fit_members(members, x, targets, weights, n_jobs, budget, bar.told, file)
        self._finish(members, factors)
        x /= factors  # powers of two: no bit is lost
        self._judge(x, targets, weights, folds, has_folds=held_out[0] is None)
        return self

    def _n_jobs(self) -> int:
        from fastmlp.kernels.runtime.threads import usable_threads

        return usable_threads() if self.n_threads is None else int(self.n_threads)

    def _row_weights(self, sample_weight: Any, x: Array, targets: Array) -> Array | None:
        if sample_weight is None:
            return None
        weights: Array = _check_sample_weight(sample_weight, x, ensure_non_negative=True)
        return weights

    def _with_means(
        self, X: Any, x: Array, targets: Array, weights: Array | None, held_out: list[Array]
    ) -> Array:
        if (found := self._to_average(targets)) is None:
            return x
        return self.encoder_._add_means(X, x, found, weights, held_out)

    def _with_validation(
        self, x: Array, targets: Array, weights: Array | None, held_out: tuple[Any, Any]
    ) -> tuple[Array, Array, Array | None, list[Fold]]:
        """Return rows and validation rows as one, and folds that say which are which."""
        X_val, y_val = held_out  # noqa: N806
        try:
            x_val = self.encoder_.transform(X_val)
            y_val = refuse_missing(y_val, "y_val")
            check_consistent_length(X_val, y_val)
            more = self._encode(y_val)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"X_val and y_val: {error}") from error
        fold = Fold(np.arange(len(x)), np.arange(len(x), len(x) + len(x_val)))
        if weights is not None:
            weights = np.concatenate([weights, np.ones(len(x_val), weights.dtype)])
        return (
            np.concatenate([x, x_val]), np.concatenate([targets, more]), weights,
            [fold] * self.n_members,
        )  # fmt: skip

    def _finish(self, members: list[Member], factors: NDArray[np.float32]) -> None:
        """Have the networks take the encoder's output as it is; keep them with their curves."""
        best = []
        for member in members:
            member.coefs_[0] *= factors[:, np.newaxis]
            del member._fold, member._decay
            member.n_threads = self.n_threads
            scores = np.nan_to_num(member.history_.val_score, nan=-np.inf)
            best.append(1 + int(np.argmax(scores)))
        self.members_ = members
        self.history_ = TableHistory([member.history_ for member in members], best)

    def _outputs(self, x: Array) -> list[Array]:
        """Return what each network, with its trees, makes of an encoded table."""
        of_trees = plain(self.encoder_, x) if self.trees else x
        with boosted.on_threads(self._n_jobs(), of_trees) if self.trees else nullcontext():
            return [self._outputs_of(i, x, of_trees) for i in range(len(self.members_))]

    def _outputs_of(self, place: int, x: Array, of_trees: Array) -> Array:
        outputs = self._read(self.members_[place]._outputs(x))
        trees = self.trees_[place] if self.trees else None
        return outputs if trees is None else self._averaged(outputs, trees, of_trees)

    def _encoded(self, X: Any) -> Array:
        check_is_fitted(self)
        encoded: Array = self.encoder_.transform(X)
        return encoded

    def _gather(self, x: Array, folds: list[Fold], n_outputs: int) -> Array:
        """Return each row's mean output of the networks not trained on it; NaN where all were."""
        totals, counts = np.zeros((len(x), n_outputs)), np.zeros((len(x), 1))
        for place, fold in enumerate(folds):
            own = x[fold.held_out]
            of_trees = plain(self.encoder_, own) if self.trees else own
            totals[fold.held_out] += self._outputs_of(place, own, of_trees)
            counts[fold.held_out] += 1
        with np.errstate(invalid="ignore"):
            return totals / counts

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "members_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
