"""``langnghe users``: accounts of staff from the command line: the first administrator, and emergencies."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from backend import clock, db
from backend.commands.console import database_at_hand, refusals_as_lines
from backend.errors import Invalid, NotFound, _
from backend.units.directory import find_unit
from backend.users import queries, service
from backend.users.models import STAFF, Role, User
from backend.users.texts import ROLE_NAMES
from backend.worktime.calendar import local_time

users = typer.Typer(help="Tài khoản cán bộ.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")]


@users.callback()
def _group() -> None:
    """Tài khoản cán bộ."""


@users.command("add")
def add_account(
    email: Annotated[str, typer.Argument(help="Thư điện tử, cũng là tên đăng nhập.")],
    name: Annotated[str, typer.Option(help="Họ tên.")],
    role: Annotated[Role, typer.Option(help="Vai trò: " + ", ".join(role.value for role in STAFF) + ".")],
    unit: Annotated[str | None, typer.Option(help="Mã cơ quan, bắt buộc với officer và leader.")] = None,
    as_json: AsJson = False,
) -> None:
    """Thêm một tài khoản. Mật khẩu được hỏi, hoặc đọc một dòng từ đầu vào chuẩn."""
    password = _ask_password()
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        user = service.create_user(
            session,
            email=email,
            name=name,
            password=password,
            role=role,
            unit_id=_unit_id(session, unit),
            now=clock.now(),
        )
        added = {"id": user.id, "email": user.email, "role": user.role.value}
    typer.echo(json.dumps(added, ensure_ascii=False) if as_json else "\t".join(map(str, added.values())))


@users.command("revoke")
def revoke_account(
    email: Annotated[str, typer.Argument(help="Thư điện tử của tài khoản.")],
    keep_open: Annotated[bool, typer.Option("--sessions-only", help="Chỉ kết thúc phiên, không khóa.")] = False,
    as_json: AsJson = False,
) -> None:
    """Khóa một tài khoản và kết thúc ngay mọi phiên của nó."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        user = _find_account(session, email)
        if keep_open:
            service.revoke_sessions(session, user.id, clock.now())
        else:
            service.set_active(session, user.id, False, by=None, now=clock.now())
    if as_json:
        typer.echo(json.dumps({"email": user.email, "active": user.active}, ensure_ascii=False))
    else:
        typer.echo(f"{user.email}\t{'mở' if user.active else 'khóa'}")


@users.command("list")
def list_accounts(as_json: AsJson = False) -> None:
    """Mọi tài khoản, đang mở trước."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        rows = [
            {
                "id": user.id,
                "email": user.email,
                "name": user.name,
                "role": user.role.value,
                "unit": user.unit.code if user.unit else None,
                "active": user.active,
            }
            for user in queries.list_accounts(session)
        ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("Số", "Thư điện tử", "Họ tên", "Vai trò", "Cơ quan", "Trạng thái", box=None)
    for row in rows:
        state = "đang mở" if row["active"] else "đã khóa"
        role = ROLE_NAMES[Role(str(row["role"]))]
        table.add_row(str(row["id"]), str(row["email"]), str(row["name"]), role, str(row["unit"] or ""), state)
    Console().print(table)


def _ask_password() -> str:
    """Typed twice at a terminal, else one line of standard input: never an argument, which others could list."""
    if sys.stdin.isatty():
        return str(typer.prompt("Mật khẩu", hide_input=True, confirmation_prompt="Nhập lại mật khẩu"))
    return sys.stdin.readline().rstrip("\r\n")


def _unit_id(session: Session, code: str | None) -> int | None:
    if code is None:
        return None
    unit = find_unit(session, code, local_time(clock.now()).date())
    if unit is None:
        raise Invalid(_("Không có cơ quan nào đang hoạt động mang mã này."), field="unit")
    return unit.id


def _find_account(session: Session, email: str) -> User:
    user = queries.by_email(session, email)
    if user is None:
        raise NotFound(_("Không có tài khoản nào với địa chỉ này."))
    return user
