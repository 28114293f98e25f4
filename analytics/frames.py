"""Frames at the border of ``analytics``: what a caller must bring, checked once before any arithmetic."""

import pandas as pd
import pandera.pandas as pa

# One row for each distinct (day received, day answered); ``answered`` is NaT for cases still open. ``due`` is the
# last day that counts as on time, ``working_days`` the days counted from ``received`` (itself not counted) up to
# and with ``answered``, missing without an answer. ``ended``: the day of an end without an answer (refused, withdrawn
# and the like), NaT where there was none. All days without a time of day.
CASE_GROUPS = pa.DataFrameSchema(
    {
        "received": pa.Column("datetime64[ns]"),
        "answered": pa.Column("datetime64[ns]", nullable=True),
        "ended": pa.Column("datetime64[ns]", nullable=True),
        "due": pa.Column("datetime64[ns]"),
        "working_days": pa.Column("float64", pa.Check.ge(0), nullable=True),
        "cases": pa.Column("int64", pa.Check.gt(0)),
    },
    checks=[
        pa.Check(
            lambda frame: frame["answered"].isna() | (frame["answered"] >= frame["received"]),
            error="a case is answered before it was received",
        ),
        pa.Check(
            lambda frame: frame["answered"].isna() == frame["working_days"].isna(),
            error="working days are for answered cases, and for each of them",
        ),
        pa.Check(lambda frame: frame["due"] >= frame["received"], error="a case is due before it was received"),
    ],
    strict=True,
    coerce=True,
)


def case_groups(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, coerced and checked; raises `pandera.errors.SchemaErrors` with every broken rule."""
    return CASE_GROUPS.validate(frame, lazy=True)
