"""A question about a due date, from the command line or from a line of input. Pure.

No database is needed: the calendars and the rules are those that ship. Moments without a zone are in Vietnam's time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from backend.deadlines.additional_terms import CombinedRule, with_additions
from backend.deadlines.clock_states import CODES, EPISODE_CODES, ClockKind, VersionBook
from backend.deadlines.events import Event, TicketEvent
from backend.deadlines.limits import PAUSE_LIMIT
from backend.deadlines.rules import (
    MANNERS,
    DeadlineRule,
    LaterRule,
    RuleEvidence,
    RuleSubject,
    choose_rule,
    later_rule,
    manner_of,
    shipped_rules,
)
from backend.errors import Conflict, Invalid, _
from backend.worktime.calendar import ZONE, local_time
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.shipped import shipped_calendar

CALENDARS: Final = ("vn", "weekdays")
NOTES: Final = ("unit", "pause", "stands")  # copied to the event unchanged
NO_LIMIT: Final = "none"
CLOCKS: Final = {code: clock for clock, code in CODES.items()}


class EventLine(BaseModel):
    """One line of a ticket's history, as written in a file.

    An extension has ``days`` (working days, or days for a term of calendar days), ``value`` (``5 working days``) or
    ``until`` (a date). A recount has its ``calendar``.
    """

    model_config = ConfigDict(extra="ignore")
    at: str
    event: str
    by: str | int | None = Field(None, validation_alias=AliasChoices("by", "approver", "approved_by", "actor"))
    requested_by: str | int | None = None
    unit: int | str | None = None
    days: int | None = None
    value: str | None = None
    until: str | None = Field(
        None, validation_alias=AliasChoices("until", "date", "due_date", "new_date", "new_due_date")
    )
    pause: int | None = None
    stands: bool | None = None
    calendar: str | None = None


class ClockQuestion(BaseModel):
    """The question: the term by the name of its rule, or by its ``value``, which wins.

    ``channel`` says how the feedback came in, for rules that apply to one manner of reception. ``pause_limit`` replaces
    the shipped limit of a pause; ``none`` removes it. ``id`` is returned with the answer.
    """

    model_config = ConfigDict(extra="forbid")
    id: str | int | None = None
    received: str | None = None
    rule: str | None = None
    value: str | None = None
    case: str | None = None
    channel: str | None = None
    calendar: str | None = None
    events: list[EventLine] | None = None
    now: str | None = None
    pause_limit: str | None = None


@dataclass(frozen=True)
class ClockRequest:
    """The term in question, the events, and what they are read by.

    ``own`` is the clock of the rule, if it has one: the events start and end it. Any other term runs from reception to
    the answer, as handling does. ``later`` is the version that replaces the named rule after the day of reception.
    """

    term: DeadlineRule
    named: CombinedRule | None
    later: LaterRule | None
    own: ClockKind | None
    ruling: Mapping[str, DeadlineRule]
    calendar: str
    history: Sequence[TicketEvent]
    now: datetime | None

    def book(self, clock: ClockKind) -> VersionBook:
        """Return the versions to read by: every clock by its shipped term, but this clock by the term in question."""
        calendars = {place: shipped_calendar(code) for place, code in enumerate(CALENDARS)}
        return VersionBook(calendars, {}, CALENDARS.index(self.calendar), {**self.ruling, CODES[clock]: self.term})


def parse_moment(text: str) -> datetime:
    """Return an ISO 8601 moment; without a zone it is Vietnam's time. Raises Invalid."""
    try:
        parsed = datetime.fromisoformat(text.strip())
        return local_time(parsed) if parsed.tzinfo else parsed.replace(tzinfo=ZONE)
    except (ValueError, OverflowError):
        raise Invalid(_("Không hiểu thời điểm “%(text)s”. Hãy ghi như 2026-11-20T16:45."), text=text[:40]) from None


def question_of(raw: object) -> ClockQuestion:
    """Return a raw object as a question. Raises Invalid and names the field that does not fit."""
    try:
        return ClockQuestion.model_validate(raw)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Invalid(_("Câu hỏi không đúng mẫu ở “%(place)s”."), place=place[:80]) from None


def read_question(question: ClockQuestion) -> ClockRequest:
    """Return the question in the form that the clocks read. Raises DomainError for what cannot be read."""
    received = _received_at(question)
    day = received.date()
    about = RuleSubject(case=question.case or "", manner=_manner(question))
    named = _named_rule(question, day, about)
    term = _term(question, named)
    calendar = question.calendar or CALENDARS[0]
    shipped_calendar(calendar)  # refuses a calendar that does not ship
    own = CLOCKS.get(question.rule or "")
    return ClockRequest(
        term=term,
        named=named,
        later=_later_term(named.rule.code, day, about) if named and not question.value else None,
        own=None if own is ClockKind.RESOLVE else own,
        ruling=_rules_in_force(question, day, about.manner),
        calendar=calendar,
        history=_history(question, received, term.duration),
        now=parse_moment(question.now) if question.now else None,
    )


def _named_rule(question: ClockQuestion, day: date, about: RuleSubject) -> CombinedRule | None:
    """Return the shipped rule that the question names. A value in the question leaves no room for additions."""
    named = _shipped_term(question.rule, day, about) if question.rule else None
    if named is not None and named.rule.word:
        raise Invalid(_("Quy định này không phải là thời hạn."))
    if named is None and not question.value:
        raise Invalid(_("Hãy cho biết quy định hoặc thời hạn."))
    return replace(named, adds=None) if named and question.value else named


def _term(question: ClockQuestion, named: CombinedRule | None) -> DeadlineRule:
    duration = named.duration if named else None
    if question.value:
        duration = Duration.parse(question.value)
    return DeadlineRule(question.rule or "", duration or None, named.rule.basis if named else "", RuleEvidence.OURS)


def _rules_in_force(question: ClockQuestion, day: date, manner: str) -> dict[str, DeadlineRule]:
    """Return the shipped rules of the day, with the pause limit of the question."""
    rules = dict(_shipped_ruling(day, manner))
    if question.pause_limit == NO_LIMIT:
        del rules[PAUSE_LIMIT]
    elif question.pause_limit:
        rules[PAUSE_LIMIT] = DeadlineRule(PAUSE_LIMIT, Duration.parse(question.pause_limit), "", RuleEvidence.OURS)
    return rules


@lru_cache(maxsize=4096)
def _shipped_term(code: str, day: date, about: RuleSubject) -> CombinedRule:
    return with_additions(shipped_rules(), code, day, about)


@lru_cache(maxsize=4096)
def _later_term(code: str, day: date, about: RuleSubject) -> LaterRule | None:
    return later_rule(shipped_rules(), code, day, about)


@lru_cache(maxsize=4096)
def _shipped_ruling(day: date, manner: str) -> dict[str, DeadlineRule]:
    about = RuleSubject(manner=manner)
    return {code: choose_rule(shipped_rules(), code, day, about=about).rule for code in EPISODE_CODES}


def _manner(question: ClockQuestion) -> str:
    if question.channel and question.channel not in MANNERS:
        raise Invalid(_("Kênh tiếp nhận là một trong: %(channels)s."), channels=", ".join(MANNERS))
    return manner_of(question.channel or "")


def _received_at(question: ClockQuestion) -> datetime:
    """Return the moment of reception. It stands beside the events or is one of them, and never as two different
    moments."""
    begun = {parse_moment(line.at) for line in question.events or () if line.event == Event.RECEIVED}
    if question.received is not None or not begun:
        begun.add(parse_moment(question.received or ""))
    if len(begun) > 1:
        raise Invalid(_("Lúc tiếp nhận được ghi hai lần khác nhau."))
    return begun.pop()


def _history(question: ClockQuestion, received: datetime, term: Duration | None) -> list[TicketEvent]:
    """Return reception and what followed, in order of time. Events of the same moment keep their order."""
    events = [_event_of(line, term) for line in question.events or () if line.event != Event.RECEIVED]
    events.sort(key=lambda event: event.at)
    if events and events[0].at < received:
        raise Invalid(_("Có sự kiện xảy ra trước lúc tiếp nhận."))
    first = next((line for line in question.events or () if line.event == Event.RECEIVED), None)
    return [TicketEvent(Event.RECEIVED, received, data=_notes(first) if first else {}), *events]


def _event_of(line: EventLine, term: Duration | None) -> TicketEvent:
    try:
        event = Event(line.event)
    except ValueError:
        raise Invalid(_("Không có sự kiện “%(event)s”."), event=line.event[:40]) from None
    notes = _notes(line)
    if event is Event.EXTENDED:
        notes |= _extension(line, term)
    elif event is Event.RECOUNTED:
        if line.calendar not in CALENDARS:
            raise Invalid(_("Không có lịch “%(code)s” đi kèm."), code=line.calendar)
        notes["calendar"] = CALENDARS.index(line.calendar)
    return TicketEvent(event, parse_moment(line.at), "" if line.by is None else str(line.by), notes)


def _notes(line: EventLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in NOTES if getattr(line, name) is not None}


def _extension(line: EventLine, term: Duration | None) -> dict[str, str]:
    """Return how long an extension is, or until when: exactly one of them."""
    if line.by is not None and line.by == line.requested_by:
        raise Conflict(_("Người đề nghị không tự duyệt gia hạn cho mình."))
    if sum((line.days is not None, bool(line.value), bool(line.until))) != 1:
        raise Invalid(_("Gia hạn cần ghi một trong các mục: days, value, until."))
    if line.until:
        try:
            return {"until": date.fromisoformat(line.until[:10]).isoformat()}
        except ValueError:
            raise Invalid(_("Không hiểu ngày “%(text)s”."), text=line.until[:40]) from None
    unit = TimeUnit.CALENDAR_DAYS if term and term.unit is TimeUnit.CALENDAR_DAYS else TimeUnit.WORKING_DAYS
    return {"value": str(Duration.parse(line.value) if line.value else Duration(line.days or 0, unit))}
