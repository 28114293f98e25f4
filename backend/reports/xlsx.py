"""Write the tables of a report as a workbook: one sheet each, numbers as numbers, text never as a formula."""

import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter

from backend.reports.blocks import (
    Cell,
    ColumnKind,
    ReportColumn,
    ReportRow,
    ReportTable,
    generated_paragraphs,
    tables_of,
)
from backend.reports.content.outline import ReportOutline

FONT = "Times New Roman"
FORMATS = {ColumnKind.NUMBER: "0.00", ColumnKind.SIGNED: '+0.00;"−"0.00;0.00', ColumnKind.COUNT: "0"}
LETTERS_OF_A_LINE = 110
LINK = "1F4E79"
THIN = Border(*(Side(style="thin"),) * 4)


def write_xlsx(report: ReportOutline) -> bytes:
    """Return the workbook: a contents sheet, the tables in the order of the report, the generated sentences."""
    book = Workbook()
    contents = book.active
    assert contents is not None  # noqa: S101 - a new workbook has a sheet
    contents.title = "Mục lục"
    _line(contents, 1, report.title, bold=True)
    _line(contents, 2, f"Nguồn: {report.context.source}")
    for number, table in enumerate(tables_of(report.blocks), start=1):
        name = f"Bảng {number}"
        _line(contents, 3 + number, f"{name}. {table.title}")
        link = contents.cell(3 + number, 1)
        link.hyperlink, link.font = f"#'{name}'!A1", Font(name=FONT, color=LINK, underline="single")
        _sheet(book.create_sheet(name), number, table)
    _sentences(book.create_sheet("Câu"), report)
    contents.column_dimensions["A"].width = LETTERS_OF_A_LINE
    book.properties.title, book.properties.creator = report.title, report.context.agency.agency
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def put_value(sheet: Any, row: int, column: int, value: Cell) -> Any:
    """Write a value into a cell and return the cell.

    Text stays text whatever its first sign: a spreadsheet would otherwise read ``=``, ``+``, ``-`` or ``@`` as a
    formula.
    """
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
        cell.data_type = "s"
        cell.number_format = "@"
    elif isinstance(value, Decimal):
        cell.value = float(value)
    else:
        cell.value = value
    cell.font = Font(name=FONT)
    return cell


def _sheet(sheet: Any, number: int, table: ReportTable) -> None:
    _line(sheet, 1, f"Bảng {number}. {table.title}", bold=True)
    about = {"Số phiếu": table.n, "Kỳ": table.period, "Phương pháp": table.method, "Nguồn": table.source}
    lines = [f"{label}: {text}." for label, text in about.items() if text] + list(table.notes)
    for at, text in enumerate(lines, start=2):
        _line(sheet, at, text)
    top = len(lines) + 3
    for at, column in enumerate(table.columns, start=1):
        cell = put_value(sheet, top, at, column.title)
        cell.font, cell.border = Font(name=FONT, bold=True), THIN
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        sheet.column_dimensions[get_column_letter(at)].width = max(9.0, column.width * LETTERS_OF_A_LINE)
    for down, row in enumerate(table.rows, start=top + 1):
        _table_row(sheet, down, row, table.columns)
    sheet.freeze_panes = sheet.cell(top + 1, 1)
    sheet.print_title_rows = f"{top}:{top}"
    _on_paper(sheet)


def _table_row(sheet: Any, down: int, row: ReportRow, columns: Sequence[ReportColumn]) -> None:
    for at, (value, column) in enumerate(zip(row.cells, columns, strict=True), start=1):
        cell = put_value(sheet, down, at, value)
        cell.font, cell.border = Font(name=FONT, bold=row.strong), THIN
        cell.alignment = Alignment(vertical="center", wrap_text=True)
        if not isinstance(value, str):
            signed_count = column.kind is ColumnKind.SIGNED and isinstance(value, int)
            cell.number_format = '+0;"−"0;0' if signed_count else FORMATS.get(column.kind, "General")


def _on_paper(sheet: Any) -> None:
    """Print on A4 landscape: one page wide, as many pages long as needed."""
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToHeight = 0


def _sentences(sheet: Any, report: ReportOutline) -> None:
    """List every sentence with a number beside the name of its template."""
    _line(sheet, 1, "Những câu sinh từ số liệu đã lưu", bold=True)
    for at, paragraph in enumerate(generated_paragraphs(report.blocks), start=3):
        put_value(sheet, at, 1, paragraph.key)
        put_value(sheet, at, 2, paragraph.text).alignment = Alignment(wrap_text=True, vertical="top")
    _widths(sheet, (34, 110))
    _on_paper(sheet)


def _widths(sheet: Any, widths: Sequence[float]) -> None:
    for at, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = width


def _line(sheet: Any, row: int, text: str, *, bold: bool = False) -> None:
    put_value(sheet, row, 1, text).font = Font(name=FONT, bold=bold)
