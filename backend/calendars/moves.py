"""Which open tickets a version of a calendar moves: the preview before it is put in force, and the recount after it.

A due date does not depend on later days. So the preview counts only tickets with a changed day between reception and
due date. The recount counts every open ticket of the calendar's units, because the new days matter for later pauses and
extensions too. It works in batches and shows its progress. Verdicts that are already given stay.
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
    """A ticket whose due date would change: its number and unit, nothing of its content."""

    number: str
    unit: str
    before: date
    after: date

    @property
    def days(self) -> int:
        """By how many calendar days the due date moves; negative where it moves to an earlier day."""
        return (self.after - self.before).days


@dataclass
class RecountPreview:
    """What a version would move.

    ``looked_at`` counts the open tickets of the calendar's units. ``by_days`` counts the moved ones by the number of
    calendar days that they move. ``moves`` are the first of them, soonest due first.
    """

    looked_at: int
    by_days: Counter[int] = field(default_factory=Counter)
    moves: list[DueDateMove] = field(default_factory=list)

    @property
    def moved(self) -> int:
        return self.by_days.total()


def preview_moves(session: Session, version: CalendarVersion, now: datetime, limit: int) -> RecountPreview:
    """Return which open tickets would move if the version were put in force. Writes nothing."""
    in_scope = _scope(session, version.code)
    count = select(func.count()).select_from(Ticket).join(Ticket.unit).where(*in_scope)
    preview = RecountPreview(session.scalar(count) or 0)
    names = dict(session.execute(select(Unit.id, Unit.name)).all())
    calendar = worktime.load_calendar(session, version.id)
    for calendar_id in session.scalars(select(Ticket.calendar_id).join(Ticket.unit).where(*in_scope).distinct()).all():
        present_calendar = worktime.load_calendar(session, calendar_id)
        changed_days = [day.day for day, _after in day_differences(present_calendar, calendar)]
        where = (*in_scope, Ticket.calendar_id == calendar_id, _spans(changed_days))
        for batch in recounting.recount_batches(session, where, version.id, calendar, now):
            moves = [
                DueDateMove(ticket.row.number, names[ticket.row.unit_id], ticket.before, ticket.due)
                for ticket in batch
                if ticket.before != ticket.due
            ]
            preview.by_days.update(move.days for move in moves)
            preview.moves = sorted([*preview.moves, *moves], key=lambda move: (move.before, move.number))[:limit]
    return preview


def recount_tickets(job_id: int, clock: Clock) -> None:
    """Count every open ticket of the calendar's units by the version that the job names.

    If the worker dies, the next run continues: a ticket that the version has counted already is not counted again.
    """

    def work(lease: JobLease) -> None:
        calendar_id = int(lease.subject)
        where = _to_recount(lease, calendar_id, clock)
        if where is None:
            return
        counted = lease.done
        # First the tickets that nobody has locked, many in a transaction; then the others, waiting for each lock.
        for most in (BATCH, 1):
            counted = _recount_all(lease, where, calendar_id, clock, counted, most)
        with transaction() as session:
            leases.finish_job(session, lease, now=clock())

    leases.run_job(RECOUNT, job_id, clock, work)


def _to_recount(lease: JobLease, calendar_id: int, clock: Clock) -> tuple[ColumnElement[bool], ...] | None:
    """Return the condition of the tickets to count, and store their number in the job.

    None where another version is in force by now: then the job stops.
    """
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
    """Count tickets, ``most`` in each transaction, until none is left. Return how many are counted by now.

    With ``most`` above 1, tickets that somebody has locked are left out.
    """
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
    """Return the condition of open tickets in the units of a calendar. The statement must join the ticket's unit."""
    if code.startswith(worktime.UNIT):
        return (Ticket.state.in_(COUNTED), Unit.code == code.removeprefix(worktime.UNIT))
    codes_in_force = worktime.in_force(session)
    units_with_own = [item.removeprefix(worktime.UNIT) for item in codes_in_force if item.startswith(worktime.UNIT)]
    return (Ticket.state.in_(COUNTED), Unit.code.not_in(units_with_own), literal(code == worktime.DEFAULT))


def _spans(changed_days: Sequence[date]) -> ColumnElement[bool]:
    """Return the condition that a changed day lies after the reception and not after the due date."""
    day = func.unnest(literal(list(changed_days), ARRAY(Date))).column_valued("day")
    return exists(select(day).where(day > Ticket.received_on, day <= Ticket.due_date))
