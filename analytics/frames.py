"""Shapes of the frames that callers give to ``analytics``. They are checked once, before any arithmetic."""

import pandas as pd
import pandera.pandas as pa

# One row for each distinct set of days; ``cases`` is the number of cases in it. Days have no time of day. ``answered``
# is NaT for a case without an answer. ``due`` is the last day that counts as on time. ``working_days`` are the days
# after ``received`` up to and including ``answered``; they are missing without an answer. ``ended`` is the day of an
# end without an answer (refused, withdrawn and the like), NaT where there was none.
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
    """Return the frame, coerced and checked. Raises `pandera.errors.SchemaErrors` with every broken rule."""
    return CASE_GROUPS.validate(frame, lazy=True)
