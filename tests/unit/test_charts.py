"""Where the marks of a chart stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.web.charts import ChartPoint, DotRow, LineSeries, breaks, class_of, dot_scale, point_scale, scale

VALUES = st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=40)


@given(VALUES, st.booleans())
def test_every_value_lies_on_the_axis_between_its_ticks(values: list[float], zero: bool) -> None:
    axis = scale(values, zero=zero)
    assert axis.low < axis.high
    assert all(axis.low - 1e-6 <= value <= axis.high + 1e-6 for value in values)
    assert 2 <= len(axis.ticks) <= 9


def test_an_axis_of_shares_ends_at_one_hundred() -> None:
    axis = dot_scale([DotRow("a", 97, 90.5, 99.9), DotRow("b", 70, 60.2, 80)])
    assert (axis.low, axis.high) == (60, 100)
    assert axis.across(80) == "50.00%"


def test_columns_start_at_zero() -> None:
    assert point_scale([LineSeries("a", [ChartPoint("x", 90), ChartPoint("y", None)])]).low == 0


@pytest.mark.parametrize("values", [[], [5.0], [5.0, 5.0], [0.0]])
def test_few_or_equal_values_still_give_an_axis(values: list[float]) -> None:
    axis = scale(values, most=100)
    assert axis.low < axis.high


@given(VALUES)
def test_classes_of_a_map_hold_every_value_and_rise(values: list[float]) -> None:
    ends = breaks(values)
    assert list(ends) == sorted(set(ends))
    assert ends[-1] == max(values)
    assert all(1 <= class_of(value, ends) <= len(ends) and value <= ends[class_of(value, ends) - 1] for value in values)
    assert class_of(None, ends) == 0
