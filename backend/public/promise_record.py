"""How the promise was kept: one sentence of the home page."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.operations import ShareInterval, wilson_interval
from backend.indicators.conditions import ANSWERED, ON_TIME, OURS, counted, known
from backend.tickets.models import Ticket
from backend.worktime.calendar import ZONE

PERIOD = timedelta(days=365)
LEAST = 30  # fewer answers say more about chance than about the units


@dataclass(frozen=True)
class AnswerRecord:
    """Answers given from ``first`` to ``last``, both included, and how many of them came by the due date."""

    first: date
    last: date
    answered: int
    on_time: int

    @property
    def rate(self) -> ShareInterval:
        """On time of those answered, with its 95% interval."""
        return wilson_interval(self.on_time, self.answered)


_held: dict[date, AnswerRecord] = {}


def answer_record(session: Session, now: datetime) -> AnswerRecord | None:
    """The last 365 full days of the whole province, without what was imported from elsewhere; None while there is too
    little to tell. Counted once a day by each process: the days it covers are over."""
    last = now.astimezone(ZONE).date() - timedelta(days=1)
    if last not in _held:
        _held.clear()
        _held[last] = _count(session, last)
    found = _held[last]
    return found if found.answered >= LEAST else None


def _count(session: Session, last: date) -> AnswerRecord:
    first = last - PERIOD + timedelta(days=1)
    answered, on_time = session.execute(
        select(known(ANSWERED, last), counted(ON_TIME, last)).where(
            Ticket.answered_on.between(first, last), OURS.condition(last)
        )
    ).one()
    return AnswerRecord(first, last, answered, on_time)
