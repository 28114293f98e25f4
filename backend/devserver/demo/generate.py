"""Cases of the demonstration: a pure function of seed, count, units and the last day. The same seed gives the same cases;
each case draws from a generator of its own, so that fewer cases are the first of more."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from backend.devserver.demo import texts
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel
from backend.worktime.arithmetic import due_moment
from backend.worktime.calendar import ZONE, WorkCalendar
from backend.worktime.duration import Duration, TimeUnit

MONTHS_18 = 548
CONDUCT = frozenset({"delay", "attitude"})
WEIGHTS = {
    "roads": 24, "environment": 18, "utilities": 14, "order": 8, "procedure": 12, "land": 10, "welfare": 7,
    "education_health": 4, "delay": 2, "attitude": 1,
}  # fmt: skip
DEPARTMENT = {
    "roads": "LC-SXD",
    "environment": "LC-SNNMT",
    "land": "LC-SNNMT",
    "welfare": "LC-SNV",
    "utilities": "LC-SCT",
}
CONDUCT_DESK = "LC-VP"


@dataclass(frozen=True)
class DemoEvent:
    """One event of a case: who caused it (``sender``, ``system``, or the code of a unit) and what was written."""

    event: Event
    at: datetime
    by: str
    text: str = ""
    to: str = ""


@dataclass
class DemoCase:
    """A whole case as it went, up to the last day of the demonstration."""

    about: str
    category: str
    channel: Channel
    title: str
    content: str
    name: str
    email: str
    received: datetime
    course: list[DemoEvent] = field(default_factory=list)
    scores: tuple[int, int, int] | None = None
    remark: str = ""


def generate_cases(
    seed: int, count: int, communes: Sequence[str], calendar: WorkCalendar, until: date
) -> Iterator[DemoCase]:
    """``count`` cases received within the 18 months that end with ``until``, in no order of time."""
    for i in range(count):
        yield _case(Random(f"{seed}:{i}"), seed, communes, calendar, until)


def _case(rng: Random, seed: int, communes: Sequence[str], calendar: WorkCalendar, until: date) -> DemoCase:
    about = rng.choices(communes, weights=[1 / (1 + i / 12) for i in range(len(communes))])[0]
    category = rng.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]
    # Two draws, the later one kept: reports grow more frequent as people learn of the service.
    ago = min(rng.randrange(MONTHS_18), rng.randrange(MONTHS_18 * 2))
    received = datetime.combine(until - timedelta(days=ago), time(rng.randrange(6, 22), rng.randrange(60)), ZONE)
    sample = rng.choice(texts.SAMPLES[category])
    place, day = rng.choice(texts.PLACES), f"{received - timedelta(days=rng.randrange(1, 9)):%d/%m}"
    named = category not in {"roads", "environment", "utilities", "order"} or rng.random() < 0.6
    case = DemoCase(
        about,
        category,
        rng.choices([Channel.WEB, Channel.COUNTER], weights=[7, 2])[0],
        sample.title.format(place=place, day=day),
        sample.content.format(place=place, day=day),
        f"{rng.choice(texts.FAMILY)} {rng.choice(texts.MIDDLE)} {rng.choice(texts.GIVEN)}" if named else "",
        f"nguoigui{rng.randrange(10_000):04d}@example.org" if named and rng.random() < 0.7 else "",
        received,
    )
    end = datetime.combine(until, time.max, ZONE)
    case.course = [moment for moment in _course(rng, seed, case, calendar, sample.answer, place) if moment.at <= end]
    _rate(rng, seed, case, end)
    return case


def _course(
    rng: Random, seed: int, case: DemoCase, calendar: WorkCalendar, answer: str, place: str
) -> Iterator[DemoEvent]:
    """Received, accepted, perhaps forwarded or asked back, answered, told: each in working hours after the one before."""
    holder = CONDUCT_DESK if case.category in CONDUCT else case.about
    at = case.received
    yield DemoEvent(Event.RECEIVED, at, "sender", to=holder)
    if case.category in DEPARTMENT and rng.random() < 0.08:
        at = _later_moment(rng, calendar, at, rng.choice([1, 1, 2, 3]))
        moved = DEPARTMENT[case.category]
        yield DemoEvent(Event.FORWARDED, at, holder, texts.FORWARD, moved)
        holder = moved
    at = _later_moment(rng, calendar, at, rng.choice([0, 1, 1, 2]))
    yield DemoEvent(Event.ACCEPTED, at, holder)
    if case.name and rng.random() < 0.1:
        at = _later_moment(rng, calendar, at, rng.choice([1, 2, 3]))
        yield DemoEvent(Event.INFO_REQUESTED, at, holder, texts.QUESTION)
        at += timedelta(days=rng.randrange(1, 9), minutes=rng.randrange(600))
        yield DemoEvent(Event.INFO_RECEIVED, at, "sender", texts.REPLY.format(place=place))
    days = math.ceil(rng.lognormvariate(math.log(6.2 * _pace(seed, holder)), 0.5))
    at = _later_moment(rng, calendar, at, min(days, 60))
    yield DemoEvent(Event.ANSWERED, at, holder, answer)
    if case.email or rng.random() < 0.5:
        wait = timedelta(minutes=rng.randrange(1, 30)) if case.email else timedelta(days=rng.randrange(5), minutes=40)
        yield DemoEvent(Event.NOTIFIED, at + wait, "system" if case.email else "sender")


def _later_moment(rng: Random, calendar: WorkCalendar, after: datetime, days: int) -> datetime:
    """A moment in working hours ``days`` working days on, and always after ``after``."""
    end = due_moment(calendar, Duration(max(days, 1), TimeUnit.WORKING_DAYS), after).on
    if days == 0 and calendar.is_working(after.date()) and after.hour < 16:
        return after + timedelta(minutes=rng.randrange(5, 55))
    return datetime.combine(end, rng.choice([time(8), time(9), time(10), time(14), time(15)]), ZONE) + timedelta(
        minutes=rng.randrange(60), seconds=rng.randrange(60)
    )


def _pace(seed: int, unit: str) -> float:
    """How slow a unit is: some are twice as fast as others."""
    return Random(f"{seed}:pace:{unit}").uniform(0.65, 1.45)


def _rate(rng: Random, seed: int, case: DemoCase, end: datetime) -> None:
    """About a third of those who were told rate; slower handling is rated lower, most of all on timeliness."""
    at = case.course[-1].at + timedelta(hours=rng.randrange(1, 60))
    if case.course[-1].event is not Event.NOTIFIED or rng.random() > 0.36 or at > end:
        return
    answered = case.course[-2].at
    slow = (answered - case.received).days / 30
    mood = 4.35 - 0.8 * (_pace(seed, case.course[-2].by) - 1) + rng.gauss(0, 0.5)

    def score(weight: float) -> int:
        return max(1, min(5, round(mood - weight * slow + rng.gauss(0, 0.45))))

    case.scores = (score(0.3), score(0.6), score(1.3))
    case.remark = rng.choice(texts.REMARKS) if rng.random() < 0.3 else ""
    case.course.append(DemoEvent(Event.RATED, at, "sender"))
