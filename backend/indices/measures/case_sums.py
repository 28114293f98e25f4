"""Add up the tickets of a stored run. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np

from backend.indices.measures.inputs import IndexCase, RunRequest
from backend.indices.measures.sums import (
    AnswerCount,
    CellKey,
    CountedValues,
    PeriodSums,
    RatedTickets,
    RatingTally,
    SpanSums,
    StandingKey,
)
from backend.indices.measures.values import split_quarters

BY_STAFF = "counter"  # ratings that an officer entered: they are counted and shown, but are no part of the scores
DECIDED = ("on_time", "late", "overdue")  # words of `conditions.outcome_on`


def sum_cases(cases: Sequence[IndexCase], run_request: RunRequest) -> PeriodSums:
    """Add up the tickets of a request."""
    unit_ids = frozenset(run_request.unit_ids)
    quarters = split_quarters(run_request.first, run_request.last)
    closed = _closed(cases, unit_ids)
    by_month: dict[date, list[IndexCase]] = defaultdict(list)
    for case in closed:
        by_month[date.fromisoformat(case.received_on).replace(day=1)].append(case)
    return PeriodSums(
        whole=sum_span(cases, unit_ids),
        quarters=[sum_span(_within(cases, first, last), unit_ids) for first, last in quarters],
        units=_by_unit(cases, unit_ids),
        months={month: _tally(group) for month, group in by_month.items()},
        rated=_rated_tickets(closed),
        tickets=len(cases),
        demonstration=sum(case.demonstration for case in cases),
    )


def sum_span(cases: Iterable[IndexCase], unit_ids: frozenset[int]) -> SpanSums:
    """Add up the tickets that the units hold, and those whose ratings count to them."""
    cases = list(cases)
    held, closed = [case for case in cases if case.unit_id in unit_ids], _closed(cases, unit_ids)
    by_cell: dict[CellKey, list[IndexCase]] = defaultdict(list)
    for case in closed:
        by_cell[case.standing, case.channel, case.category].append(case)
    return SpanSums(
        on_time=_count(map(_is_on_time, held)),
        at_once=_count(case.at_once for case in held),
        in_two_days=_count(case.in_two_days for case in held),
        again=_count(case.again if case.answered else None for case in held),
        told=_count(case.told for case in held),
        standings=Counter(map(_standing_key, held)),
        days=_counted(case.days for case in held),
        told_seconds=_counted(case.told_after for case in held),
        closed=_tally(closed),
        cells={key: _tally(group) for key, group in by_cell.items()},
    )


def _is_on_time(case: IndexCase) -> int | None:
    """Return 1 (on time) or 0 (late, or open past due); None while the outcome is not decided."""
    return int(case.standing == "on_time") if case.standing in DECIDED else None


def _by_unit(cases: Iterable[IndexCase], unit_ids: frozenset[int]) -> dict[int, SpanSums]:
    by_unit: dict[int, list[IndexCase]] = defaultdict(list)
    for case in cases:
        for unit_id in {case.unit_id, case.rated_unit or case.unit_id} & unit_ids:
            by_unit[unit_id].append(case)
    return {unit_id: sum_span(by_unit[unit_id], frozenset({unit_id})) for unit_id in sorted(by_unit)}


def _within(cases: Iterable[IndexCase], first: date, last: date) -> list[IndexCase]:
    low, high = first.isoformat(), last.isoformat()
    return [case for case in cases if low <= case.received_on <= high]


def _closed(cases: Iterable[IndexCase], unit_ids: frozenset[int]) -> list[IndexCase]:
    """Return the answered tickets of the unit that answered: the rated unit, else the unit that holds the ticket."""
    return [case for case in cases if case.answered and (case.rated_unit or case.unit_id) in unit_ids]


def _count(answers: Iterable[int | None]) -> AnswerCount:
    answers_known = [answer for answer in answers if answer is not None]
    return AnswerCount(sum(answers_known), len(answers_known))


def _standing_key(case: IndexCase) -> StandingKey:
    lowest = min(case.scores) if case.answered and case.scores else 0
    return StandingKey(case.standing, bool(case.outside), bool(case.taken_up), bool(case.again), lowest)


def _tally(closed: Iterable[IndexCase]) -> RatingTally:
    """Add up answered tickets. Scores are whole numbers, so the sums are exact in any order."""
    closed = list(closed)
    rated = [case for case in closed if case.scores]
    scores = np.array([case.scores for case in rated if case.rated_by != BY_STAFF], np.int64).reshape(-1, 3)
    together = scores.sum(axis=1)
    numbers = (len(closed), len(scores), len(rated) - len(scores), *scores.sum(axis=0), *(scores**2).sum(axis=0))
    return RatingTally(*map(int, (*numbers, together.sum(), (together**2).sum())))


def _counted(values: Iterable[int | None]) -> CountedValues:
    counter = Counter(value for value in values if value is not None)
    return CountedValues(np.array(list(counter), np.int64), np.array(list(counter.values()), np.int64))


def _rated_tickets(closed: Iterable[IndexCase]) -> RatedTickets:
    """Return what the association needs of the tickets of which all of it is known."""
    alike = Counter(row for case in closed if (row := _rated_row(case)))
    rows = np.array(sorted(alike), np.int64).reshape(-1, 9)
    counts = np.array([alike[row] for row in sorted(alike)], np.int64)
    return RatedTickets(rows[:, 0], rows[:, 1:6], rows[:, 6:], counts)


def _rated_row(case: IndexCase) -> tuple[int, ...] | None:
    if case.scores is None or case.rated_by == BY_STAFF:
        return None
    if case.days is None or case.told is None or case.at_once is None or case.in_two_days is None:
        return None
    late = int(case.standing == "late")
    return (case.rated_unit or case.unit_id, late, case.days, case.told, case.at_once, case.in_two_days, *case.scores)
