"""Answer a question about a due date: JSON-ready, with every day explained. Pure.

The events are read by the same functions that time tickets.
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
    """Return the due date of one question. Raises DomainError for anything that cannot be counted.

    The answer is about the last episode. A pause that nobody ended lasts to its limit, or to ``now`` of the question;
    later events are left out. The clock of the machine is never read, so a question always has the same answer.
    """
    request = read_question(question_of(question))
    history, book = request.history, request.book(request.own or ClockKind.RESOLVE)
    if request.now is None:
        upto = _end(history, book)
    else:
        upto = max(request.now, history[0].at)
        history = [event for event in history if event.at <= upto]
    _check_extensions(history, book)
    clocks = state_of_clocks(history, book, upto)
    answer = _answer_fields(clocks, _state(request, clocks, history, upto), request)
    return answer | _shares(clocks, upto) if len(clocks.holdings) > 1 else answer


def _end(history: Sequence[TicketEvent], book: VersionBook) -> datetime:
    """Return the end of the history: its last event, or the limit of a pause that nobody ended."""
    reading = HistoryReading(book)
    for event in history:
        reading.take(event)
    if not reading.lasts:
        return history[-1].at
    if limits.PAUSE_LIMIT not in reading.ruling:
        raise Invalid(_("Lần tạm dừng cuối chưa kết thúc và không có giới hạn: hãy cho biết thời điểm hỏi (now)."))
    return max(history[-1].at, reading.limit(reading.breaks[-1].start))


def _check_extensions(history: Sequence[TicketEvent], book: VersionBook) -> None:
    """Raise DomainError where an extension breaks a rule.

    It is given once in an episode, before the term is over, to a later date that is not too far off, and by another
    person than the one who requested it.
    """
    for place, event in enumerate(history):
        if event.event is not Event.EXTENDED:
            continue
        state = state_of_clocks(history[:place], book, event.at).resolve
        limits.check_extensions_given(state.term)
        if not state.running or state.due.missed_by(event.at):
            raise Conflict(_("Đã quá hạn nên không gia hạn được nữa."))
        requesters = [earlier.actor for earlier in history[:place] if earlier.event is Event.EXTENSION_REQUESTED]
        if requesters and event.actor and requesters[-1] == event.actor:
            raise Conflict(_("Người đề nghị không tự duyệt gia hạn cho mình."))
        limits.check_extension(state.term, extension_of(event), book.ruling.get(limits.EXTENSION_LIMIT))


def _state(request: ClockRequest, clocks: TicketClocks, history: Sequence[TicketEvent], upto: datetime) -> ClockState:
    """Return the clock in question: the latest of its own kind, else the term counted as the term of handling."""
    if request.own is None:
        return clocks.resolve
    states = clocks.of(request.own)
    return states[-1] if states else state_of_clocks(history, request.book(ClockKind.RESOLVE), upto).resolve


def _answer_fields(clocks: TicketClocks, state: ClockState, request: ClockRequest) -> dict[str, Any]:
    calendar = state.term.calendar
    numbers = [pause.number for pause in state.term.breaks if not pause.struck]
    answer: dict[str, Any] = {"due_date": state.due.on.isoformat(), "due_at": _second(state.due.at)}
    if state.verdict:
        answer |= {"verdict": state.verdict, "late_days": state.late_days, "late_minutes": state.late_minutes}
    answer |= {
        "calendar": calendar.code,
        "calendar_version": calendar.version,
        "rule": request.term.code or None,
        "value": request.term.value,
        **_ground(request),
        "started": _second(state.term.start),
        "estimate": state.due.estimate,
        "rolled": state.due.rolled,
        "episode": state.episode,
        "days": [_day(day, numbers) for day in state.term.days()],
        "clocks": [_clock(clock_state) for clock_state in clocks.states],
    }
    if clocks.breaks:
        answer["pauses"] = [_pause(pause) for pause in clocks.breaks]
    return answer


def _shares(clocks: TicketClocks, upto: datetime) -> dict[str, Any]:
    """Return what each unit used of each episode, and how often a ticket was sent back to a unit that had held it
    before."""
    ledger = share_time(clocks, clocks.resolve.term.calendar, upto)
    units = [
        {
            "unit": share.unit,
            "episode": share.episode,
            "minutes": share.worked.total_seconds() / 60,
            "days": share.closes,
            "came": share.came,
            "verdict": share.verdict,
        }
        for share in ledger.shares
    ]
    return {"units": units, "forwards_back": ledger.forwards_back}


def _pause(pause: TicketPause) -> dict[str, Any]:
    return {
        "pause": pause.number,
        "from": _second(pause.start),
        "to": _second(pause.end),
        "ended_by": pause.ended_by,
        "struck": pause.struck,
    }


def _ground(request: ClockRequest) -> dict[str, Any]:
    """Return the basis of the rule, the days of reception of this version, the version after it, and the row that adds
    to it."""
    if request.named is None:
        return {"basis": None, "mark": None}
    rule, adds, later = request.named.rule, request.named.adds, request.later
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
    """Return a day and what its reason names: the holiday, the ``pause`` by number, the minutes of a clock of
    minutes."""
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
