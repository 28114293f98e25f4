"""What can be said of the year's figure, and of a median: exact values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analytics.compare import ComparabilityMark
from analytics.forecast import (
    Forecast,
    ForecastBasis,
    ForecastGap,
    MonthRatings,
    PublishedPoint,
    ScoreSpread,
    least_visible_change,
    of_months,
    of_published,
)
from analytics.order import median_interval

ITEM = "service.feedback.1"
METHODS = {**dict.fromkeys(range(2017, 2022), "qd2640"), 2022: "form-2022"}


def forecast(
    series: list[tuple[int, float, int | None]], year: int, *, code: str = ITEM, method: str | None = "qd1001-2023"
) -> Forecast:
    """Forecast from figures of one method; without ``method`` each year has that of the Ministry."""
    points = [PublishedPoint(*point, method or METHODS.get(point[0], "qd1001-2023")) for point in series]
    return of_published(points, year, code)


def test_two_published_points_give_no_trend() -> None:
    found = forecast([(2022, 78.23, None), (2023, 79.08, 558)], 2024, method=None)
    assert (found.value, found.trend, found.basis, found.points) == (79.08, None, ForecastBasis.LAST_FIGURE, 2)
    # se of a figure 13 sqrt(2/558) = 0.77829; two samples: 1.95996 x sqrt(2) x 0.77829 = 2.15727.
    assert found.lo == pytest.approx(79.08 - 2.15727, abs=1e-4) and found.hi == pytest.approx(79.08 + 2.15727, abs=1e-4)


def test_without_a_known_sample_there_is_no_forecast() -> None:
    assert forecast([(2023, 78.23, None)], 2024).why is ForecastGap.NO_SAMPLE
    assert forecast([], 2023).why is ForecastGap.NO_FIGURES


def test_four_points_on_a_line_have_a_trend_and_noise_has_none() -> None:
    line = forecast([(2020, 70.0, 500), (2021, 72.1, 500), (2022, 73.9, 500), (2023, 76.0, 500)], 2024)
    assert line.trend == pytest.approx(1.98) and line.value == pytest.approx(77.95)
    noise = forecast([(2020, 75.0, 500), (2021, 78.0, 500), (2022, 74.0, 500), (2023, 77.0, 500)], 2024)
    assert noise.trend is None and noise.basis is ForecastBasis.STRAIGHT_LINE


def test_prediction_interval_of_the_line_is_that_of_textbooks() -> None:
    years, values = np.arange(2019, 2024), np.array([75.0, 76.2, 75.9, 77.1, 78.0])
    fitted = stats.linregress(years, values)
    rest = values - fitted.intercept - fitted.slope * years
    s = np.sqrt((rest**2).sum() / 3)
    half = stats.t.ppf(0.975, 3) * s * np.sqrt(1 + 1 / 5 + (2024 - 2021) ** 2 / 10)
    found = forecast([(int(y), float(v), 500) for y, v in zip(years, values, strict=True)], 2024)
    assert found.value == pytest.approx(fitted.intercept + fitted.slope * 2024)
    assert found.hi is not None and found.value is not None and found.hi - found.value == pytest.approx(half)


def test_no_line_is_drawn_through_a_break_of_method() -> None:
    series: list[tuple[int, float, int | None]] = [(year, 70.0 + 2 * (year - 2019), 500) for year in range(2019, 2024)]
    broken = forecast(series, 2024, method=None)
    assert (broken.basis, broken.trend, broken.points, broken.value) == (ForecastBasis.LAST_FIGURE, None, 2, 78.0)
    assert broken.broken is not None and broken.broken.year == 2022
    verdict = broken.broken.comparability
    assert verdict.mark is ComparabilityMark.FORMULA_CHANGED and verdict.reason.vi.startswith("trước năm 2022")
    whole = forecast(series, 2024)
    assert whole.trend == pytest.approx(2.0) and whole.broken is None


def test_the_total_of_2022_is_no_point_of_the_series_of_2023() -> None:
    total = forecast([(2022, 79.49, 558), (2023, 79.82, 558)], 2024, code="sipas", method=None)
    assert total.points == 1 and total.broken is not None
    assert (total.broken.year, total.broken.comparability.mark) == (2023, ComparabilityMark.FORMULA_CHANGED)


def test_a_year_of_another_or_an_unknown_method_has_no_forecast() -> None:
    after = forecast([(2025, 80.0, 558), (2026, 81.0, 558)], 2027)  # QĐ 1001 ends with 2026, no successor is known
    assert (after.why, after.value, after.points) == (ForecastGap.METHOD_UNKNOWN, None, 2)
    other = forecast([(2021, 75.0, 500)], 2022, method="qd2640")
    assert other.why is ForecastGap.METHOD_CHANGED and other.broken is not None and other.broken.year == 2022


@given(st.lists(st.sampled_from(["qd2640", "form-2022", "qd1001-2023"]), min_size=1, max_size=9))
def test_a_forecast_looks_only_at_years_comparable_with_the_last(methods: list[str]) -> None:
    points = [PublishedPoint(2023 - i, 75.0 + i, 500, method) for i, method in enumerate(reversed(methods))]
    found = of_published(points, 2024, ITEM)
    if found.value is None:
        assert methods[-1] == "qd2640" and found.why is ForecastGap.METHOD_CHANGED
        return
    used = methods[len(methods) - found.points :]
    assert "qd2640" not in used
    assert (found.broken is None) == (len(used) == len(methods))
    assert (found.basis is ForecastBasis.STRAIGHT_LINE) == (len(used) >= 4)


def test_months_so_far_predict_the_year_between_what_months_have_shown() -> None:
    months = [MonthRatings(10, 40.0), MonthRatings(10, 42.0), MonthRatings(10, 38.0), MonthRatings(10, 40.0)]
    found = of_months(months, 8)
    # Mean 4 of 5; s of monthly means 0.163299; (8/12) x s x sqrt(1/4 + 1/8) = 0.0666667; t(0.975, 3) = 3.182446.
    assert found.value == pytest.approx(80.0)
    assert found.hi is not None and found.hi - 80 == pytest.approx(20 * 3.182446 * 0.0666667, abs=1e-4)


def test_interval_narrows_to_nothing_as_the_year_ends() -> None:
    months = [MonthRatings(10, 40.0), MonthRatings(12, 50.0), MonthRatings(9, 33.0)] * 3
    widths = [(f.hi or 0) - (f.lo or 0) for f in (of_months(months, left) for left in (9, 3, 1))]
    assert widths == sorted(widths, reverse=True)
    assert of_months(months, 0).why is ForecastGap.YEAR_OVER
    assert of_months(months[:2], 10).why is ForecastGap.FEW_MONTHS
    assert of_months([MonthRatings(2, 8.0)] * 4, 8).why is ForecastGap.FEW_RATINGS


def test_least_visible_change_of_the_survey_of_lai_chau() -> None:
    # (1.959964 + 0.841621) x sqrt(2) x 0.778289: three points; without clusters and at half the chance, far less.
    assert least_visible_change(558, 558) == pytest.approx(3.08364, abs=1e-4)
    assert least_visible_change(558, 558, ScoreSpread(deff=1.0), power=0.5) == pytest.approx(1.52542, abs=1e-4)
    with pytest.raises(ValueError, match="level"):
        least_visible_change(558, 558, level=0.05)


def test_median_has_the_order_statistics_of_the_binomial() -> None:
    # n = 20: the 6th and the 15th value cover with 0.9586 (Conover 1999, table A3).
    found = median_interval(list(range(1, 21)))
    assert (found.n, found.value, found.lo, found.hi) == (20, 10.5, 6.0, 15.0)
    assert median_interval([3.0, 1.0]).lo is None
    assert median_interval([]).value is None


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30)), min_size=1, max_size=20))
def test_a_median_of_counts_is_that_of_the_values_one_by_one(counted: list[tuple[int, int]]) -> None:
    values, counts = zip(*counted, strict=True)
    one_by_one = [value for value, count in counted for _n in range(count)]
    assert median_interval(values, counts) == median_interval(one_by_one)
