"""What lies between the sides and between quarters: gaps of like quantities, what goes with the ratings, and what can
be said of the year's figure. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from analytics.association import Association, NoFitError, associate_scores
from analytics.compare import Comparability, SeriesBreak, compare_indices
from analytics.difference import EstimateDifference, adjust_probabilities, estimate_difference, judge_differences
from analytics.estimation.estimate import Estimate
from analytics.forecast import Forecast, MonthRatings, PublishedPoint, least_visible_change, of_months, of_published
from backend.indicators.published_error import SAMPLING, verdict_word
from backend.indicators.unit_comparison import share_estimate
from backend.indices.measures.inputs import ITEM_CODES, IndexCase, RunInputs
from backend.indices.measures.sides import BY_STAFF, TicketSpan
from backend.indices.measures.values import GROUP, ITEMS, RunValue
from backend.indices.models import FigureSide, Measure

# Code of the later and the earlier side of each gap: all are mean / 5 x 100.
PAIRS = (("ratings_adjusted", "published"), ("own_survey", "published"), ("ratings_adjusted", "own_survey"))
INDICATORS = ("late", "days_5", "told", "at_once", "in_two_days")


def gap_values(values: Sequence[RunValue], first: date, last: date) -> list[RunValue]:
    """Differences of the whole province's figures, judged together (Holm); the latest figure of each side."""
    found: list[tuple[int, RunValue, RunValue, EstimateDifference]] = []
    for later, earlier in PAIRS:
        for item in (*ITEMS, GROUP):
            a, b = latest(values, later, item), latest(values, earlier, item)
            if a is not None and b is not None:
                found.append((item, a, b, estimate_difference(_estimate(b), _estimate(a))))
    judged = judge_differences([row[3] for row in found])
    return [_gap(first, last, *row[:3], one) for row, one in zip(found, judged, strict=True)]


def latest(values: Iterable[RunValue], code: str, item: int) -> RunValue | None:
    """The last whole-period value of all units that has a figure."""
    held = [v for v in values if (v.code, v.item, v.unit_id) == (code, item, None) and v.value is not None]
    return max(held, key=lambda v: (v.last, -v.first.toordinal()), default=None)


def year_values(values: Sequence[RunValue]) -> list[RunValue]:
    """The last published figure less the one before, with the mark of their methods; judged together (Holm).

    The sampling error is approximate. Where a year prints no number of ballots there is a difference and no verdict.
    """
    found: list[tuple[RunValue, RunValue, EstimateDifference, Comparability]] = []
    for item in (*ITEMS, GROUP):
        held = sorted((v for v in values if (v.code, v.item) == ("published", item)), key=lambda v: v.first)
        if len(held) > 1:
            before, after = held[-2:]
            mark = compare_indices(before.extra["method"], after.extra["method"], ITEM_CODES[item])
            found.append(
                (before, after, estimate_difference(_estimate(before), _estimate(after), comparability=mark), mark)
            )
    judged = judge_differences([row[2] for row in found])
    return [_year(*row[:2], one, row[3]) for row, one in zip(found, judged, strict=True)]


def _year(before: RunValue, after: RunValue, one: EstimateDifference, mark: Comparability) -> RunValue:
    extra = {
        "verdict": verdict_word(one, before.n, after.n), "p": one.p, "earlier": before.first.year,
        "later": after.first.year, "from": before.value, "to": after.value, "n_earlier": before.n,
        "mark": mark.mark.value, "reason": {"vi": mark.reason.vi, "en": mark.reason.en},
    }  # fmt: skip
    return RunValue(
        None, before.first, after.last, FigureSide.PUBLISHED, after.item, "year_change", Measure.POINTS,
        n=after.n, value=one.value, se=one.se, lo=one.lo, hi=one.hi, extra=extra,
    )  # fmt: skip


def association_values(span: TicketSpan) -> Iterator[RunValue]:
    """Odds of a higher score for each indicator, item by item; p adjusted over all of them (Holm)."""
    cases = [case for case in span.closed if _known(case)]
    rows = np.array([_indicators(case) for case in cases], dtype=np.float64).reshape(len(cases), len(INDICATORS))
    moving = [i for i in range(len(INDICATORS)) if len(cases) and rows[:, i].min() < rows[:, i].max()]
    names = [INDICATORS[i] for i in moving]
    fits: list[tuple[int, Association | None, str]] = []
    for item in ITEMS if names else ():
        scores = [(case.scores or (0, 0, 0))[item - 1] for case in cases]
        try:
            found = associate_scores(scores, rows[:, moving], names, [case.rated_unit or 0 for case in cases])
            fits.append((item, found, "" if found else "few_units"))
        except NoFitError:
            fits.append((item, None, "no_fit"))
    tried = [effect for _item, found, _why in fits if found for effect in found.effects]
    adjusted = iter(adjust_probabilities([effect.p for effect in tried]))
    for item, found, why in fits:
        if found is None:
            yield span.value(FigureSide.BETWEEN, item, "association", Measure.ODDS, n=len(cases), about=why)
            continue
        for effect in found.effects:
            extra = {"clusters": found.clusters, "left_out": found.left_out, "p": next(adjusted)}
            yield span.value(
                FigureSide.BETWEEN, item, "association", Measure.ODDS, n=found.n, value=effect.odds, se=effect.se,
                lo=effect.lo, hi=effect.hi, about=effect.name, extra=extra,
            )  # fmt: skip


def change_values(values: Sequence[RunValue], first: tuple[date, date], last: tuple[date, date]) -> list[RunValue]:
    """The last quarter less the first, of what is measured in both; judged together (Holm)."""
    found: list[tuple[RunValue, EstimateDifference]] = []
    for code, item in (*(("ratings_adjusted", item) for item in (*ITEMS, GROUP)), ("on_time_rate", 2)):
        ends = [_of(values, code, item, span) for span in (first, last)]
        if all(one is not None and one.value is not None for one in ends):
            before, after = (_comparable(one) for one in ends if one is not None)
            found.append((next(one for one in reversed(ends) if one), estimate_difference(before, after)))
    judged = judge_differences([single for _value, single in found])
    return [_change(first, last, value, one) for (value, _single), one in zip(found, judged, strict=True)]


def outlook_values(inputs: RunInputs, span: TicketSpan) -> Iterator[RunValue]:
    """What the next published figure and this year's ratings will be, and the least change that would be visible."""
    for item in (*ITEMS, GROUP):
        yield _published_outlook(inputs, span, item)
        yield _ratings_outlook(span, item)
    sizes = [one.n for one in inputs.printed if one.n]
    if sizes:
        n = sizes[-1]
        yield span.value(
            FigureSide.PUBLISHED, 1, "least_visible_change", Measure.POINTS, n=n,
            value=least_visible_change(n, n, SAMPLING), extra={"sd": SAMPLING.sd, "deff": SAMPLING.deff},
        )  # fmt: skip


def _published_outlook(inputs: RunInputs, span: TicketSpan, item: int) -> RunValue:
    held = [one for one in inputs.printed if one.code == ITEM_CODES[item]]
    series = [PublishedPoint(one.year, float(one.value), one.n, one.method) for one in held]
    year = max((one.year for one in held), default=span.last.year - 1) + 1
    return _outlook(span, item, FigureSide.PUBLISHED, year, of_published(series, year, ITEM_CODES[item], SAMPLING))


def _ratings_outlook(span: TicketSpan, item: int) -> RunValue:
    """The year in which the period ends, from its months so far; the period must reach back to January."""
    year = span.last.year
    months = last_full_month(span.last) if span.first <= date(year, 1, 1) else 0
    sums = [[0, 0.0] for _month in range(months)]
    for case in span.closed:
        at = int(case.received_on[5:7])
        if case.received_on[:4] == str(year) and at <= months and case.scores and case.rated_by != BY_STAFF:
            sums[at - 1][0] += 1
            sums[at - 1][1] += sum(case.scores) / 3 if item == GROUP else case.scores[item - 1]
    found = of_months([MonthRatings(int(n), total) for n, total in sums], 12 - months)
    return _outlook(span, item, FigureSide.RATINGS, year, found, n=int(sum(n for n, _total in sums)))


def last_full_month(day: date) -> int:
    """Months of the day's year that are over with it."""
    return day.month if (day + timedelta(days=1)).day == 1 else day.month - 1


def _outlook(
    span: TicketSpan, item: int, side: FigureSide, year: int, found: Forecast, n: int | None = None
) -> RunValue:
    extra = {
        "year": year, "points": found.points, "trend": found.trend, "why": found.why.value if found.why else None,
        "broken": _told_break(found.broken) if found.broken else None,
    }  # fmt: skip
    return span.value(
        side, item, "forecast", Measure.SCORE, n=n, value=found.value, lo=found.lo, hi=found.hi,
        about=found.basis.value if found.basis else "", extra=extra,
    )  # fmt: skip


def _told_break(broken: SeriesBreak) -> dict[str, Any]:
    """Return the break of method that a forecast stops at, with its reason in both languages."""
    reason = broken.comparability.reason
    return {"year": broken.year, "reason": {"vi": reason.vi, "en": reason.en}}


def _estimate(value: RunValue) -> Estimate:
    n = value.n or 0
    df = int(value.extra.get("df", max(n - 1, 0)))
    return Estimate(value.code, "", n, value.value, value.se, df, value.lo, value.hi, None)


def _gap(first: date, last: date, item: int, later: RunValue, earlier: RunValue, one: EstimateDifference) -> RunValue:
    sizes = [side.n for side in (later, earlier) if side.code == "published"]
    extra = {
        "verdict": verdict_word(one, *sizes), "p": one.p, "earlier": earlier.first.year, "later_n": later.n,
    }  # fmt: skip
    return RunValue(
        None, first, last, FigureSide.BETWEEN, item, "side_gap", Measure.POINTS,
        n=earlier.n, value=one.value, se=one.se,
        lo=one.lo, hi=one.hi, about=f"{later.code} - {earlier.code}", extra=extra,
    )  # fmt: skip


def _of(values: Iterable[RunValue], code: str, item: int, span: tuple[date, date]) -> RunValue | None:
    wanted = (code, item, None, *span)
    return next((v for v in values if (v.code, v.item, v.unit_id, v.first, v.last) == wanted), None)


def _comparable(value: RunValue) -> Estimate:
    return share_estimate(value.extra["k"], value.n or 0) if value.measure is Measure.SHARE else _estimate(value)


def _change(first: tuple[date, date], last: tuple[date, date], value: RunValue, one: EstimateDifference) -> RunValue:
    extra = {"verdict": one.verdict.value, "p": one.p, "of": value.code}
    return RunValue(
        None, first[0], last[1], value.side, value.item, "change", Measure.POINTS, n=value.n, value=one.value,
        se=one.se, lo=one.lo, hi=one.hi, about=f"{first[0]} - {last[0]}", extra=extra,
    )  # fmt: skip


def _known(case: IndexCase) -> bool:
    known = (case.scores, case.days, case.told, case.at_once, case.in_two_days)
    return case.rated_by != BY_STAFF and None not in known


def _indicators(case: IndexCase) -> tuple[float, ...]:
    late = float(case.standing == "late")
    return late, (case.days or 0) / 5, float(case.told or 0), float(case.at_once or 0), float(case.in_two_days or 0)
