"""How a ticket stands against its due date today: overdue, paused, or how many days are left.

``is_overdue`` and ``overdue_on`` are one rule in two forms: of a ticket that was read, and as a condition in SQL. Every
page, letter and figure that says "overdue" asks here. Words are made where they are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
from sqlalchemy import ColumnElement, and_, not_, or_

from backend.deadlines.limits import DUE_SOON
from backend.tickets.models import Ticket, TicketState, Verdict, is_open
from backend.worktime.calendar import WorkCalendar
from backend.worktime.vector import working_days_between


class DuePace(StrEnum):
    """Where a ticket is on its way to the due date."""

    AHEAD = "ahead"
    SOON = "soon"
    TODAY = "today"
    OVERDUE = "overdue"
    PAUSED = "paused"
    ON_TIME = "on_time"
    LATE = "late"
    ENDED = "ended"  # without an answer: refused, redirected, withdrawn, merged
    ENDED_LATE = "ended_late"  # the same, when the due date had passed


@dataclass(frozen=True)
class DueStatus:
    """``days`` are working days left, or calendar days overdue; 0 where neither is meant."""

    pace: DuePace
    days: int = 0


def is_overdue(ticket: Ticket, today: date) -> bool:
    """Return whether the ticket is open after its due date.

    A ticket whose sender was asked on or before that date is not overdue while it waits: its clock stands still. If the
    sender was asked later, the ticket was late already and stays so.
    """
    return ticket.open and ticket.due_date < today and not _paused_in_time(ticket)


def overdue_on(today: date) -> ColumnElement[bool]:
    """Return the rule of ``is_overdue`` as a condition. The partial indexes of open tickets serve it."""
    return and_(is_open(), past_due(today))


def past_due(today: date) -> ColumnElement[bool]:
    """Return the condition that the due date has passed while the clock ran, whatever the state of the ticket."""
    paused_in_time = and_(Ticket.paused_on.is_not(None), Ticket.paused_on <= Ticket.due_date)
    return and_(Ticket.due_date < today, not_(paused_in_time))


def undecided() -> ColumnElement[bool]:
    """Return the condition that a ticket has no verdict yet and will get one: it is open, or merged into another that
    has not been answered. What was refused, redirected, withdrawn or answered together with another by its due date is
    no case and gets none; after its due date it has its verdict."""
    waits_with_another = and_(Ticket.merged_into_id.is_not(None), Ticket.decided_at.is_(None))
    return and_(Ticket.verdict.is_(None), or_(is_open(), waits_with_another))


def due_statuses(calendar: WorkCalendar, today: date, tickets: Sequence[Ticket]) -> list[DueStatus]:
    """The standing of each ticket: working days after today up to its due date, counted for the whole page at once."""
    if not tickets:
        return []
    dues = np.array([ticket.due_date for ticket in tickets], dtype="datetime64[D]")
    left = working_days_between(calendar, np.full_like(dues, np.datetime64(today, "D")), dues)
    return [_standing(ticket, today, int(days)) for ticket, days in zip(tickets, left, strict=True)]


def _standing(ticket: Ticket, today: date, left: int) -> DueStatus:
    if not ticket.open:
        return ended_status(ticket, ticket.verdict)
    if is_overdue(ticket, today):
        return DueStatus(DuePace.OVERDUE, (today - ticket.due_date).days)
    if ticket.state is TicketState.AWAITING_SENDER and ticket.paused_on is not None:
        return DueStatus(DuePace.PAUSED)
    if ticket.due_date == today:
        return DueStatus(DuePace.TODAY)
    return DueStatus(DuePace.SOON if left <= DUE_SOON.value else DuePace.AHEAD, left)


def ended_status(ticket: Ticket, verdict: Verdict | None) -> DueStatus:
    """The standing of a ticket that nobody works on any more, by the verdict of the episode that is meant."""
    late = verdict is Verdict.LATE
    if ticket.settled:
        return DueStatus(DuePace.LATE if late else DuePace.ON_TIME)
    return DueStatus(DuePace.ENDED_LATE if late else DuePace.ENDED)


def _paused_in_time(ticket: Ticket) -> bool:
    return ticket.paused_on is not None and ticket.paused_on <= ticket.due_date
