"""``langnghe clock due``: a due date and its explanation on the command line, for others to check against.

Needs no database: the calendar and the rules are those that ship. Moments without a zone are Vietnam's time.
"""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from backend.clock import now as clock_now
from backend.errors import DomainError, Invalid, _
from backend.tickets.deadlines import Happening, pauses
from backend.tickets.lifecycle import Event
from backend.tickets.models import Verdict
from backend.tickets.rules import Rule, choose, shipped_rules
from backend.worktime.arithmetic import due
from backend.worktime.calendar import ZONE, WorkCalendar, local
from backend.worktime.duration import Duration
from backend.worktime.explain import Day, explain
from backend.worktime.moments import Pause
from backend.worktime.shipped import shipped

clock = typer.Typer(help="Tính thời hạn và giải thích từng ngày.", no_args_is_help=True)
_STILL: Final = {"submitted_for_approval", "returned", "published", "confirmed"}  # move no due date


@clock.callback()
def _group() -> None:
    """Tính thời hạn và giải thích từng ngày."""


class HappeningIn(BaseModel):
    """One line of a ticket's history, as written in a file."""

    model_config = ConfigDict(extra="ignore")
    at: str
    event: str


class Question(BaseModel):
    """What is asked: the term by the name of its rule, or by its value, which goes before."""

    model_config = ConfigDict(extra="forbid")
    received: str
    rule: str | None = None
    value: str | None = None
    case: str = ""
    calendar: str = "vn"
    events: list[HappeningIn] = []
    now: str | None = None


@clock.command("due")
def due_command(
    received: Annotated[str, typer.Option(help="Lúc tiếp nhận, ví dụ 2026-11-20T16:45.")] = "",
    rule: Annotated[str | None, typer.Option(help="Mã quy định, ví dụ resolve.")] = None,
    value: Annotated[str | None, typer.Option(help="Thời hạn khác, ví dụ “15 working days”.")] = None,
    case: Annotated[str, typer.Option(help="Trường hợp riêng, ví dụ urgent_field.")] = "",
    calendar: Annotated[str, typer.Option(help="Lịch: vn hoặc weekdays.")] = "vn",
    events: Annotated[Path | None, typer.Option(help="Tệp JSON: danh sách {at, event}.")] = None,
    now: Annotated[str | None, typer.Option(help="Thời điểm hỏi, khi còn đang tạm dừng.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In một đối tượng JSON.")] = False,
    stdin: Annotated[bool, typer.Option("--stdin", help="Mỗi dòng vào một câu hỏi JSON.")] = False,
) -> None:
    """Ngày đến hạn, và từng ngày được đếm hay không, vì sao."""
    if stdin:
        raise typer.Exit(_answer_lines())
    try:
        history = _read(_file(events)) if events else []
        asked = {"received": received, "rule": rule, "value": value, "case": case, "calendar": calendar}
        answered = answer(asked | {"events": history, "now": now}, clock_now())
    except DomainError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(2) from None
    typer.echo(_json(answered) if as_json else _plain(answered))


def answer(asked: object, now: datetime) -> dict[str, Any]:
    """The due date of one question as JSON-ready data. Raises DomainError for anything that cannot be counted.

    Judged by the first answer: pauses up to it move the due date, later events do not.
    """
    question = _question(asked)
    calendar = shipped(question.calendar)
    received = moment(question.received)
    term, rule = _term(question, received)
    told = [_happening(line) for line in question.events if line.event not in _STILL]
    history = sorted(told, key=lambda happening: happening.at)
    if any(happening.at < received for happening in history):
        raise Invalid(_("Có sự kiện xảy ra trước lúc tiếp nhận."))
    answered = next((happening.at for happening in history if happening.event is Event.ANSWERED), None)
    asked_at = answered or (moment(question.now) if question.now else now)
    breaks = pauses([happening for happening in history if happening.at <= asked_at], asked_at)
    return _counted(calendar, term, received, breaks, answered) | {
        "rule": rule.code if rule else None,
        "value": str(term),
        "basis": rule.basis if rule else None,
        "mark": rule.mark if rule else None,
    }


def _counted(
    calendar: WorkCalendar,
    term: Duration,
    received: datetime,
    breaks: Sequence[Pause],
    answered: datetime | None,
) -> dict[str, Any]:
    end = due(calendar, term, received, breaks)
    verdict: dict[str, Any] = {}
    if answered:
        verdict["verdict"] = Verdict.LATE if end.missed_by(answered) else Verdict.ON_TIME
    return {
        "due_date": end.on.isoformat(),
        "due_at": end.at.isoformat(timespec="seconds"),
        **verdict,
        "calendar": calendar.code,
        "calendar_version": calendar.version,
        "estimate": end.estimate,
        "rolled": end.rolled,
        "days": [_line(day) for day in explain(calendar, term, received, breaks)],
    }


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


def _happening(line: HappeningIn) -> Happening:
    try:
        return Happening(Event(line.event), moment(line.at))
    except ValueError:
        raise Invalid(_("Chưa tính được sự kiện “%(event)s”."), event=line.event) from None


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
