"""``langnghe seed``: load the first data and the demonstration."""

import json
from datetime import date, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from backend import clock, db
from backend.commands import first_data
from backend.commands.console import database_at_hand, day_option, refusals_as_lines
from backend.commands.output_language import say_text
from backend.devserver.demo import load as demo_load
from backend.devserver.demo import survey as demo_survey
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


def _until(typed: str | None) -> date:
    today = local_time(clock.now()).date()
    last = day_option(typed) if typed else today - timedelta(days=1)
    if last > today:
        raise Invalid(_("Ngày cuối không được ở tương lai."))
    return last


def _load(number: int, tickets: int, last: date, before: int) -> int:
    columns = (
        TextColumn(say_text(_("Nạp dữ liệu minh họa"))),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    loaded = before
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=tickets, completed=before)
        for loaded in demo_load.load_cases(number, tickets, last, clock.now()):
            progress.update(task, completed=loaded)
    return loaded
