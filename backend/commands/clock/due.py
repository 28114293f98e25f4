"""``langnghe clock due``: a due date and its explanation on the command line, for others to check against."""

import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer

from backend.commands.clock.answers import answer_question
from backend.commands.clock.questions import parse_moment
from backend.deadlines.grounds import GROUNDS
from backend.deadlines.rules import RuleEvidence, shipped_rules
from backend.errors import DomainError, Invalid, _

clock = typer.Typer(help="Tính thời hạn và giải thích từng ngày.", no_args_is_help=True)
MARKS: Final = {
    RuleEvidence.VERIFIED: "",
    RuleEvidence.PRACTICE: " (thông lệ)",
    RuleEvidence.OURS: " (quy định riêng của hệ thống)",
    RuleEvidence.UNVERIFIED: " (chưa kiểm chứng được văn bản)",
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
    asked: dict[str, Any] = {"received": received, "rule": rule, "value": value, "case": case, "calendar": calendar}
    asked |= {"now": now, "pause_limit": pause_limit, "channel": channel}
    try:
        if events is not None:
            asked["events"] = _read(_file(events))
        if stdin:
            raise typer.Exit(_answer_lines({name: given for name, given in asked.items() if given is not None}))
        answered = answer_question(asked)
    except DomainError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(2) from None
    typer.echo(_json(answered) if as_json else _plain(answered))


@clock.command("rules")
def rules_command(
    as_json: Annotated[bool, typer.Option("--json", help="Mỗi dòng một đối tượng JSON.")] = False,
) -> None:
    """Các quy định đi kèm: mã, trường hợp, thời hạn, tính từ đâu, căn cứ."""
    for rule in shipped_rules():
        told = {
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
        typer.echo(_json(told) if as_json else "\t".join(told.values()))


@clock.command("grounds")
def grounds_command(
    on: Annotated[str | None, typer.Option(metavar="NGÀY", help="Chỉ những lý do dùng được vào ngày này.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Mỗi dòng một đối tượng JSON.")] = False,
) -> None:
    """Các danh mục lý do: từ chối, tạm đình chỉ, đình chỉ, vụ việc phức tạp; mỗi lý do có căn cứ."""
    try:
        day = parse_moment(on).date() if on else None
    except DomainError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(2) from None
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
                typer.echo(_json(row) if as_json else "\t".join(row.values()))


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


def _answer_lines(given: dict[str, Any]) -> int:
    """One answer for each line of standard input, a refusal too; 1 if any was refused. ``given`` fills what a line
    leaves out. Lines are read and answered one at a time, so that another program can hold a conversation."""
    refused = 0
    for number, raw in enumerate(_lines(sys.stdin.buffer), 1):
        if not raw.strip():
            continue
        told: dict[str, Any] = {"line": number}
        try:
            asked = _parse_question(raw)
            told |= {"id": asked["id"]} if isinstance(asked.get("id"), str | int) else {}
            told |= answer_question({**given, **{name: value for name, value in asked.items() if value is not None}})
        except DomainError as wrong:
            refused = 1
            told["error"] = str(wrong)
        typer.echo(_json(told))
    return refused


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Each line; of one that is too long only its beginning, so that no input fills the memory."""
    while raw := stream.readline(LINE_MOST):
        yield raw
        while len(raw) == LINE_MOST and not raw.endswith(b"\n"):
            raw = stream.readline(LINE_MOST)


def _parse_question(raw: bytes) -> dict[str, Any]:
    if len(raw) == LINE_MOST:
        raise Invalid(_("Dòng này quá dài."))
    try:
        asked = _read(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Invalid(_("Nội dung không phải là JSON hợp lệ.")) from None
    if not isinstance(asked, dict):
        raise Invalid(_("Mỗi dòng phải là một đối tượng JSON."))
    return asked


def _json(answered: dict[str, Any]) -> str:
    """In plain letters; half a surrogate pair, which came in as an escape and is no letter, as a question mark."""
    return json.dumps(answered, ensure_ascii=False).encode(errors="replace").decode()


def _plain(answered: dict[str, Any]) -> str:
    """The due moment, what the term rests on, then a line for each day: + counted, - not, ~ where the calendar is an
    estimate."""
    head = f"{answered['due_at']} ({answered['value']}, {answered['calendar']} {answered['calendar_version']})"
    lines = [
        f"{day['date']} {'~' if 'estimate' in day else ' '}{'+' if day['counted'] else '-'} "
        f"{day['why']} {day.get('name', '')}".rstrip()
        for day in answered["days"]
    ]
    verdict = [answered["verdict"]] if "verdict" in answered else []
    return "\n".join((head, *verdict, *_ground_lines(answered), *lines))


def _ground_lines(answered: dict[str, Any]) -> list[str]:
    """The basis, and which version of the rule it is where there is more than one."""
    if not answered["basis"]:
        return []
    lines = [f"Căn cứ: {answered['basis']}{MARKS[answered['mark']]}"]
    lines += [answered["note"]] if "note" in answered else []
    span = [f"từ {_day(answered['valid_from'])}"] if "valid_from" in answered else []
    span += [f"đến hết {_day(answered['valid_to'])}"] if "valid_to" in answered else []
    if span:
        lines.append(f"Theo quy định của ngày tiếp nhận, áp dụng cho hồ sơ nhận {' '.join(span)}.")
    if later := answered.get("later"):
        lines.append(f"Hồ sơ nhận từ {_day(later['from'])}: {later['value']}, {later['basis']}{MARKS[later['mark']]}")
    return lines


def _day(iso: str) -> str:
    return date.fromisoformat(iso).strftime("%d/%m/%Y")
