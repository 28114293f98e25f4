"""The two sides of the feedback group as values: from rows to figures, each with n and interval. Pure arithmetic.

Scores are mean / 5 x 100 and shares are parts of tickets: two quantities, never subtracted from each other. What each
code means is told to readers in ``backend/kpi/definitions.toml``.
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

BY_STAFF = "counter"  # ratings that an officer keyed in: counted, shown, and left out of the scores


@dataclass(frozen=True)
class TicketSpan:
    """Whose tickets, received when; makes values about them."""

    unit_id: int | None
    first: date
    last: date
    cases: Sequence[IndexCase]
    unit_ids: frozenset[int]

    def value(self, side: FigureSide, item: int, code: str, measure: Measure, **more: Any) -> RunValue:
        return RunValue(self.unit_id, self.first, self.last, side, item, code, measure, **more)

    @property
    def held(self) -> list[IndexCase]:
        """Tickets that these units hold."""
        return [case for case in self.cases if case.unit_id in self.unit_ids]

    @property
    def closed(self) -> list[IndexCase]:
        """Answered tickets, for the unit that answered: the one rated, else the one that holds it."""
        return [case for case in self.cases if case.answered and (case.rated_unit or case.unit_id) in self.unit_ids]


def split_quarters(first: date, last: date) -> list[tuple[date, date]]:
    """The quarters of the calendar that the period touches, cut to it."""
    found, start = [], first
    while start <= last:
        month = (start.month - 1) // 3 * 3 + 4
        end = date(start.year + month // 13, month if month < 13 else 1, 1) - timedelta(days=1)
        found.append((start, min(end, last)))
        start = end + timedelta(days=1)
    return found


def split_spans(inputs: RunInputs, first: date, last: date, unit_ids: Sequence[int]) -> list[TicketSpan]:
    """The whole period, then its quarters where there are several."""
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
    """Ratings and operations of one span."""
    yield from rating_values(span)
    yield from operation_values(span)


def rating_values(span: TicketSpan) -> Iterator[RunValue]:
    """Scores as given, adjusted to all closed tickets, their bounds, and who answered."""
    closed = span.closed
    given = given_by_senders(closed)
    by_staff = sum(1 for case in closed if case.scores and case.rated_by == BY_STAFF)
    rate = wilson_interval(len(given), len(closed))
    yield _share(span, FigureSide.RATINGS, GROUP, "response_rate", rate, extra={"k": rate.k, "by_staff": by_staff})
    for item in (*ITEMS, GROUP):
        yield _plain_rating(span, item, given)
        adjusted = post_stratified(list(_cells(closed, item)))
        yield _adjusted_value(span, item, adjusted)
        total = sum(score_of(case, item) for case in given)
        bounds = worst_case(len(given), total, len(closed)) if adjusted.value is not None else None
        yield span.value(
            FigureSide.RATINGS, item, "ratings_bounds", Measure.SCORE,
            n=len(closed), lo=bounds.lo if bounds else None, hi=bounds.hi if bounds else None,
        )  # fmt: skip


def operation_values(span: TicketSpan) -> Iterator[RunValue]:
    """Several indicators for each item, and the two ratios of QĐ 766."""
    held = span.held
    yield _count_value(span, 1, "acknowledged", (case.at_once for case in held))
    yield _count_value(span, 1, "taken_up", (case.in_two_days for case in held))
    yield _on_time(span, held)
    answered = [case for case in held if case.answered]
    yield _count_value(span, 2, "reopened", (case.again for case in answered))
    yield _median(span, 2, "median_days", Measure.DAYS, [case.days for case in held if case.days is not None])
    yield from qd766(span)
    yield _count_value(span, 3, "told", (case.told for case in held))
    hours = [case.told_after / 3600 for case in held if case.told_after is not None]
    yield _median(span, 3, "told_hours", Measure.HOURS, hours)


def qd766(span: TicketSpan) -> Iterator[RunValue]:
    """The two ratios of QĐ 766 on tickets first received in the period, with what was taken off and left out."""
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
    """One span for each unit that has tickets, in the order of ids."""
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
    """What a unit's place in the quadrants rests on: its on-time rate and its mean rating."""
    yield _on_time(span, span.held)
    yield _plain_rating(span, GROUP, given_by_senders(span.closed))


def given_by_senders(closed: Iterable[IndexCase]) -> list[IndexCase]:
    """Those rated, but not by an officer on behalf of the sender."""
    return [case for case in closed if case.scores and case.rated_by != BY_STAFF]


def on_time_flags(held: Iterable[IndexCase]) -> list[int]:
    """Of each ticket whose outcome is decided: 1 on time, 0 late or open past due."""
    return [int(case.standing == "on_time") for case in held if case.standing in ("on_time", "late", "overdue")]


def printed_values(inputs: RunInputs) -> Iterator[RunValue]:
    """Published figures; an interval is approximate and only where the number of ballots is known."""
    for one in inputs.printed:
        figure = float(one.value)
        error = published_estimate(figure, one.n).se
        half = None if error is None else Z95 * error
        yield RunValue(
            None, date(one.year, 1, 1), date(one.year, 12, 31), FigureSide.PUBLISHED, ITEM_CODES.index(one.code),
            "published", Measure.SCORE, n=one.n, value=figure, se=error,
            lo=figure - half if half is not None else None, hi=figure + half if half is not None else None,
            extra={"rank": one.rank, "ranked": one.ranked, "method": one.method, "printed": one.value},
        )  # fmt: skip


def _on_time(span: TicketSpan, held: Sequence[IndexCase]) -> RunValue:
    return _count_value(span, 2, "on_time_rate", on_time_flags(held))


def _plain_rating(span: TicketSpan, item: int, given: Sequence[IndexCase]) -> RunValue:
    """The mean of the scores as given; ``given`` are the rated tickets."""
    numbers = [score_of(case, item) for case in given]
    total, squares = sum(numbers), sum(number * number for number in numbers)
    plain = mean_index_of_counts(len(numbers), total, squares, suppress_below=SMALL_N)
    return span.value(
        FigureSide.RATINGS, item, "ratings", Measure.SCORE,
        n=plain.n, value=plain.value, se=_plain_error(plain.n, total, squares) if plain.value else None,
        lo=plain.lo, hi=plain.hi,
    )  # fmt: skip


def _cells(closed: Iterable[IndexCase], item: int) -> Iterator[RatingCell]:
    """Verdict first: what is pooled last is what differs most."""
    tickets: Counter[tuple[str, ...]] = Counter()
    given: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for case in closed:
        key: tuple[str, ...] = (case.standing, case.channel, case.category)
        tickets[key] += 1
        if case.scores and case.rated_by != BY_STAFF:
            given[key].append(score_of(case, item))
    for key, count in sorted(tickets.items()):
        scores = given[key]
        yield RatingCell(key, count, len(scores), sum(scores), sum(one * one for one in scores))


def score_of(case: IndexCase, item: int) -> float:
    """Of an item, or the mean of the three for the group; 1 to 5."""
    scores = case.scores or (0, 0, 0)
    return sum(scores) / 3 if item == GROUP else float(scores[item - 1])


def _adjusted_value(span: TicketSpan, item: int, found: AdjustedIndex) -> RunValue:
    return span.value(
        FigureSide.RATINGS, item, "ratings_adjusted", Measure.SCORE,
        n=found.n, value=found.value, se=found.se, lo=found.lo, hi=found.hi,
        extra={"closed": found.closed, "cells": found.cells, "pooled": found.pooled},
    )  # fmt: skip


def _plain_error(n: int, total: float, squares: float) -> float:
    return 20 * sqrt(max(0.0, (squares - total * total / n) / (n - 1)) / n)


def _count_value(span: TicketSpan, item: int, code: str, answers: Iterable[int | None]) -> RunValue:
    known = [answer for answer in answers if answer is not None]
    found = wilson_interval(sum(known), len(known))
    return _share(span, FigureSide.OPERATIONS, item, code, found, extra={"k": found.k})


def _share(
    span: TicketSpan, side: FigureSide, item: int, code: str, share: ShareInterval, extra: dict[str, Any]
) -> RunValue:
    """With fewer than ten cases the counts alone."""
    few = share.n < SMALL_N
    return span.value(
        side, item, code, Measure.SHARE,
        n=share.n, value=None if few else share.value, lo=None if few else share.lo, hi=None if few else share.hi,
        extra=extra,
    )  # fmt: skip


def _median(span: TicketSpan, item: int, code: str, measure: Measure, numbers: Sequence[float]) -> RunValue:
    found = median_interval(numbers)
    few = found.n < SMALL_N
    return span.value(
        FigureSide.OPERATIONS, item, code, measure,
        n=found.n, value=None if few else found.value, lo=None if few else found.lo, hi=None if few else found.hi,
    )  # fmt: skip
