"""Due date and time taken under any rule and any calendar, for figures and imports. What a ticket itself is timed by is
in ``clocks``. Pure."""

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
    """The history of a ticket, and the stored rules that it is read by: its pauses end by the limit of its own rule."""

    history: Sequence[TicketEvent]
    book: VersionBook


def pauses_of(calendar: WorkCalendar, course: TicketCourse | None, now: datetime) -> list[Pause]:
    """Return the times in which the sender owed information, each up to its limit, counted by ``calendar`` throughout.

    Pauses that were struck out are left out. One that still lasts ends ``now``. None stands for a ticket without one.
    """
    if course is None or not any(h.event is Event.INFO_REQUESTED for h in course.history):
        return []
    book = replace(course.book, calendars=defaultdict(lambda: calendar))
    breaks = state_of_clocks(course.history, book, now).breaks
    return [(held.start, held.end) for held in breaks if not held.struck]


def due_date(
    calendar: WorkCalendar, term: Duration, received: datetime, course: TicketCourse | None, now: datetime
) -> DueMoment:
    """The last day on which an answer is on time. The day of reception is not counted (Bộ luật Dân sự 2015, Điều 147)
    and a day whose close falls into a pause does not count."""
    return due_moment(calendar, term, received, pauses_of(calendar, course, now))


def verdict_of(due_on: date, answered: datetime) -> Verdict:
    """By date: late only on the day after the due date, at whatever hour the answer came."""
    return Verdict.LATE if local_time(answered).date() > due_on else Verdict.ON_TIME


def days_taken(calendar: WorkCalendar, received: datetime, course: TicketCourse | None, answered: datetime) -> int:
    """Working days used up to and including the day of the answer; 0 when it came on the day of reception."""
    return _days(calendar, received, answered, pauses_of(calendar, course, answered))


def days_taken_in(term: Term, answered: datetime) -> int:
    """The same by a term with its pauses."""
    return _days(term.calendar, term.start, answered, term.pauses)


def _days(calendar: WorkCalendar, start: datetime, answered: datetime, breaks: Sequence[Pause]) -> int:
    end_of_day = local_time(answered).replace(hour=23, minute=59, second=59, microsecond=999999)
    return elapsed_units(calendar, TimeUnit.WORKING_DAYS, start, end_of_day, breaks)
