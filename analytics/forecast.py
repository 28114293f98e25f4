"""Forecast the year's figure as far as the data allow, and say the least change that a survey can detect. Pure.

No model goes beyond the data: two published points give no trend, and months of ratings are treated as a random draw
from one year. An interval covers the sources of error that it names, and no others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt
from statistics import NormalDist

from analytics.compare import ComparabilityMark, SeriesBreak, compare_indices, since_last_break
from analytics.methods import load_method, method_of_year
from analytics.operations import LEVEL, SMALL_N, check_level, t_quantile

LEAST_MONTHS = 3
LEAST_POINTS = 4  # a line through three points leaves one degree of freedom, so its interval is useless


class ForecastBasis(StrEnum):
    """What a forecast rests on."""

    LAST_FIGURE = "last figure, sampling alone"
    STRAIGHT_LINE = "straight line through the figures"
    MONTHS_SO_FAR = "months so far"


class ForecastGap(StrEnum):
    """Why there is no forecast."""

    NO_FIGURES = "no figures"
    NO_SAMPLE = "the sample is not known"
    FEW_MONTHS = "fewer than three months"
    FEW_RATINGS = "fewer ratings than the threshold"
    YEAR_OVER = "the year is over"
    METHOD_CHANGED = "the year has another method"
    METHOD_UNKNOWN = "no method is known for the year"


@dataclass(frozen=True, slots=True)
class Forecast:
    """A figure on the scale 100/scale..100 with its prediction interval.

    ``trend`` in points per year, where the data support one. Without a forecast ``why`` gives the reason. ``broken``:
    the break of method that the forecast does not look across, or that lies between the figures and the year.
    """

    value: float | None = None
    lo: float | None = None
    hi: float | None = None
    basis: ForecastBasis | None = None
    points: int = 0
    trend: float | None = None
    why: ForecastGap | None = None
    broken: SeriesBreak | None = None


@dataclass(frozen=True, slots=True)
class ScoreSpread:
    """The spread of a survey that was not published: ``sd`` of a score in points of its scale, and the design effect.

    Shipped: sd 0.65, the middle of 0.6 to 0.7; design effect 2, which clusters of 31 ballots reach at an intra-cluster
    correlation of 0.033.
    """

    sd: float = 0.65
    deff: float = 2.0
    scale: int = 5

    def se(self, n: int) -> float:
        """Return the standard error of mean / scale x 100."""
        return 100 / self.scale * self.sd * sqrt(self.deff / n)


@dataclass(frozen=True, slots=True)
class PublishedPoint:
    """The published figure of a year. ``n`` None: the source does not give it. ``method`` is a method code."""

    year: int
    value: float
    n: int | None
    method: str


@dataclass(frozen=True, slots=True)
class MonthRatings:
    """The ratings of a month: their number and the sum of their scores."""

    n: int
    total: float


def of_published(
    series: Sequence[PublishedPoint], year: int, code: str, sampling: ScoreSpread = ScoreSpread(), level: float = LEVEL
) -> Forecast:
    """Forecast the figure ``code`` of a year from published figures, never across a break of method.

    Only figures whose method is comparable with that of the last one are used. There is no forecast for a year whose
    method differs or is unknown.

    Fewer than four figures: the forecast is the last one, and the interval covers the sampling error of two samples of
    its size. It assumes that nothing changes; the interval does not cover a real change. Four figures or more: least
    squares with the usual prediction interval. The slope is reported as a trend only where its own interval leaves out
    zero.
    """
    check_level(level)
    if not series:
        return Forecast(why=ForecastGap.NO_FIGURES)
    ordered = sorted(series, key=lambda point: point.year)
    refusal = _method_of(year, ordered[-1].method, code)
    if refusal is not None:
        return replace(refusal, points=len(ordered))
    start, broken = since_last_break([(point.year, point.method) for point in ordered], code)
    return replace(_unbroken(ordered[start:], year, sampling, level), broken=broken)


def _method_of(year: int, method: str, code: str) -> Forecast | None:
    """Return why there is no forecast for the year by this method; None where nothing prevents it."""
    if load_method(method).covers(year):
        return None
    of_year = method_of_year(year)
    if of_year is None:
        return Forecast(why=ForecastGap.METHOD_UNKNOWN)
    verdict = compare_indices(method, of_year.code, code)
    if verdict.mark is ComparabilityMark.COMPARABLE:
        return None
    return Forecast(why=ForecastGap.METHOD_CHANGED, broken=SeriesBreak(year, verdict))


def _unbroken(points: Sequence[PublishedPoint], year: int, sampling: ScoreSpread, level: float) -> Forecast:
    if len(points) >= LEAST_POINTS:
        line = [(float(point.year), point.value) for point in points]
        return _line(line, float(year), sampling.scale, level)
    last = points[-1]
    if last.n is None:
        return Forecast(points=len(points), why=ForecastGap.NO_SAMPLE)
    half = _z(level) * sqrt(2) * sampling.se(last.n)
    return _clip_forecast(last.value, half, sampling.scale, ForecastBasis.LAST_FIGURE, len(points))


def of_months(months: Sequence[MonthRatings], remaining: int, scale: int = 5, level: float = LEVEL) -> Forecast:
    """Forecast the mean of a year: ``months`` have passed (those without ratings too), ``remaining`` months are to
    come.

    Months are first-stage units. The mean so far is a ratio, and s is the standard deviation of its residuals between
    months. The error of the year's mean is (r / (k + r)) x s x sqrt(1 / k + 1 / r) for k months passed and r to come,
    with t on k - 1 degrees of freedom.
    """
    check_level(level)
    k, n = len(months), sum(month.n for month in months)
    if remaining < 1:
        return Forecast(points=k, why=ForecastGap.YEAR_OVER)
    if sum(1 for month in months if month.n) < LEAST_MONTHS:
        return Forecast(points=k, why=ForecastGap.FEW_MONTHS)
    if n < SMALL_N:
        return Forecast(points=k, why=ForecastGap.FEW_RATINGS)
    mean = sum(month.total for month in months) / n
    squares = sum((month.total - mean * month.n) ** 2 for month in months)
    spread = sqrt(squares / (k - 1)) / (n / k)
    error = remaining / (k + remaining) * spread * sqrt(1 / k + 1 / remaining)
    half = t_quantile((1 + level) / 2, k - 1) * error * 100 / scale
    return _clip_forecast(mean * 100 / scale, half, scale, ForecastBasis.MONTHS_SO_FAR, k)


def least_visible_change(
    n_before: int, n_after: int, sampling: ScoreSpread = ScoreSpread(), level: float = LEVEL, power: float = 0.8
) -> float:
    """Return the change of mean / scale x 100 that two surveys would detect with probability ``power``.

    (z(level) + z(power)) x sqrt(se_before^2 + se_after^2) (Cochran 1977, section 4.6). Raises ValueError without two
    samples or for a power below 0.5.
    """
    check_level(level)
    if min(n_before, n_after) < 1 or not 0.5 <= power < 1:
        raise ValueError("two samples and a power from 0.5 up to 1 are needed")
    return (_z(level) + NormalDist().inv_cdf(power)) * sqrt(sampling.se(n_before) ** 2 + sampling.se(n_after) ** 2)


def _line(points: Sequence[tuple[float, float]], at: float, scale: int, level: float) -> Forecast:
    n = len(points)
    x_mean, y_mean = sum(x for x, _y in points) / n, sum(y for _x, y in points) / n
    sxx = sum((x - x_mean) ** 2 for x, _y in points)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in points) / sxx
    rest = sum((y - y_mean - slope * (x - x_mean)) ** 2 for x, y in points) / (n - 2)
    t = t_quantile((1 + level) / 2, n - 2)
    half = t * sqrt(rest * (1 + 1 / n + (at - x_mean) ** 2 / sxx))
    trend = slope if abs(slope) > t * sqrt(rest / sxx) else None
    return _clip_forecast(y_mean + slope * (at - x_mean), half, scale, ForecastBasis.STRAIGHT_LINE, n, trend)


def _clip_forecast(
    value: float, half: float, scale: int, basis: ForecastBasis, points: int, trend: float | None = None
) -> Forecast:
    floor = 100 / scale
    value = min(100.0, max(floor, value))
    return Forecast(value, max(floor, value - half), min(100.0, value + half), basis, points, trend)


def _z(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)
