"""Bring the roll-ups up to date: count the months of units that have changed, or that time has changed.

A change notes its month in the transaction of the change. Counting removes the note and then counts, so a change that
is committed in between leaves its own note and is counted next time. Cells and notes together are exact at any moment.
"""

import secrets
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, delete, exists, func, insert, or_, select, tuple_, update
from sqlalchemy.orm import Session

from backend import db
from backend.db import AdvisoryLock, table_of
from backend.indicators.rollups import recount
from backend.indicators.rollups.models import CountedMonth, RollupState, changes
from backend.indicators.rollups.takeup_terms import TakeUpTerms
from backend.tickets.clock_models import RuleVersion
from backend.worktime import service as worktime

MOST: Final = 200  # months of units in one transaction


class UnitMonth(NamedTuple):
    """The tickets that a unit holds and that were received in a month: what is counted together."""

    unit_id: int
    month: date


def bring_up_to_date(today: date) -> str:
    """Count all that has changed, in transactions of its own, and return the mark of the state that holds now."""
    while True:
        with db.transaction() as session:
            mark, behind = look_at(session, today)
        if not behind:
            return mark
        with db.transaction() as session:
            count_changes(session, today)


def look_at(session: Session, today: date) -> tuple[str, bool]:
    """Return the mark of the last count, and whether something is to be counted."""
    state = table_of(RollupState)
    behind = or_(exists(select(changes.c.id)), exists().where(_is_expired(today)), state.c.versions != _versions())
    row = session.execute(select(state.c.mark, behind.label("behind"))).one()
    return row.mark, row.behind


def count_changes(session: Session, today: date) -> int:
    """Count at most `MOST` months of units, and return how many. Whoever counts at the same time waits."""
    db.hold_lock(session, AdvisoryLock.ROLLUPS)
    calendar = worktime.load_calendar(session, worktime.active_id(session))
    terms = TakeUpTerms(session, calendar)
    _note_changed_terms(session, terms)
    units_months = _take_changes(session) or _expired(session, today)
    if units_months:
        recount.count_cells(session, units_months, today, terms)
        recount.sum_units(session, sorted({month for _unit, month in units_months}))
        recount.sum_open(session, sorted({unit_id for unit_id, _month in units_months}))
        mark = {"mark": secrets.token_hex(8)}
        session.execute(update(table_of(RollupState)).values(**mark))
    return len(units_months)


def _versions() -> ColumnElement[str]:
    """Return the versions that decide by when a ticket must be taken up, as an expression: calendar and last rule."""
    calendar = worktime.active_version().scalar_subquery()
    last_rule = select(func.max(RuleVersion.id)).scalar_subquery()
    return func.concat_ws(":", calendar, last_rule)


def _note_changed_terms(session: Session, terms: TakeUpTerms) -> None:
    """Note the months in which another calendar or rule has moved the last day of taking up."""
    state, counted = table_of(RollupState), table_of(CountedMonth)
    if session.scalar(select(state.c.versions == _versions())):
        return
    for month in session.scalars(select(counted.c.month).distinct()).all():
        moved = select(counted.c.unit_id, counted.c.month).where(
            counted.c.month == month, counted.c.terms != terms.mark_month(month)
        )
        session.execute(insert(changes).from_select(["unit_id", "month"], moved))
    session.execute(update(state).values(versions=_versions()))


def _take_changes(session: Session) -> list[UnitMonth]:
    """Remove the notes about some months and return the months, the earliest first."""
    key = (changes.c.unit_id, changes.c.month)
    some = select(*key).distinct().order_by(changes.c.month, changes.c.unit_id).limit(MOST).subquery()
    taken = delete(changes).where(tuple_(*key).in_(select(some))).returning(*key)
    return sorted({UnitMonth(*row) for row in session.execute(taken)}, key=lambda pair: (pair.month, pair.unit_id))


def _expired(session: Session, today: date) -> list[UnitMonth]:
    counted = table_of(CountedMonth)
    rows = session.execute(
        select(counted.c.unit_id, counted.c.month)
        .where(_is_expired(today))
        .order_by(counted.c.month, counted.c.unit_id)
        .limit(MOST)
    )
    return [UnitMonth(*row) for row in rows]


def _is_expired(today: date) -> Any:
    """Whether a count was made for other days than today: time has passed, or a clock was set back."""
    counted = table_of(CountedMonth)
    return or_(counted.c.holds_until < today, counted.c.counted_on > today)
