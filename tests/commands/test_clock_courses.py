"""Whole courses of events against a slow reading of the rules, which walks day after day and knows nothing of ours."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.commands.clock.answers import answer_question
from backend.errors import DomainError
from backend.worktime.shipped import shipped_calendar
from tests.worktime.slow_loop import open_windows

DAY = timedelta(days=1)
VN = shipped_calendar("vn")
FOREVER: Final = datetime.combine(date(9998, 1, 1), time())
MORE: Final = 3  # working days of an extension

Step = tuple[str, datetime]
Pause = tuple[datetime, datetime]


class Result(NamedTuple):
    due: date
    verdict: str | None


class Refused(Exception):
    """More time cannot be had."""


def works(day: date) -> bool:
    return bool(open_windows(VN, day))


def last_day(day: date, days: int, pauses: list[Pause]) -> date:
    """The day of the event is not counted, a working day that is paused at 17:00 neither."""
    while days:
        day += DAY
        close = datetime.combine(day, time(17))
        days -= works(day) and not any(start <= close < end for start, end in pauses)
    return day


@dataclass
class Slow:
    """Handling from reception or reopening to an answer; each pause to its reply, or its limit if that comes before."""

    start: datetime
    days: int
    limit: int
    more: int = 0
    pauses: list[Pause] = field(default_factory=list)
    asked: datetime | None = None
    result: Result | None = None

    def over(self, question: datetime) -> datetime:
        return datetime.combine(last_day(question.date(), self.limit, []) + DAY, time())

    def held(self, until: datetime) -> list[Pause]:
        """The pauses known of at a moment."""
        return [*self.pauses, (self.asked, min(until, self.over(self.asked)))] if self.asked else self.pauses

    def due(self, at: datetime) -> date:
        return last_day(self.start.date(), self.days + self.more, self.held(at))

    def extend(self, at: datetime) -> None:
        if self.more or self.result or self.due(at) < at.date():
            raise Refused
        self.more = MORE

    def end(self, event: str, at: datetime) -> None:
        late = self.due(at) < at.date()
        if not self.result and (late or event != "merged"):
            self.result = Result(self.due(at), "late" if late else "on_time" if event == "answered" else None)
        if late or event != "merged":
            self.go_on(at)

    def ask(self, at: datetime) -> None:
        if self.asked is None or self.over(self.asked) <= at:
            self.pauses, self.asked = self.held(at), at

    def go_on(self, at: datetime) -> None:
        self.pauses, self.asked = self.held(at), None

    def reopen(self, at: datetime) -> None:
        self.go_on(at)
        self.start, self.more, self.result = at, 0, None

    def read(self, course: list[Step]) -> Result:
        for event, at in course:
            if event in ("answered", "withdrawn", "merged"):
                self.end(event, at)
            elif event in DEEDS:
                DEEDS[event](self, at)
        return self.result or Result(self.due(FOREVER), None)


DEEDS: Final = {
    "info_requested": Slow.ask,
    "info_received": Slow.go_on,
    "extended": Slow.extend,
    "reopened": Slow.reopen,
}
EVENTS: Final = (*DEEDS, "answered", "withdrawn", "merged", "forwarded")


moments = st.builds(
    lambda day, clock: datetime.combine(day, clock),
    st.dates(date(2023, 12, 20), date(2027, 1, 20)),
    st.times().map(lambda at: at.replace(microsecond=0)) | st.sampled_from([time(), time(17), time(23, 59, 59)]),
)
gaps = st.timedeltas(timedelta(), timedelta(days=25)).map(lambda gap: gap - timedelta(microseconds=gap.microseconds))
steps = st.lists(st.tuples(st.sampled_from(EVENTS), gaps | st.just(timedelta())), max_size=8)


@settings(deadline=None, max_examples=150)
@given(received=moments, days=st.integers(1, 25), taken=steps, limit=st.integers(1, 12))
def test_any_course_agrees_with_a_slow_reading_of_the_rules(received, days, taken, limit):
    course: list[Step] = []
    for event, gap in taken:
        course.append((event, (course[-1][1] if course else received) + gap))
    told = [{"at": at.isoformat(), "event": event, "days": MORE} for event, at in course]
    asked = {"received": received.isoformat(), "value": f"{days} working days", "events": told}
    asked["pause_limit"] = f"{limit} working days"
    try:
        expected = Slow(received, days, limit).read(course)
    except Refused:
        with pytest.raises(DomainError):
            answer_question(asked)
        return
    answered = answer_question(asked)
    assert expected == Result(date.fromisoformat(answered["due_date"]), answered.get("verdict"))
