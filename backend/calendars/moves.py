"""Which open tickets a version of a calendar moves, looked at beforehand and then done, in batches with progress.

A due date depends on no day after it. So before a change only the tickets are replayed that have a changed day between
their reception and their due date; after it every open ticket of the calendar's units is counted by the new version,
whose days decide about later pauses and extensions too. Verdicts already given stay: they are not counted again.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, Date, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from backend.calendars import recount as recounting
from backend.calendars.months import day_differences
from backend.calendars.service import RECOUNT
from backend.db import transaction
from backend.jobs import lease as leases
from backend.jobs.lease import JobLease
from backend.tickets.models import OPEN_STATES, Ticket, TicketState
from backend.units.models import Unit
from backend.worktime import service as worktime
from backend.worktime.models import CalendarVersion

BATCH: Final = 1_000
COUNTED: Final = (*OPEN_STATES, TicketState.MERGED)
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class DueDateMove:
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
class RecountPreview:
    """What would move. ``looked_at`` counts the open tickets of the calendar's units, ``by_days`` the moved ones by how
    many calendar days, ``moves`` are the first of them, soonest due first."""

    looked_at: int
    by_days: Counter[int] = field(default_factory=Counter)
    moves: list[DueDateMove] = field(default_factory=list)

    @property
    def moved(self) -> int:
        return self.by_days.total()


def preview_moves(session: Session, version: CalendarVersion, now: datetime, limit: int) -> RecountPreview:
    """Which open tickets would move if the version were put in force; writes nothing."""
    in_scope = _scope(session, version.code)
    found = RecountPreview(
        session.scalar(select(func.count()).select_from(Ticket).join(Ticket.unit).where(*in_scope)) or 0
    )
    names = dict(session.execute(select(Unit.id, Unit.name)).all())
    calendar = worktime.load_calendar(session, version.id)
    for calendar_id in session.scalars(select(Ticket.calendar_id).join(Ticket.unit).where(*in_scope).distinct()).all():
        held = worktime.load_calendar(session, calendar_id)
        changed = [day.day for day, _after in day_differences(held, calendar)]
        where = (*in_scope, Ticket.calendar_id == calendar_id, _spans(changed))
        for batch in recounting.recount_batches(session, where, version.id, calendar, now):
            moves = [DueDateMove(one.row.number, names[one.row.unit_id], one.before, one.due) for one in batch]
            moves = [move for move in moves if move.days]
            found.by_days.update(move.days for move in moves)
            found.moves = sorted([*found.moves, *moves], key=lambda move: (move.before, move.number))[:limit]
    return found


def recount_tickets(job_id: int, clock: Clock) -> None:
    """Count every open ticket of the calendar's units by the version of the job from now on. Begun again after a death
    it goes on where it was: a ticket already counted by the version is not counted again."""

    def work(lease: JobLease) -> None:
        calendar_id = int(lease.subject)
        where = _to_recount(lease, calendar_id, clock)
        if where is None:
            return
        counted = lease.done
        # First all that nobody works on at this moment, many at a time; then what is left, one by one, waited for.
        for most in (BATCH, 1):
            counted = _recount_all(lease, where, calendar_id, clock, counted, most)
        with transaction() as session:
            leases.finish_job(session, lease, now=clock())

    leases.run_job(RECOUNT, job_id, clock, work)


def _to_recount(lease: JobLease, calendar_id: int, clock: Clock) -> tuple[ColumnElement[bool], ...] | None:
    """The tickets that are to be counted, their number noted; None where another version is in force by now."""
    with transaction() as session:
        version = worktime.find_version(session, calendar_id)
        where = (*_scope(session, version.code), Ticket.calendar_id != calendar_id)
        if worktime.in_force(session).get(version.code) != calendar_id:
            leases.stop_job(session, lease, now=clock(), note="")
            return None
        waiting = session.scalar(select(func.count()).select_from(Ticket).join(Ticket.unit).where(*where)) or 0
        leases.advance_job(session, lease, lease.done, now=clock(), total=lease.done + waiting)
    return where


def _recount_all(
    lease: JobLease,
    where: tuple[ColumnElement[bool], ...],
    calendar_id: int,
    clock: Clock,
    counted: int,
    most: int,
) -> int:
    """Count ``most`` tickets a transaction until none is left; return how many are counted by now. Many at a time leave
    out those that somebody holds."""
    after, skip = 0, most > 1
    while True:
        with transaction() as session:
            batch = recounting.recount_next(
                session, where, calendar_id, clock(), after=after, most=most, skip_locked=skip
            )
            if not batch:
                return counted
            counted += len(batch)
            after = batch[-1].row.id
            leases.advance_job(session, lease, counted, now=clock())


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
