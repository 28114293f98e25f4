"""The reader of tables: separators, headings, quotes, and workbooks that cost too much."""

import io
import time
import zipfile

import pytest
from openpyxl import Workbook

from backend.files.faults import FileRefused, TableFault
from backend.files.tables import find_columns, open_table


def table_of(text: str):
    return open_table(io.BytesIO(text.encode("utf-8", "surrogateescape")))


@pytest.mark.parametrize(
    ("text", "header", "separator"),
    [
        ("a,b\n1,2\n", ["a", "b"], ","),
        ('"a, và b, và c";d\n1;2\n', ["a, và b, và c", "d"], ";"),
        ("sep=;\na;b\n", ["a", "b"], ";"),
        ('\ufeff"sep=;"\r\na;b\r\n', ["a", "b"], ";"),
        ("SEP=\t\na\tb\n", ["a", "b"], "\t"),
        ('sep=,\n"a;b;c",d\n', ["a;b;c", "d"], ","),
        ("a\tb\n", ["a", "b"], "\t"),
        ("một cột\n1\n", ["một cột"], ","),
    ],
)
def test_separator_is_that_of_the_heading(text: str, header: list[str], separator: str) -> None:
    table = table_of(text)
    assert (table.header, table.form.separator) == (header, separator)


def test_lines_are_those_of_the_file_also_below_a_separator_line() -> None:
    assert [row.line for row in table_of("sep=;\na;b\n1;2\n\n3;4\n")] == [3, 5]


def test_separator_that_cannot_be_told_is_asked_for() -> None:
    with pytest.raises(FileRefused) as refused:
        table_of("a;b,c\n")
    assert refused.value.fault is TableFault.SEPARATOR


def test_columns_are_found_however_their_names_are_written() -> None:
    assert find_columns(["Cơ Quan", "Ngày nhận"], ["cơ quan", "ngày nhận "]) == [0, 1]
    assert find_columns(["a", "A"], ["A"]) == [1]
    with pytest.raises(FileRefused):
        find_columns(["Cơ quan", "CƠ QUAN"], ["cơ quan"])


def test_quotes_that_do_not_close_cost_one_line() -> None:
    rows = list(table_of('a,b\n"1,2\n3,4\n5,6\n'))
    assert [(row.line, bool(row.findings)) for row in rows] == [(2, True), (3, False), (4, False)]


def packed(parts: dict[str, str]) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as book:
        for name, text in parts.items():
            book.writestr(name, text)
    return stream


KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def workbook_with(sheets: int, body: str) -> io.BytesIO:
    listed = "".join(f'<sheet name="s{n}" sheetId="{n}" r:id="r{n}"/>' for n in range(sheets))
    related = "".join(
        f'<Relationship Id="r{n}" Type="{KIND}/worksheet" Target="worksheets/one.xml"/>' for n in range(sheets)
    )
    return packed(
        {
            "xl/workbook.xml": f'<workbook xmlns:r="{KIND}"><sheets>{listed}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f"<Relationships>{related}</Relationships>",
            "xl/worksheets/one.xml": f"<worksheet>{body}</worksheet>",
        }
    )


ROW = '<row r="{line}"><c r="A{line}" t="inlineStr"><is><t>x{line}</t></is></c></row>'
ROWS = "".join(ROW.format(line=line) for line in range(1, 500))


def test_part_that_is_listed_many_times_is_read_once() -> None:
    start = time.perf_counter()
    table = open_table(workbook_with(20_000, f"<sheetData>{ROWS}</sheetData>"))
    assert len(list(table)) == 498
    assert time.perf_counter() - start < 5


def test_merged_cells_that_cover_everything_many_times_cost_no_more_than_the_rows() -> None:
    merged = "".join(f'<mergeCell ref="A2:Z{1_000_000 + n}"/>' for n in range(19_000))
    table = open_table(workbook_with(1, f"<sheetData>{ROWS}</sheetData><mergeCells>{merged}</mergeCells>"))
    start = time.perf_counter()
    rows = list(table)
    assert len(table.late()) == len(rows) == 498
    assert time.perf_counter() - start < 2


def test_workbook_with_too_many_merged_cells_is_refused() -> None:
    merged = '<mergeCell ref="A2:B2"/>' * 20_001
    with pytest.raises(FileRefused) as refused:
        list(open_table(workbook_with(1, f"<sheetData>{ROWS}</sheetData><mergeCells>{merged}</mergeCells>")))
    assert refused.value.fault is TableFault.TOO_MANY_MERGED


def test_workbook_of_hidden_sheets_alone_has_no_sheet_to_read() -> None:
    stream = io.BytesIO()
    book = Workbook()
    book.create_chartsheet()
    book.active.sheet_state = "hidden"
    book.save(stream)
    with pytest.raises(FileRefused) as refused:
        open_table(stream)
    assert refused.value.fault is TableFault.NO_SHEET
