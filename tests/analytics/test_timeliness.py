"""Counts of cases by what became of them."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from analytics.timeliness import count_timeliness

DAY = date(2026, 3, 2)


def groups(*rows: tuple[int, int | None, int, int]) -> pd.DataFrame:
    """Rows (day received, day answered or None, day due, cases) counted from `DAY`; working days = calendar days."""
    first = pd.Timestamp(DAY)
    return pd.DataFrame(
        {
            "received": [first + timedelta(days=row[0]) for row in rows],
            "answered": [pd.NaT if row[1] is None else first + timedelta(days=row[1]) for row in rows],
            "ended": pd.NaT,
            "due": [first + timedelta(days=row[2]) for row in rows],
            "working_days": [np.nan if row[1] is None else float(row[1] - row[0]) for row in rows],
            "cases": [row[3] for row in rows],
        }
    )


def test_answer_on_the_due_day_is_on_time_and_the_day_after_is_late() -> None:
    result = count_timeliness(groups((0, 15, 15, 3), (0, 16, 15, 2)), DAY + timedelta(days=30))
    assert (result.on_time, result.late, result.answered, result.open) == (3, 2, 5, 0)
    assert (result.median_days, result.p90_days) == (15, 16)


def test_open_case_is_overdue_only_after_its_due_day() -> None:
    frame = groups((0, None, 15, 4))
    on_due_day = count_timeliness(frame, DAY + timedelta(days=15))
    day_after = count_timeliness(frame, DAY + timedelta(days=16))
    assert (on_due_day.not_due, on_due_day.overdue) == (4, 0)
    assert on_due_day.rate.value is None
    assert (day_after.not_due, day_after.overdue) == (0, 4)
    assert day_after.rate.value == 0


def test_end_without_an_answer_is_no_case_up_to_the_due_day_and_a_failure_after_it() -> None:
    frame = groups((0, None, 15, 4), (0, None, 15, 3), (0, None, 15, 2), (0, 10, 15, 5))
    first = pd.Timestamp(DAY)
    frame["ended"] = pd.Series([first + timedelta(15), first + timedelta(16), first + timedelta(40), pd.NaT])
    result = count_timeliness(frame, DAY + timedelta(days=30))
    assert (result.received, result.answered, result.open) == (14, 5, 2)  # the third has not ended yet
    assert (result.ended, result.ended_late, result.overdue) == (7, 3, 2)
    assert (result.rate.k, result.rate.n) == (5, 10)


def test_rate_counts_overdue_cases_as_failed_and_leaves_out_those_not_due() -> None:
    result = count_timeliness(
        groups((0, 5, 15, 40), (0, 20, 15, 30), (0, None, 15, 30), (20, None, 40, 7)), DAY + timedelta(25)
    )
    assert (result.rate.k, result.rate.n) == (40, 100)
    assert result.rate.lo == pytest.approx(0.3094, abs=5e-5)
    assert (result.rate_of_answered.k, result.rate_of_answered.n) == (40, 70)
    assert result.received == 107


def test_answer_after_the_day_looked_at_has_not_happened_yet() -> None:
    result = count_timeliness(groups((0, 20, 15, 1)), DAY + timedelta(days=10))
    assert (result.answered, result.not_due, result.median_days) == (0, 1, None)


def test_period_without_cases_has_counts_of_zero_and_no_rate() -> None:
    result = count_timeliness(groups(), DAY)
    assert (result.received, result.rate.value, result.median_days, result.p90_days) == (0, None, None, None)


def with_column(name: str, values: list[Any]) -> pd.DataFrame:
    return groups((0, 3, 15, 1)).assign(**{name: values})


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (groups((5, 3, 20, 1)), "less_than|greater_than_or_equal_to|answered before"),
        (groups((5, None, 3, 1)), "due before"),
        (groups((0, 3, 15, 0)), "greater_than"),
        (with_column("working_days", [np.nan]), "for each of them"),
        (with_column("unit", ["x"]), "unit"),
        (groups((0, 3, 15, 1)).drop(columns="due"), "due"),
    ],
)
def test_impossible_frame_is_refused_at_the_border(frame: pd.DataFrame, says: str) -> None:
    with pytest.raises(SchemaErrors, match=says):
        count_timeliness(frame, DAY)


rows = st.tuples(st.integers(0, 50), st.none() | st.integers(0, 60), st.integers(0, 30), st.integers(1, 9))


@given(raw=st.lists(rows, max_size=20), day=st.integers(0, 120))
def test_every_case_is_counted_exactly_once(raw: list[tuple[int, int | None, int, int]], day: int) -> None:
    frame = groups(*((r, None if a is None else r + a, r + d, c) for r, a, d, c in raw))
    result = count_timeliness(frame, DAY + timedelta(days=day))
    assert result.received == sum(row[3] for row in raw)
    assert result.received == result.answered + result.open
    assert result.answered == result.on_time + result.late
    assert result.open == result.not_due + result.overdue
