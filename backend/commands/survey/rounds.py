"""``langnghe survey``: instruments, rounds, imported ballots and their figures, from the command line."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn

from backend import clock, db
from backend.commands.console import database_at_hand, refusals_as_lines
from backend.commands.output_language import say_refusal, say_text
from backend.commands.reading import DatesOption, DecimalOption, MissingOption, what_was_read
from backend.commands.survey import forms, plans, samples
from backend.commands.survey.round_figures import figure_json, print_figures
from backend.errors import Invalid, NotFound, _
from backend.files import sheets
from backend.files.faults import file_named
from backend.files.options import ReadOptions, missing_texts
from backend.files.tables import open_failed
from backend.surveys.ballot_files import ballot_templates, importing
from backend.surveys.ballot_files.ballot_rules import shipped_rules
from backend.surveys.ballot_files.faults import BallotFinding
from backend.surveys.ballot_files.importing import ImportActor, ImportOutcome
from backend.surveys.ballot_files.quarantine import QuarantineRow
from backend.surveys.forms import instruments
from backend.surveys.forms.instruments import Instrument, InstrumentError
from backend.surveys.rounds import figures, queries, service, synthetic
from backend.surveys.samples import totals
from backend.worktime.calendar import local_time

survey = typer.Typer(help="Khảo sát: mẫu phiếu, đợt, nhập phiếu, ước lượng.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In JSON.")]
RoundOption = Annotated[str, typer.Option("--round", help="Mã đợt khảo sát.")]
SHOWN = 20


@survey.callback()
def _group() -> None:
    """Khảo sát: mẫu phiếu, đợt, nhập phiếu, ước lượng."""


survey.command("plan")(plans.plan_command)
survey.command("draw")(samples.draw_command)
survey.command("sample")(samples.sample_command)
survey.command("instruments")(forms.instruments_command)
survey.command("methods")(forms.methods_command)


@survey.command("open")
def open_command(
    code: Annotated[str, typer.Argument(help="Mã đợt, như lai-chau-2023.")],
    instrument: Annotated[str, typer.Option(help="Mẫu phiếu.")] = "household-2023",
    unit: Annotated[str, typer.Option(help="Mã đơn vị được khảo sát.")] = "12",
    first: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Ngày đầu.")] = datetime(2023, 12, 1),  # noqa: DTZ001
    last: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Ngày cuối.")] = datetime(2023, 12, 31),  # noqa: DTZ001
    planned: Annotated[int, typer.Option(help="Số phiếu dự kiến.")] = synthetic.N,
    second: Annotated[float, typer.Option(help="Tỷ lệ phiếu được chọn để nhập lần hai.")] = 0.0,
    name: Annotated[str, typer.Option(help="Tên đợt.")] = "",
) -> None:
    """Mở một đợt khảo sát."""
    plan = service.RoundPlan(
        code, name or code, instrument, unit, first.year, first.date(), last.date(), planned, second
    )
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        service.publish_shipped(session, clock.now())
        service.open_round(session, plan, by="system", now=clock.now())
    typer.echo(say_text(_("Đã mở đợt %(code)s."), code=code))


@survey.command("template")
def template_command(
    out: Annotated[Path, typer.Option(help="Tệp .xlsx được ghi.")],
    instrument: Annotated[str, typer.Option(help="Mẫu phiếu.")] = "household-2023",
) -> None:
    """Ghi tệp mẫu để nhập phiếu, kèm trang hướng dẫn."""
    with refusals_as_lines(), _writing(out) as stream:
        ballot_templates.template_workbook(stream, _shipped_instrument(instrument), shipped_rules(), "vi")
    typer.echo(str(out))


@survey.command("synthetic")
def synthetic_command(out: Annotated[Path, typer.Option(help="Tệp .xlsx được ghi.")]) -> None:
    """Ghi 558 phiếu giả có trung bình từng nội dung bằng số công bố của Lai Châu năm 2023."""
    with refusals_as_lines(), _writing(out) as stream:
        sheets.write_workbook(stream, {"Phiếu": synthetic.synthetic_rows()})
    typer.echo(str(out))


@survey.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="Tệp CSV hoặc XLSX theo tệp mẫu.")],
    code: RoundOption,
    held_file: Annotated[
        Path | None, typer.Option("--held", help="Tệp ghi các dòng bị giữ để sửa (.csv hoặc .xlsx).")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Chỉ kiểm tra, không lưu gì.")] = False,
    dates: DatesOption = None,
    decimal: DecimalOption = None,
    missing: MissingOption = None,
    as_json: AsJson = False,
) -> None:
    """Nhập phiếu: mỗi dòng được nhận hoặc bị giữ kèm lý do; nhập lại không thêm phiếu lần hai."""
    options = ReadOptions(dates, decimal, missing_texts(missing))
    with refusals_as_lines(), database_at_hand(), file_named(file.name), ExitStack() as stack:
        try:
            stream = stack.enter_context(file.open("rb"))
        except OSError:
            raise open_failed(str(file)) from None
        progress = _progress_printer(stack)
        read = _check_file if check else _import_file
        outcome, header, rows = read(stream, code, file.name, progress, options)
        if rows and held_file:
            _write_held(held_file, header, rows)
    if as_json:
        reasons = [{"line": row.line, "reasons": [_reason(finding) for finding in row.findings]} for row in rows]
        typer.echo(json.dumps(asdict(outcome) | {"reasons": reasons}, ensure_ascii=False, default=str))
    else:
        _print_outcome(outcome, rows, held_file)


FileResult = tuple[ImportOutcome, list[str], list[QuarantineRow]]  # what came of a file, its header, its held rows


def _check_file(
    stream: BinaryIO, code: str, _name: str, progress: Callable[[int], None], options: ReadOptions
) -> FileResult:
    """Read a file without storing anything."""
    reading = importing.read_file(stream, code, local_time(clock.now()).date(), progress, options)
    counts = (reading.rows, len(reading.lines), 0, len(reading.held), 0)
    return ImportOutcome(0, False, *counts, reading.form, reading.days), list(reading.header), reading.held


def _import_file(
    stream: BinaryIO, code: str, name: str, progress: Callable[[int], None], options: ReadOptions
) -> FileResult:
    outcome = importing.import_file(
        stream, code, file_name=name, who=ImportActor(), now=clock.now(), told=progress, options=options
    )
    return outcome, *_held_of(outcome.batch_id)


@survey.command("withdraw")
def withdraw_command(
    batch: Annotated[int, typer.Argument(help="Số của lô.")],
    reason: Annotated[str, typer.Option(help="Lý do.")],
) -> None:
    """Rút một lô: phiếu còn đó, có dấu, không được tính."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        service.withdraw_batch(session, batch, reason, by="system", user_id=None, now=clock.now())
    typer.echo(say_text(_("Đã rút lô %(batch)s."), batch=batch))


@survey.command("weigh")
def weigh_command(
    code: RoundOption,
    file: Annotated[
        Path | None, typer.Argument(help="Tệp có các dòng: biến; giá trị; tổng. Biến là tên cột của tệp mẫu.")
    ] = None,
    source: Annotated[str, typer.Option(help="Nguồn của các tổng.")] = "",
    trim: Annotated[float | None, typer.Option(help="Cắt trọng số ở mấy lần trung vị.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Trở về trọng số của mẫu.")] = False,
) -> None:
    """Đưa trọng số của một đợt về các tổng đã biết (phân tầng sau hoặc raking), cắt trọng số quá lớn."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        known_totals = None if off else totals.read_totals(_text_of(file), source, trim)
        service.bring_to(session, queries.round_called(session, code), known_totals, by="system", now=clock.now())
    by_totals = _("Đợt %(code)s: trọng số theo các tổng đã biết.")
    typer.echo(say_text(_("Đợt %(code)s: trọng số của mẫu.") if off else by_totals, code=code))


def _text_of(file: Path | None) -> str:
    try:
        return file.read_text(encoding="utf-8-sig") if file else ""
    except (OSError, UnicodeDecodeError):
        raise Invalid(_("Không mở được tệp “%(file)s”."), file=str(file)) from None


@survey.command("estimate")
def estimate_command(code: RoundOption, as_json: AsJson = False) -> None:
    """Các chỉ số của một đợt, khoảng tin cậy 95% và hiệu ứng thiết kế."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        result = figures.estimate_round(session, queries.round_called(session, code))
    if as_json:
        typer.echo(json.dumps([figure_json(result, index) for index in result.indices], indent=2))
    else:
        print_figures(result)


def _shipped_instrument(key: str) -> Instrument:
    try:
        return instruments.shipped_instrument(key)
    except InstrumentError as error:
        raise NotFound(_("Không có mẫu phiếu này.")) from error


def _writing(path: Path) -> Any:
    try:
        return path.open("wb")
    except OSError:
        raise Invalid(_("Không ghi được tệp “%(file)s”."), file=str(path)) from None


def _progress_printer(stack: ExitStack) -> Any:
    """Return a printer of the rows read so far, on standard error and only where somebody watches."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.completed}"), console=console, transient=True, disable=not console.is_terminal
    )
    task = stack.enter_context(progress).add_task("")
    return lambda rows: progress.update(task, completed=rows)


def _held_of(batch_id: int) -> tuple[list[str], list[QuarantineRow]]:
    with db.transaction() as session:
        held_rows = queries.list_held(session, batch_id, limit=None)
        rows = [QuarantineRow(row.line, row.cells, row.findings) for row in held_rows]
        return list(queries.find_batch(session, batch_id).header), rows


def _write_held(path: Path, header: list[str], rows: list[QuarantineRow]) -> None:
    lines = ((row.line, row.findings, row.cells) for row in rows)
    with _writing(path) as stream:
        if path.suffix == ".xlsx":
            ballot_templates.held_workbook(stream, header, lines, _reason)
        else:
            stream.write(ballot_templates.held_csv(header, lines, _reason).encode("utf-8", "replace"))


def _reason(finding: BallotFinding) -> str:
    return say_refusal(finding.reason)


def _print_outcome(outcome: ImportOutcome, rows: list[QuarantineRow], path: Path | None) -> None:
    if outcome.repeated:
        typer.echo(say_text(_("Tệp này đã được nhập (lô %(batch)s); không thêm gì."), batch=outcome.batch_id))
    if outcome.form:
        typer.echo(what_was_read(outcome.form, outcome.days))
    counts = say_text(
        _("Đã đọc %(rows)s dòng: nhận %(accepted)s, không hợp lệ %(invalid)s, đã có %(already)s, giữ lại %(held)s."),
        rows=outcome.rows,
        accepted=outcome.accepted,
        invalid=outcome.invalid,
        already=outcome.already,
        held=outcome.held,
    )
    typer.echo(counts)
    for row in rows[:SHOWN]:
        _print_row(row)
    if len(rows) > SHOWN:
        typer.echo(say_text(_("  … và %(n)s dòng nữa."), n=len(rows) - SHOWN))
    if rows and path:
        typer.echo(say_text(_("Các dòng bị giữ: %(path)s"), path=path))


def _print_row(row: QuarantineRow) -> None:
    for finding in row.findings:
        sentence = _("  dòng %(line)s, %(column)s: %(reason)s")
        typer.echo(say_text(sentence, line=row.line, column=finding.column or "–", reason=_reason(finding)))
