"""Which open tickets a version of a calendar moves, looked at beforehand and then done, in batches with progress.

A due date depends on no day after it. So before a change only the tickets are replayed that have a changed day between
their reception and their due date; after it every open ticket of the calendar's units is counted by the new version,
whose days decide about later pauses and extensions too. Verdicts already given stay: they are not counted again.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, Date, Row, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from backend import audit, progress
from backend.calendars.months import differences
from backend.db import transaction
from backend.errors import DomainError
from backend.tickets import replay, rulebook
from backend.tickets import service as tickets
from backend.tickets.clocks import what_if
from backend.tickets.happening import Happening
from backend.tickets.lifecycle import Event
from backend.tickets.models import OPEN_STATES, State, Ticket
from backend.tickets.rulebook import Calendars
from backend.units.models import Unit
from backend.users.policy import SYSTEM
from backend.worktime import service as worktime
from backend.worktime.models import CalendarVersion

BATCH: Final = 200
COUNTED: Final = (*OPEN_STATES, State.MERGED)
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Move:
    """A ticket whose due date would change: its number and nothing of its content."""

    number: str
    unit: str
    before: date
    after: date

    @property
    def days(self) -> int:
        """Calendar days later; negative for earlier."""
        return (self.after - self.before).days


@dataclass
class Preview:
    """What would move. ``looked_at`` counts the open tickets of the calendar's units, ``by_days`` the moved ones by how
    many calendar days, ``moves`` are the first of them, soonest due first."""

    looked_at: int
    by_days: Counter[int] = field(default_factory=Counter)
    moves: list[Move] = field(default_factory=list)

    @property
    def moved(self) -> int:
        return self.by_days.total()


def preview(session: Session, version: CalendarVersion, now: datetime, limit: int) -> Preview:
    """Which open tickets would move if the version were put in force; writes nothing."""
    in_scope = _scope(session, version.code)
    found = Preview(session.scalar(select(func.count()).select_from(Ticket).join(Ticket.unit).where(*in_scope)) or 0)
    calendars = Calendars(session)
    for calendar_id in session.scalars(select(Ticket.calendar_id).join(Ticket.unit).where(*in_scope).distinct()).all():
        changed = [day.day for day, _after in differences(calendars[calendar_id], calendars[version.id])]
        for rows in _batches(session, (*in_scope, Ticket.calendar_id == calendar_id, _spans(changed))):
            for ticket, unit in rows:
                _look(session, ticket, unit, version.id, calendars, now, found)
    found.moves = sorted(found.moves, key=lambda move: (move.before, move.number))[:limit]
    return found


def recount(calendar_id: int, job_id: int, clock: Clock) -> int:
    """Count every open ticket of the calendar's units by its version from now on; returns how many. Begun again after
    a death it goes on where it was, for tickets already counted by the version are not looked at."""
    with transaction() as session:
        version = worktime.version(session, calendar_id)
        where = (*_scope(session, version.code), Ticket.calendar_id != calendar_id)
        if worktime.in_force(session).get(version.code) != calendar_id:
            progress.stop(session, job_id, now=clock(), note="")
            return 0
        total = session.scalar(select(func.count()).select_from(Ticket).join(Ticket.unit).where(*where)) or 0
        progress.advance(session, job_id, 0, now=clock(), total=total)
    done = after = 0
    while True:
        with transaction() as session:
            ids = session.scalars(
                select(Ticket.id).join(Ticket.unit).where(*where, Ticket.id > after).order_by(Ticket.id).limit(BATCH)
            ).all()
            for ticket_id in ids:
                _recount_one(session, ticket_id, calendar_id, clock())
            done += len(ids)
            if not ids:
                progress.finish(session, job_id, now=clock())
                return done
            after = ids[-1]
            progress.advance(session, job_id, done, now=clock())


def _recount_one(session: Session, ticket_id: int, calendar_id: int, now: datetime) -> None:
    """By the same verb as everything that happens to a ticket; one that was answered meanwhile keeps what it has."""
    change = tickets.Change(Event.RECOUNTED, calendar_id=calendar_id)
    try:
        tickets.apply(session, ticket_id, change, SYSTEM, now=now)
    except DomainError:
        return


def _scope(session: Session, code: str) -> tuple[ColumnElement[bool], ...]:
    """Open tickets of the units that the calendar is for. Expects the ticket's unit joined."""
    if code.startswith(worktime.UNIT):
        return (Ticket.state.in_(COUNTED), Unit.code == code.removeprefix(worktime.UNIT))
    own = [held.removeprefix(worktime.UNIT) for held in worktime.in_force(session) if held.startswith(worktime.UNIT)]
    return (Ticket.state.in_(COUNTED), Unit.code.not_in(own), literal(code == worktime.DEFAULT))


def _spans(changed: Sequence[date]) -> ColumnElement[bool]:
    """A changed day lies after the reception and not after the due date."""
    day = func.unnest(literal(list(changed), ARRAY(Date))).column_valued("day")
    return exists(select(day).where(day > Ticket.received_on, day <= Ticket.due_date))


def _batches(session: Session, where: tuple[ColumnElement[bool], ...]) -> Iterator[Sequence[Row[Ticket, str]]]:
    after = 0
    while True:
        rows = session.execute(
            select(Ticket, Unit.name)
            .join(Ticket.unit)
            .where(*where, Ticket.id > after)
            .order_by(Ticket.id)
            .limit(BATCH)
        ).all()
        if not rows:
            return
        yield rows
        after = rows[-1][0].id
        session.expunge_all()


def _look(
    session: Session, ticket: Ticket, unit: str, calendar_id: int, calendars: Calendars, now: datetime, found: Preview
) -> None:
    """Replay one ticket as it is and as it would be."""
    history = replay.happenings(audit.entries(session, f"ticket:{ticket.id}"))
    at = max(now, history[-1].at)
    data = {"from": ticket.calendar_id, "calendar": calendar_id}
    change = Happening(Event.RECOUNTED, at, SYSTEM.key, data)
    effect = what_if(history, change, rulebook.book(session, ticket, history, calendars))
    if effect.due_after != effect.due_before:
        move = Move(ticket.number, unit, effect.due_before, effect.due_after)
        found.by_days[move.days] += 1
        found.moves.append(move)
