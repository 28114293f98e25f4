"""Due dates and days taken under any rule and any calendar, for figures and imports. Pure.

The clocks of the ticket itself are in ``clocks``.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from backend.deadlines.clock_states import VersionBook
from backend.deadlines.clocks import state_of_clocks
from backend.deadlines.events import Event, TicketEvent
from backend.deadlines.terms import Term, Verdict
from backend.worktime.arithmetic import DueMoment, due_moment, elapsed_units
from backend.worktime.calendar import WorkCalendar, local_time
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.moments import Pause

__all__ = ["TicketCourse", "TicketEvent", "days_taken", "days_taken_in", "due_date", "pauses_of", "verdict_of"]


@dataclass(frozen=True)
class TicketCourse:
    """The history of a ticket with its own rules. Its pauses end at the limit that its own rule sets."""

    history: Sequence[TicketEvent]
    book: VersionBook


def pauses_of(calendar: WorkCalendar, course: TicketCourse | None, now: datetime) -> list[Pause]:
    """Return the times in which the sender owed information, each up to its limit, counted by ``calendar`` alone.

    Pauses that were struck out are left out. One that still lasts ends ``now``. ``course`` None: there is no pause.
    """
    if course is None or not any(event.event is Event.INFO_REQUESTED for event in course.history):
        return []
    book = replace(course.book, calendars=defaultdict(lambda: calendar))
    pauses = state_of_clocks(course.history, book, now).breaks
    return [(pause.start, pause.end) for pause in pauses if not pause.struck]


def due_date(
    calendar: WorkCalendar, term: Duration, received: datetime, course: TicketCourse | None, now: datetime
) -> DueMoment:
    """Return the last day on which an answer is on time.

    The day of reception does not count (Bộ luật Dân sự 2015, Điều 147). A day whose close falls into a pause does not
    count either.
    """
    return due_moment(calendar, term, received, pauses_of(calendar, course, now))


def verdict_of(due_on: date, answered: datetime) -> Verdict:
    """Return the verdict by date: an answer is late from the day after the due date, at any hour."""
    return Verdict.LATE if local_time(answered).date() > due_on else Verdict.ON_TIME


def days_taken(calendar: WorkCalendar, received: datetime, course: TicketCourse | None, answered: datetime) -> int:
    """Return the working days up to and including the day of the answer; 0 for the day of reception itself."""
    return _days(calendar, received, answered, pauses_of(calendar, course, answered))


def days_taken_in(term: Term, answered: datetime) -> int:
    """Return the same for a term with its pauses."""
    return _days(term.calendar, term.start, answered, term.pauses)


def _days(calendar: WorkCalendar, start: datetime, answered: datetime, pauses: Sequence[Pause]) -> int:
    end_of_day = local_time(answered).replace(hour=23, minute=59, second=59, microsecond=999999)
    return elapsed_units(calendar, TimeUnit.WORKING_DAYS, start, end_of_day, pauses)
