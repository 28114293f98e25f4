"""How often answers came by the due date: one sentence of the home page."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.operations import ShareInterval, wilson_interval
from backend.indicators.citizen_verdicts import CONFIRMED, DISPUTED
from backend.indicators.conditions import ANSWERED, ON_TIME, OURS, counted, known
from backend.tickets.models import Ticket
from backend.worktime.calendar import ZONE

PERIOD = timedelta(days=365)
LEAST = 30  # with fewer answers the share says more about chance than about the units


@dataclass(frozen=True)
class AnswerRecord:
    """The answers given from ``first`` to ``last``, both included: how many came by the due date, and how many of their
    senders confirmed or disputed them."""

    first: date
    last: date
    answered: int
    on_time: int
    confirmed: int
    disputed: int

    @property
    def no_word(self) -> int:
        return self.answered - self.confirmed - self.disputed

    @property
    def rate(self) -> ShareInterval:
        """The share of answers on time, with its 95% interval."""
        return wilson_interval(self.on_time, self.answered)


_records: dict[date, AnswerRecord] = {}  # at most one, of yesterday


def answer_record(session: Session, now: datetime) -> AnswerRecord | None:
    """Return the record of the last 365 full days for the whole province, without imported tickets.

    Return None while there are fewer than ``LEAST`` answers. Each process counts once a day: the days counted are over.
    """
    last = now.astimezone(ZONE).date() - timedelta(days=1)
    if last not in _records:
        _records.clear()
        _records[last] = _count(session, last)
    record = _records[last]
    return record if record.answered >= LEAST else None


def _count(session: Session, last: date) -> AnswerRecord:
    first = last - PERIOD + timedelta(days=1)
    answered, on_time, confirmed, disputed = session.execute(
        select(known(ANSWERED, last), counted(ON_TIME, last), counted(CONFIRMED, last), counted(DISPUTED, last)).where(
            Ticket.answered_on.between(first, last), OURS.condition(last)
        )
    ).one()
    return AnswerRecord(first, last, answered, on_time, confirmed, disputed)
