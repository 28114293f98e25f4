"""Add up the tickets of a period from the roll-ups: what a page shows, without reading one ticket."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, FromClause, Integer, Row, cast, extract, func, select, text, tuple_
from sqlalchemy.orm import Session

from backend.indicators.rollups.models import RollupKind
from backend.indicators.rollups.packed import as_bytes, read_numbers, split_counts, split_ratings
from backend.indicators.rollups.queries import CellReader, RollupScope, read_cells, total
from backend.indices.measures.inputs import RunRequest
from backend.indices.measures.sums import (
    NO_VALUES,
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

TALLY = tuple(part.name for part in fields(RatingTally))
# The numbers of an answer in a cell: how many tickets have it, of how many.
ANSWERS = {
    "at_once": ("acknowledged_yes", "acknowledged_known"),
    "in_two_days": ("taken_up_in_time", "taken_up_known"),
    "again": ("reopened_yes", "reopened_known"),
    "told": ("told_yes", "told_known"),
}
DECIDED = ("on_time_yes", "late_yes", "overdue_yes")
HELD = (*DECIDED, *(name for pair in ANSWERS.values() for name in pair))
Quarter = int | None  # four times the year and the quarter of it, from 0; None is the whole period


def read_sums(session: Session, run_request: RunRequest, *, sees_conduct: bool = True) -> PeriodSums:
    """Add up the tickets of a request. The caller has brought the roll-ups up to date."""
    scope = RollupScope(
        run_request.unit_ids, run_request.first, run_request.last, None, run_request.as_of, sees_conduct
    )
    reader = read_cells(session, scope)
    spans = _spans(session, reader)
    quarters = split_quarters(run_request.first, run_request.last)
    all_held = reader.either(RollupKind.HELD, summed=True)
    counts = session.execute(select(*(total(all_held, RollupKind.HELD, name) for name in ("tickets", "demonstration"))))
    tickets, demonstration = tuple(counts.one())
    return PeriodSums(
        whole=spans.get(None, SpanSums()),
        quarters=[spans.get(_quarter_of(first), SpanSums()) for first, _last in quarters],
        units=_by_unit(session, reader),
        months=_by_month(session, reader),
        rated=_rated(session, reader),
        tickets=tickets,
        demonstration=demonstration,
    )


def _quarter_of(day: date) -> int:
    return day.year * 4 + (day.month - 1) // 3


def _quarter(cells: FromClause) -> ColumnElement[int]:
    """Return the same as an expression."""
    month = cells.c.month
    return cast(extract("year", month) * 4 + func.div(extract("month", month) - 1, 3), Integer).label("quarter")


def _sums_by(
    session: Session, cells: FromClause, kind: RollupKind, names: Sequence[str], *more: ColumnElement[Any]
) -> Sequence[Row[Any]]:
    """Return sums by quarter and of the whole period (quarter None), for each value of the other columns."""
    grouped = select(_quarter(cells), *more, cells.c.numbers).subquery()
    keys = [grouped.c[column.name] for column in more]
    sums = (total(grouped, kind, name) for name in names)
    sets = func.grouping_sets(_together(grouped.c.quarter, *keys), _together(*keys))
    return session.execute(select(grouped.c.quarter, *keys, *sums).group_by(sets)).all()


def _together(*columns: ColumnElement[Any]) -> Any:
    """Return one set of ``GROUPING SETS``, which may be empty."""
    return tuple_(*columns) if columns else text("()")


def _spans(session: Session, reader: CellReader) -> dict[Quarter, SpanSums]:
    held = _sums_by(session, reader.held(RollupKind.HELD, summed=True), RollupKind.HELD, HELD)
    standings = _standings(session, reader)
    cells = _cells(session, reader)
    days = _values(session, reader.held(RollupKind.DAYS, summed=True))
    told = _values(session, reader.held(RollupKind.TOLD, summed=True))
    answers = {row.quarter: _answers(row) for row in held}
    return {
        quarter: SpanSums(
            **answers.get(quarter, {}),
            standings=standings.get(quarter, {}),
            days=days.get(quarter, NO_VALUES),
            told_seconds=told.get(quarter, NO_VALUES),
            closed=_add(cells.get(quarter, {}).values()),
            cells=cells.get(quarter, {}),
        )
        for quarter in answers.keys() | cells.keys()
    }


def _answers(row: Any) -> dict[str, AnswerCount]:
    """Return the answers that a row of `HELD` counts."""
    decided = sum(getattr(row, name) for name in DECIDED)
    counts = {name: AnswerCount(getattr(row, yes), getattr(row, known)) for name, (yes, known) in ANSWERS.items()}
    return {"on_time": AnswerCount(row.on_time_yes, decided)} | counts


def _standings(session: Session, reader: CellReader) -> dict[Quarter, dict[StandingKey, int]]:
    cells = reader.held(RollupKind.STANDING, summed=True)
    standings: dict[Quarter, dict[StandingKey, int]] = defaultdict(dict)
    for row in _sums_by(session, cells, RollupKind.STANDING, ("tickets",), cells.c.detail):
        standing, outside, taken_up, again, lowest = row.detail.split("|")
        key = StandingKey(standing, outside == "1", taken_up == "1", again == "1", int(lowest))
        standings[row.quarter][key] = row.tickets
    return standings


def _cells(session: Session, reader: CellReader) -> dict[Quarter, dict[CellKey, RatingTally]]:
    cells = reader.credited(RollupKind.CLOSED, summed=True)
    tallies: dict[Quarter, dict[CellKey, RatingTally]] = defaultdict(dict)
    for row in _sums_by(session, cells, RollupKind.CLOSED, TALLY, cells.c.channel, cells.c.detail):
        standing, category = row.detail.split("|")
        tallies[row.quarter][standing, row.channel.value, category] = RatingTally(*row[3:])
    return tallies


def _add(tallies: Iterable[RatingTally]) -> RatingTally:
    return RatingTally(*map(sum, zip(*map(astuple, tallies), strict=True)))


def _values(session: Session, cells: FromClause) -> dict[Quarter, CountedValues]:
    """Return values with their counts, by quarter and of the whole period."""
    parts: dict[Quarter, list[Any]] = defaultdict(list)
    for month, sent in session.execute(select(cells.c.month, as_bytes(cells))):
        numbers = read_numbers(sent)
        parts[_quarter_of(month)].append(numbers)
        parts[None].append(numbers)
    return {quarter: CountedValues(*split_counts(np.concatenate(numbers))) for quarter, numbers in parts.items()}


def _by_unit(session: Session, reader: CellReader) -> dict[int, SpanSums]:
    """Return the on-time rate and the ratings of each unit."""
    held, credited = reader.held(RollupKind.HELD), reader.credited(RollupKind.HELD)
    decided = (total(held, RollupKind.HELD, name) for name in DECIDED)
    rates = session.execute(select(held.c.unit_id, *decided).group_by(held.c.unit_id)).all()
    tallies = (total(credited, RollupKind.HELD, name) for name in TALLY)
    ratings = session.execute(select(credited.c.credited_id, *tallies).group_by(credited.c.credited_id)).all()
    on_time = {row.unit_id: AnswerCount(row.on_time_yes, row[1] + row[2] + row[3]) for row in rates}
    closed = {row.credited_id: RatingTally(*row[1:]) for row in ratings}
    return {
        unit_id: SpanSums(on_time=on_time.get(unit_id, AnswerCount()), closed=closed.get(unit_id, RatingTally()))
        for unit_id in sorted(on_time.keys() | closed.keys())
    }


def _by_month(session: Session, reader: CellReader) -> dict[date, RatingTally]:
    cells = reader.credited(RollupKind.HELD, summed=True)
    tallies = (total(cells, RollupKind.HELD, name) for name in TALLY)
    rows = session.execute(select(cells.c.month, *tallies).group_by(cells.c.month))
    return {row[0]: RatingTally(*row[1:]) for row in rows}


def _rated(session: Session, reader: CellReader) -> RatedTickets:
    cells = reader.credited(RollupKind.RATED, summed=True)
    numbers = [read_numbers(sent) for sent in session.scalars(select(as_bytes(cells)))]
    values, counts = split_counts(np.concatenate(numbers)) if numbers else NO_VALUES
    alike, places = np.unique(values, return_inverse=True)
    units, days, late, *flags, ease, by_rules, timely = split_ratings(alike)
    return RatedTickets(
        units=units,
        indicators=np.column_stack([late, days, *flags]),
        scores=np.column_stack([ease, by_rules, timely]),
        counts=np.bincount(places, weights=counts, minlength=len(alike)).astype(np.int64),
    )
