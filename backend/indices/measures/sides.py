"""The two sides of the feedback group as values: rows become figures, each with n and interval. Pure arithmetic.

Scores are mean / 5 x 100 and shares are parts of tickets: two quantities that are never subtracted from each other.
``backend/indicators/definitions.toml`` explains each code to readers.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from typing import Any

from analytics.adjust import AdjustedIndex, RatingCell, post_stratified, worst_case
from analytics.operations import SMALL_N, ShareInterval, mean_index_of_counts, wilson_interval
from analytics.order import median_interval
from backend.indicators.official_ratios import OfficialTicket, is_dissatisfied, on_time_ratio, satisfied_ratio
from backend.indicators.published_error import Z95, published_estimate
from backend.indices.measures.inputs import ITEM_CODES, IndexCase, RunInputs
from backend.indices.measures.values import GROUP, ITEMS, RunValue
from backend.indices.models import FigureSide, Measure

BY_STAFF = "counter"  # ratings that an officer entered: they are counted and shown, but are no part of the scores


@dataclass(frozen=True)
class TicketSpan:
    """The tickets of some units and a period; makes values about them."""

    unit_id: int | None
    first: date
    last: date
    cases: Sequence[IndexCase]
    unit_ids: frozenset[int]

    def value(self, side: FigureSide, item: int, code: str, measure: Measure, **more: Any) -> RunValue:
        return RunValue(self.unit_id, self.first, self.last, side, item, code, measure, **more)

    @property
    def held(self) -> list[IndexCase]:
        """Return the tickets that these units hold."""
        return [case for case in self.cases if case.unit_id in self.unit_ids]

    @property
    def closed(self) -> list[IndexCase]:
        """Return the answered tickets of the unit that answered: the rated unit, else the unit that holds the
        ticket."""
        return [case for case in self.cases if case.answered and (case.rated_unit or case.unit_id) in self.unit_ids]


def split_quarters(first: date, last: date) -> list[tuple[date, date]]:
    """Return the calendar quarters that the period touches, cut to the period."""
    quarters, start = [], first
    while start <= last:
        month = (start.month - 1) // 3 * 3 + 4
        end = date(start.year + month // 13, month if month < 13 else 1, 1) - timedelta(days=1)
        quarters.append((start, min(end, last)))
        start = end + timedelta(days=1)
    return quarters


def split_spans(inputs: RunInputs, first: date, last: date, unit_ids: Sequence[int]) -> list[TicketSpan]:
    """Return the whole period, then its quarters where there are several."""
    ids = frozenset(unit_ids)
    whole = TicketSpan(None, first, last, inputs.cases, ids)
    by_quarter = split_quarters(first, last)
    if len(by_quarter) < 2:
        return [whole]
    ends = [(start, end, start.isoformat(), end.isoformat()) for start, end in by_quarter]
    return [whole] + [
        TicketSpan(None, start, end, [case for case in inputs.cases if low <= case.received_on <= high], ids)
        for start, end, low, high in ends
    ]


def side_values(span: TicketSpan) -> Iterator[RunValue]:
    """Yield the ratings and operations of one span."""
    yield from rating_values(span)
    yield from operation_values(span)


def rating_values(span: TicketSpan) -> Iterator[RunValue]:
    """Yield the scores as given, the scores adjusted to all closed tickets, their bounds, and who answered."""
    closed = span.closed
    rated = given_by_senders(closed)
    by_staff = sum(1 for case in closed if case.scores and case.rated_by == BY_STAFF)
    rate = wilson_interval(len(rated), len(closed))
    yield _share(span, FigureSide.RATINGS, GROUP, "response_rate", rate, extra={"k": rate.k, "by_staff": by_staff})
    for item in (*ITEMS, GROUP):
        yield _plain_rating(span, item, rated)
        adjusted = post_stratified(list(_cells(closed, item)))
        yield _adjusted_value(span, item, adjusted)
        total = sum(score_of(case, item) for case in rated)
        bounds = worst_case(len(rated), total, len(closed)) if adjusted.value is not None else None
        yield span.value(
            FigureSide.RATINGS, item, "ratings_bounds", Measure.SCORE,
            n=len(closed), lo=bounds.lo if bounds else None, hi=bounds.hi if bounds else None,
        )  # fmt: skip


def operation_values(span: TicketSpan) -> Iterator[RunValue]:
    """Yield several indicators for each item, and the two ratios of QĐ 766."""
    tickets = span.held
    yield _count_value(span, 1, "acknowledged", (ticket.at_once for ticket in tickets))
    yield _count_value(span, 1, "taken_up", (ticket.in_two_days for ticket in tickets))
    yield _on_time(span, tickets)
    answered = [ticket for ticket in tickets if ticket.answered]
    yield _count_value(span, 2, "reopened", (ticket.again for ticket in answered))
    yield _median(span, 2, "median_days", Measure.DAYS, [ticket.days for ticket in tickets if ticket.days is not None])
    yield from qd766(span)
    yield _count_value(span, 3, "told", (ticket.told for ticket in tickets))
    hours = [ticket.told_after / 3600 for ticket in tickets if ticket.told_after is not None]
    yield _median(span, 3, "told_hours", Measure.HOURS, hours)


def qd766(span: TicketSpan) -> Iterator[RunValue]:
    """Yield the two ratios of QĐ 766 on tickets first received in the period, with what was deducted and left out."""
    within = [case for case in span.held if not case.outside]
    counted = [_official(case) for case in within if case.taken_up]
    waiting = [case for case in within if not case.taken_up]
    late = sum(ticket.missed for ticket in counted)
    left_out = {"waiting": len(waiting), "waiting_overdue": sum(case.standing == "overdue" for case in waiting)}
    on_time = on_time_ratio(len(counted), late)
    yield _share(
        span, FigureSide.OPERATIONS, 2, "qd766_on_time", on_time,
        extra={"k": on_time.k, "late": late, **left_out},
    )  # fmt: skip
    satisfied = satisfied_ratio(counted)
    yield _share(
        span, FigureSide.OPERATIONS, 2, "qd766_satisfied", satisfied,
        extra={
            "k": satisfied.k, "late": late, "dissatisfied": sum(ticket.dissatisfied for ticket in counted),
            "again": sum(ticket.again for ticket in counted), "counted_once": satisfied.n - satisfied.k,
        },
    )  # fmt: skip


def _official(case: IndexCase) -> OfficialTicket:
    return OfficialTicket(case.standing, bool(case.answered) and is_dissatisfied(case.scores), bool(case.again))


def unit_spans(inputs: RunInputs, first: date, last: date, unit_ids: Sequence[int]) -> list[TicketSpan]:
    """Return one span for each unit that has tickets, in the order of ids."""
    by_unit: dict[int, list[IndexCase]] = defaultdict(list)
    for case in inputs.cases:
        by_unit[case.unit_id].append(case)
        if case.rated_unit is not None and case.rated_unit != case.unit_id:
            by_unit[case.rated_unit].append(case)
    wanted = set(unit_ids)
    return [
        TicketSpan(unit, first, last, cases, frozenset({unit}))
        for unit, cases in sorted(by_unit.items())
        if unit in wanted
    ]


def unit_values(span: TicketSpan) -> Iterator[RunValue]:
    """Yield the figures that place a unit in the quadrants: its on-time rate and its mean rating."""
    yield _on_time(span, span.held)
    yield _plain_rating(span, GROUP, given_by_senders(span.closed))


def given_by_senders(closed: Iterable[IndexCase]) -> list[IndexCase]:
    """Return the tickets that their senders rated, without those rated by an officer on a sender's behalf."""
    return [case for case in closed if case.scores and case.rated_by != BY_STAFF]


def on_time_flags(tickets: Iterable[IndexCase]) -> list[int]:
    """Return 1 (on time) or 0 (late, or open past due) for each ticket whose outcome is decided."""
    return [int(case.standing == "on_time") for case in tickets if case.standing in ("on_time", "late", "overdue")]


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


def _on_time(span: TicketSpan, tickets: Sequence[IndexCase]) -> RunValue:
    return _count_value(span, 2, "on_time_rate", on_time_flags(tickets))


def _plain_rating(span: TicketSpan, item: int, rated: Sequence[IndexCase]) -> RunValue:
    """Return the mean of the scores as given, over the rated tickets."""
    numbers = [score_of(case, item) for case in rated]
    total, squares = sum(numbers), sum(number * number for number in numbers)
    plain = mean_index_of_counts(len(numbers), total, squares, suppress_below=SMALL_N)
    return span.value(
        FigureSide.RATINGS, item, "ratings", Measure.SCORE,
        n=plain.n, value=plain.value, se=_plain_error(plain.n, total, squares) if plain.value else None,
        lo=plain.lo, hi=plain.hi,
    )  # fmt: skip


def _cells(closed: Iterable[IndexCase], item: int) -> Iterator[RatingCell]:
    """Yield the rating cells. The verdict comes first in a key: cells are pooled from the last part on, and verdicts
    differ most."""
    tickets: Counter[tuple[str, ...]] = Counter()
    scores_of: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for case in closed:
        key: tuple[str, ...] = (case.standing, case.channel, case.category)
        tickets[key] += 1
        if case.scores and case.rated_by != BY_STAFF:
            scores_of[key].append(score_of(case, item))
    for key, count in sorted(tickets.items()):
        scores = scores_of[key]
        yield RatingCell(key, count, len(scores), sum(scores), sum(score * score for score in scores))


def score_of(case: IndexCase, item: int) -> float:
    """Return the score of an item, or the mean of the three for the group; 1 to 5."""
    scores = case.scores or (0, 0, 0)
    return sum(scores) / 3 if item == GROUP else float(scores[item - 1])


def _adjusted_value(span: TicketSpan, item: int, adjusted: AdjustedIndex) -> RunValue:
    return span.value(
        FigureSide.RATINGS, item, "ratings_adjusted", Measure.SCORE,
        n=adjusted.n, value=adjusted.value, se=adjusted.se, lo=adjusted.lo, hi=adjusted.hi,
        extra={"closed": adjusted.closed, "cells": adjusted.cells, "pooled": adjusted.pooled},
    )  # fmt: skip


def _plain_error(n: int, total: float, squares: float) -> float:
    return 20 * sqrt(max(0.0, (squares - total * total / n) / (n - 1)) / n)


def _count_value(span: TicketSpan, item: int, code: str, answers: Iterable[int | None]) -> RunValue:
    answers_known = [answer for answer in answers if answer is not None]
    share = wilson_interval(sum(answers_known), len(answers_known))
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


def _median(span: TicketSpan, item: int, code: str, measure: Measure, numbers: Sequence[float]) -> RunValue:
    median = median_interval(numbers)
    few = median.n < SMALL_N
    return span.value(
        FigureSide.OPERATIONS, item, code, measure,
        n=median.n, value=None if few else median.value, lo=None if few else median.lo, hi=None if few else median.hi,
    )  # fmt: skip
