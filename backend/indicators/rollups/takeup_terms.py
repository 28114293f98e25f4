"""By which day a ticket had to be taken up: the term in which its unit may refuse it, counted by one calendar.

The days follow from the day of reception, the category and the channel alone, so they are counted once for each.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.deadlines.clock_states import CODES, ClockKind
from backend.deadlines.rules import DeadlineRule
from backend.deadlines.terms import Term
from backend.tickets import rulebook
from backend.tickets.models import Category, Channel
from backend.worktime.calendar import ZONE, WorkCalendar
from backend.worktime.duration import Duration

TAKEN_UP_BY_RULE = CODES[ClockKind.REFUSE]  # a unit must look at a ticket within the term in which it may refuse it

Subject = tuple[str, Channel]


class TakeUpTerms:
    """The last days on which tickets are taken up in time, by the rules and one calendar."""

    def __init__(self, session: Session, calendar: WorkCalendar) -> None:
        self.calendar = calendar
        self._rules = rulebook.load_rules(session)
        self._abouts = {
            (category.code, channel): rulebook.subject_of(category, channel)
            for category in session.scalars(select(Category).order_by(Category.code))
            for channel in Channel
        }
        self._eras = _first_days(self._rules.rows)
        self._durations: dict[tuple[int, Subject], Duration | None] = {}
        self._last_days: dict[tuple[date, Duration | None], date] = {}

    def last_day(self, received_on: date, subject: Subject) -> date:
        """Return the last day for a ticket received on a day."""
        duration = self._duration(received_on, subject)
        key = (received_on, duration)
        if key not in self._last_days:
            noon = datetime.combine(received_on, time(12), ZONE)
            self._last_days[key] = Term(self.calendar, duration, noon).due().on
        return self._last_days[key]

    def rows(self, days: Iterable[date]) -> list[tuple[date, str, str, date]]:
        """Return day, category, channel and last day for all tickets that may come in on these days."""
        return [
            (day, subject[0], subject[1].value, self.last_day(day, subject)) for day in days for subject in self._abouts
        ]

    def mark_month(self, month: date) -> str:
        """Return a hash of all last days of a month, so that a change of rules or calendar shows."""
        rows = self.rows(days_of_month(month))
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    def _duration(self, received_on: date, subject: Subject) -> Duration | None:
        """Return the term in force on a day. It is the same on all days between two changes of the rules."""
        era = bisect_right(self._eras, received_on) - 1
        if (era, subject) not in self._durations:
            ruling = self._rules.ruling(received_on, self._abouts[subject])
            self._durations[era, subject] = ruling[TAKEN_UP_BY_RULE].duration
        return self._durations[era, subject]


def days_of_month(month: date) -> list[date]:
    """Return the days of the month that begins on a day."""
    after = (month + timedelta(days=31)).replace(day=1)
    return [month + timedelta(days=n) for n in range((after - month).days)]


def _first_days(rules: Sequence[DeadlineRule]) -> list[date]:
    """Return the days on which a version of the rule comes into force or has ended."""
    own = [rule for rule in rules if rule.code == TAKEN_UP_BY_RULE]
    begun = {rule.valid_from for rule in own if rule.valid_from}
    ended = {rule.valid_to + timedelta(days=1) for rule in own if rule.valid_to}
    return sorted({date.min, *begun, *ended})
