"""How a due date was counted, day by day, for the people who wait for it."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from backend.tickets import service
from backend.tickets.models import Ticket
from backend.worktime.duration import Duration
from backend.worktime.explain import Day


@dataclass(frozen=True)
class Counting:
    """The term, each day of it, and the version of the calendar that was asked."""

    term: Duration
    days: list[Day]
    calendar: str
    basis: str


def counting(session: Session, ticket: Ticket) -> Counting:
    """As the due date stands: a pause that still lasts moves it only when the sender has replied."""
    resolve = service.timing(session, ticket, None).clocks.resolve
    calendar = resolve.term.calendar
    term = resolve.term.duration or Duration.parse(ticket.term)
    return Counting(term, resolve.term.days(), f"{calendar.code} {calendar.version}", calendar.basis)
