"""How a ticket stands against its due date today: overdue, paused, or how many days are left.

``is_overdue`` and ``overdue_on`` are one rule in two forms: for a ticket, and as a condition in SQL. Every page,
message and figure that says "overdue" asks here. The texts stand where they are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

import numpy as np
from sqlalchemy import ColumnElement, and_, not_, or_

from backend.deadlines.limits import DUE_SOON
from backend.tickets.models import OPEN_STATES, SETTLED_STATES, Ticket, TicketState, Verdict, is_open
from backend.worktime.arithmetic import next_working
from backend.worktime.calendar import WorkCalendar
from backend.worktime.vector import working_days_between


class DuePace(StrEnum):
    """How near a ticket is to its due date, or how it ended."""

    AHEAD = "ahead"
    SOON = "soon"
    TODAY = "today"
    OVERDUE = "overdue"
    PAUSED = "paused"
    ON_TIME = "on_time"
    LATE = "late"
    ENDED = "ended"  # without an answer: refused, redirected, withdrawn, merged
    ENDED_LATE = "ended_late"  # the same, after the due date


@dataclass(frozen=True)
class DueStatus:
    """How a ticket stands. ``days`` are working days left, or calendar days overdue; else 0."""

    pace: DuePace
    days: int = 0


class TimedTicket(Protocol):
    """What the due status of a ticket follows from: a ticket, or a row of a list with the same names."""

    @property
    def state(self) -> TicketState: ...
    @property
    def due_date(self) -> date: ...
    @property
    def paused_on(self) -> date | None: ...
    @property
    def verdict(self) -> Verdict | None: ...


def is_overdue(ticket: TimedTicket, today: date) -> bool:
    """Tell whether the ticket is open after its due date.

    A ticket whose sender was asked on or before the due date is not overdue while it waits, because its clock is
    stopped. If the sender was asked after the due date, the ticket was late already and stays late.
    """
    return ticket.state in OPEN_STATES and ticket.due_date < today and not _paused_in_time(ticket)


def overdue_on(today: date) -> ColumnElement[bool]:
    """Return the rule of ``is_overdue`` as a condition. The partial indexes of open tickets serve it."""
    return and_(is_open(), past_due(today))


def past_due(today: date) -> ColumnElement[bool]:
    """Return the condition that the due date has passed while the clock ran, whatever the state of the ticket."""
    paused_in_time = and_(Ticket.paused_on.is_not(None), Ticket.paused_on <= Ticket.due_date)
    return and_(Ticket.due_date < today, not_(paused_in_time))


def clock_runs(ticket: Ticket) -> bool:
    """Return whether time passes for the unit: the ticket is open, and no question to its sender stops the clock.

    A question whose limit is over stops nothing any more, even while the ticket still waits for the sender.
    """
    return ticket.open and not (ticket.state is TicketState.AWAITING_SENDER and ticket.paused_on is not None)


def clock_running() -> ColumnElement[bool]:
    """Return the rule of ``clock_runs`` as a condition."""
    return and_(is_open(), or_(Ticket.state != TicketState.AWAITING_SENDER, Ticket.paused_on.is_(None)))


def due_between(first: date, last: date) -> ColumnElement[bool]:
    """Return the condition that the clock runs and the due date is one of these days."""
    return and_(clock_running(), Ticket.due_date.between(first, last))


def soon_until(calendar: WorkCalendar, today: date) -> date:
    """Return the last day that is soon: with the next working day it would be more than ``DUE_SOON`` away."""
    day = today
    for _working_day in range(DUE_SOON.value + 1):
        day = date.fromordinal(next_working(calendar, day.toordinal() + 1))
    return date.fromordinal(day.toordinal() - 1)


def undecided() -> ColumnElement[bool]:
    """Return the condition that a ticket has no verdict yet and will get one.

    Such a ticket is open, or merged into another that has not been answered. A ticket that was refused, redirected,
    withdrawn or answered together with another by its due date gets no verdict; after its due date it has one.
    """
    waits_with_another = and_(Ticket.merged_into_id.is_not(None), Ticket.decided_at.is_(None))
    return and_(Ticket.verdict.is_(None), or_(is_open(), waits_with_another))


def due_statuses(calendar: WorkCalendar, today: date, tickets: Sequence[TimedTicket]) -> list[DueStatus]:
    """Return the due status of each ticket. Working days are counted for all tickets of a page at once."""
    if not tickets:
        return []
    dues = np.array([ticket.due_date for ticket in tickets], dtype="datetime64[D]")
    days_left = working_days_between(calendar, np.full_like(dues, np.datetime64(today, "D")), dues)
    return [_due_status(ticket, today, int(days)) for ticket, days in zip(tickets, days_left, strict=True)]


def _due_status(ticket: TimedTicket, today: date, days_left: int) -> DueStatus:
    """Return the status of one ticket. ``days_left``: working days after today up to the due date."""
    if ticket.state not in OPEN_STATES:
        return ended_status(ticket, ticket.verdict)
    if is_overdue(ticket, today):
        return DueStatus(DuePace.OVERDUE, (today - ticket.due_date).days)
    if ticket.state is TicketState.AWAITING_SENDER and ticket.paused_on is not None:
        return DueStatus(DuePace.PAUSED)
    if ticket.due_date == today:
        return DueStatus(DuePace.TODAY)
    return DueStatus(DuePace.SOON if days_left <= DUE_SOON.value else DuePace.AHEAD, days_left)


def ended_status(ticket: TimedTicket, verdict: Verdict | None) -> DueStatus:
    """Return the status of a ticket that nobody works on any more. ``verdict`` is that of the episode in question."""
    late = verdict is Verdict.LATE
    if ticket.state in SETTLED_STATES:
        return DueStatus(DuePace.LATE if late else DuePace.ON_TIME)
    return DueStatus(DuePace.ENDED_LATE if late else DuePace.ENDED)


def _paused_in_time(ticket: TimedTicket) -> bool:
    return ticket.paused_on is not None and ticket.paused_on <= ticket.due_date
