"""The two sides of the feedback group as values: sums become figures, each with n and interval. Pure arithmetic.

Scores are mean / 5 x 100 and shares are parts of tickets: two quantities that are never subtracted from each other.
``backend/indicators/definitions.toml`` explains each code to readers.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import Any, Final

from analytics.adjust import AdjustedIndex, RatingCell, post_stratified, worst_case
from analytics.operations import SMALL_N, ShareInterval, mean_index_of_counts, wilson_interval
from analytics.order import median_interval
from backend.indicators.official_ratios import OfficialTicket, is_dissatisfied, on_time_ratio, satisfied_ratio
from backend.indicators.published_error import Z95, published_estimate
from backend.indices.measures.inputs import ITEM_CODES, RunInputs
from backend.indices.measures.sums import AnswerCount, CountedValues, PeriodSums, SpanSums, StandingKey
from backend.indices.measures.values import GROUP, ITEMS, RunValue, split_quarters
from backend.indices.models import FigureSide, Measure

SECONDS_OF_AN_HOUR: Final = 3600


@dataclass(frozen=True)
class TicketSpan:
    """The sums of the tickets of some units and days; makes values about them."""

    unit_id: int | None
    first: date
    last: date
    sums: SpanSums

    def value(self, side: FigureSide, item: int, code: str, measure: Measure, **more: Any) -> RunValue:
        return RunValue(self.unit_id, self.first, self.last, side, item, code, measure, **more)


def split_spans(sums: PeriodSums, first: date, last: date) -> list[TicketSpan]:
    """Return the whole period, then its quarters where there are several."""
    whole, quarters = TicketSpan(None, first, last, sums.whole), split_quarters(first, last)
    if len(quarters) < 2:
        return [whole]
    by_quarter = zip(quarters, sums.quarters, strict=True)
    return [whole, *(TicketSpan(None, start, end, quarter) for (start, end), quarter in by_quarter)]


def side_values(span: TicketSpan) -> Iterator[RunValue]:
    """Yield the ratings and operations of one span."""
    yield from rating_values(span)
    yield from operation_values(span)


def rating_values(span: TicketSpan) -> Iterator[RunValue]:
    """Yield the scores as given, the scores adjusted to all closed tickets, their bounds, and who answered."""
    closed = span.sums.closed
    rate = wilson_interval(closed.rated, closed.closed)
    extra = {"k": rate.k, "by_staff": closed.by_staff}
    yield _share(span, FigureSide.RATINGS, GROUP, "response_rate", rate, extra=extra)
    for item in (*ITEMS, GROUP):
        yield _plain_rating(span, item)
        adjusted = post_stratified(list(_cells(span.sums, item)))
        yield _adjusted_value(span, item, adjusted)
        bounds = worst_case(closed.rated, closed.total(item), closed.closed) if adjusted.value is not None else None
        yield span.value(
            FigureSide.RATINGS, item, "ratings_bounds", Measure.SCORE,
            n=closed.closed, lo=bounds.lo if bounds else None, hi=bounds.hi if bounds else None,
        )  # fmt: skip


def operation_values(span: TicketSpan) -> Iterator[RunValue]:
    """Yield several indicators for each item, and the two ratios of QĐ 766."""
    sums = span.sums
    yield _count_value(span, 1, "acknowledged", sums.at_once)
    yield _count_value(span, 1, "taken_up", sums.in_two_days)
    yield _count_value(span, 2, "on_time_rate", sums.on_time)
    yield _count_value(span, 2, "reopened", sums.again)
    yield _median(span, 2, "median_days", Measure.DAYS, sums.days)
    yield from qd766(span)
    yield _count_value(span, 3, "told", sums.told)
    yield _median(span, 3, "told_hours", Measure.HOURS, sums.told_seconds, unit=SECONDS_OF_AN_HOUR)


def qd766(span: TicketSpan) -> Iterator[RunValue]:
    """Yield the two ratios of QĐ 766 on tickets first received in the period, with what was deducted and left out."""
    counted = _official_tickets(span.sums.standings)
    late = sum(count for ticket, count in counted.items() if ticket.missed)
    on_time = on_time_ratio(counted.total(), late)
    yield _share(
        span, FigureSide.OPERATIONS, 2, "qd766_on_time", on_time,
        extra={"k": on_time.k, "late": late, **_left_out(span.sums.standings)},
    )  # fmt: skip
    satisfied = satisfied_ratio(counted)
    yield _share(
        span, FigureSide.OPERATIONS, 2, "qd766_satisfied", satisfied,
        extra={
            "k": satisfied.k, "late": late,
            "dissatisfied": sum(count for ticket, count in counted.items() if ticket.dissatisfied),
            "again": sum(count for ticket, count in counted.items() if ticket.again),
            "counted_once": satisfied.n - satisfied.k,
        },
    )  # fmt: skip


def _official_tickets(standings: Mapping[StandingKey, int]) -> Counter[OfficialTicket]:
    """Return the tickets that the ratios count: within the unit's authority, and taken up."""
    counted: Counter[OfficialTicket] = Counter()
    for key, count in standings.items():
        if key.taken_up and not key.outside:
            counted[OfficialTicket(key.standing, is_dissatisfied(key.lowest), key.again)] += count
    return counted


def _left_out(standings: Mapping[StandingKey, int]) -> dict[str, int]:
    """Return how many tickets wait to be taken up, and how many of them are overdue."""
    waiting = {key: count for key, count in standings.items() if not key.outside and not key.taken_up}
    overdue = sum(count for key, count in waiting.items() if key.standing == "overdue")
    return {"waiting": sum(waiting.values()), "waiting_overdue": overdue}


def unit_spans(sums: PeriodSums, first: date, last: date) -> list[TicketSpan]:
    """Return one span for each unit that has tickets, in the order of ids."""
    return [TicketSpan(unit_id, first, last, of_unit) for unit_id, of_unit in sums.units.items()]


def unit_values(span: TicketSpan) -> Iterator[RunValue]:
    """Yield the figures that place a unit in the quadrants: its on-time rate and its mean rating."""
    yield _count_value(span, 2, "on_time_rate", span.sums.on_time)
    yield _plain_rating(span, GROUP)


def printed_values(inputs: RunInputs) -> Iterator[RunValue]:
    """Yield the published figures. An interval is approximate and needs a known number of ballots."""
    for figure in inputs.printed:
        value = float(figure.value)
        error = published_estimate(value, figure.n).se
        half = None if error is None else Z95 * error
        yield RunValue(
            None, date(figure.year, 1, 1), date(figure.year, 12, 31), FigureSide.PUBLISHED,
            ITEM_CODES.index(figure.code), "published", Measure.SCORE, n=figure.n, value=value, se=error,
            lo=value - half if half is not None else None, hi=value + half if half is not None else None,
            extra={
                "rank": figure.rank, "ranked": figure.ranked, "method": figure.method, "printed": figure.value,
            },
        )  # fmt: skip


def _plain_rating(span: TicketSpan, item: int) -> RunValue:
    """Return the mean of the scores as given, over the rated tickets."""
    rated, total, squares = span.sums.closed.rated, span.sums.closed.total(item), span.sums.closed.squares(item)
    plain = mean_index_of_counts(rated, total, squares, suppress_below=SMALL_N)
    return span.value(
        FigureSide.RATINGS, item, "ratings", Measure.SCORE,
        n=plain.n, value=plain.value, se=_plain_error(plain.n, total, squares) if plain.value else None,
        lo=plain.lo, hi=plain.hi,
    )  # fmt: skip


def _cells(sums: SpanSums, item: int) -> Iterator[RatingCell]:
    """Yield the rating cells. The verdict comes first in a key: cells are pooled from the last part on, and verdicts
    differ most."""
    for key, cell in sorted(sums.cells.items()):
        yield RatingCell(key, cell.closed, cell.rated, cell.total(item), cell.squares(item))


def _adjusted_value(span: TicketSpan, item: int, adjusted: AdjustedIndex) -> RunValue:
    return span.value(
        FigureSide.RATINGS, item, "ratings_adjusted", Measure.SCORE,
        n=adjusted.n, value=adjusted.value, se=adjusted.se, lo=adjusted.lo, hi=adjusted.hi,
        extra={"closed": adjusted.closed, "cells": adjusted.cells, "pooled": adjusted.pooled},
    )  # fmt: skip


def _plain_error(n: int, total: float, squares: float) -> float:
    return 20 * sqrt(max(0.0, (squares - total * total / n) / (n - 1)) / n)


def _count_value(span: TicketSpan, item: int, code: str, answer: AnswerCount) -> RunValue:
    share = wilson_interval(answer.k, answer.n)
    return _share(span, FigureSide.OPERATIONS, item, code, share, extra={"k": share.k})


def _share(
    span: TicketSpan, side: FigureSide, item: int, code: str, share: ShareInterval, extra: dict[str, Any]
) -> RunValue:
    """Return a share; with fewer than ten cases only its counts."""
    few = share.n < SMALL_N
    return span.value(
        side, item, code, Measure.SHARE,
        n=share.n, value=None if few else share.value, lo=None if few else share.lo, hi=None if few else share.hi,
        extra=extra,
    )  # fmt: skip


def _median(
    span: TicketSpan, item: int, code: str, measure: Measure, numbers: CountedValues, unit: int = 1
) -> RunValue:
    """Return the median of values, divided by ``unit``."""
    median = median_interval(numbers.values / unit, numbers.counts)
    few = median.n < SMALL_N
    return span.value(
        FigureSide.OPERATIONS, item, code, measure,
        n=median.n, value=None if few else median.value, lo=None if few else median.lo, hi=None if few else median.hi,
    )  # fmt: skip
