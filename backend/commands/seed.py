"""``langnghe seed``: load the first data, the demonstration, and the load for measurements."""

import json
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from backend import clock, db
from backend.commands import first_data
from backend.commands.console import database_at_hand, day_option, refusals_as_lines
from backend.commands.output_language import say_number, say_text
from backend.devserver.demo import load as demo_load
from backend.devserver.demo import survey as demo_survey
from backend.devserver.load_data.load import LoadRequest, load_tickets
from backend.errors import Forbidden, Invalid, _
from backend.settings import get_settings
from backend.worktime.calendar import local_time

seed = typer.Typer(help="Nạp dữ liệu ban đầu và dữ liệu minh họa.", no_args_is_help=True)


@seed.command()
def base() -> None:
    """Nạp cơ quan, loại phản ánh, lịch làm việc, số liệu SIPAS đã công bố; chạy lại không sao."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        first_data.load_first_data(session, clock.now())
    typer.echo(say_text(_("Dữ liệu ban đầu đã đủ.")))


@seed.command()
def demo(
    tickets: Annotated[int, typer.Option(min=1, max=1_000_000, help="Số phản ánh minh họa cần có.")] = 2000,
    number: Annotated[int, typer.Option("--seed", help="Cùng số này cho cùng dữ liệu.")] = 2026,
    until: Annotated[str | None, typer.Option(help="Ngày cuối của dữ liệu (YYYY-MM-DD); mặc định hôm qua.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Không làm gì nếu đã có dữ liệu minh họa.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Nạp phản ánh minh họa trong 18 tháng cho 38 xã, phường; dừng giữa chừng thì chạy lại để nạp tiếp."""
    with refusals_as_lines(), database_at_hand():
        last = _until(until)
        if not get_settings().development:
            raise Forbidden(_("Dữ liệu minh họa có tài khoản mà ai cũng biết mật khẩu nên chỉ dùng khi phát triển."))
        with db.transaction() as session:
            before = demo_load.count_loaded(session)
        loaded = before if before and once else _load(number, tickets, last, before)
        ballots = demo_survey.load_survey(last, clock.now())
    if as_json:
        counts = {"tickets": loaded, "added": loaded - before, "ballots_added": ballots}
        typer.echo(json.dumps(counts | {"seed": number, "until": last.isoformat()}))
    else:
        sentence = _("Có %(n)s phản ánh minh họa (%(fresh)s mới), đến ngày %(day)s.")
        typer.echo(say_text(sentence, n=loaded, fresh=loaded - before, day=f"{last:%d/%m/%Y}"))
        typer.echo(say_text(_("Có một đợt khảo sát minh họa (%(n)s phiếu mới)."), n=ballots))


@seed.command("load")
def load_command(
    tickets: Annotated[int, typer.Option(min=1, max=5_000_000, help="Số phản ánh nạp thêm.")] = 100_000,
    events: Annotated[int, typer.Option(min=3, max=30, help="Số sự kiện của mỗi phản ánh.")] = 6,
    number: Annotated[int, typer.Option("--seed", help="Cùng số này cho cùng dữ liệu.")] = 2026,
    until: Annotated[str | None, typer.Option(help="Ngày cuối của dữ liệu (YYYY-MM-DD); mặc định hôm qua.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Nạp phản ánh giả của mười năm, cả nhật ký, để đo tốc độ khi hệ thống đã đầy; chỉ dùng khi phát triển."""
    with refusals_as_lines(), database_at_hand():
        request = LoadRequest(tickets, events, number, _until(until))
        if not get_settings().development:
            raise Forbidden(_("Dữ liệu để đo tốc độ là giả nên chỉ nạp khi phát triển."))
        began = time.perf_counter()
        loaded = _progress(say_text(_("Nạp dữ liệu để đo")), tickets, 0, load_tickets(request, clock.now()))
        seconds = time.perf_counter() - began
    if as_json:
        typer.echo(json.dumps({"tickets": loaded, "seconds": round(seconds, 1), "until": request.until.isoformat()}))
    else:
        sentence = _("Đã nạp %(n)s phản ánh để đo, đến ngày %(day)s, trong %(seconds)s giây.")
        typer.echo(say_text(sentence, n=loaded, day=f"{request.until:%d/%m/%Y}", seconds=say_number(round(seconds))))


def _until(typed: str | None) -> date:
    today = local_time(clock.now()).date()
    last = day_option(typed) if typed else today - timedelta(days=1)
    if last > today:
        raise Invalid(_("Ngày cuối không được ở tương lai."))
    return last


def _load(number: int, tickets: int, last: date, before: int) -> int:
    batches = demo_load.load_cases(number, tickets, last, clock.now())
    return _progress(say_text(_("Nạp dữ liệu minh họa")), tickets, before, batches)


def _progress(title: str, total: int, before: int, batches: Iterator[int]) -> int:
    """Show how far a load is, and return what it reached. ``batches`` gives the number of tickets after each batch."""
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    loaded = before
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total, completed=before)
        for loaded in batches:
            progress.update(task, completed=loaded)
    return loaded
