"""``langnghe kpi timeliness``: what was answered on time in a period, under a rule and a calendar."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from analytics.operations import ShareInterval
from analytics.timeliness import Timeliness
from backend import clock, db
from backend.commands.console import database_at_hand, day_option, refusals_as_lines
from backend.commands.output_language import output_language, say_number, say_text
from backend.errors import _
from backend.kpi.timeliness import TimelinessAnswer, TimelinessRequest, calendar_called, count_timeliness, unit_called
from backend.web.language import day_text as shown_day
from backend.web.language import percent_text
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
        request = TimelinessRequest(
            first=day_option(first),
            last=day_option(last),
            rule=Duration.parse(rule),
            calendar=calendar_called(session, calendar),
            as_of=day_option(as_of) if as_of else clock.now().astimezone(ZONE).date(),
            unit=unit_called(session, unit) if unit else None,
            invented=invented,
        )
        answer = count_timeliness(session, request)
    if as_json:
        typer.echo(json.dumps(_json(answer), ensure_ascii=False, indent=2))
    else:
        _print(answer)


def _json(answer: TimelinessAnswer) -> dict[str, Any]:
    request = answer.asked
    figures = asdict(answer.figures) | {"as_of": request.as_of.isoformat()}
    return {
        "from": request.first.isoformat(),
        "to": request.last.isoformat(),
        "unit": request.unit.code if request.unit else None,
        "rule": str(request.rule),
        "calendar": request.calendar.code,
        "calendar_version": request.calendar.version,
        "estimated": bool(answer.leaning),
        "estimated_years": list(answer.estimated_years),
        "estimated_cases": answer.leaning,
        "demonstration_cases": answer.demonstration,
        "paused_cases": answer.paused,
        **figures,
    }


def _print(answer: TimelinessAnswer) -> None:
    request, figures = answer.asked, answer.figures
    console = Console()
    sentence = say_text(
        _("%(unit)s; nhận từ %(first)s đến %(last)s, tính đến %(day)s; thời hạn %(rule)s, lịch %(calendar)s"),
        unit=request.unit.name if request.unit else say_text(_("Tất cả cơ quan")),
        first=shown_day(request.first),
        last=shown_day(request.last),
        day=shown_day(request.as_of),
        rule=request.rule,
        calendar=request.calendar.code,
    )
    console.print(sentence, highlight=False, soft_wrap=True)
    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, text in _lines(figures):
        table.add_row(say_text(name), text)
    console.print(table)
    for note in _notes(answer):
        console.print(note, highlight=False, soft_wrap=True)


def _lines(figures: Timeliness) -> list[tuple[str, str]]:
    """Return the lines of the table: the message of the catalogue, and the figure as text."""
    return [
        (_("Đã nhận"), say_number(figures.received)),
        (_("Trả lời đúng hạn"), say_number(figures.on_time)),
        (_("Trả lời trễ"), say_number(figures.late)),
        (_("Còn mở, chưa đến hạn"), say_number(figures.not_due)),
        (_("Còn mở, quá hạn"), say_number(figures.overdue)),
        (_("Kết thúc không qua trả lời, trong hạn"), say_number(figures.ended - figures.ended_late)),
        (_("Kết thúc không qua trả lời, trễ"), say_number(figures.ended_late)),
        (_("Đúng hạn, trên số đã trả lời, quá hạn hoặc kết thúc trễ"), _share(figures.rate)),
        (_("Đúng hạn, trên số đã trả lời"), _share(figures.rate_of_answered)),
        (_("Số ngày làm việc, trung vị"), _days(figures.median_days)),
        (_("Số ngày làm việc, 90% không quá"), _days(figures.p90_days)),
    ]


def _notes(answer: TimelinessAnswer) -> list[str]:
    notes: list[str] = []
    if answer.leaning:
        sentence = _("Ước tính: hạn của %(n)s phản ánh dựa vào ngày chưa có lịch được công bố (%(years)s).")
        notes.append(say_text(sentence, n=answer.leaning, years=", ".join(map(str, answer.estimated_years))))
    if answer.demonstration:
        notes.append(say_text(_("Trong đó %(n)s phản ánh là dữ liệu minh họa."), n=answer.demonstration))
    if answer.paused:
        sentence = _("%(n)s phản ánh có lúc chờ người gửi bổ sung; thời gian chờ không tính.")
        notes.append(say_text(sentence, n=answer.paused))
    return notes


def _share(share: ShareInterval) -> str:
    if share.value is None or share.lo is None or share.hi is None:
        return say_text(_("chưa có (n = 0)"))
    return say_text(
        _("%(value)s (%(k)s/%(n)s; 95%%: %(lo)s đến %(hi)s)"),
        value=_percent(share.value),
        k=share.k,
        n=share.n,
        lo=_percent(share.lo),
        hi=_percent(share.hi),
    )


def _percent(value: float) -> str:
    return percent_text(value, output_language())


def _days(days: float | None) -> str:
    return say_text(_("chưa có")) if days is None else say_number(days)
