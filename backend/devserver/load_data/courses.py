"""The courses of the load data: what happened to a ticket and when, as a pure function of seed and place.

A course knows no ticket, no unit and no text. It says who acted by a `Party`.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum
from random import Random
from typing import Any, Final, TypeVar

from backend.deadlines import limits
from backend.deadlines.rules import DeadlineRule
from backend.devserver.demo.generate import CONDUCT, DEPARTMENT, WEIGHTS
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel
from backend.worktime.arithmetic import due_moment
from backend.worktime.calendar import ZONE, WorkCalendar
from backend.worktime.duration import Duration, TimeUnit

Choice = TypeVar("Choice")
YEARS: Final = 10
OPEN_SHARE: Final = 0.06
FRESH: Final = 14  # days; tickets received in the last days are all open
CHANNELS: Final = {Channel.WEB: 62, Channel.COUNTER: 18, Channel.TELEGRAM: 14, Channel.IMPORT: 6}
MORE_TIME: Final = "5 working days"


class Party(Enum):
    """Who causes an event: the sender, the system, or an officer of the first or of the next unit."""

    SENDER = "sender"
    SYSTEM = "system"
    UNIT = "unit"
    NEXT_UNIT = "next unit"


class CourseKind(Enum):
    """What happens to a ticket. The last six are open."""

    PLAIN = "plain"
    RATED = "rated"
    FORWARDED = "forwarded"
    ASKED = "asked"
    PUBLISHED = "published"
    REOPENED = "reopened"
    EXTENDED = "extended"
    REFUSED = "refused"
    REDIRECTED = "redirected"
    WITHDRAWN = "withdrawn"
    IMPORTED = "imported"
    MERGED = "merged"
    NEW = "new"
    ACCEPTED = "accepted"
    AT_WORK = "at work"
    AWAITING_SENDER = "awaiting sender"
    AWAITING_APPROVAL = "awaiting approval"
    OPEN_AGAIN = "open again"


DECIDED: Final = {
    CourseKind.PLAIN: 42,
    CourseKind.RATED: 24,
    CourseKind.FORWARDED: 9,
    CourseKind.ASKED: 7,
    CourseKind.PUBLISHED: 4,
    CourseKind.REOPENED: 3,
    CourseKind.EXTENDED: 3,
    CourseKind.REFUSED: 3,
    CourseKind.REDIRECTED: 1,
    CourseKind.WITHDRAWN: 2,
    CourseKind.MERGED: 2,
}
OPEN: Final = {
    CourseKind.NEW: 18,
    CourseKind.ACCEPTED: 25,
    CourseKind.AT_WORK: 38,
    CourseKind.AWAITING_APPROVAL: 9,
    CourseKind.OPEN_AGAIN: 2,
}
FRESH_OPEN: Final = OPEN | {CourseKind.AWAITING_SENDER: 20}
# Where an officer of the unit may be assigned again and again: the padding of short courses.
PADDED: Final = frozenset(CourseKind) - {
    *(CourseKind.NEW, CourseKind.ACCEPTED, CourseKind.IMPORTED),
    *(CourseKind.REFUSED, CourseKind.REDIRECTED, CourseKind.MERGED),
}


@dataclass(frozen=True)
class LoadStep:
    """One event: when, by whom, and what the history notes with it beyond texts, units and versions."""

    event: Event
    at: datetime
    by: Party
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadCourse:
    """The course of some tickets. ``place`` counts the courses in the order of reception, from 0.

    ``into``: the place of the course whose tickets these are merged into.
    """

    place: int
    kind: CourseKind
    category: str
    channel: Channel
    steps: tuple[LoadStep, ...]
    into: int | None = None

    @property
    def received(self) -> datetime:
        return self.steps[0].at

    @property
    def conduct(self) -> bool:
        return self.category in CONDUCT

    @property
    def answered(self) -> datetime | None:
        """Return the moment of the first answer."""
        return next((step.at for step in self.steps if step.event is Event.ANSWERED), None)


@dataclass(frozen=True)
class CoursePlan:
    """What a load consists of. ``rules_on`` gives the rules for a day, a category and a channel."""

    seed: int
    courses: int
    events: int
    until: date
    calendar: WorkCalendar
    rules_on: Callable[[date, str, Channel], Mapping[str, DeadlineRule]]

    @property
    def end(self) -> datetime:
        """Return the last moment of the data."""
        return datetime.combine(self.until, time(23), ZONE)


def plan_courses(plan: CoursePlan) -> Iterator[LoadCourse]:
    """Yield the courses in the order of reception."""
    open_places = choose_open(plan)
    before: LoadCourse | None = None
    for place in range(plan.courses):
        course = _course(seeded(plan, place), plan, place, place in open_places, before)
        yield course
        before = course if course.kind is CourseKind.PLAIN else before


def received_on(plan: CoursePlan, place: int) -> date:
    """Return the day of reception of the course at a place. Feedback grows more frequent over the ten years."""
    days = YEARS * 365
    return plan.until - timedelta(days=days - 1 - math.floor(days * math.sqrt((place + 0.5) / plan.courses)))


def seeded(plan: CoursePlan, what: object) -> Random:
    """Return a generator for one part of a plan, so that the parts do not depend on each other."""
    return Random(f"{plan.seed}:{what}")  # noqa: S311 - made-up data, which must come out the same each time


def choose_open(plan: CoursePlan) -> frozenset[int]:
    """Return the places of the open courses: six in a hundred, all of the last days, and ever fewer of earlier ones.

    Each place draws a key u ** (1 / weight); the greatest keys are a sample by weight (Efraimidis and Spirakis, 2006).
    """
    count = round(OPEN_SHARE * plan.courses)
    rng = seeded(plan, "open")
    keys = []
    for place in range(plan.courses):
        age = (plan.until - received_on(plan, place)).days
        chance = rng.random()
        keys.append((2.0 if age < FRESH else chance ** (1 + age / 40), place))
    return frozenset(place for _key, place in sorted(keys, reverse=True)[:count])


def _course(rng: Random, plan: CoursePlan, place: int, is_open: bool, before: LoadCourse | None) -> LoadCourse:
    """Return the course at a place. ``before``: the last plain course, into which a merge goes."""
    day = received_on(plan, place)
    channel = _draw(rng, CHANNELS)
    category = _draw(rng, WEIGHTS)
    received = datetime.combine(day, time(rng.randrange(6, 22), rng.randrange(60), rng.randrange(60)), ZONE)
    kind = _kind(rng, plan, day, is_open, channel, category)
    if kind is CourseKind.MERGED:
        merged_at = received + timedelta(minutes=rng.randrange(20, 600))
        if before is not None and before.answered is not None and merged_at < before.answered:
            return LoadCourse(
                place, kind, before.category, channel, _merged_steps(received, merged_at, before.answered), before.place
            )
        kind = CourseKind.PLAIN
    writer = CourseWriter(rng, plan, received, plan.rules_on(day, category, channel), kind)
    return LoadCourse(place, kind, category, channel, writer.write())


def _merged_steps(received: datetime, merged_at: datetime, answered: datetime) -> tuple[LoadStep, ...]:
    """Return the course of tickets that are merged and answered together with others."""
    return (
        LoadStep(Event.RECEIVED, received, Party.SENDER),
        LoadStep(Event.MERGED, merged_at, Party.UNIT),
        LoadStep(Event.ANSWERED_TOGETHER, answered, Party.SYSTEM),
        LoadStep(Event.NOTIFIED, answered + timedelta(minutes=5), Party.SYSTEM),
    )


def _kind(rng: Random, plan: CoursePlan, day: date, is_open: bool, channel: Channel, category: str) -> CourseKind:
    is_fresh = (plan.until - day).days < FRESH
    if channel is Channel.IMPORT:
        return CourseKind.NEW if is_open else CourseKind.IMPORTED
    if is_open:
        return _draw(rng, FRESH_OPEN if is_fresh else OPEN)
    kind = _draw(rng, DECIDED)
    slow = kind in (CourseKind.FORWARDED, CourseKind.ASKED, CourseKind.REOPENED, CourseKind.EXTENDED)
    is_late = (plan.until - day).days < 3 * FRESH  # no time for more than an answer
    if (slow and is_late) or (kind is CourseKind.FORWARDED and category not in DEPARTMENT):
        return CourseKind.PLAIN
    return kind


def _draw(rng: Random, weights: Mapping[Choice, int]) -> Choice:
    return rng.choices(list(weights), weights=list(weights.values()))[0]


class CourseWriter:
    """Writes the steps of one course, one after the other. ``at`` is the moment of the last step."""

    def __init__(
        self, rng: Random, plan: CoursePlan, received: datetime, rules: Mapping[str, DeadlineRule], kind: CourseKind
    ) -> None:
        self.rng, self.plan, self.rules, self.kind = rng, plan, rules, kind
        self.at = received
        self.unit = Party.UNIT
        self.steps = [LoadStep(Event.RECEIVED, received, Party.SENDER)]

    def write(self) -> tuple[LoadStep, ...]:
        """Return the steps up to the end of the data."""
        if self.kind is CourseKind.IMPORTED:
            self._unit_step(Event.ANSWERED, days=self._days(), by=Party.SYSTEM)
        elif self.kind is not CourseKind.NEW:
            _WRITERS.get(self.kind, CourseWriter.answer)(self)
        return tuple(step for step in self._padded() if step.at <= self.plan.end)

    # --- what a unit does -----------------------------------------------------------------------------------------

    def accept(self) -> None:
        self._unit_step(Event.ACCEPTED, days=self.rng.choice((0, 1, 1, 2)))

    def answer(self) -> None:
        """The plain course: accepted, answered, read by its sender, closed when the window has passed."""
        self.accept()
        self._decide(Event.ANSWERED)
        self._close()

    def rate(self) -> None:
        self.accept()
        self._decide(Event.ANSWERED)
        self._step(Event.RATED, timedelta(minutes=self.rng.randrange(30, 2000)), Party.SENDER)
        self._close()

    def publish(self) -> None:
        self.accept()
        self._decide(Event.ANSWERED)
        self._unit_step(Event.PUBLISHED, days=1)
        self._close()

    def forward(self) -> None:
        self._unit_step(Event.FORWARDED, days=self.rng.choice((1, 1, 2, 3)))
        self.unit = Party.NEXT_UNIT
        self.answer()

    def ask(self) -> None:
        self.accept()
        self._unit_step(Event.INFO_REQUESTED, days=self.rng.choice((1, 2)))
        wait = timedelta(days=self.rng.randrange(1, 6), minutes=self.rng.randrange(600))
        self._step(Event.INFO_RECEIVED, wait, Party.SENDER)
        self._decide(Event.ANSWERED)
        self._close()

    def extend(self) -> None:
        self.accept()
        self._unit_step(Event.EXTENSION_REQUESTED, days=1, notes={"value": MORE_TIME})
        self._step(Event.EXTENDED, timedelta(minutes=40), self.unit, {"value": MORE_TIME})
        self._decide(Event.ANSWERED)
        self._close()

    def reopen(self) -> None:
        self.accept()
        self._decide(Event.ANSWERED)
        self._step(Event.RATED, timedelta(minutes=90), Party.SENDER)
        self._step(Event.DISPUTED, timedelta(minutes=7), Party.SENDER)
        if self.kind is CourseKind.REOPENED:
            self._decide(Event.ANSWERED)
            self._close()

    def turn_away(self) -> None:
        self.accept()
        event = Event.REFUSED if self.kind is CourseKind.REFUSED else Event.REDIRECTED
        notes = {"ground": "not_feedback"} if event is Event.REFUSED else {"procedure": "complaint"}
        self._decide(event, notes)

    def withdraw(self) -> None:
        self.accept()
        self._step(Event.WITHDRAWN, timedelta(days=self.rng.randrange(1, 5)), Party.SENDER)

    def await_sender(self) -> None:
        self.accept()
        self._step(Event.INFO_REQUESTED, timedelta(minutes=25), self.unit)

    def await_approval(self) -> None:
        self.accept()
        self._unit_step(Event.SUBMITTED_FOR_APPROVAL, days=self.rng.choice((2, 4, 7)))

    def work(self) -> None:
        self.accept()
        self._unit_step(Event.ASSIGNED, days=1)

    # --- steps ----------------------------------------------------------------------------------------------------

    def _step(self, event: Event, after: timedelta, by: Party, notes: Mapping[str, Any] | None = None) -> None:
        self.at += after
        self.steps.append(LoadStep(event, self.at, by, notes or {}))

    def _unit_step(
        self, event: Event, days: int, by: Party | None = None, notes: Mapping[str, Any] | None = None
    ) -> None:
        """Add an event in working hours, so many working days later."""
        day = due_moment(self.plan.calendar, Duration(max(days, 1), TimeUnit.WORKING_DAYS), self.at).on
        moment = datetime.combine(day, time(self.rng.choice((8, 9, 10, 14, 15)), self.rng.randrange(60)), ZONE)
        if days == 0 and self.plan.calendar.is_working(self.at.date()) and 8 <= self.at.hour < 16:
            moment = self.at + timedelta(minutes=self.rng.randrange(5, 55))
        self._step(event, moment - self.at, by or self.unit, notes)

    def _decide(self, event: Event, notes: Mapping[str, Any] | None = None) -> None:
        self._unit_step(event, days=self._days(), notes=notes)
        self._step(Event.NOTIFIED, timedelta(minutes=self.rng.choice((2, 9, 31, 95, 3000, 9000))), Party.SYSTEM)

    def _days(self) -> int:
        """Return how many working days an answer takes: six in the middle, few near the end of the data."""
        days = math.ceil(self.rng.lognormvariate(math.log(6), 0.6))
        possible = (self.plan.until - self.at.date()).days * 5 // 7 - 6
        return max(1, min(days, 80, possible))

    def _close(self) -> None:
        decided = next(step.at for step in reversed(self.steps) if step.event is Event.ANSWERED)
        end = limits.limit_end(self.plan.calendar, self.rules.get(limits.REOPEN_WINDOW), decided)
        if end is not None and end + timedelta(hours=1) > self.at:
            self._step(Event.CLOSED, end + timedelta(hours=1) - self.at, Party.SYSTEM)

    def _padded(self) -> Iterator[LoadStep]:
        """Yield the steps, with assignments after the acceptance until the course is as long as planned.

        Some have one more, to make up for courses that end earlier.
        """
        missing = self.plan.events + (self.rng.random() < 0.4) - len(self.steps) if self.kind in PADDED else 0
        for step in self.steps:
            yield step
            if step.event is Event.ACCEPTED:
                for nth in range(missing):
                    yield LoadStep(Event.ASSIGNED, step.at + timedelta(seconds=nth + 1), step.by)
                missing = 0


_WRITERS: Final[Mapping[CourseKind, Callable[[CourseWriter], None]]] = {
    CourseKind.RATED: CourseWriter.rate,
    CourseKind.FORWARDED: CourseWriter.forward,
    CourseKind.ASKED: CourseWriter.ask,
    CourseKind.PUBLISHED: CourseWriter.publish,
    CourseKind.REOPENED: CourseWriter.reopen,
    CourseKind.EXTENDED: CourseWriter.extend,
    CourseKind.REFUSED: CourseWriter.turn_away,
    CourseKind.REDIRECTED: CourseWriter.turn_away,
    CourseKind.WITHDRAWN: CourseWriter.withdraw,
    CourseKind.ACCEPTED: CourseWriter.accept,
    CourseKind.AT_WORK: CourseWriter.work,
    CourseKind.AWAITING_SENDER: CourseWriter.await_sender,
    CourseKind.AWAITING_APPROVAL: CourseWriter.await_approval,
    CourseKind.OPEN_AGAIN: CourseWriter.reopen,
}
