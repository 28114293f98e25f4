"""Where the marks of a chart stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.web.charts import (
    ChartPoint,
    DotRow,
    LineSeries,
    breaks,
    class_of,
    dot_scale,
    has_values,
    point_scale,
    scale,
)

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


def test_a_chart_without_values_is_not_drawn_and_percentages_of_nought_have_their_whole_axis() -> None:
    empty = [LineSeries("a", [ChartPoint("1/2026", None), ChartPoint("2/2026", None)])]
    nought = [LineSeries("a", [ChartPoint("1/2026", 0.0), ChartPoint("2/2026", None)])]
    assert not has_values(empty) and not has_values([]) and has_values(nought)
    assert (point_scale(nought, "%").low, point_scale(nought, "%").high) == (0, 100)
    assert point_scale([LineSeries("a", [ChartPoint("x", 0.4)])], "%").high < 1


@pytest.mark.parametrize(
    ("most", "ticks"), [(1, (0, 1)), (4, (0, 1, 2, 3, 4)), (9, (0, 2, 4, 6, 8, 10)), (12, (0, 5, 10, 15))]
)
def test_counts_have_whole_numbers_on_their_axis(most: int, ticks: tuple[int, ...]) -> None:
    assert point_scale([LineSeries("a", [ChartPoint("x", most), ChartPoint("y", 0)])]).ticks == ticks
