"""``langnghe import casework``: import the cases of another system from a file of any size."""

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
from backend.commands.output_language import say_refusal, say_text
from backend.commands.reading import DatesOption, MissingOption, what_was_read
from backend.errors import Invalid, _
from backend.files.faults import file_named
from backend.files.options import ReadOptions, missing_texts
from backend.files.sheets import quote_formula
from backend.files.tables import open_failed

STOPPED = _("Đã dừng.")

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
        """Add the counts of a stored batch."""
        self.added += counts.added
        self.closed += counts.closed
        self.already += counts.already
        self.differing += len(counts.differing)
        self.rejected += len(counts.held)
        self.units_created, self.categories_created = names.made_units, names.made_categories

    def leave_out_unstored(self) -> None:
        """After an interruption, take off the lines that were read for a batch which was not stored."""
        self.read = self.added + self.closed + self.already + self.differing + self.rejected


class RejectFile:
    """The file of lines that were not accepted. It is created with the first such line.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front.
    """

    def __init__(self, path: Path, header: list[str], summary: CaseworkSummary, stack: ExitStack) -> None:
        self.path = path
        self._header = header
        self._outcome = summary
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
            self._writer.writerow(["line", "reason", *map(quote_formula, self._header)])
            self._outcome.rejects_file = str(self.path)
        self._writer.writerow([reject.line, *map(quote_formula, (say_refusal(reject.reason), *reject.fields))])


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
    summary = CaseworkSummary()
    with refusals_as_lines(), database_at_hand(), file_named(file.name):
        try:
            _import(file, columns, options, rejects, source, parent, summary, remind=remind)
        except KeyboardInterrupt:
            summary.leave_out_unstored()
            again = say_text(_("Chạy lại cùng lệnh để nhập tiếp; không hồ sơ nào lặp lại."))
            typer.echo(f"{say_text(STOPPED)} {_plain(summary)}\n{again}", err=True)
            raise typer.Exit(130) from None
    typer.echo(json.dumps(asdict(summary), ensure_ascii=False) if as_json else _plain(summary))


def _import(
    file: Path,
    columns: CaseColumns,
    options: ReadOptions,
    rejects: Path,
    source: str,
    parent: str | None,
    summary: CaseworkSummary,
    *,
    remind: bool,
) -> None:
    """Import the file. ``summary`` is filled batch by batch, so it shows how far an interrupted run came."""
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
        refused = RejectFile(rejects, cases.header, summary, stack)
        progress = stack.enter_context(_progress())
        task = progress.add_task("", total=file.stat().st_size)
        for counts in casework.store_cases(run, _accept_cases(cases, refused, summary)):
            summary.count(counts, run.names)
            for reject in (*counts.differing, *counts.held):
                refused.add(reject)
            progress.update(task, completed=raw.tell(), description=f"{summary.read}")
            _note_file(summary, cases)
        progress.update(task, completed=file.stat().st_size)
        _note_file(summary, cases)


def _note_file(summary: CaseworkSummary, cases: CaseFile) -> None:
    """Note what is known about the file so far."""
    days = (cases.first_day, cases.last_day) if cases.first_day and cases.last_day else None
    summary.read_as = what_was_read(cases.form, days, summary.read)
    if days:
        summary.first_day, summary.last_day = (day.isoformat() for day in days)


def _accept_cases(cases: CaseFile, refused: RejectFile, summary: CaseworkSummary) -> Iterator[ImportedCase]:
    """Yield the cases to store. Rejected lines go to their file on the way."""
    for case in cases:
        summary.read += 1
        if isinstance(case, RejectedLine):
            summary.rejected += 1
            refused.add(case)
        else:
            yield case


def _progress() -> Progress:
    """Show progress on standard error, so that ``--json`` stays clean, and only where somebody watches."""
    console = Console(stderr=True)
    parts = (TextColumn("{task.description}"), BarColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(*parts, console=console, transient=True, disable=not console.is_terminal)


def _plain(summary: CaseworkSummary) -> str:
    counts = say_text(
        _(
            "Đã đọc %(read)s dòng: thêm %(added)s, đóng %(closed)s, đã có %(already)s, "
            "đã có với giá trị khác %(differing)s, không nhận %(rejected)s."
        ),
        read=summary.read,
        added=summary.added,
        closed=summary.closed,
        already=summary.already,
        differing=summary.differing,
        rejected=summary.rejected,
    )
    fresh = _("Tạo mới %(units)s cơ quan, %(categories)s loại.")
    lines = [
        *([summary.read_as] if summary.read_as else []),
        counts,
        say_text(fresh, units=summary.units_created, categories=summary.categories_created),
    ]
    if summary.rejects_file:
        sentence = _("Các dòng không nhận hoặc khác giá trị đã có, kèm lý do: %(path)s")
        lines.append(say_text(sentence, path=summary.rejects_file))
    return "\n".join(lines)
