"""How a due date was counted, day by day, for the people who wait for it."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from backend import audit
from backend.tickets import deadlines
from backend.tickets.deadlines import Happening
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.worktime import service as worktime
from backend.worktime.duration import Duration
from backend.worktime.explain import Day, explain


@dataclass(frozen=True)
class Counting:
    """The term, each day of it, and the version of the calendar that was asked."""

    term: Duration
    days: list[Day]
    calendar: str
    basis: str


def counting(session: Session, ticket: Ticket) -> Counting:
    """As the due date stands: a pause that still lasts moves it only when the sender has replied."""
    calendar = worktime.calendar(session, ticket.calendar_id)
    history = [Happening(Event(entry.action), entry.at) for entry in audit.entries(session, f"ticket:{ticket.id}")]
    over = deadlines.pauses(history, now=ticket.received_at)
    term = Duration.parse(ticket.term)
    days = explain(calendar, term, ticket.received_at, over)
    return Counting(term, days, f"{calendar.code} {calendar.version}", calendar.basis)
