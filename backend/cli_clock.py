"""``langnghe clock due``: a due date and its explanation on the command line, for others to check against.

Needs no database: the calendar and the rules are those that ship. Moments without a zone are Vietnam's time.
"""

import json
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from backend.clock import now as clock_now
from backend.errors import Conflict, DomainError, Invalid, _
from backend.tickets.clock_states import CODES, PAUSE_LIMIT, Book, Clock, Clocks, ClockState
from backend.tickets.clocks import state_of_clocks
from backend.tickets.happening import Happening
from backend.tickets.lifecycle import Event
from backend.tickets.rules import Mark, Rule, choose, shipped_rules
from backend.worktime.calendar import ZONE, local
from backend.worktime.duration import Duration, Unit
from backend.worktime.explain import Day
from backend.worktime.shipped import shipped

clock = typer.Typer(help="Tính thời hạn và giải thích từng ngày.", no_args_is_help=True)
CALENDARS: Final = ("vn", "weekdays")
NOTES: Final = ("unit", "pause", "stands")  # taken over as they are
NO_LIMIT: Final = "none"


@clock.callback()
def _group() -> None:
    """Tính thời hạn và giải thích từng ngày."""


class HappeningIn(BaseModel):
    """One line of a ticket's history, as written in a file. An extension says ``days`` (working days, or days for a
    term of calendar days), ``value`` (``5 working days``) or ``until`` (a date); a recount its ``calendar``."""

    model_config = ConfigDict(extra="ignore")
    at: str
    event: str
    by: str = ""
    unit: int | str | None = None
    days: int | None = None
    value: str | None = None
    until: str | None = None
    date: str | None = None
    pause: int | None = None
    stands: bool | None = None
    calendar: str | None = None


class Question(BaseModel):
    """What is asked: the term by the name of its rule, or by its value, which goes before. ``pause_limit`` sets another
    limit of a pause than the shipped one, or ``none``."""

    model_config = ConfigDict(extra="forbid")
    received: str
    rule: str | None = None
    value: str | None = None
    case: str = ""
    calendar: str = "vn"
    events: list[HappeningIn] = []
    now: str | None = None
    pause_limit: str | None = None


@clock.command("due")
def due_command(
    received: Annotated[str, typer.Option(help="Lúc tiếp nhận, ví dụ 2026-11-20T16:45.")] = "",
    rule: Annotated[str | None, typer.Option(help="Mã quy định, ví dụ resolve.")] = None,
    value: Annotated[str | None, typer.Option(help="Thời hạn khác, ví dụ “15 working days”.")] = None,
    case: Annotated[str, typer.Option(help="Trường hợp riêng, ví dụ urgent_field.")] = "",
    calendar: Annotated[str, typer.Option(help="Lịch: vn hoặc weekdays.")] = "vn",
    events: Annotated[Path | None, typer.Option(help="Tệp JSON: danh sách {at, event, ...}.")] = None,
    now: Annotated[str | None, typer.Option(help="Thời điểm hỏi, khi còn đang tạm dừng.")] = None,
    pause_limit: Annotated[str | None, typer.Option(help="Giới hạn mỗi lần tạm dừng, hoặc none.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In một đối tượng JSON.")] = False,
    stdin: Annotated[bool, typer.Option("--stdin", help="Mỗi dòng vào một câu hỏi JSON.")] = False,
) -> None:
    """Ngày đến hạn, và từng ngày được đếm hay không, vì sao."""
    if stdin:
        raise typer.Exit(_answer_lines())
    try:
        history = _read(_file(events)) if events else []
        asked = {"received": received, "rule": rule, "value": value, "case": case, "calendar": calendar}
        answered = answer(asked | {"events": history, "now": now, "pause_limit": pause_limit}, clock_now())
    except DomainError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(2) from None
    typer.echo(_json(answered) if as_json else _plain(answered))


def answer(asked: object, now: datetime) -> dict[str, Any]:
    """The due date of one question as JSON-ready data. Raises DomainError for anything that cannot be counted.

    The whole course is read by the functions that tickets are timed by; what is told of is the last episode. A pause
    that lasts counts up to ``now``. Events after a ``now`` that was asked for are left out.
    """
    question = _question(asked)
    received = moment(question.received)
    book, rule = _book(question, received)
    history = _history(question, received, book)
    upto = moment(question.now) if question.now else max(now, history[-1].at)
    history = [happening for happening in history if happening.at <= upto] or history[:1]
    _check_extensions(history, book)
    clocks = state_of_clocks(history, book, max(upto, received))
    return _counted(clocks) | {
        "rule": rule.code if rule else None,
        "value": clocks.resolve.rule.value,
        "basis": rule.basis if rule else None,
        "mark": rule.mark if rule else None,
    }


def _counted(clocks: Clocks) -> dict[str, Any]:
    state = clocks.resolve
    calendar = state.term.calendar
    found: dict[str, Any] = {"due_date": state.due.on.isoformat(), "due_at": _second(state.due.at)}
    if state.verdict:
        found |= {"verdict": state.verdict, "late_days": state.late_days, "late_minutes": state.late_minutes}
    found |= {
        "calendar": calendar.code,
        "calendar_version": calendar.version,
        "estimate": state.due.estimate,
        "rolled": state.due.rolled,
        "episode": clocks.episode,
        "days": [_line(day) for day in state.term.days()],
        "clocks": [_clock(one) for one in clocks.states],
    }
    if clocks.breaks:
        found["pauses"] = [
            {"from": _second(held.start), "to": _second(held.end), "ended_by": held.ended_by, "struck": held.struck}
            for held in clocks.breaks
        ]
    return found


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


def _second(moment: datetime) -> str:
    return local(moment).isoformat(timespec="seconds")


def _file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Invalid(_("Không đọc được tệp %(path)s."), path=path) from None


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid(_("Nội dung không phải là JSON hợp lệ.")) from None


def moment(text: str) -> datetime:
    """An ISO 8601 moment; without a zone it is Vietnam's time."""
    try:
        parsed = datetime.fromisoformat(text)
        return local(parsed) if parsed.tzinfo else parsed.replace(tzinfo=ZONE)
    except (ValueError, OverflowError):
        raise Invalid(_("Không hiểu thời điểm “%(text)s”. Hãy ghi như 2026-11-20T16:45."), text=text) from None


def _question(asked: object) -> Question:
    try:
        return Question.model_validate(asked)
    except ValidationError as wrong:
        place = ".".join(str(part) for part in wrong.errors()[0]["loc"])
        raise Invalid(_("Câu hỏi không đúng mẫu ở “%(place)s”."), place=place) from None


def _book(question: Question, received: datetime) -> tuple[Book, Rule | None]:
    """What the course is read by: the shipped terms, that of handling replaced by the one that is asked for."""
    calendars = {place: shipped(code) for place, code in enumerate(CALENDARS) if code != question.calendar}
    calendars[_place(question.calendar)] = shipped(question.calendar)
    day = received.date()
    term, rule = _term(question, received)
    ruling = {code: choose(shipped_rules(), code, day).rule for code in (*CODES.values(), PAUSE_LIMIT)}
    ruling[CODES[Clock.RESOLVE]] = Rule(rule.code if rule else "", term, rule.basis if rule else "", Mark.OURS)
    if question.pause_limit == NO_LIMIT:
        del ruling[PAUSE_LIMIT]
    elif question.pause_limit:
        ruling[PAUSE_LIMIT] = Rule(PAUSE_LIMIT, Duration.parse(question.pause_limit), "", Mark.OURS)
    return Book(calendars, {}, _place(question.calendar), ruling), rule


def _place(code: str) -> int:
    """The id of a calendar here; one that does not ship is refused where it is asked for."""
    return CALENDARS.index(code) if code in CALENDARS else len(CALENDARS)


def _term(question: Question, received: datetime) -> tuple[Duration, Rule | None]:
    """The value that was given, else the rule's; the rule is named whenever it was."""
    rule = None
    if question.rule:
        rule = choose(shipped_rules(), question.rule, received.date(), question.case).rule
    if question.value:
        return Duration.parse(question.value), rule
    if rule is None:
        raise Invalid(_("Hãy cho biết quy định hoặc thời hạn."))
    if rule.duration is None:
        raise Invalid(_("Quy định này là làm ngay, không có thời hạn để đếm."))
    return rule.duration, rule


def _history(question: Question, received: datetime, book: Book) -> list[Happening]:
    """Reception and what followed, in order of time."""
    term = book.ruling[CODES[Clock.RESOLVE]].duration
    told = [_happening(line, term) for line in question.events]
    told = sorted((h for h in told if h.event is not Event.RECEIVED), key=lambda happening: happening.at)
    if told and told[0].at < received:
        raise Invalid(_("Có sự kiện xảy ra trước lúc tiếp nhận."))
    return [Happening(Event.RECEIVED, received), *told]


def _happening(line: HappeningIn, term: Duration | None) -> Happening:
    try:
        event = Event(line.event)
    except ValueError:
        raise Invalid(_("Không có sự kiện “%(event)s”."), event=line.event) from None
    notes = {name: getattr(line, name) for name in NOTES if getattr(line, name) is not None}
    if event is Event.EXTENDED:
        notes |= _extension(line, term)
    elif event is Event.RECOUNTED:
        if line.calendar not in CALENDARS:
            raise Invalid(_("Không có lịch “%(code)s” đi kèm."), code=line.calendar)
        notes["calendar"] = _place(line.calendar)
    return Happening(event, moment(line.at), line.by, notes)


def _extension(line: HappeningIn, term: Duration | None) -> dict[str, str]:
    """How long an extension is, or until when: one of them."""
    until = line.until or line.date
    given = [line.days is not None, bool(line.value), bool(until)]
    if sum(given) != 1:
        raise Invalid(_("Gia hạn cần ghi một trong các mục: days, value, until."))
    if until:
        try:
            return {"until": date.fromisoformat(until[:10]).isoformat()}
        except ValueError:
            raise Invalid(_("Không hiểu ngày “%(text)s”."), text=until) from None
    unit = Unit.CALENDAR_DAYS if term and term.unit is Unit.CALENDAR_DAYS else Unit.WORKING_DAYS
    return {"value": str(Duration.parse(line.value) if line.value else Duration(line.days or 0, unit))}


def _check_extensions(history: Sequence[Happening], book: Book) -> None:
    """An extension is given once an episode, before the term is over, and not by whoever asked for it."""
    for place, happening in enumerate(history):
        if happening.event is not Event.EXTENDED:
            continue
        state = state_of_clocks(history[:place], book, happening.at).resolve
        if state.term.extension is not None:
            raise Conflict(_("Phản ánh này đã được gia hạn một lần."))
        if not state.running or state.due.missed_by(happening.at):
            raise Conflict(_("Đã quá hạn nên không gia hạn được nữa."))
        asked = [h.actor for h in history[:place] if h.event is Event.EXTENSION_REQUESTED]
        if asked and happening.actor and asked[-1] == happening.actor:
            raise Conflict(_("Người đề nghị không tự duyệt gia hạn cho mình."))
        given = state_of_clocks(history[: place + 1], book, happening.at).resolve
        if given.due.at <= state.due.at:
            raise Invalid(_("Ngày hẹn mới phải sau hạn đang có."))


def _line(day: Day) -> dict[str, Any]:
    line: dict[str, Any] = {"date": day.day.isoformat(), "counted": day.counted, "why": day.why.value}
    line |= {name: value if isinstance(value, int) else str(value) for name, value in day.params.items()}
    if day.doubt:
        line["estimate"] = day.doubt.value
    if day.worked:
        line["minutes"] = day.worked.total_seconds() / 60
    return line


def _answer_lines() -> int:
    """One answer for each line of standard input, a refusal too; 1 if any was refused."""
    refused, now = 0, clock_now()
    for raw in sys.stdin.buffer:
        text = raw.decode("utf-8", "replace").strip()
        if not text:
            continue
        try:
            typer.echo(_json(answer(_read(text), now)))
        except DomainError as wrong:
            refused = 1
            typer.echo(_json({"error": str(wrong)}))
    return refused


def _json(answered: dict[str, Any]) -> str:
    return json.dumps(answered, ensure_ascii=False)


def _plain(answered: dict[str, Any]) -> str:
    """The due moment, then a line for each day: + counted, - not, ~ where the calendar is an estimate."""
    head = f"{answered['due_at']} ({answered['value']}, {answered['calendar']} {answered['calendar_version']})"
    lines = [
        f"{day['date']} {'~' if 'estimate' in day else ' '}{'+' if day['counted'] else '-'} "
        f"{day['why']} {day.get('name', '')}".rstrip()
        for day in answered["days"]
    ]
    return "\n".join((head, *lines))
