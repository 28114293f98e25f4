"""Compare sides and quarters: gaps of like quantities, what goes with the ratings, and the outlook for the year.
Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from analytics.association import Association, NoFitError, associate_scores
from analytics.compare import Comparability, SeriesBreak, compare_indices
from analytics.difference import EstimateDifference, adjust_probabilities, estimate_difference, judge_differences
from analytics.estimation.estimate import Estimate
from analytics.forecast import Forecast, MonthRatings, PublishedPoint, least_visible_change, of_months, of_published
from backend.indicators.published_error import SAMPLING, verdict_word
from backend.indicators.unit_comparison import share_estimate
from backend.indices.measures.inputs import ITEM_CODES, RunInputs
from backend.indices.measures.sides import TicketSpan
from backend.indices.measures.sums import NO_RATINGS, PeriodSums, RatedTickets
from backend.indices.measures.values import GROUP, ITEMS, RunValue
from backend.indices.models import FigureSide, Measure

# The later and the earlier side of each gap. All are mean / 5 x 100.
PAIRS = (("ratings_adjusted", "published"), ("own_survey", "published"), ("ratings_adjusted", "own_survey"))
INDICATORS = ("late", "days_5", "told", "at_once", "in_two_days")
DIVISORS = np.array([1, 5, 1, 1, 1])  # handling time counts in weeks of five working days


class _SideGap(NamedTuple):
    """Two sides of one item and their difference, before all are judged together."""

    item: int
    later: RunValue
    earlier: RunValue
    difference: EstimateDifference


def gap_values(values: Sequence[RunValue], first: date, last: date) -> list[RunValue]:
    """Return the differences between the sides of the whole province, judged together (Holm).

    Each side enters with its latest figure.
    """
    gaps = list(chain.from_iterable(_pair_gaps(values, later, earlier) for later, earlier in PAIRS))
    judged = judge_differences([gap.difference for gap in gaps])
    return [_gap(first, last, gap, outcome) for gap, outcome in zip(gaps, judged, strict=True)]


def _pair_gaps(values: Sequence[RunValue], later: str, earlier: str) -> Iterator[_SideGap]:
    for item in (*ITEMS, GROUP):
        after, before = latest(values, later, item), latest(values, earlier, item)
        if after is not None and before is not None:
            yield _SideGap(item, after, before, estimate_difference(_estimate(before), _estimate(after)))


def latest(values: Iterable[RunValue], code: str, item: int) -> RunValue | None:
    """Return the last value of all units together that has a figure. Of equal ends the longest period wins."""
    figures = [v for v in values if (v.code, v.item, v.unit_id) == (code, item, None) and v.value is not None]
    return max(figures, key=lambda v: (v.last, -v.first.toordinal()), default=None)


class _YearPair(NamedTuple):
    """The last two published figures of one item, their difference, and whether their methods can be compared."""

    before: RunValue
    after: RunValue
    difference: EstimateDifference
    comparability: Comparability


def year_values(values: Sequence[RunValue]) -> list[RunValue]:
    """Return the last published figure minus the one before, with the mark of their methods; judged together (Holm).

    The sampling error is approximate. Where a year prints no number of ballots there is a difference and no verdict.
    """
    pairs = [pair for item in (*ITEMS, GROUP) if (pair := _last_years(values, item))]
    judged = judge_differences([pair.difference for pair in pairs])
    return [_year(pair, outcome) for pair, outcome in zip(pairs, judged, strict=True)]


def _last_years(values: Sequence[RunValue], item: int) -> _YearPair | None:
    published = [value for value in values if (value.code, value.item) == ("published", item)]
    if len(published) < 2:
        return None
    before, after = sorted(published, key=lambda value: value.first)[-2:]
    mark = compare_indices(before.extra["method"], after.extra["method"], ITEM_CODES[item])
    difference = estimate_difference(_estimate(before), _estimate(after), comparability=mark)
    return _YearPair(before, after, difference, mark)


def _year(pair: _YearPair, outcome: EstimateDifference) -> RunValue:
    before, after, reason = pair.before, pair.after, pair.comparability.reason
    extra = {
        "verdict": verdict_word(outcome, before.n, after.n), "p": outcome.p, "earlier": before.first.year,
        "later": after.first.year, "from": before.value, "to": after.value, "n_earlier": before.n,
        "mark": pair.comparability.mark.value, "reason": {"vi": reason.vi, "en": reason.en},
    }  # fmt: skip
    return RunValue(
        None, before.first, after.last, FigureSide.PUBLISHED, after.item, "year_change", Measure.POINTS,
        n=after.n, value=outcome.value, se=outcome.se, lo=outcome.lo, hi=outcome.hi, extra=extra,
    )  # fmt: skip


class _ItemFit(NamedTuple):
    """The fit of one item; without one, ``why`` is a key of `backend.indices.texts.NO_ASSOCIATION`."""

    item: int
    association: Association | None
    why: str


def association_values(span: TicketSpan, rated: RatedTickets) -> Iterator[RunValue]:
    """Yield the odds of a higher score for each indicator, item by item. p is adjusted over all of them (Holm)."""
    n, fits = int(rated.counts.sum()), _fit_items(rated)
    fitted = [fit.association for fit in fits if fit.association]
    tried = list(chain.from_iterable(association.effects for association in fitted))
    adjusted = iter(adjust_probabilities([effect.p for effect in tried]))
    for item, association, why in fits:
        if association is None:
            yield span.value(FigureSide.BETWEEN, item, "association", Measure.ODDS, n=n, about=why)
            continue
        for effect in association.effects:
            extra = {"clusters": association.clusters, "left_out": association.left_out, "p": next(adjusted)}
            yield span.value(
                FigureSide.BETWEEN, item, "association", Measure.ODDS, n=association.n, value=effect.odds, se=effect.se,
                lo=effect.lo, hi=effect.hi, about=effect.name, extra=extra,
            )  # fmt: skip


def _fit_items(rated: RatedTickets) -> list[_ItemFit]:
    """Fit each item to the indicators that differ between the tickets; an empty list where none differs."""
    rows = rated.indicators / DIVISORS
    varying = [i for i in range(len(INDICATORS)) if len(rows) and rows[:, i].min() < rows[:, i].max()]
    if not varying:
        return []
    return [_fit_item(item, rated, rows[:, varying], [INDICATORS[i] for i in varying]) for item in ITEMS]


def _fit_item(item: int, rated: RatedTickets, rows: Any, names: list[str]) -> _ItemFit:
    try:
        association = associate_scores(rated.scores[:, item - 1], rows, names, rated.units, counts=rated.counts)
    except NoFitError:
        return _ItemFit(item, None, "no_fit")
    return _ItemFit(item, association, "" if association else "few_units")


class _QuarterChange(NamedTuple):
    """A figure of the last quarter, and its difference from the first."""

    last: RunValue
    difference: EstimateDifference


def change_values(values: Sequence[RunValue], first: tuple[date, date], last: tuple[date, date]) -> list[RunValue]:
    """Return the last quarter minus the first, for what is measured in both; judged together (Holm)."""
    measures = [*(("ratings_adjusted", item) for item in (*ITEMS, GROUP)), ("on_time_rate", 2)]
    ends = [(_of(values, code, item, first), _of(values, code, item, last)) for code, item in measures]
    changes = [change for before, after in ends if (change := _quarter_change(before, after))]
    judged = judge_differences([change.difference for change in changes])
    return [_change(first, last, change.last, outcome) for change, outcome in zip(changes, judged, strict=True)]


def _quarter_change(before: RunValue | None, after: RunValue | None) -> _QuarterChange | None:
    """Return the change between two quarters; None where one of them has no figure."""
    if before is None or after is None or before.value is None or after.value is None:
        return None
    return _QuarterChange(after, estimate_difference(_comparable(before), _comparable(after)))


def outlook_values(inputs: RunInputs, sums: PeriodSums, span: TicketSpan) -> Iterator[RunValue]:
    """Forecast the next published figure and this year's ratings, and say the least change that would be visible."""
    for item in (*ITEMS, GROUP):
        yield _published_outlook(inputs, span, item)
        yield _ratings_outlook(sums, span, item)
    sizes = [figure.n for figure in inputs.printed if figure.n]
    if sizes:
        n = sizes[-1]
        yield span.value(
            FigureSide.PUBLISHED, 1, "least_visible_change", Measure.POINTS, n=n,
            value=least_visible_change(n, n, SAMPLING), extra={"sd": SAMPLING.sd, "deff": SAMPLING.deff},
        )  # fmt: skip


def _published_outlook(inputs: RunInputs, span: TicketSpan, item: int) -> RunValue:
    figures = [figure for figure in inputs.printed if figure.code == ITEM_CODES[item]]
    series = [PublishedPoint(figure.year, float(figure.value), figure.n, figure.method) for figure in figures]
    year = max((figure.year for figure in figures), default=span.last.year - 1) + 1
    return _outlook(span, item, FigureSide.PUBLISHED, year, of_published(series, year, ITEM_CODES[item], SAMPLING))


def _ratings_outlook(sums: PeriodSums, span: TicketSpan, item: int) -> RunValue:
    """Forecast the year in which the period ends from its months so far. The period must reach back to January."""
    year = span.last.year
    months = last_full_month(span.last) if span.first <= date(year, 1, 1) else 0
    tallies = [sums.months.get(date(year, month, 1), NO_RATINGS) for month in range(1, months + 1)]
    ratings = [MonthRatings(tally.rated, tally.total(item)) for tally in tallies]
    forecast = of_months(ratings, 12 - months)
    return _outlook(span, item, FigureSide.RATINGS, year, forecast, n=sum(month.n for month in ratings))


def last_full_month(day: date) -> int:
    """Return how many months of the day's year are over at the end of the day."""
    return day.month if (day + timedelta(days=1)).day == 1 else day.month - 1


def _outlook(
    span: TicketSpan, item: int, side: FigureSide, year: int, forecast: Forecast, n: int | None = None
) -> RunValue:
    extra = {
        "year": year, "points": forecast.points, "trend": forecast.trend,
        "why": forecast.why.value if forecast.why else None,
        "broken": _break_extra(forecast.broken) if forecast.broken else None,
    }  # fmt: skip
    return span.value(
        side, item, "forecast", Measure.SCORE, n=n, value=forecast.value, lo=forecast.lo, hi=forecast.hi,
        about=forecast.basis.value if forecast.basis else "", extra=extra,
    )  # fmt: skip


def _break_extra(broken: SeriesBreak) -> dict[str, Any]:
    """Return the break of method that a forecast stops at, with its reason in both languages."""
    reason = broken.comparability.reason
    return {"year": broken.year, "reason": {"vi": reason.vi, "en": reason.en}}


def _estimate(value: RunValue) -> Estimate:
    n = value.n or 0
    df = int(value.extra.get("df", max(n - 1, 0)))
    return Estimate(value.code, "", n, value.value, value.se, df, value.lo, value.hi, None)


def _gap(first: date, last: date, gap: _SideGap, outcome: EstimateDifference) -> RunValue:
    later, earlier = gap.later, gap.earlier
    sizes = [side.n for side in (later, earlier) if side.code == "published"]
    extra = {
        "verdict": verdict_word(outcome, *sizes), "p": outcome.p, "earlier": earlier.first.year, "later_n": later.n,
    }  # fmt: skip
    return RunValue(
        None, first, last, FigureSide.BETWEEN, gap.item, "side_gap", Measure.POINTS,
        n=earlier.n, value=outcome.value, se=outcome.se,
        lo=outcome.lo, hi=outcome.hi, about=f"{later.code} - {earlier.code}", extra=extra,
    )  # fmt: skip


def _of(values: Iterable[RunValue], code: str, item: int, span: tuple[date, date]) -> RunValue | None:
    wanted = (code, item, None, *span)
    return next((v for v in values if (v.code, v.item, v.unit_id, v.first, v.last) == wanted), None)


def _comparable(value: RunValue) -> Estimate:
    return share_estimate(value.extra["k"], value.n or 0) if value.measure is Measure.SHARE else _estimate(value)


def _change(
    first: tuple[date, date], last: tuple[date, date], value: RunValue, outcome: EstimateDifference
) -> RunValue:
    extra = {"verdict": outcome.verdict.value, "p": outcome.p, "of": value.code}
    return RunValue(
        None, first[0], last[1], value.side, value.item, "change", Measure.POINTS, n=value.n, value=outcome.value,
        se=outcome.se, lo=outcome.lo, hi=outcome.hi, about=f"{first[0]} - {last[0]}", extra=extra,
    )  # fmt: skip
