"""Due dates and verdicts of a ticket: a pure function of its events, the calendar, the rule. ``now`` is an argument."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from backend.tickets.lifecycle import Event
from backend.tickets.models import Verdict
from backend.worktime.arithmetic import Due, due, elapsed
from backend.worktime.calendar import WorkCalendar, local
from backend.worktime.duration import Duration, Unit
from backend.worktime.moments import Pause

TOLD_WITHIN = Duration(1, Unit.WORKING_DAYS)


@dataclass(frozen=True)
class Happening:
    """An event and its moment: all that the clock needs to know of the history."""

    event: Event
    at: datetime


def pauses(history: Iterable[Happening], now: datetime) -> list[Pause]:
    """The times in which the sender owed information. One that still lasts ends ``now``."""
    spans: list[Pause] = []
    since: datetime | None = None
    for item in history:
        if item.event is Event.INFO_REQUESTED and since is None:
            since = item.at
        elif item.event is Event.INFO_RECEIVED and since is not None:
            spans.append((since, item.at))
            since = None
    if since is not None and since < now:
        spans.append((since, now))
    return spans


def due_date(
    calendar: WorkCalendar, term: Duration, received: datetime, history: Sequence[Happening], now: datetime
) -> Due:
    """The last day on which an answer is on time. The day of reception is not counted (Bộ luật Dân sự 2015, Điều 147)
    and a day whose close falls into a pause does not count."""
    return due(calendar, term, received, pauses(history, now))


def verdict(due_on: date, answered: datetime) -> Verdict:
    """By date: late only on the day after the due date, at whatever hour the answer came."""
    return Verdict.LATE if local(answered).date() > due_on else Verdict.ON_TIME


def days_taken(calendar: WorkCalendar, received: datetime, history: Sequence[Happening], answered: datetime) -> int:
    """Working days used up to and including the day of the answer; 0 when it came on the day of reception."""
    end_of_day = local(answered).replace(hour=23, minute=59, second=59, microsecond=999999)
    return elapsed(calendar, Unit.WORKING_DAYS, received, end_of_day, pauses(history, answered))


def told_in_time(calendar: WorkCalendar, answered: datetime, told: datetime) -> bool:
    """Whether the sender was told within one working day of the answer."""
    return not due(calendar, TOLD_WITHIN, answered).missed_by(told)
