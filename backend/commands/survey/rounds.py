"""``langnghe survey``: instruments, rounds, ballots in and their figures, from the command line."""

import json
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.table import Table

from backend import clock, db
from backend.commands.console import database_at_hand, refusals_as_lines
from backend.commands.reading import DatesOption, DecimalOption, MissingOption, what_was_read
from backend.commands.survey import forms, samples
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
from backend.surveys.rounds.figures import SurveyFigures
from backend.surveys.samples import totals
from backend.surveys.samples.totals import WeightAdjustment
from backend.web.language import number_text
from backend.worktime.calendar import local_time

survey = typer.Typer(help="Khảo sát: mẫu phiếu, đợt, nhập phiếu, ước lượng.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="In JSON.")]
RoundOption = Annotated[str, typer.Option("--round", help="Mã đợt khảo sát.")]
SHOWN = 20


@survey.callback()
def _group() -> None:
    """Khảo sát: mẫu phiếu, đợt, nhập phiếu, ước lượng."""


survey.command("plan")(samples.plan_command)
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
    typer.echo(f"Đã mở đợt {code}.")


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
    held: Annotated[Path | None, typer.Option(help="Tệp ghi các dòng bị giữ để sửa (.csv hoặc .xlsx).")] = None,
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
        told = _progress_printer(stack)
        if check:
            reading = importing.read_file(stream, code, local_time(clock.now()).date(), told, options)
            counts = (reading.rows, len(reading.lines), 0, len(reading.held), 0)
            outcome = ImportOutcome(0, False, *counts, reading.form, reading.days)
            header, rows = list(reading.header), reading.held
        else:
            outcome = importing.import_file(
                stream, code, file_name=file.name, who=ImportActor(), now=clock.now(), told=told, options=options
            )
            header, rows = _held_of(outcome.batch_id)
        if rows and held:
            _write_held(held, header, rows)
    if as_json:
        reasons = [{"line": one.line, "reasons": [_reason(finding) for finding in one.findings]} for one in rows]
        typer.echo(json.dumps(asdict(outcome) | {"reasons": reasons}, ensure_ascii=False, default=str))
    else:
        _print_outcome(outcome, rows, held)


@survey.command("withdraw")
def withdraw_command(
    batch: Annotated[int, typer.Argument(help="Số của lô.")],
    reason: Annotated[str, typer.Option(help="Lý do.")],
) -> None:
    """Rút một lô: phiếu còn đó, có dấu, không được tính."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        service.withdraw_batch(session, batch, reason, by="system", user_id=None, now=clock.now())
    typer.echo(f"Đã rút lô {batch}.")


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
        known = None if off else totals.read_totals(_text_of(file), source, trim)
        service.bring_to(session, queries.round_called(session, code), known, by="system", now=clock.now())
    typer.echo(f"Đợt {code}: " + ("trọng số của mẫu." if off else "trọng số theo các tổng đã biết."))


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
        typer.echo(json.dumps([_json(result, index) for index in result.indices], indent=2))
    else:
        _print_figures(result)


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
    """Rows read so far, on standard error and only where somebody watches."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.completed}"), console=console, transient=True, disable=not console.is_terminal
    )
    task = stack.enter_context(progress).add_task("")
    return lambda rows: progress.update(task, completed=rows)


def _held_of(batch_id: int) -> tuple[list[str], list[QuarantineRow]]:
    with db.transaction() as session:
        rows = [
            QuarantineRow(one.line, one.cells, one.findings) for one in queries.list_held(session, batch_id, limit=None)
        ]
        return list(queries.find_batch(session, batch_id).header), rows


def _write_held(path: Path, header: list[str], rows: list[QuarantineRow]) -> None:
    lines = ((one.line, one.findings, one.cells) for one in rows)
    with _writing(path) as stream:
        if path.suffix == ".xlsx":
            ballot_templates.held_workbook(stream, header, lines, _reason)
        else:
            stream.write(ballot_templates.held_csv(header, lines, _reason).encode("utf-8", "replace"))


def _reason(finding: BallotFinding) -> str:
    return str(finding.reason)


def _print_outcome(outcome: ImportOutcome, rows: list[QuarantineRow], path: Path | None) -> None:
    if outcome.repeated:
        typer.echo(f"Tệp này đã được nhập (lô {outcome.batch_id}); không thêm gì.")
    if outcome.form:
        typer.echo(what_was_read(outcome.form, outcome.days))
    read = f"Đã đọc {outcome.rows} dòng: nhận {outcome.accepted}, không hợp lệ {outcome.invalid}"
    typer.echo(f"{read}, đã có {outcome.already}, giữ lại {outcome.held}.")
    for one in rows[:SHOWN]:
        for finding in one.findings:
            typer.echo(f"  dòng {one.line}, {finding.column or '–'}: {_reason(finding)}")
    if len(rows) > SHOWN:
        typer.echo(f"  … và {len(rows) - SHOWN} dòng nữa.")
    if rows and path:
        typer.echo(f"Các dòng bị giữ: {path}")


def _json(result: SurveyFigures, code: str) -> dict[str, Any]:
    one = asdict(result.index(code))
    about = {"fpc": result.finite, "weights": "known totals" if result.brought else "as drawn"}
    return {key: value for key, value in one.items() if key not in ("domain", "note")} | about


def _print_figures(result: SurveyFigures) -> None:
    typer.echo(
        f"{result.method.name.vi}. n = {result.n} phiếu, {result.units} cụm trong {result.strata} tầng. Chỉ số là điểm"
        " trung bình, không phải tỷ lệ người hài lòng. Các tầng được coi là cố định."
    )
    if result.finite:
        typer.echo("Sai số đã trừ phần tổng thể hữu hạn của các cụm bậc một.")
    if result.brought:
        typer.echo(_weighting_text(result.brought))
    table = Table(box=None)
    table.add_column("Mã", no_wrap=True)
    for title in ("n", "Chỉ số", "Sai số", "Khoảng tin cậy 95%", "Hiệu ứng thiết kế"):
        table.add_column(title, justify="right")
    for code in result.indices:
        one = result.index(code)
        interval = f"{_two_decimals(one.lo)} – {_two_decimals(one.hi)}"
        table.add_row(
            code, str(one.n), _two_decimals(one.estimate), _two_decimals(one.se), interval, _two_decimals(one.deff)
        )
    Console().print(table)


def _weighting_text(brought: WeightAdjustment) -> str:
    """How the weights were brought to known totals, in words."""
    known = ", ".join(brought.totals.margins)
    about = f"theo các tổng đã biết ({known}; nguồn: {brought.totals.source})" if known else "của mẫu"
    cut = f"; cắt {brought.trimmed} phiếu" if brought.totals.trim else ""
    untold = "".join(f"; {n} phiếu không ghi {by} giữ phần của mình" for by, n in brought.untold.items() if n)
    effect = (
        f"Trọng số không đều làm phương sai tăng {_two_decimals(brought.effect)} lần "
        f"(trước: {_two_decimals(brought.effect_before)})."
    )
    return (
        f"Trọng số {about}{cut}{untold}; từ {_two_decimals(brought.least)} đến {_two_decimals(brought.most)}. {effect}"
    )


def _two_decimals(value: float | None) -> str:
    return "–" if value is None else number_text(value, "vi", 2)
