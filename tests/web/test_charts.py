"""Where the marks of a chart stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.web.charts import (
    AxisScale,
    ChartPoint,
    DotRow,
    LineSeries,
    breaks,
    class_of,
    dot_scale,
    draw_columns,
    draw_line,
    has_values,
    place_labels,
    point_scale,
    scale,
    share_of,
    table_rows,
    text_anchor,
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


def test_a_column_stands_in_the_middle_of_its_place_on_the_base_line() -> None:
    points = [ChartPoint("1", 50.0), ChartPoint("2", None), ChartPoint("3", 100.0)]
    axis = point_scale([LineSeries("a", points)], "%")
    half, whole = draw_columns(points, axis)
    assert (half.point.label, whole.point.label) == ("1", "3")
    assert (half.x, half.width) == ("14.33%", "21.33%") and whole.x == "74.33%"
    assert (half.y, half.height) == (112.0, 92.0) and (whole.y, whole.height) == (20.0, 184.0)
    assert draw_columns([], axis) == []


def test_a_line_breaks_at_a_point_without_a_value() -> None:
    points = [ChartPoint("1", 0.0), ChartPoint("2", 100.0), ChartPoint("3", None), ChartPoint("4", 50.0)]
    first, second, last = draw_line(LineSeries("a", points), point_scale([LineSeries("a", points)], "%"))
    assert (first.x, first.y, first.onward) == ("21.25%", 204.0, (second.x, 20.0))
    assert second.onward is None and last.onward is None


@pytest.mark.parametrize(("count", "texts"), [(0, []), (3, ["1", "2", "3"]), (12, ["1", "3", "5", "7", "9", "11"])])
def test_at_most_six_labels_stand_under_a_chart_and_every_other_one_is_spare(count: int, texts: list[str]) -> None:
    labels = place_labels([ChartPoint(str(number + 1), 1.0) for number in range(count)])
    assert [label.text for label in labels] == texts
    assert [label.spare for label in labels] == [number % 2 == 1 for number in range(len(labels))]


def test_gridlines_carry_their_numbers_just_above_them() -> None:
    lines = AxisScale(0, 100, (0, 50, 100)).gridlines
    assert [(line.value, line.line_y, line.text_y) for line in lines] == [
        (0, 204.0, 200.0),
        (50, 112.0, 108.0),
        (100, 20.0, 16.0),
    ]


def test_the_first_and_the_last_number_of_an_axis_stay_inside_the_chart() -> None:
    assert [text_anchor(index, 3) for index in range(3)] == ["start", "middle", "end"]


def test_a_table_has_a_row_for_each_label_and_the_points_of_all_lines() -> None:
    first, second = [[ChartPoint(label, value) for label in "ab"] for value in (1.0, 2.0)]
    assert table_rows([LineSeries("x", first), LineSeries("y", second)]) == [
        ("a", [first[0], second[0]]),
        ("b", [first[1], second[1]]),
    ]
    assert table_rows([]) == []


def test_shares_stand_on_an_axis_of_percentages_and_of_nothing_there_is_no_share() -> None:
    assert AxisScale(0, 100, (0, 100)).across_share(0.25) == "25.00%"
    assert (share_of(3, 4), share_of(3, 0)) == (0.75, 0.0)
