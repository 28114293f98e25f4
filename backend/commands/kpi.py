"""``langnghe kpi timeliness``: what was answered on time in a period, under a rule and a calendar."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from analytics.operations import ShareInterval
from backend import clock, db
from backend.commands.console import database_at_hand, day_option, refusals_as_lines
from backend.kpi.timeliness import TimelinessAnswer, TimelinessRequest, calendar_called, count_timeliness, unit_called
from backend.web.language import day_text as shown_day
from backend.web.language import number_text, percent_text
from backend.worktime.calendar import ZONE
from backend.worktime.duration import Duration

kpi = typer.Typer(help="Chỉ số vận hành.", no_args_is_help=True)


@kpi.callback()
def _group() -> None:
    """Chỉ số vận hành."""


@kpi.command("timeliness")
def timeliness_command(
    first: Annotated[str, typer.Option("--from", help="Ngày nhận đầu kỳ, ví dụ 2026-01-01.")],
    last: Annotated[str, typer.Option("--to", help="Ngày nhận cuối kỳ, tính cả ngày này.")],
    rule: Annotated[str, typer.Option(help="Thời hạn.")] = "15 working days",
    calendar: Annotated[str, typer.Option(help="Lịch: vn, hoặc weekdays (thứ Hai đến thứ Sáu).")] = "vn",
    unit: Annotated[str | None, typer.Option(help="Mã cơ quan; tính cả cơ quan trực thuộc.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Tính đến hết ngày; mặc định là hôm nay.")] = None,
    invented: Annotated[bool, typer.Option("--demonstration", help="Tính cả phản ánh minh họa.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In một đối tượng JSON.")] = False,
) -> None:
    """Số phản ánh nhận trong kỳ, trả lời đúng hạn, trễ, còn mở; tỷ lệ kèm khoảng tin cậy 95%."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        asked = TimelinessRequest(
            first=day_option(first),
            last=day_option(last),
            rule=Duration.parse(rule),
            calendar=calendar_called(session, calendar),
            as_of=day_option(as_of) if as_of else clock.now().astimezone(ZONE).date(),
            unit=unit_called(session, unit) if unit else None,
            invented=invented,
        )
        answer = count_timeliness(session, asked)
    if as_json:
        typer.echo(json.dumps(_json(answer), ensure_ascii=False, indent=2))
    else:
        _print(answer)


def _json(answer: TimelinessAnswer) -> dict[str, Any]:
    asked = answer.asked
    figures = asdict(answer.figures) | {"as_of": asked.as_of.isoformat()}
    return {
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "unit": asked.unit.code if asked.unit else None,
        "rule": str(asked.rule),
        "calendar": asked.calendar.code,
        "calendar_version": asked.calendar.version,
        "estimated": bool(answer.leaning),
        "estimated_years": list(answer.estimated_years),
        "estimated_cases": answer.leaning,
        "demonstration_cases": answer.demonstration,
        "paused_cases": answer.paused,
        **figures,
    }


def _print(answer: TimelinessAnswer) -> None:
    asked, figures = answer.asked, answer.figures
    console = Console()
    whose = asked.unit.name if asked.unit else "Tất cả cơ quan"
    period = f"nhận từ {shown_day(asked.first)} đến {shown_day(asked.last)}, tính đến {shown_day(asked.as_of)}"
    console.print(
        f"{whose}; {period}; thời hạn {asked.rule}, lịch {asked.calendar.code}", highlight=False, soft_wrap=True
    )
    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in (
        ("Đã nhận", figures.received),
        ("Trả lời đúng hạn", figures.on_time),
        ("Trả lời trễ", figures.late),
        ("Còn mở, chưa đến hạn", figures.not_due),
        ("Còn mở, quá hạn", figures.overdue),
        ("Kết thúc không qua trả lời, trong hạn", figures.ended - figures.ended_late),
        ("Kết thúc không qua trả lời, trễ", figures.ended_late),
    ):
        table.add_row(name, number_text(count, "vi"))
    table.add_row("Đúng hạn, trên số đã trả lời, quá hạn hoặc kết thúc trễ", _share(figures.rate))
    table.add_row("Đúng hạn, trên số đã trả lời", _share(figures.rate_of_answered))
    table.add_row("Số ngày làm việc, trung vị", _days(figures.median_days))
    table.add_row("Số ngày làm việc, 90% không quá", _days(figures.p90_days))
    console.print(table)
    for note in _notes(answer):
        console.print(note, highlight=False, soft_wrap=True)


def _notes(answer: TimelinessAnswer) -> list[str]:
    notes: list[str] = []
    if answer.leaning:
        years = ", ".join(map(str, answer.estimated_years))
        notes.append(f"Ước tính: hạn của {answer.leaning} phản ánh dựa vào ngày chưa có lịch được công bố ({years}).")
    if answer.demonstration:
        notes.append(f"Trong đó {answer.demonstration} phản ánh là dữ liệu minh họa.")
    if answer.paused:
        notes.append(f"{answer.paused} phản ánh có lúc chờ người gửi bổ sung; thời gian chờ không tính.")
    return notes


def _share(share: ShareInterval) -> str:
    if share.value is None or share.lo is None or share.hi is None:
        return "chưa có (n = 0)"
    interval = f"{percent_text(share.lo, 'vi')} đến {percent_text(share.hi, 'vi')}"
    return f"{percent_text(share.value, 'vi')} ({share.k}/{share.n}; 95%: {interval})"


def _days(days: float | None) -> str:
    return "chưa có" if days is None else number_text(days, "vi")
