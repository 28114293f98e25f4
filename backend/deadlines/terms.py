"""A ticket's term with its pauses and its one extension: when it ends, and the days that led there. Pure.

An extension in the unit of the term lengthens the term; in another unit it runs from the old end. One that names a date
ends there, moved only by pauses that begin after it was given. A date that is a day off ends with the next working day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from backend.worktime.arithmetic import DueMoment, due_moment, next_working
from backend.worktime.calendar import ZONE, WorkCalendar, local_time
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.explain import ExplainedDay, explain_days
from backend.worktime.moments import Pause


class Verdict(StrEnum):
    """Whether the answer came by the due date, judged by date and frozen when it was given."""

    ON_TIME = "on_time"
    LATE = "late"


class PauseEnd(StrEnum):
    """What ended a pause."""

    REPLY = "reply"
    UNIT = "unit"  # went on without a reply
    LIMIT = "limit"
    LASTS = "lasts"


@dataclass(frozen=True, slots=True)
class TicketPause:
    """A time in which the sender owed information. ``number`` counts the ticket's pauses from 1; one that was struck
    out moves nothing."""

    number: int
    start: datetime
    end: datetime
    ended_by: PauseEnd
    asked_by: str = ""
    disputed: bool = False
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Extension:
    """More time, given at ``at`` by ``by``: either so much of it, or until a date."""

    at: datetime
    adds: Duration | None = None
    until: date | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """Everything that moves one due date. ``duration`` None is a term that ends where it begins."""

    calendar: WorkCalendar
    duration: Duration | None
    start: datetime
    breaks: tuple[TicketPause, ...] = ()
    extension: Extension | None = None

    @property
    def pauses(self) -> list[Pause]:
        return [(held.start, held.end) for held in self.breaks if not held.struck]

    def due(self) -> DueMoment:
        """When the term ends. Raises WorktimeError past the years that can be counted."""
        if self.duration is None:
            return DueMoment(local_time(self.start).date(), local_time(self.start), False)
        pauses, given = self.pauses, self.extension
        if given is None:
            return due_moment(self.calendar, self.duration, self.start, pauses)
        if given.until is not None:
            return self._until(given, given.until, pauses)
        adds = given.adds or self.duration
        if (whole := _sum(self.duration, adds)) is not None:
            return due_moment(self.calendar, whole, self.start, pauses)
        first = due_moment(self.calendar, self.duration, self.start, pauses)
        then = due_moment(self.calendar, adds, first.at, pauses)
        return then._replace(estimate=first.estimate or then.estimate)

    def days(self) -> list[ExplainedDay]:
        """Each day from the event to the due date, counted or not, and why."""
        if self.duration is None:
            return []
        pauses, given = self.pauses, self.extension
        if given is None:
            return explain_days(self.calendar, self.duration, self.start, pauses)
        if given.until is not None:
            since, left, later = self._after(given, given.until, pauses)
            first = [d for d in explain_days(self.calendar, self.duration, self.start, pauses) if d.day <= since.date()]
            return first + explain_days(self.calendar, left, since, later)[1:]
        adds = given.adds or self.duration
        if (whole := _sum(self.duration, adds)) is not None:
            return explain_days(self.calendar, whole, self.start, pauses)
        end = due_moment(self.calendar, self.duration, self.start, pauses)
        later_days = explain_days(self.calendar, adds, end.at, pauses)
        return explain_days(self.calendar, self.duration, self.start, pauses) + later_days[1:]

    def _until(self, given: Extension, until: date, pauses: Sequence[Pause]) -> DueMoment:
        since, left, later = self._after(given, until, pauses)
        end = due_moment(self.calendar, left, since, later)
        begun = local_time(self.start).toordinal()
        return end._replace(estimate=self.calendar.leans_on_estimate(begun, end.on.toordinal()))

    def _after(
        self, given: Extension, until: date, pauses: Sequence[Pause]
    ) -> tuple[datetime, Duration, Sequence[Pause]]:
        """The named date as working days from the day on which it was given, with what was paused from then on."""
        since = local_time(given.at)
        target = next_working(self.calendar, max(until, since.date() + timedelta(days=1)).toordinal())
        left = self.calendar.days.at(target) - self.calendar.days.at(since.toordinal())
        begun = datetime.combine(since.date(), time(tzinfo=ZONE)) + timedelta(days=1)
        later = [(max(start, begun), max(end, begun)) for start, end in pauses]  # days tell of them by their place
        return since, Duration(left, TimeUnit.WORKING_DAYS), later


def _sum(term: Duration, adds: Duration) -> Duration | None:
    """One term of both, where they are counted alike."""
    if term.unit is adds.unit:
        return Duration(term.value + adds.value, term.unit)
    if term.unit.minutes and adds.unit.minutes:
        minutes = term.value * term.unit.minutes + adds.value * adds.unit.minutes
        return Duration(minutes, TimeUnit.WORKING_MINUTES)
    return None
