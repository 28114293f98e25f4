"""The term of a ticket with its pauses and its extension: when it ends, and each day on the way. Pure.

- An extension in the same unit of time lengthens the term. In another unit it runs from the old end.
- An extension until a date ends the term on that date. Only pauses after the day of the extension move it.
- A date that is a day off means the next working day.
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
    """Whether the answer came by the due date. It is judged by date and never changes later."""

    ON_TIME = "on_time"
    LATE = "late"


class PauseEnd(StrEnum):
    """What ended a pause."""

    REPLY = "reply"
    UNIT = "unit"  # the unit went on without a reply
    LIMIT = "limit"
    LASTS = "lasts"  # nothing yet


@dataclass(frozen=True, slots=True)
class TicketPause:
    """A time in which the sender owed information.

    ``number`` counts the pauses of the ticket from 1. A pause that was struck out moves nothing.
    """

    number: int
    start: datetime
    end: datetime
    ended_by: PauseEnd
    asked_by: str = ""
    disputed: bool = False
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Extension:
    """More time, granted at the moment ``at`` by ``by``: either ``adds``, or ``until`` a date."""

    at: datetime
    adds: Duration | None = None
    until: date | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """Everything that moves one due date. ``duration`` None: the term ends at its start."""

    calendar: WorkCalendar
    duration: Duration | None
    start: datetime
    breaks: tuple[TicketPause, ...] = ()
    extension: Extension | None = None

    @property
    def pauses(self) -> list[Pause]:
        return [(pause.start, pause.end) for pause in self.breaks if not pause.struck]

    def due(self) -> DueMoment:
        """Return when the term ends. Raises WorktimeError after the last year that can be counted."""
        if self.duration is None:
            return DueMoment(local_time(self.start).date(), local_time(self.start), False)
        pauses, extension = self.pauses, self.extension
        if extension is None:
            return due_moment(self.calendar, self.duration, self.start, pauses)
        if extension.until is not None:
            return self._until(extension, extension.until, pauses)
        adds = extension.adds or self.duration
        if (whole := _sum(self.duration, adds)) is not None:
            return due_moment(self.calendar, whole, self.start, pauses)
        first = due_moment(self.calendar, self.duration, self.start, pauses)
        then = due_moment(self.calendar, adds, first.at, pauses)
        return then._replace(estimate=first.estimate or then.estimate)

    def days(self) -> list[ExplainedDay]:
        """Return each day from the start to the due date: whether it counted, and why."""
        if self.duration is None:
            return []
        pauses, extension = self.pauses, self.extension
        if extension is None:
            return explain_days(self.calendar, self.duration, self.start, pauses)
        if extension.until is not None:
            since, rest, later = self._after(extension, extension.until, pauses)
            earlier = explain_days(self.calendar, self.duration, self.start, pauses)
            first = [day for day in earlier if day.day <= since.date()]
            return first + explain_days(self.calendar, rest, since, later)[1:]
        adds = extension.adds or self.duration
        if (whole := _sum(self.duration, adds)) is not None:
            return explain_days(self.calendar, whole, self.start, pauses)
        end = due_moment(self.calendar, self.duration, self.start, pauses)
        later_days = explain_days(self.calendar, adds, end.at, pauses)
        return explain_days(self.calendar, self.duration, self.start, pauses) + later_days[1:]

    def _until(self, extension: Extension, until: date, pauses: Sequence[Pause]) -> DueMoment:
        since, rest, later = self._after(extension, until, pauses)
        end = due_moment(self.calendar, rest, since, later)
        begun = local_time(self.start).toordinal()
        return end._replace(estimate=self.calendar.leans_on_estimate(begun, end.on.toordinal()))

    def _after(
        self, extension: Extension, until: date, pauses: Sequence[Pause]
    ) -> tuple[datetime, Duration, Sequence[Pause]]:
        """Return the named date as working days from the day of the extension, with the pauses from then on."""
        since = local_time(extension.at)
        target = next_working(self.calendar, max(until, since.date() + timedelta(days=1)).toordinal())
        rest = self.calendar.days.at(target) - self.calendar.days.at(since.toordinal())
        begun = datetime.combine(since.date(), time(tzinfo=ZONE)) + timedelta(days=1)
        later = [
            (max(start, begun), max(end, begun)) for start, end in pauses
        ]  # same order: days name a pause by index
        return since, Duration(rest, TimeUnit.WORKING_DAYS), later


def _sum(term: Duration, adds: Duration) -> Duration | None:
    """Return term and addition as one duration, where both are counted in the same way; else None."""
    if term.unit is adds.unit:
        return Duration(term.value + adds.value, term.unit)
    if term.unit.minutes and adds.unit.minutes:
        minutes = term.value * term.unit.minutes + adds.value * adds.unit.minutes
        return Duration(minutes, TimeUnit.WORKING_MINUTES)
    return None
