"""``langnghe audit``: seal the history, and export its signed head for safekeeping elsewhere."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from backend import clock, db
from backend.commands.console import database_at_hand, day_option, refusals_as_lines
from backend.commands.output_language import say_text
from backend.errors import Invalid, NotFound, _
from backend.history import heads, sealing
from backend.worktime.calendar import local_time

audit = typer.Typer(help="Nhật ký: niêm phong, xuất dấu đã ký.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In một đối tượng JSON.")]


@audit.callback()
def _group() -> None:
    """Nhật ký: niêm phong, xuất dấu đã ký."""


@audit.command("seal")
def seal_command(as_json: AsJson = False) -> None:
    """Niêm phong ngay những gì chưa niêm phong (worker tự làm hai lần mỗi phút)."""
    with refusals_as_lines(), database_at_hand():
        sealed = sealing.seal_all(clock.now())
    sentence = say_text(_("Đã niêm phong %(n)s mục nhật ký."), n=sealed)
    typer.echo(json.dumps({"sealed": sealed}) if as_json else sentence)


@audit.command("head")
def head_command(
    out: Annotated[Path, typer.Option("--out", help="Tệp JSON sẽ ghi.")],
    day: Annotated[str | None, typer.Option(help="Dấu của ngày (YYYY-MM-DD); mặc định: ký dấu của lúc này.")] = None,
    as_json: AsJson = False,
) -> None:
    """Xuất dấu đã ký của toàn bộ nhật ký; hãy cất ở nơi người quản trị cơ sở dữ liệu không sửa được."""
    with refusals_as_lines(), database_at_hand():
        head = _present() if day is None else _find_head(day_option(day))
        try:
            out.write_text(head.dumps(), encoding="utf-8")
        except OSError:
            raise Invalid(_("Không ghi được tệp “%(path)s”."), path=str(out)) from None
    if as_json:
        facts = {"out": str(out), "day": head.day.isoformat(), "seal": head.seal, "hash": head.hash, "key": head.key}
        typer.echo(json.dumps(facts, ensure_ascii=False))
    else:
        sentence = _("Dấu ngày %(day)s, niêm phong số %(seal)s, khóa %(key)s: %(path)s")
        typer.echo(say_text(sentence, day=f"{head.day:%d/%m/%Y}", seal=head.seal, key=head.key, path=out))


def _present() -> heads.DailyHead:
    now = clock.now()
    sealing.seal_all(now)
    with db.transaction() as session:
        if heads.sign_day(session, local_time(now).date(), now) is None:
            raise NotFound(_("Nhật ký còn trống."))
        return heads.exported_head(session)


def _find_head(day: date) -> heads.DailyHead:
    with db.transaction() as session:
        return heads.exported_head(session, day)
