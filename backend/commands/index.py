"""``langnghe index``: figures counted once, kept with all they came from, counted again, published."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from backend import clock, db
from backend.commands.console import account_that_may, database_at_hand, day_option, refusals_as_lines
from backend.errors import Forbidden, _
from backend.indices.measures.values import RunValue
from backend.indices.models import IndexRun
from backend.indices.runs import service as runs
from backend.indices.runs.service import RunVerification
from backend.kpi.timeliness import unit_called
from backend.users.models import Role
from backend.users.policy import Actor, Permission
from backend.web.language import number_text
from backend.worktime.calendar import ZONE, local_time

index = typer.Typer(help="Lần tính chỉ số: tính, xem, tính lại để kiểm tra, công bố.", no_args_is_help=True)
TERMINAL = Actor(Role.MANAGER, key="system")
CHANGED = 1

AsJson = Annotated[bool, typer.Option("--json", help="In một đối tượng JSON.")]
Run = Annotated[int, typer.Argument(help="Mã lần tính.")]


@index.callback()
def _group() -> None:
    """Lần tính chỉ số: tính, xem, tính lại để kiểm tra, công bố."""


@index.command("run")
def run_command(
    first: Annotated[str, typer.Option("--from", help="Ngày nhận đầu kỳ, ví dụ 2026-01-01.")],
    last: Annotated[str, typer.Option("--to", help="Ngày nhận cuối kỳ, tính cả ngày này.")],
    unit: Annotated[str | None, typer.Option(help="Mã cơ quan; tính cả cơ quan trực thuộc.")] = None,
    seed: Annotated[int, typer.Option(help="Số gieo của phần mô phỏng (khoảng thứ hạng).")] = runs.SEED,
    as_json: AsJson = False,
) -> None:
    """Tính mọi chỉ số hai mặt của một kỳ và lưu lại cùng dữ liệu đầu vào."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        moment = clock.now()
        held = unit_called(session, unit) if unit else None
        asked = runs.prepare_request(
            session, held, day_option(first), day_option(last), TERMINAL, moment.astimezone(ZONE).date()
        )
        run_id = runs.make_run(session, asked, held, seed=seed, now=moment, user_id=None)
        made, values = runs.find_run(session, run_id), runs.values_of(session, run_id)
    _tell(made, values, as_json)


@index.command("show")
def show_command(run: Run, as_json: AsJson = False) -> None:
    """Một lần tính đã lưu: câu hỏi, dữ liệu đầu vào, mã tính, mọi giá trị."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        found, values = runs.find_run(session, run), runs.values_of(session, run)
    _tell(found, values, as_json)


@index.command("verify")
def verify_command(run: Run, as_json: AsJson = False) -> None:
    """Tính lại từ dữ liệu đã lưu và so từng chữ số; kết thúc với mã 1 nếu không khớp."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        found = runs.verify_run(session, run)
    if as_json:
        typer.echo(json.dumps(asdict(found) | {"holds": found.holds}, ensure_ascii=False, indent=2))
    else:
        for line in _sentences(found):
            typer.echo(line)
    if not found.holds:
        raise typer.Exit(CHANGED)


@index.command("publish")
def publish_command(
    run: Run,
    by: Annotated[str, typer.Option(help="Thư điện tử của tài khoản người công bố; phải có quyền công bố.")],
    as_json: AsJson = False,
) -> None:
    """Công bố một lần tính, một lần và không rút lại; trước đó tính lại và chỉ công bố khi đúng từng chữ số."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        refusal = Forbidden(_("Tài khoản này không có quyền công bố lần tính."))
        publisher = account_that_may(session, by, Permission.RUN_INDICES, refusal)
        moment = clock.now()
        runs.publish_run(session, run, user_id=publisher.id, now=moment)
        name, email = publisher.name, publisher.email
    if as_json:
        typer.echo(json.dumps({"run": run, "at": moment.isoformat(), "by": email}, ensure_ascii=False, indent=2))
    else:
        typer.echo(f"Đã công bố lần tính {run}: {name}, {local_time(moment):%d/%m/%Y %H:%M}.")


def _sentences(found: RunVerification) -> list[str]:
    lines = ["Tính lại từ dữ liệu đã lưu: đúng từng chữ số." if found.digits else "Tính lại KHÔNG ra cùng giá trị:"]
    lines += [f"  {line}" for line in found.different[:20]]
    lines.append("Dữ liệu đã lưu còn nguyên." if found.intact else "Dữ liệu đã lưu KHÔNG còn khớp mã băm.")
    lines.append("Mã tính vẫn như khi tính." if found.code else "Mã tính đã khác so với khi tính.")
    if found.changed:
        lines.append(f"Từ đó đến nay dữ liệu trong hệ thống đã đổi ở phần: {', '.join(found.changed)}.")
    else:
        lines.append("Dữ liệu trong hệ thống không đổi từ đó đến nay.")
    return lines


def _tell(run: IndexRun, values: list[RunValue], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_json(run, values), ensure_ascii=False, indent=2))
    else:
        _print(run, values)


def _json(run: IndexRun, values: list[RunValue]) -> dict[str, Any]:
    return {
        "run": run.id,
        "from": run.first_day.isoformat(),
        "to": run.last_day.isoformat(),
        "unit_id": run.unit_id,
        "as_of": run.as_of.isoformat(),
        "seed": run.seed,
        "parameters": run.parameters,
        "inputs": run.inputs,
        "inputs_hash": run.inputs_hash,
        "code_version": run.code_version,
        "code_hash": run.code_hash,
        "calendar_id": run.calendar_id,
        "methods": run.methods,
        "values_hash": run.values_hash,
        "demonstration": run.demonstration,
        "values": [asdict(value) | {"first": str(value.first), "last": str(value.last)} for value in values],
    }


def _print(run: IndexRun, values: list[RunValue]) -> None:
    console = Console()
    period = f"nhận từ {run.first_day} đến {run.last_day}, xét ngày {run.as_of}"
    console.print(f"Lần tính {run.id}: {period}", highlight=False)
    console.print(f"Đầu vào {run.inputs_hash}", highlight=False)
    console.print(f"Mã tính {run.code_version}, {run.code_hash}", highlight=False)
    console.print(f"Lịch số {run.calendar_id}; số gieo {run.seed}; giá trị {run.values_hash}", highlight=False)
    table = Table("Mã", "Nội dung", "Đơn vị", "Từ", box=None)
    for title in ("n", "Giá trị", "95%"):
        table.add_column(title, justify="right")
    for value in values:
        ends = f"{_number_text(value.lo)} – {_number_text(value.hi)}" if value.lo is not None else ""
        who = str(value.unit_id or "")
        table.add_row(
            value.code, str(value.item), who, str(value.first), str(value.n or ""), _number_text(value.value), ends
        )
    console.print(table)
    if run.demonstration:
        console.print(f"Trong đó {run.demonstration} phản ánh là dữ liệu minh họa.", highlight=False)


def _number_text(value: float | None) -> str:
    return "" if value is None else number_text(value, "vi", 3)
