"""How a ticket stands against its due date today. Pure; words are made where it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from backend.deadlines.limits import DUE_SOON
from backend.tickets.models import Ticket, TicketState, Verdict
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
    if ticket.state is TicketState.AWAITING_SENDER:
        return DueStatus(DuePace.PAUSED)
    if ticket.due_date < today:
        return DueStatus(DuePace.OVERDUE, (today - ticket.due_date).days)
    if ticket.due_date == today:
        return DueStatus(DuePace.TODAY)
    return DueStatus(DuePace.SOON if left <= DUE_SOON.value else DuePace.AHEAD, left)


def ended_status(ticket: Ticket, verdict: Verdict | None) -> DueStatus:
    """The standing of a ticket that nobody works on any more, by the verdict of the episode that is meant."""
    late = verdict is Verdict.LATE
    if ticket.settled:
        return DueStatus(DuePace.LATE if late else DuePace.ON_TIME)
    return DueStatus(DuePace.ENDED_LATE if late else DuePace.ENDED)
