"""The answer to a question about a due date: JSON-ready, every day explained. Pure.

The course of events is read by the functions that tickets are timed by.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from backend.commands.clock.questions import ClockRequest, question_of, read_question
from backend.deadlines import limits
from backend.deadlines.clock_reading import HistoryReading, extension_of
from backend.deadlines.clock_states import ClockKind, ClockState, TicketClocks, VersionBook, ground
from backend.deadlines.clocks import state_of_clocks
from backend.deadlines.events import Event, TicketEvent
from backend.deadlines.terms import TicketPause
from backend.deadlines.unit_shares import share_time
from backend.errors import Conflict, Invalid, _
from backend.worktime.calendar import local_time
from backend.worktime.explain import ExplainedDay


def answer_question(question: object) -> dict[str, Any]:
    """The due date of one question. Raises DomainError for anything that cannot be counted.

    What is told of is the last episode. A pause that nobody ended lasts to its limit, or to the ``now`` that was asked
    for; events after that ``now`` are left out. The machine's clock is never read: a question has one answer.
    """
    asked = read_question(question_of(question))
    history, book = asked.history, asked.book(asked.own or ClockKind.RESOLVE)
    if asked.now is None:
        upto = _end(history, book)
    else:
        upto = max(asked.now, history[0].at)
        history = [happening for happening in history if happening.at <= upto]
    _check_extensions(history, book)
    clocks = state_of_clocks(history, book, upto)
    told = _answer_fields(clocks, _state(asked, clocks, history, upto), asked)
    return told | _shares(clocks, upto) if len(clocks.holdings) > 1 else told


def _end(history: Sequence[TicketEvent], book: VersionBook) -> datetime:
    """The last that the course tells of: its last event, or the limit of a pause that nobody ended."""
    reading = HistoryReading(book)
    for happening in history:
        reading.take(happening)
    if not reading.lasts:
        return history[-1].at
    if limits.PAUSE_LIMIT not in reading.ruling:
        raise Invalid(_("Lần tạm dừng cuối chưa kết thúc và không có giới hạn: hãy cho biết thời điểm hỏi (now)."))
    return max(history[-1].at, reading.limit(reading.breaks[-1].start))


def _check_extensions(history: Sequence[TicketEvent], book: VersionBook) -> None:
    """An extension is given once an episode, before the term is over, to a later date that is not too far off, and not
    by whoever asked."""
    for place, happening in enumerate(history):
        if happening.event is not Event.EXTENDED:
            continue
        state = state_of_clocks(history[:place], book, happening.at).resolve
        limits.check_extensions_given(state.term)
        if not state.running or state.due.missed_by(happening.at):
            raise Conflict(_("Đã quá hạn nên không gia hạn được nữa."))
        asked = [h.actor for h in history[:place] if h.event is Event.EXTENSION_REQUESTED]
        if asked and happening.actor and asked[-1] == happening.actor:
            raise Conflict(_("Người đề nghị không tự duyệt gia hạn cho mình."))
        limits.check_extension(state.term, extension_of(happening), book.ruling.get(limits.EXTENSION_LIMIT))


def _state(asked: ClockRequest, clocks: TicketClocks, history: Sequence[TicketEvent], upto: datetime) -> ClockState:
    """The clock that is asked about: the latest of its own kind, else the term in the place of handling."""
    if asked.own is None:
        return clocks.resolve
    found = clocks.of(asked.own)
    return found[-1] if found else state_of_clocks(history, asked.book(ClockKind.RESOLVE), upto).resolve


def _answer_fields(clocks: TicketClocks, state: ClockState, asked: ClockRequest) -> dict[str, Any]:
    calendar = state.term.calendar
    numbers = [held.number for held in state.term.breaks if not held.struck]
    told: dict[str, Any] = {"due_date": state.due.on.isoformat(), "due_at": _second(state.due.at)}
    if state.verdict:
        told |= {"verdict": state.verdict, "late_days": state.late_days, "late_minutes": state.late_minutes}
    told |= {
        "calendar": calendar.code,
        "calendar_version": calendar.version,
        "rule": asked.term.code or None,
        "value": asked.term.value,
        **_ground(asked),
        "started": _second(state.term.start),
        "estimate": state.due.estimate,
        "rolled": state.due.rolled,
        "episode": state.episode,
        "days": [_day(day, numbers) for day in state.term.days()],
        "clocks": [_clock(one) for one in clocks.states],
    }
    if clocks.breaks:
        told["pauses"] = [_pause(held) for held in clocks.breaks]
    return told


def _shares(clocks: TicketClocks, upto: datetime) -> dict[str, Any]:
    """What each unit used of each episode, and how often a ticket was sent back to one that had had it."""
    found = share_time(clocks, clocks.resolve.term.calendar, upto)
    units = [
        {
            "unit": share.unit,
            "episode": share.episode,
            "minutes": share.worked.total_seconds() / 60,
            "days": share.closes,
            "came": share.came,
            "verdict": share.verdict,
        }
        for share in found.shares
    ]
    return {"units": units, "forwards_back": found.forwards_back}


def _pause(held: TicketPause) -> dict[str, Any]:
    return {
        "pause": held.number,
        "from": _second(held.start),
        "to": _second(held.end),
        "ended_by": held.ended_by,
        "struck": held.struck,
    }


def _ground(asked: ClockRequest) -> dict[str, Any]:
    """What the rule rests on, the days of reception that this version is for, the version that follows it, and the row
    that lengthens it."""
    if asked.named is None:
        return {"basis": None, "mark": None}
    rule, adds, later = asked.named.rule, asked.named.adds, asked.later
    facts: dict[str, Any] = {**ground(rule), "starts": rule.starts}
    facts |= {"manner": rule.manner} if rule.manner else {}
    facts |= {"note": rule.note} if rule.note else {}
    if later is not None:
        facts["later"] = {"from": later.first.isoformat(), "value": later.rule.value, **ground(later.rule)}
    if adds is not None:
        facts["adds"] = {
            "rule": adds.code,
            "to": rule.code,
            "value": adds.value,
            "times": adds.times,
            "basis": adds.basis,
            "mark": adds.mark,
        }
    return facts


def _clock(state: ClockState) -> dict[str, Any]:
    return {
        "clock": state.clock,
        "episode": state.episode,
        "rule": state.rule.code,
        "started": _second(state.term.start),
        "due_date": state.due.on.isoformat(),
        "due_at": _second(state.due.at),
        "ended": _second(state.ended) if state.ended else None,
        "verdict": state.verdict,
    }


def _day(day: ExplainedDay, numbers: Sequence[int]) -> dict[str, Any]:
    """A day with what its reason names: the holiday, the ``pause`` by its number, the minutes of a clock of minutes."""
    line: dict[str, Any] = {"date": day.day.isoformat(), "counted": day.counted, "why": day.why.value}
    if "name" in day.params:
        line["name"] = day.params["name"]
    if isinstance(place := day.params.get("pause"), int):
        line["pause"] = numbers[place]
    if day.doubt:
        line["estimate"] = day.doubt.value
    if day.worked:
        line["minutes"] = day.worked.total_seconds() / 60
    if isinstance(paused := day.params.get("paused"), timedelta):
        line["paused_minutes"] = paused.total_seconds() / 60
    return line


def _second(moment: datetime) -> str:
    return local_time(moment).isoformat(timespec="seconds")
