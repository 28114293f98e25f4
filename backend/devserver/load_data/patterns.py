"""A course counted once: the columns, the chain and the results that all of its tickets share.

The clocks and the columns come from the same functions as those of a real ticket. What differs from ticket to ticket
stands in them as a `Marker`; the database puts the values in.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from enum import IntEnum, StrEnum
from typing import Any, Final

from backend.deadlines.clock_states import TicketClocks, VersionBook
from backend.deadlines.clocks import state_of_clocks
from backend.deadlines.events import TicketEvent
from backend.deadlines.rules import DeadlineRule, RuleSubject, manner_of
from backend.devserver.demo import texts
from backend.devserver.load_data.courses import LoadCourse, LoadStep, Party
from backend.tickets import projection
from backend.tickets.lifecycle import TEXT_KINDS, Event
from backend.tickets.models import Channel
from backend.tickets.reception import receipts
from backend.tickets.rulebook import Rulebook, noted_ids
from backend.tickets.service import result_columns
from backend.worktime.calendar import WorkCalendar, local_time

Row = tuple[Any, ...]
PROJECTED: Final = (
    *("state", "episode", "unit_id", "rule", "term", "rule_id", "calendar_id", "due_date", "due_estimated"),
    *("assignee_id", "paused_on", "merged_into_id", "accepted_at", "decided_at", "published_at", "answered_at"),
    *("answered_on", "working_days", "verdict", "told_at", "told_in_time", "tell_by"),
    *("waits_for", "waits_since", "changed_at"),
)
RESULTS: Final = (
    *("episode", "clock", "nth", "version", "unit_id", "value", "rule_id", "calendar_id", "started_at", "due_date"),
    *("due_at", "estimated", "ended_at", "verdict", "late_days", "late_minutes", "explanation", "reason"),
    "computed_at",
)
WORDS, BODY_HASH = "@words", "@body"  # stand for hashes, which are texts in JSON
REASONS: Final[Mapping[Event, str]] = {
    Event.INFO_REQUESTED: texts.QUESTION,
    Event.INFO_RECEIVED: texts.REPLY,
    Event.FORWARDED: texts.FORWARD,
    Event.ANSWERED: "{answer}",
    Event.SUBMITTED_FOR_APPROVAL: "{answer}",
    Event.EXTENSION_REQUESTED: "Cần thêm thời gian để kiểm tra thực địa tại {place} cùng các đơn vị liên quan.",
    Event.DISPUTED: "Tôi chưa đồng ý: việc ở {place} vẫn như cũ, đề nghị kiểm tra lại.",
    Event.REFUSED: "Nội dung gửi về {place} là quảng cáo, không phải phản ánh, kiến nghị.",
    Event.REDIRECTED: "Nội dung là khiếu nại; xin gửi đơn theo thủ tục khiếu nại tới bộ phận tiếp công dân.",
    Event.MERGED: "Cùng nội dung về {place} với phản ánh đã nhận trước.",
}


class Marker(IntEnum):
    """A number that stands for what differs from ticket to ticket. No id of a database is as large."""

    HOLDER = 2_000_000_001
    NEXT = 2_000_000_002
    ABOUT = 2_000_000_003
    OFFICER = 2_000_000_004
    NEXT_OFFICER = 2_000_000_005
    MESSAGE = 2_000_000_006
    INTO = 2_000_000_007
    SCORES = 2_000_000_008


# The arguments of PostgreSQL's ``format``, by their places in `statements.NOTES`.
PLACES: Final = {**{str(int(marker)): place for place, marker in enumerate(Marker, 1)}, WORDS: 9, BODY_HASH: 10}


@dataclass(frozen=True)
class PatternPlace:
    """Where the tickets of a course stand: first ids of tickets and texts, how many tickets, base of the day."""

    first_id: int
    copies: int
    first_message: int
    base: int


@dataclass(frozen=True)
class LoadRules:
    """The calendar, the rules and the subjects of categories by which the courses are counted."""

    calendar_id: int
    calendar: WorkCalendar
    rules: Rulebook
    about: Mapping[str, RuleSubject]

    def on(self, day: date, category: str, channel: Channel) -> dict[str, DeadlineRule]:
        """Return the rules in force for an episode that begins on a day, by code."""
        return self.rules.ruling(day, replace(self.about[category], manner=manner_of(channel.value)))

    def book(self, course: LoadCourse) -> VersionBook:
        """Return the versions for a course. An imported case names none: only its term is that of its category."""
        day = local_time(course.received).date()
        in_force = self.on(day, course.category, course.channel)
        if course.channel is Channel.IMPORT:
            in_force = self.rules.ruling(day, RuleSubject()) | {"resolve": in_force["resolve"]}
        return VersionBook({self.calendar_id: self.calendar}, self.rules.by_id, self.calendar_id, in_force)


@dataclass(frozen=True)
class CoursePattern:
    """The rows of a course for the temporary tables of `statements`: one pattern, its links, its results."""

    pattern: Row
    links: list[Row]
    results: list[Row]


def count_texts(course: LoadCourse) -> int:
    """Return how many texts were written in a course."""
    return 0 if course.channel is Channel.IMPORT else sum(1 for step in course.steps if step.event in TEXT_KINDS)


def make_pattern(course: LoadCourse, place: PatternPlace, into: PatternPlace | None, rules: LoadRules) -> CoursePattern:
    """Count a course. ``into``: where the tickets stand that these are merged into."""
    history = list(_history(course, rules))
    clocks = state_of_clocks(history, rules.book(course), course.steps[-1].at)
    columns = projection.project_columns(history, clocks)
    first = into or place
    imported = course.channel is Channel.IMPORT
    day = local_time(course.received).date()
    own = (
        *(course.place, place.first_id, place.copies, len(course.steps), course.category, course.channel.value),
        *(course.received, day, None if imported else course.received, receipts.ticket_number(day, 0)[:-4], place.base),
        *(course.conduct, imported, first.first_id, f"{day - timedelta(days=1 + course.place % 8):%d/%m}"),
    )
    links = _links(course, place, into, [event.data for event in history])
    results = [(course.place, *row) for row in _results(clocks, imported=imported)]
    return CoursePattern((*own, *(_plain(columns[name]) for name in PROJECTED)), links, results)


def _plain(value: object) -> object:
    return value.value if isinstance(value, StrEnum) else int(value) if isinstance(value, Marker) else value


def _history(course: LoadCourse, rules: LoadRules) -> Iterator[TicketEvent]:
    unit = Marker.HOLDER
    for step in course.steps:
        notes = _notes(course, step, rules, unit)
        unit = notes["unit"] if step.event is Event.FORWARDED else unit
        yield TicketEvent(step.event, step.at, step.by.value, notes)


def _notes(course: LoadCourse, step: LoadStep, rules: LoadRules, unit: Marker) -> dict[str, Any]:
    """Return what the history notes with a step, as `tickets.service` writes it."""
    if course.channel is Channel.IMPORT:
        return {"imported": True} | (_reception(course) if step.event is Event.RECEIVED else {})
    if step.event is Event.RECEIVED:
        return _reception(course) | _versions(course, step, rules)
    own: dict[Event, dict[str, Any]] = {
        Event.FORWARDED: {"from": Marker.HOLDER, "unit": Marker.NEXT},
        Event.ASSIGNED: {"user": Marker.OFFICER if step.by is Party.UNIT else Marker.NEXT_OFFICER},
        Event.RATED: {"credited": unit, "answer": 1, "scores": Marker.SCORES},
        Event.MERGED: {"into": Marker.INTO},
        Event.ANSWERED_TOGETHER: {"with": Marker.INTO, "message": Marker.MESSAGE},
    }
    versions = _versions(course, step, rules) if step.event is Event.DISPUTED else {}
    return {**step.notes, **own.get(step.event, {}), **versions, **_written(step)}


def _written(step: LoadStep) -> dict[str, Any]:
    return {"message": Marker.MESSAGE, "text": BODY_HASH} if step.event in TEXT_KINDS else {}


def _reception(course: LoadCourse) -> dict[str, Any]:
    return {"unit": Marker.HOLDER, "about": Marker.ABOUT, "category": course.category, "words": WORDS}


def _versions(course: LoadCourse, step: LoadStep, rules: LoadRules) -> dict[str, Any]:
    in_force = rules.on(local_time(step.at).date(), course.category, course.channel)
    return {"calendar": rules.calendar_id, "rules": noted_ids(in_force)}


def _links(
    course: LoadCourse, place: PatternPlace, into: PatternPlace | None, notes: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """Return the links of the chains of a course, each with the place of its text among all texts.

    The text of a link is number ``first + copy * texts + nth``. A common answer is the only text of the other course.
    """
    links: list[Row] = []
    nth, texts = 0, count_texts(course)
    for seq, (step, data) in enumerate(zip(course.steps, notes, strict=True), 1):
        kind = TEXT_KINDS[step.event].value if "text" in data else None
        text_place = (place.first_message, texts, nth)
        if into is not None and step.event is Event.ANSWERED_TOGETHER:
            text_place = (into.first_message, 1, 0)
        by = Party.SYSTEM if course.channel is Channel.IMPORT else step.by
        moments = (step.at, step.at.astimezone(UTC).isoformat(timespec="microseconds"))
        what = (by.value, step.event.value, _canonical(data), kind, REASONS[step.event] if kind else None)
        links.append((course.place, seq, *moments, *what, *text_place))
        nth += kind is not None
    return links


def _canonical(data: Mapping[str, Any]) -> str:
    """Return the notes as the history hashes them, with places for the arguments of ``format``."""
    canonical = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).replace("%", "%%")
    for marker, nth in PLACES.items():
        canonical = canonical.replace(marker, f"%{nth}$s")
    return canonical


def _results(clocks: TicketClocks, *, imported: bool) -> Iterator[Row]:
    """Yield a version of each clock that has its verdict; of an imported case only that of handling."""
    for state in clocks.states:
        if state.verdict is None or state.ended is None or (imported and state.clock.value != "resolve"):
            continue
        columns = result_columns(state)
        explanation = {"imported": True} if imported else columns["explanation"]
        columns["explanation"] = json.dumps(explanation, ensure_ascii=False)
        key = (state.episode, state.clock.value, state.nth, 1)
        yield (*key, *map(_plain, columns.values()), "answered", state.ended)
