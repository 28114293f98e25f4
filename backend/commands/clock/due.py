"""``langnghe clock``: a due date with its explanation, the shipped rules, and the lists of grounds. No database is
needed."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer

from backend.commands.clock.answers import answer_question
from backend.commands.clock.questions import parse_moment
from backend.commands.output_language import say_refusal, say_text
from backend.deadlines.grounds import GROUNDS
from backend.deadlines.rules import RuleEvidence, shipped_rules
from backend.errors import DomainError, Invalid, _

clock = typer.Typer(help="Tính thời hạn và giải thích từng ngày.", no_args_is_help=True)
MARKS: Final = {
    RuleEvidence.VERIFIED: "%(basis)s",
    RuleEvidence.PRACTICE: _("%(basis)s (thông lệ)"),
    RuleEvidence.OURS: _("%(basis)s (quy định riêng của hệ thống)"),
    RuleEvidence.UNVERIFIED: _("%(basis)s (chưa kiểm chứng được văn bản)"),
}
LINE_MOST: Final = 1 << 20  # bytes of a question
HELP: Final = """Ngày đến hạn, và từng ngày được đếm hay không, vì sao. Không cần cơ sở dữ liệu.

Thời hạn: “15 working days”, “20 days” (ngày lịch, hết vào ngày nghỉ thì lùi đến ngày làm việc kế tiếp), “4 working
hours”, “30 working minutes”. Thời điểm không ghi múi giờ là giờ Việt Nam. Mã quy định: langnghe clock rules.
Cách đếm: docs/clock.md.

Sự kiện: [{"at": "2026-11-25T09:00", "event": "info_requested"}, ...] với tên như received, info_requested (tạm dừng),
info_received (chạy tiếp), forwarded, extended (thêm days, value hoặc until), answered, reopened, merged, unmerged.
Lần tạm dừng chưa ai kết thúc thì tính đến giới hạn của nó, hoặc đến --now.

Với --stdin, mỗi dòng là một đối tượng có received, rule hoặc value, và nếu cần case, channel, calendar, events, now,
pause_limit, id; các tùy chọn ghi trên dòng lệnh dùng cho những dòng không ghi. Mỗi dòng được một dòng trả lời có số
dòng (line), hoặc {"line", "error"}; dòng trống được bỏ qua.

Mã kết thúc: 0 đã trả lời; 1 có dòng bị từ chối; 2 câu hỏi bị từ chối, lý do ở đầu ra lỗi."""


@clock.callback()
def _group() -> None:
    """Tính thời hạn và giải thích từng ngày."""


@clock.command("due", help=HELP)
def due_command(
    received: Annotated[str | None, typer.Option(help="Lúc tiếp nhận, ví dụ 2026-11-20T16:45.")] = None,
    rule: Annotated[str | None, typer.Option(help="Mã quy định, ví dụ resolve.")] = None,
    value: Annotated[str | None, typer.Option(help="Thời hạn khác, ví dụ “15 working days”.")] = None,
    case: Annotated[str | None, typer.Option(help="Trường hợp riêng: urgent_field, several_units...")] = None,
    channel: Annotated[str | None, typer.Option(help="Kênh tiếp nhận: web, counter, paper (đơn)...")] = None,
    calendar: Annotated[str | None, typer.Option(help="Lịch: vn (nếu không ghi) hoặc weekdays.")] = None,
    events: Annotated[Path | None, typer.Option(help="Tệp JSON: danh sách {at, event, ...}.")] = None,
    now: Annotated[str | None, typer.Option(help="Thời điểm hỏi; sự kiện sau đó không tính.")] = None,
    pause_limit: Annotated[str | None, typer.Option(help="Giới hạn mỗi lần tạm dừng, hoặc none.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In một đối tượng JSON.")] = False,
    stdin: Annotated[bool, typer.Option("--stdin", help="Mỗi dòng vào một câu hỏi JSON.")] = False,
) -> None:
    question: dict[str, Any] = {"received": received, "rule": rule, "value": value, "case": case, "calendar": calendar}
    question |= {"now": now, "pause_limit": pause_limit, "channel": channel}
    with _refusals():
        if events is not None:
            question["events"] = _read(_file(events))
        if stdin:
            raise typer.Exit(_answer_lines({name: field for name, field in question.items() if field is not None}))
        answer = answer_question(question)
    typer.echo(_json(answer) if as_json else _plain(answer))


@clock.command("rules")
def rules_command(
    as_json: Annotated[bool, typer.Option("--json", help="Mỗi dòng một đối tượng JSON.")] = False,
) -> None:
    """Các quy định đi kèm: mã, trường hợp, thời hạn, tính từ đâu, căn cứ."""
    for rule in shipped_rules():
        row = {
            "rule": rule.code,
            "case": rule.case,
            "manner": rule.manner,
            "value": rule.value,
            "starts": rule.starts.value,
            "adds_to": rule.adds_to,
            "from": str(rule.valid_from or ""),
            "to": str(rule.valid_to or ""),
            "mark": rule.mark.value,
            "basis": rule.basis,
        }
        typer.echo(_json(row) if as_json else "\t".join({**row, "basis": say_text(rule.basis)}.values()))


@clock.command("grounds")
def grounds_command(
    on: Annotated[str | None, typer.Option(metavar="NGÀY", help="Chỉ những lý do dùng được vào ngày này.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Mỗi dòng một đối tượng JSON.")] = False,
) -> None:
    """Các danh mục lý do: từ chối, tạm đình chỉ, đình chỉ, vụ việc phức tạp; mỗi lý do có căn cứ."""
    with _refusals():
        day = parse_moment(on).date() if on else None
    for name, grounds in GROUNDS.items():
        for ground in grounds:
            row = {
                "list": name.value,
                "ground": ground.code,
                "text": ground.text,
                "from": str(ground.valid_from or ""),
                "to": str(ground.valid_to or ""),
                "mark": ground.mark.value,
                "basis": ground.basis,
            }
            if day is None or ground.in_force(day):
                plain = {**row, "text": say_text(ground.text), "basis": say_text(ground.basis)}
                typer.echo(_json(row) if as_json else "\t".join(plain.values()))


@contextmanager
def _refusals() -> Iterator[None]:
    """Print a refusal to standard error and end the command with status 2."""
    try:
        yield
    except DomainError as refusal:
        typer.echo(say_refusal(refusal), err=True)
        raise typer.Exit(2) from None


def _file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        raise Invalid(_("Không đọc được tệp %(path)s."), path=path) from None


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid(_("Nội dung không phải là JSON hợp lệ.")) from None


def _answer_lines(defaults: dict[str, Any]) -> int:
    """Answer each line of standard input, with a refusal too; return 1 if any line was refused.

    ``defaults`` fills what a line leaves out. Lines are read and answered one at a time, so that another program can
    hold a conversation.
    """
    status = 0
    for number, raw in enumerate(_lines(sys.stdin.buffer), 1):
        if not raw.strip():
            continue
        answer: dict[str, Any] = {"line": number}
        try:
            question = _parse_question(raw)
            answer |= {"id": question["id"]} if isinstance(question.get("id"), str | int) else {}
            fields = {name: value for name, value in question.items() if value is not None}
            answer |= answer_question({**defaults, **fields})
        except DomainError as refusal:
            status = 1
            answer["error"] = say_refusal(refusal)
        typer.echo(_json(answer))
    return status


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield each line. Of a line that is too long yield only the beginning, so that no input fills the memory."""
    while raw := stream.readline(LINE_MOST):
        yield raw
        while len(raw) == LINE_MOST and not raw.endswith(b"\n"):
            raw = stream.readline(LINE_MOST)


def _parse_question(raw: bytes) -> dict[str, Any]:
    if len(raw) == LINE_MOST:
        raise Invalid(_("Dòng này quá dài."))
    try:
        question = _read(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Invalid(_("Nội dung không phải là JSON hợp lệ.")) from None
    if not isinstance(question, dict):
        raise Invalid(_("Mỗi dòng phải là một đối tượng JSON."))
    return question


def _json(answer: dict[str, Any]) -> str:
    """Return JSON in plain letters. Half a surrogate pair, which came in as an escape and is no letter, becomes a
    question mark."""
    return json.dumps(answer, ensure_ascii=False).encode(errors="replace").decode()


def _plain(answer: dict[str, Any]) -> str:
    """Return the due moment, what the term rests on, and one line for each day: + counted, - not, ~ estimated."""
    head = f"{answer['due_at']} ({answer['value']}, {answer['calendar']} {answer['calendar_version']})"
    lines = [
        f"{day['date']} {'~' if 'estimate' in day else ' '}{'+' if day['counted'] else '-'} "
        f"{day['why']} {day.get('name', '')}".rstrip()
        for day in answer["days"]
    ]
    verdict = [answer["verdict"]] if "verdict" in answer else []
    return "\n".join((head, *verdict, *_ground_lines(answer), *lines))


def _ground_lines(answer: dict[str, Any]) -> list[str]:
    """Return the basis, and which version of the rule it is where there are several."""
    if not answer["basis"]:
        return []
    lines = [say_text(_("Căn cứ: %(basis)s"), basis=_basis(answer))]
    lines += [say_text(answer["note"])] if "note" in answer else []
    if span := _span(answer):
        sentence = _("Theo quy định của ngày tiếp nhận, áp dụng cho hồ sơ nhận %(span)s.")
        lines.append(say_text(sentence, span=span))
    if later := answer.get("later"):
        sentence = _("Hồ sơ nhận từ %(day)s: %(value)s, %(basis)s")
        lines.append(say_text(sentence, day=_day(later["from"]), value=later["value"], basis=_basis(later)))
    return lines


def _basis(facts: dict[str, Any]) -> str:
    """Return the legal basis and how sure it is."""
    return say_text(MARKS[facts["mark"]], basis=say_text(facts["basis"]))


def _span(answer: dict[str, Any]) -> str:
    """Return the days of reception that the version is for; empty where it has neither end."""
    parts = []
    if "valid_from" in answer:
        parts.append(say_text(_("từ %(day)s"), day=_day(answer["valid_from"])))
    if "valid_to" in answer:
        parts.append(say_text(_("đến hết %(day)s"), day=_day(answer["valid_to"])))
    return " ".join(parts)


def _day(iso: str) -> str:
    return date.fromisoformat(iso).strftime("%d/%m/%Y")
