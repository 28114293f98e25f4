"""``langnghe audit``: seal the history, and export its signed head for somebody else to keep."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from backend import clock, db
from backend.console import database_at_hand, refusals_as_lines
from backend.errors import Invalid, NotFound, _
from backend.history import heads, sealing
from backend.worktime.calendar import local

audit = typer.Typer(help="Nhật ký: niêm phong, xuất dấu đã ký.", no_args_is_help=True)


@audit.callback()
def _group() -> None:
    """Nhật ký: niêm phong, xuất dấu đã ký."""


@audit.command("seal")
def seal_command() -> None:
    """Niêm phong ngay những gì chưa niêm phong (worker tự làm hai lần mỗi phút)."""
    with refusals_as_lines(), database_at_hand():
        done = sealing.seal_all(clock.now())
    typer.echo(f"Đã niêm phong {done} mục nhật ký.")


@audit.command("head")
def head_command(
    out: Annotated[Path, typer.Option("--out", help="Tệp JSON sẽ ghi.")],
    day: Annotated[str | None, typer.Option(help="Dấu của ngày (YYYY-MM-DD); mặc định: ký dấu của lúc này.")] = None,
) -> None:
    """Xuất dấu đã ký của toàn bộ nhật ký; hãy cất ở nơi người quản trị cơ sở dữ liệu không sửa được."""
    with refusals_as_lines(), database_at_hand():
        head = _present() if day is None else _of(day)
        try:
            out.write_text(head.dumps(), encoding="utf-8")
        except OSError:
            raise Invalid(_("Không ghi được tệp “%(path)s”."), path=str(out)) from None
    typer.echo(f"Dấu ngày {head.day:%d/%m/%Y}, niêm phong số {head.seal}, khóa {head.key}: {out}")


def _present() -> heads.Head:
    now = clock.now()
    sealing.seal_all(now)
    with db.transaction() as session:
        if heads.sign_day(session, local(now).date(), now) is None:
            raise NotFound(_("Nhật ký còn trống."))
        return heads.exported(session)


def _of(text: str) -> heads.Head:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Invalid(_("Không có ngày “%(text)s”."), text=text) from None
    with db.transaction() as session:
        return heads.exported(session, day)
