"""More tables that the recipe has seen: what only some of them have, variants were tried on, too.

Dates, text of thousands of levels, many columns that say nothing. All are copies of data of R
packages, or KEEL's copies of UCI's sets.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.tables.sets import PREDICT, QUICK, SEEN, UNSEEN, Source, of_keel, of_r

PAID = ("installment", "paid_total", "paid_interest", "paid_principal", "balance")
OF_LOANS = ("grade", "sub_grade", *PAID)
OF_FLIGHTS = ("dep_delay", "arr_time", "dep_time", "air_time")


def sampled(read: Callable[[], pd.DataFrame], n_rows: int) -> Callable[[], pd.DataFrame]:
    """A table of so many of its rows."""
    return lambda: read().sample(n_rows, random_state=0).reset_index(drop=True)


def with_wages() -> pd.DataFrame:
    table = of_r("carData", "SLID")()
    return table[table["wages"] > 0].reset_index(drop=True)


MORE = [
    Source("magic", "also seen", of_keel("magic"), "target"),
    Source("penbased", "also seen", of_keel("penbased"), "target"),
    Source("texture", "also seen", of_keel("texture"), "target"),
    Source("attrition", "also seen", of_r("modeldata", "attrition"), "Attrition"),
    Source("taxi", "also seen", of_r("modeldata", "taxi"), "tip"),
    Source("customers", "also seen", of_r("modeldata", "wa_churn"), "churn"),
    Source("lending", "also seen", of_r("modeldata", "lending_club"), "Class"),
    Source("stackoverflow", "also seen", of_r("modeldata", "stackoverflow"), "Remote"),
    Source("email", "also seen", of_r("openintro", "email"), "spam", dates=["time"]),
    Source(
        "chicago", "also seen", of_r("modeldata", "Chicago"), "ridership", dates=["date"],
        **PREDICT,
    ),
    Source("ames", "also seen", of_r("modeldata", "ames"), "Sale_Price", scale=np.log, **PREDICT),
    Source(
        "hotel", "also seen", of_r("modeldata", "hotel_rates"), "avg_price_per_room",
        dates=["arrival_date"], **PREDICT,
    ),
    Source(
        "deliveries", "also seen", of_r("modeldata", "deliveries"), "time_to_delivery", **PREDICT
    ),
    Source(
        "diamonds", "also seen", sampled(of_r("ggplot2", "diamonds"), 14_000), "price",
        scale=np.log, **PREDICT,
    ),
    Source(
        "flights", "also seen", sampled(of_r("nycflights13", "flights"), 14_000), "arr_delay",
        without=OF_FLIGHTS, dates=["time_hour"], **PREDICT,
    ),
    Source(
        "loans", "also seen", of_r("openintro", "loans_full_schema"), "interest_rate",
        without=OF_LOANS, **PREDICT,
    ),
    Source("wages", "also seen", of_r("Ecdat", "Wages"), "lwage", **PREDICT),
    Source("slid", "also seen", with_wages, "wages", scale=np.log, **PREDICT),
    Source(
        "movielens", "also seen", sampled(of_r("dslabs", "movielens"), 16_000), "rating",
        without=["title"], as_text=["movieId", "userId"], **PREDICT,
    ),
    Source(
        "chem97", "also seen", sampled(of_r("mlmRev", "Chem97"), 12_000), "score",
        without=["gcsecnt", "student"], as_text=["lea", "school"], **PREDICT,
    ),
    Source(
        "star", "also seen", sampled(of_r("mlmRev", "star"), 12_000), "math",
        without=["id", "read", "trace"], as_text=["sch", "tch"], **PREDICT,
    ),
    Source(
        "starrace", "also seen", sampled(of_r("mlmRev", "star"), 12_000), "eth", without=["id"],
        as_text=["sch", "tch"],
    ),
    Source(
        "scots", "also seen", of_r("mlmRev", "ScotsSec"), "attain", as_text=["primary", "second"],
        **PREDICT,
    ),
]  # fmt: skip
"""Measured on demand: ``python -m benchmarks.tables --sets also``."""

SOURCES = {source.name: source for source in [*SEEN, *MORE, *UNSEEN, *QUICK]}
