"""The contestants, with their defaults, and with what each needs to take a table.

A method is a function of (task, seed, n_threads) that returns an estimator for the frames of
`sets`. All but fastmlp's classes get dates as numbers, and text in the form that they take.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from benchmarks.tables.sets import Task

Array = NDArray[Any]
Method = Callable[[Task, int, int], Any]
MOST_LEVELS = 250  # HistGradientBoosting takes 255
MISSING = "missing"


class Prepared(BaseEstimator):
    """A frame as boosted trees take it: dates as numbers, text as categories, or as words.

    Parameters
    ----------
    words : bool
        Text as str objects, with a word for missing ones, instead of categories.
    most_levels : int or None
        Of each text, so many of the commonest levels at most; others are missing.
    """

    def __init__(self, words: bool = False, most_levels: int | None = None) -> None:
        self.words = words
        self.most_levels = most_levels

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        x = with_dates_as_numbers(X)
        self.levels_ = {
            name: x[name].dropna().astype(str).value_counts().index[: self.most_levels]
            for name in texts(x)
        }
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        x = with_dates_as_numbers(X)
        for name, levels in self.levels_.items():
            is_missing = x[name].isna()
            if self.words:
                x[name] = x[name].astype(object).where(~is_missing, MISSING).astype(str)
            else:
                words = x[name].astype(str).astype(object).where(~is_missing, None)
                x[name] = pd.Categorical(words, categories=sorted(levels))
        return x


def texts(x: pd.DataFrame) -> list[str]:
    return [str(name) for name in x if not pd.api.types.is_numeric_dtype(x[name])]


def with_dates_as_numbers(x: pd.DataFrame) -> pd.DataFrame:
    """A copy in which a date is its days, month, weekday, days of the month and of the year."""
    x = x.copy()
    for name in map(str, x.columns):
        if pd.api.types.is_datetime64_any_dtype(x[name]):
            date = x.pop(name).dt
            x[f"{name}_days"] = date.normalize().to_numpy().astype("datetime64[D]").astype(float)
            for part in ("month", "day_of_week", "day", "day_of_year"):
                x[f"{name}_{part}"] = getattr(date, part).astype(float)
        elif pd.api.types.is_bool_dtype(x[name]):
            x[name] = x[name].astype(float)
    return x


def lightgbm(task: Task, seed: int, n_threads: int) -> Any:
    import lightgbm as lgb

    kind = lgb.LGBMRegressor if task == "regression" else lgb.LGBMClassifier
    return make_pipeline(Prepared(), kind(n_jobs=n_threads, random_state=seed, verbose=-1))


class CatBoost(BaseEstimator):
    """CatBoost, told which columns of the frame are text, which it wants to know by name."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, X: pd.DataFrame, y: Array) -> Self:
        self.model.fit(X, y, cat_features=texts(X))
        return self

    def predict(self, X: pd.DataFrame) -> Array:
        found: Array = self.model.predict(X)
        return found

    def predict_proba(self, X: pd.DataFrame) -> Array:
        found: Array = self.model.predict_proba(X)
        return found

    def __sklearn_is_fitted__(self) -> bool:
        return bool(self.model.is_fitted())


def catboost(task: Task, seed: int, n_threads: int) -> Any:
    import catboost as cb

    kind = cb.CatBoostRegressor if task == "regression" else cb.CatBoostClassifier
    model = kind(verbose=0, random_seed=seed, thread_count=n_threads, allow_writing_files=False)
    return make_pipeline(Prepared(words=True), CatBoost(model))


def hist_gradient_boosting(task: Task, seed: int, n_threads: int) -> Any:
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    return make_pipeline(Prepared(most_levels=MOST_LEVELS), kind(random_state=seed))


def random_forest(task: Task, seed: int, n_threads: int) -> Any:
    kind = RandomForestRegressor if task == "regression" else RandomForestClassifier
    numbered = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
    )
    encoder = make_column_transformer((numbered, texts), remainder="passthrough")
    return make_pipeline(Prepared(), encoder, kind(n_jobs=n_threads, random_state=seed))


def sklearn_mlp(task: Task, seed: int, n_threads: int) -> Any:
    return make_pipeline(
        Prepared(),
        usual_encoder(),
        MLPClassifier(random_state=seed)
        if task != "regression"
        else with_scaled_target(MLPRegressor(random_state=seed)),
    )


def fastmlp_mlp(task: Task, seed: int, n_threads: int) -> Any:
    import fastmlp

    settings: dict[str, Any] = {"random_state": seed, "n_threads": n_threads}
    return make_pipeline(
        Prepared(),
        usual_encoder(),
        fastmlp.MLPClassifier(**settings)
        if task != "regression"
        else with_scaled_target(fastmlp.MLPRegressor(**settings)),
    )


def usual_encoder() -> Any:
    """What textbooks put before an MLP: medians for gaps, standardised numbers, one-hot text."""
    words = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=64, sparse_output=False
    )
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_column_transformer((words, texts), remainder=numbers)


def with_scaled_target(regressor: Any) -> Any:
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


def table(**settings: Any) -> Method:
    def method(task: Task, seed: int, n_threads: int) -> Any:
        from fastmlp import TableClassifier, TableRegressor

        kind = TableRegressor if task == "regression" else TableClassifier
        return kind(random_state=seed, n_threads=n_threads, **settings)

    return method


METHODS: dict[str, Method] = {
    "fastmlp": table(),
    "fastmlp, trees=True": table(trees=True),
    "CatBoost": catboost,
    "LightGBM": lightgbm,
    "HistGradientBoosting": hist_gradient_boosting,
    "random forest": random_forest,
    "scikit-learn's MLP": sklearn_mlp,
    "fastmlp's MLP": fastmlp_mlp,
}
OWN = ("fastmlp", "fastmlp, trees=True")
BASE, STRONGEST = "LightGBM", "CatBoost"  # what others are compared with
NEEDS = {"LightGBM": "lightgbm", "CatBoost": "catboost"}


def predicted(model: Any, task: Task, x: pd.DataFrame) -> Array:
    """Numbers, or a probability for each class."""
    found: Array = model.predict(x) if task == "regression" else model.predict_proba(x)
    return np.asarray(found)
