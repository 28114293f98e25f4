"""Made-up tickets of the demonstration, as a pure function of seed, count, units and the last day.

The same seed gives the same tickets. Each ticket has its own random generator, so a smaller count gives the first tickets
of a larger one.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random

from backend.devserver.demo import texts
from backend.tickets.answers.outcomes import AnswerOutcome
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel
from backend.worktime.arithmetic import due_moment
from backend.worktime.calendar import ZONE, WorkCalendar
from backend.worktime.duration import Duration, TimeUnit

MONTHS_18 = 548  # days
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
OUTCOMES = {AnswerOutcome.DONE: 74, AnswerOutcome.PARTLY: 16, AnswerOutcome.NOT_AS_DESCRIBED: 10}  # with their weights


@dataclass(frozen=True)
class DemoEvent:
    """One event of a ticket: who caused it (``sender``, ``system``, or the code of a unit) and the text written.

    ``outcome`` is that of an answer.
    """

    event: Event
    at: datetime
    by: str
    text: str = ""
    to: str = ""
    outcome: AnswerOutcome = AnswerOutcome.DONE


@dataclass
class DemoCase:
    """A ticket with its whole course, up to the last day of the demonstration."""

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
    """Yield ``count`` tickets received within the 18 months up to ``until``, not in the order of time."""
    for i in range(count):
        case = _case(Random(f"{seed}:{i}"), seed, communes, calendar, until)
        # What came into the demonstration later draws from a generator of its own, so that the tickets stay the same.
        later = Random(f"{seed}:{i}:outcome")
        case.course = [_with_outcome(later, moment) for moment in case.course]
        _judge(later, case, calendar, datetime.combine(until, time.max, ZONE))
        yield case


def _case(rng: Random, seed: int, communes: Sequence[str], calendar: WorkCalendar, until: date) -> DemoCase:
    about = rng.choices(communes, weights=[1 / (1 + i / 12) for i in range(len(communes))])[0]
    category = rng.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]
    # The later of two random days: feedback grows more frequent as people learn about the service.
    ago = min(rng.randrange(MONTHS_18), rng.randrange(MONTHS_18 * 2))
    received = datetime.combine(until - timedelta(days=ago), time(rng.randrange(6, 22), rng.randrange(60)), ZONE)
    sample = rng.choice(texts.SAMPLES[category])
    place, day = rng.choice(texts.PLACES), f"{received - timedelta(days=rng.randrange(1, 9)):%d/%m}"
    has_name = category not in {"roads", "environment", "utilities", "order"} or rng.random() < 0.6
    # The order of these arguments is the order of the random draws: another order gives other tickets.
    case = DemoCase(
        about=about,
        category=category,
        channel=rng.choices([Channel.WEB, Channel.COUNTER], weights=[7, 2])[0],
        title=sample.title.format(place=place, day=day),
        content=sample.content.format(place=place, day=day),
        name=_person_name(rng) if has_name else "",
        email=f"nguoigui{rng.randrange(10_000):04d}@example.org" if has_name and rng.random() < 0.7 else "",
        received=received,
    )
    end = datetime.combine(until, time.max, ZONE)
    case.course = [moment for moment in _course(rng, seed, case, calendar, sample.answer, place) if moment.at <= end]
    _rate(rng, seed, case, end)
    return case


def _course(
    rng: Random, seed: int, case: DemoCase, calendar: WorkCalendar, answer: str, place: str
) -> Iterator[DemoEvent]:
    """Yield the events of a ticket: received, perhaps forwarded, accepted, perhaps asked back, answered, notified.

    The unit's events are in working hours, each after the event before.
    """
    unit = CONDUCT_DESK if case.category in CONDUCT else case.about
    at = case.received
    yield DemoEvent(Event.RECEIVED, at, "sender", to=unit)
    if case.category in DEPARTMENT and rng.random() < 0.08:
        at = _later_moment(rng, calendar, at, rng.choice([1, 1, 2, 3]))
        department = DEPARTMENT[case.category]
        yield DemoEvent(Event.FORWARDED, at, unit, texts.FORWARD, department)
        unit = department
    at = _later_moment(rng, calendar, at, rng.choice([0, 1, 1, 2]))
    yield DemoEvent(Event.ACCEPTED, at, unit)
    if case.name and rng.random() < 0.1:
        at = _later_moment(rng, calendar, at, rng.choice([1, 2, 3]))
        yield DemoEvent(Event.INFO_REQUESTED, at, unit, texts.QUESTION)
        at += timedelta(days=rng.randrange(1, 9), minutes=rng.randrange(600))
        yield DemoEvent(Event.INFO_RECEIVED, at, "sender", texts.REPLY.format(place=place))
    days = math.ceil(rng.lognormvariate(math.log(6.2 * _pace(seed, unit)), 0.5))
    at = _later_moment(rng, calendar, at, min(days, 60))
    yield DemoEvent(Event.ANSWERED, at, unit, answer)
    if case.email:
        yield DemoEvent(Event.NOTIFIED, at + timedelta(minutes=rng.randrange(1, 30)), "system")
    elif rng.random() < 0.5:
        yield DemoEvent(Event.NOTIFIED, at + timedelta(days=rng.randrange(5), minutes=40), "sender")


def _with_outcome(rng: Random, moment: DemoEvent) -> DemoEvent:
    """Give an answer its outcome: most are done."""
    if moment.event is not Event.ANSWERED:
        return moment
    return replace(moment, outcome=rng.choices(list(OUTCOMES), weights=list(OUTCOMES.values()))[0])


def _judge(rng: Random, case: DemoCase, calendar: WorkCalendar, end: datetime) -> None:
    """Let senders who rated say whether it is solved. Who is not content has the ticket handled again."""
    if case.scores is None:
        return
    answer = next(moment for moment in case.course if moment.event is Event.ANSWERED)
    at = case.course[-1].at + timedelta(minutes=3)
    last_words: list[DemoEvent] = []
    if min(case.scores) >= 4:
        last_words = [DemoEvent(Event.CONFIRMED, at, "sender")]
    elif min(case.scores) <= 2:
        again = _later_moment(rng, calendar, at, rng.choice([3, 5, 8]))
        last_words = [
            DemoEvent(Event.DISPUTED, at, "sender", texts.OBJECTION),
            DemoEvent(Event.ANSWERED, again, answer.by, texts.SECOND_ANSWER),
            DemoEvent(Event.NOTIFIED, again + timedelta(minutes=4), "system"),
        ]
    case.course += [moment for moment in last_words if moment.at <= end]


def _person_name(rng: Random) -> str:
    return f"{rng.choice(texts.FAMILY)} {rng.choice(texts.MIDDLE)} {rng.choice(texts.GIVEN)}"


def _later_moment(rng: Random, calendar: WorkCalendar, after: datetime, days: int) -> datetime:
    """Return a moment in working hours ``days`` working days later, always after ``after``."""
    end = due_moment(calendar, Duration(max(days, 1), TimeUnit.WORKING_DAYS), after).on
    if days == 0 and calendar.is_working(after.date()) and after.hour < 16:
        return after + timedelta(minutes=rng.randrange(5, 55))
    return datetime.combine(end, rng.choice([time(8), time(9), time(10), time(14), time(15)]), ZONE) + timedelta(
        minutes=rng.randrange(60), seconds=rng.randrange(60)
    )


def _pace(seed: int, unit: str) -> float:
    """Return how slow a unit is, 0.65..1.45: some units are twice as fast as others."""
    return Random(f"{seed}:pace:{unit}").uniform(0.65, 1.45)


def _rate(rng: Random, seed: int, case: DemoCase, end: datetime) -> None:
    """Add a rating for about a third of the notified senders. Slow handling gets lower scores, above all for time."""
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
