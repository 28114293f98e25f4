"""What can be said of the year's figure, and of a median: exact values."""

import numpy as np
import pytest
from scipy import stats

from analytics.forecast import (
    ForecastBasis,
    ForecastGap,
    MonthRatings,
    ScoreSpread,
    least_visible_change,
    of_months,
    of_published,
)
from analytics.order import median_interval


def test_two_published_points_give_no_trend() -> None:
    found = of_published([(2022, 78.23, None), (2023, 79.08, 558)], 2024)
    assert (found.value, found.trend, found.basis, found.points) == (79.08, None, ForecastBasis.LAST_FIGURE, 2)
    # se of a figure 13 sqrt(2/558) = 0.77829; two samples: 1.95996 x sqrt(2) x 0.77829 = 2.15727.
    assert found.lo == pytest.approx(79.08 - 2.15727, abs=1e-4) and found.hi == pytest.approx(79.08 + 2.15727, abs=1e-4)


def test_without_a_known_sample_there_is_no_forecast() -> None:
    assert of_published([(2022, 78.23, None)], 2023).why is ForecastGap.NO_SAMPLE
    assert of_published([], 2023).why is ForecastGap.NO_FIGURES


def test_four_points_on_a_line_have_a_trend_and_noise_has_none() -> None:
    line = of_published([(2020, 70.0, 500), (2021, 72.1, 500), (2022, 73.9, 500), (2023, 76.0, 500)], 2024)
    assert line.trend == pytest.approx(1.98) and line.value == pytest.approx(77.95)
    noise = of_published([(2020, 75.0, 500), (2021, 78.0, 500), (2022, 74.0, 500), (2023, 77.0, 500)], 2024)
    assert noise.trend is None and noise.basis is ForecastBasis.STRAIGHT_LINE


def test_prediction_interval_of_the_line_is_that_of_textbooks() -> None:
    years, values = np.arange(2019, 2024), np.array([75.0, 76.2, 75.9, 77.1, 78.0])
    fitted = stats.linregress(years, values)
    rest = values - fitted.intercept - fitted.slope * years
    s = np.sqrt((rest**2).sum() / 3)
    half = stats.t.ppf(0.975, 3) * s * np.sqrt(1 + 1 / 5 + (2024 - 2021) ** 2 / 10)
    found = of_published([(int(y), float(v), 500) for y, v in zip(years, values, strict=True)], 2024)
    assert found.value == pytest.approx(fitted.intercept + fitted.slope * 2024)
    assert found.hi is not None and found.value is not None and found.hi - found.value == pytest.approx(half)


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
