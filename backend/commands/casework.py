"""``langnghe import casework``: cases of another system from a CSV file of any size."""

import csv
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from backend import clock
from backend.casework import service as casework
from backend.casework.case_file import CaseColumns, CaseFile, ImportedCase, RejectedLine
from backend.casework.case_names import CaseworkNames
from backend.casework.service import CaseworkCounts
from backend.commands.console import database_at_hand, refusals_as_lines
from backend.commands.reading import DatesOption, MissingOption, what_was_read
from backend.errors import Invalid, _
from backend.files.faults import file_named
from backend.files.options import ReadOptions, missing_texts
from backend.files.tables import open_failed

importing = typer.Typer(help="Nhập dữ liệu từ tệp.", no_args_is_help=True)


@importing.callback()
def _group() -> None:
    """Nhập dữ liệu từ tệp."""


@dataclass
class CaseworkSummary:
    """The counts that are printed. read = added + closed + already + differing + rejected."""

    read: int = 0
    added: int = 0
    closed: int = 0
    already: int = 0
    differing: int = 0
    rejected: int = 0
    units_created: int = 0
    categories_created: int = 0
    rejects_file: str | None = None
    read_as: str | None = None
    first_day: str | None = None
    last_day: str | None = None

    def count(self, counts: CaseworkCounts, names: CaseworkNames) -> None:
        """What a stored batch came to."""
        self.added += counts.added
        self.closed += counts.closed
        self.already += counts.already
        self.differing += len(counts.differing)
        self.rejected += len(counts.held)
        self.units_created, self.categories_created = names.made_units, names.made_categories

    def leave_out_unstored(self) -> None:
        """Of a run that was interrupted: lines read for the batch that was not stored are not counted."""
        self.read = self.added + self.closed + self.already + self.differing + self.rejected


class RejectFile:
    """The file of lines that were not taken; it exists only if there is one."""

    def __init__(self, path: Path, header: list[str], outcome: CaseworkSummary, stack: ExitStack) -> None:
        self.path = path
        self._header = header
        self._outcome = outcome
        self._stack = stack
        self._writer: Any = None

    def add(self, reject: RejectedLine) -> None:
        if self._writer is None:
            try:
                output = self.path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
            except OSError:
                raise Invalid(_("Không ghi được tệp “%(file)s”."), file=str(self.path)) from None
            file = self._stack.enter_context(output)
            self._writer = csv.writer(file)
            self._writer.writerow(["line", "reason", *self._header])
            self._outcome.rejects_file = str(self.path)
        self._writer.writerow([reject.line, str(reject.reason), *reject.fields])


@importing.command("casework")
def casework_command(
    file: Annotated[Path, typer.Argument(help="Tệp CSV (UTF-8) hoặc XLSX, có dòng tiêu đề.")],
    office: Annotated[str, typer.Option(help="Cột cơ quan.")] = "office",
    received: Annotated[str, typer.Option(help="Cột ngày nhận.")] = "received",
    answered: Annotated[str, typer.Option(help="Cột ngày trả lời; ô trống là còn mở.")] = "answered",
    category: Annotated[str, typer.Option(help="Cột loại.")] = "category",
    title: Annotated[str | None, typer.Option(help="Cột tiêu đề, nếu có.")] = None,
    key: Annotated[str, typer.Option(help="Cột mã hồ sơ: nhập lại không tạo bản thứ hai.")] = "key",
    parent: Annotated[str | None, typer.Option(help="Mã cơ quan cấp trên của các cơ quan được tạo mới.")] = None,
    source: Annotated[
        str, typer.Option(help="Tên hệ thống nguồn, để mã của hai hệ thống không lẫn nhau.")
    ] = "casework",
    rejects: Annotated[Path | None, typer.Option(help="Tệp ghi các dòng không nhận, kèm lý do.")] = None,
    remind: Annotated[
        bool, typer.Option("--remind", help="Nhắc cán bộ cả những hạn đã qua trước khi nhập, với hồ sơ được thêm.")
    ] = False,
    dates: DatesOption = None,
    missing: MissingOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Nhập hồ sơ đã có từ tệp CSV; chạy lại được, dòng lỗi được ghi riêng."""
    columns = CaseColumns(key, office, received, answered, category, title)
    options = ReadOptions(dates=dates, missing=missing_texts(missing))
    rejects = rejects or Path(f"{file.stem}.rejects.csv")
    outcome = CaseworkSummary()
    with refusals_as_lines(), database_at_hand(), file_named(file.name):
        try:
            _import(file, columns, options, rejects, source, parent, outcome, remind=remind)
        except KeyboardInterrupt:
            outcome.leave_out_unstored()
            typer.echo(
                f"Đã dừng. {_plain(outcome)}\nChạy lại cùng lệnh để nhập tiếp; không hồ sơ nào lặp lại.", err=True
            )
            raise typer.Exit(130) from None
    typer.echo(json.dumps(asdict(outcome), ensure_ascii=False) if as_json else _plain(outcome))


def _import(
    file: Path,
    columns: CaseColumns,
    options: ReadOptions,
    rejects: Path,
    source: str,
    parent: str | None,
    outcome: CaseworkSummary,
    *,
    remind: bool,
) -> None:
    """Fills ``outcome`` batch by batch, so that it tells how far an interrupted run came."""
    if rejects.resolve() == file.resolve():
        raise Invalid(_("Tệp ghi dòng không nhận phải khác tệp được nhập."))
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(file.open("rb"))
        except OSError:
            raise open_failed(str(file)) from None
        moment = clock.now()
        cases = CaseFile(raw, columns, until=moment, options=options)
        run = casework.begin_import(source, parent, moment, remind=remind)
        refused = RejectFile(rejects, cases.header, outcome, stack)
        progress = stack.enter_context(_progress())
        task = progress.add_task("", total=file.stat().st_size)
        for counts in casework.store_cases(run, _accept_cases(cases, refused, outcome)):
            outcome.count(counts, run.names)
            for reject in (*counts.differing, *counts.held):
                refused.add(reject)
            progress.update(task, completed=raw.tell(), description=f"{outcome.read}")
            _tell(outcome, cases)
        progress.update(task, completed=file.stat().st_size)
        _tell(outcome, cases)


def _tell(outcome: CaseworkSummary, cases: CaseFile) -> None:
    """What is known of the file so far."""
    days = (cases.first_day, cases.last_day) if cases.first_day and cases.last_day else None
    outcome.read_as = what_was_read(cases.form, days, outcome.read)
    if days:
        outcome.first_day, outcome.last_day = (day.isoformat() for day in days)


def _accept_cases(cases: CaseFile, refused: RejectFile, outcome: CaseworkSummary) -> Iterator[ImportedCase]:
    """The cases to be stored; on the way, rejects go to their file."""
    for case in cases:
        outcome.read += 1
        if isinstance(case, RejectedLine):
            outcome.rejected += 1
            refused.add(case)
        else:
            yield case


def _progress() -> Progress:
    """On standard error, so that ``--json`` stays clean; silent where nobody watches."""
    console = Console(stderr=True)
    parts = (TextColumn("{task.description}"), BarColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(*parts, console=console, transient=True, disable=not console.is_terminal)


def _plain(outcome: CaseworkSummary) -> str:
    read = f"Đã đọc {outcome.read} dòng: thêm {outcome.added}, đóng {outcome.closed}, đã có {outcome.already}"
    lines = [
        *([outcome.read_as] if outcome.read_as else []),
        f"{read}, đã có với giá trị khác {outcome.differing}, không nhận {outcome.rejected}.",
        f"Tạo mới {outcome.units_created} cơ quan, {outcome.categories_created} loại.",
    ]
    if outcome.rejects_file:
        lines.append(f"Các dòng không nhận hoặc khác giá trị đã có, kèm lý do: {outcome.rejects_file}")
    return "\n".join(lines)
