"""``langnghe index``: count the figures once and store them with their inputs, count them again to verify, publish
them."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from backend import clock, db
from backend.commands.console import account_that_may, database_at_hand, day_option, refusals_as_lines
from backend.commands.output_language import say_number, say_text
from backend.errors import Forbidden, _
from backend.indices.measures.values import RunValue
from backend.indices.models import IndexRun
from backend.indices.runs import service as runs
from backend.indices.runs.service import RunVerification
from backend.kpi.timeliness import unit_called
from backend.users.models import Role
from backend.users.policy import Actor, Permission
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
        about = unit_called(session, unit) if unit else None
        request = runs.prepare_request(
            session, about, day_option(first), day_option(last), TERMINAL, moment.astimezone(ZONE).date()
        )
        run_id = runs.make_run(session, request, about, seed=seed, now=moment, user_id=None)
        run, values = runs.find_run(session, run_id), runs.values_of(session, run_id)
    _print_run(run, values, as_json)


@index.command("show")
def show_command(run: Run, as_json: AsJson = False) -> None:
    """Một lần tính đã lưu: câu hỏi, dữ liệu đầu vào, mã tính, mọi giá trị."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        stored, values = runs.find_run(session, run), runs.values_of(session, run)
    _print_run(stored, values, as_json)


@index.command("verify")
def verify_command(run: Run, as_json: AsJson = False) -> None:
    """Tính lại từ dữ liệu đã lưu và so từng chữ số; kết thúc với mã 1 nếu không khớp."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        verification = runs.verify_run(session, run)
    if as_json:
        typer.echo(json.dumps(asdict(verification) | {"holds": verification.holds}, ensure_ascii=False, indent=2))
    else:
        for line in _sentences(verification):
            typer.echo(line)
    if not verification.holds:
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
        sentence = _("Đã công bố lần tính %(run)s: %(name)s, %(moment)s.")
        typer.echo(say_text(sentence, run=run, name=name, moment=f"{local_time(moment):%d/%m/%Y %H:%M}"))


def _sentences(verification: RunVerification) -> list[str]:
    same = _("Tính lại từ dữ liệu đã lưu: đúng từng chữ số.")
    lines = [say_text(same if verification.digits else _("Tính lại KHÔNG ra cùng giá trị:"))]
    lines += [f"  {line}" for line in verification.different[:20]]
    intact = _("Dữ liệu đã lưu còn nguyên.")
    lines.append(say_text(intact if verification.intact else _("Dữ liệu đã lưu KHÔNG còn khớp mã băm.")))
    same_code = _("Mã tính vẫn như khi tính.")
    lines.append(say_text(same_code if verification.code else _("Mã tính đã khác so với khi tính.")))
    if verification.changed:
        sentence = _("Từ đó đến nay dữ liệu trong hệ thống đã đổi ở phần: %(parts)s.")
        lines.append(say_text(sentence, parts=", ".join(verification.changed)))
    else:
        lines.append(say_text(_("Dữ liệu trong hệ thống không đổi từ đó đến nay.")))
    return lines


def _print_run(run: IndexRun, values: list[RunValue], as_json: bool) -> None:
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
    for line in _head_lines(run):
        console.print(line, highlight=False)
    table = Table(*map(say_text, (_("Mã"), _("Nội dung"), _("Đơn vị"), _("Từ"))), box=None)
    for title in ("n", say_text(_("Giá trị")), "95%"):
        table.add_column(title, justify="right")
    for value in values:
        ends = f"{_number_text(value.lo)} – {_number_text(value.hi)}" if value.lo is not None else ""
        who = str(value.unit_id or "")
        table.add_row(
            value.code, str(value.item), who, str(value.first), str(value.n or ""), _number_text(value.value), ends
        )
    console.print(table)
    if run.demonstration:
        sentence = say_text(_("Trong đó %(n)s phản ánh là dữ liệu minh họa."), n=run.demonstration)
        console.print(sentence, highlight=False)


def _head_lines(run: IndexRun) -> list[str]:
    """Return what identifies a run: its question, inputs, code, calendar and seed."""
    question = _("Lần tính %(run)s: nhận từ %(first)s đến %(last)s, xét ngày %(day)s")
    basis = _("Lịch số %(calendar)s; số gieo %(seed)s; giá trị %(hash)s")
    return [
        say_text(question, run=run.id, first=run.first_day, last=run.last_day, day=run.as_of),
        say_text(_("Đầu vào %(hash)s"), hash=run.inputs_hash),
        say_text(_("Mã tính %(version)s, %(hash)s"), version=run.code_version, hash=run.code_hash),
        say_text(basis, calendar=run.calendar_id, seed=run.seed, hash=run.values_hash),
    ]


def _number_text(value: float | None) -> str:
    return "" if value is None else say_number(value, 3)
