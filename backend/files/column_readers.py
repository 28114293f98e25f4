"""Reads single columns of a file: Parquet and CSV with Arrow, which is fast, XLSX with the reader of tables."""

import gzip
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import pyarrow as pa

from backend.errors import Invalid, _
from backend.files.faults import FileRefused, RowFinding, TableFault, file_named
from backend.files.names import is_total
from backend.files.numbers import DecimalSign
from backend.files.options import ReadOptions
from backend.files.tables import (
    BallotTable,
    CsvTable,
    TableRow,
    find_columns,
    open_table,
    refuse_more_sheets,
    totals_finding,
)
from backend.files.texts import SURROGATE

BLOCK_BYTES: Final = 1 << 24
TAIL_BYTES: Final = 1 << 16
TAIL_LINES: Final = 5
FIRST_CELLS: Final = 3  # a row of totals says so in one of these cells
RAGGED: Final = re.compile(r"Expected (\d+) columns, got (\d+)")
# Texts that stand for no number in columns of numbers. In labels only a blank stands for no value.
NULLS: Final = ["", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan"]


@dataclass
class ColumnSource:
    """Columns by name as Arrow arrays, and how the file is written. ``lines``: the line of each row; empty where rows
    follow each other from ``first_line`` on. ``usual_sign``: the decimal sign where a column does not show it."""

    columns: dict[str, Any]
    sentence: str
    sheet: str = ""
    first_line: int = 2
    lines: Sequence[int] = field(default_factory=list)
    usual_sign: DecimalSign | None = DecimalSign.POINT

    def line(self, row: int) -> int:
        return self.lines[row] if self.lines else self.first_line + row


def read_columns(path: Path, wanted: list[str], texts: frozenset[str], options: ReadOptions) -> ColumnSource:
    """Read the columns of these names. ``texts``: the columns that stay texts. Raises Invalid."""
    name = path.name.lower()
    try:
        with file_named(path.name):
            if name.endswith((".csv", ".csv.gz")):
                return _from_csv(path, wanted, texts, options)
            if name.endswith(".parquet"):
                return _from_parquet(path, wanted)
            if name.endswith(".xlsx"):
                return _from_workbook(path, wanted)
    except FileNotFoundError:
        raise Invalid(_("Không có tệp “%(file)s”."), file=str(path)) from None
    except (OSError, EOFError, UnicodeDecodeError, zipfile.BadZipFile, pa.ArrowException) as error:
        raise _unreadable(path, error) from None
    raise Invalid(_("Chỉ đọc được tệp .csv, .csv.gz, .parquet và .xlsx."))


def _from_csv(path: Path, wanted: list[str], texts: frozenset[str], options: ReadOptions) -> ColumnSource:
    from pyarrow import csv as arrow_csv

    packed = path.name.lower().endswith(".gz")
    with _unpacked(path) as stream:
        table = CsvTable(stream)
        places = find_columns(table.header, wanted)
        form, separator = table.text_form, table.form.separator
        table.release()
    if not packed:
        _refuse_totals(path, separator)
    columns = arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(
            block_size=BLOCK_BYTES,
            skip_rows=form.lines_before,
            column_names=[_column_name(place) for place in range(len(form.header))],
            skip_rows_after_names=1,
        ),
        parse_options=arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=packed or _quoted(path)),
        convert_options=_conversion(dict(zip(wanted, places, strict=True)), texts, separator, options),
    )
    return ColumnSource(
        columns={name: columns.column(_column_name(place)) for name, place in zip(wanted, places, strict=True)},
        sentence=table.form.sentence(),
        first_line=form.lines_before + 2,
        usual_sign=DecimalSign.POINT if separator == "," else None,
    )


def _conversion(places: Mapping[str, int], texts: frozenset[str], separator: str, options: ReadOptions) -> Any:
    """Return how Arrow converts cells. Labels stay texts. Files with semicolons usually have decimal commas, files with
    commas decimal points. With other separators both signs are usual, so numbers stay texts too until the whole column
    was read."""
    from pyarrow import csv as arrow_csv

    usual = {",": DecimalSign.POINT, ";": DecimalSign.COMMA}.get(separator)
    types: dict[str, Any] = {} if usual else {_column_name(place): pa.string() for place in places.values()}
    types |= {_column_name(places[name]): pa.dictionary(pa.int32(), pa.string()) for name in texts}
    return arrow_csv.ConvertOptions(
        include_columns=list(dict.fromkeys(map(_column_name, places.values()))),
        column_types=types,
        null_values=NULLS,
        strings_can_be_null=False,
        decimal_point=(options.decimal or usual or DecimalSign.POINT).value,
    )


def _column_name(place: int) -> str:
    return f"c{place}"


def _unpacked(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.name.lower().endswith(".gz") else path.open("rb")


def _quoted(path: Path) -> bool:
    """Return whether the file has quotation marks, so that a text may continue on the next line. Arrow is slower
    then."""
    with path.open("rb") as content:
        return any(b'"' in block for block in iter(partial(content.read, BLOCK_BYTES), b""))


def _refuse_totals(path: Path, separator: str) -> None:
    """Refuse a file with a row of totals, which stands among the last lines."""
    with path.open("rb") as content:
        size = content.seek(0, io.SEEK_END)
        content.seek(max(0, size - TAIL_BYTES))
        tail = content.read().decode("utf-8", "replace").splitlines()
    for line in tail[-TAIL_LINES:]:
        cells = [cell.strip().strip('"') for cell in line.split(separator)[:FIRST_CELLS]]
        if total := next((cell for cell in cells if is_total(cell)), None):
            raise FileRefused(TableFault.TOTALS_ROW, value=total[:40])


def _from_parquet(path: Path, wanted: list[str]) -> ColumnSource:
    from pyarrow import parquet

    header = parquet.read_schema(path).names
    names = [header[place] for place in find_columns(header, wanted)]
    table = parquet.read_table(path, columns=list(dict.fromkeys(names)))
    return ColumnSource({name: table.column(own) for name, own in zip(wanted, names, strict=True)}, "Parquet")


def _from_workbook(path: Path, wanted: list[str]) -> ColumnSource:
    with path.open("rb") as stream:
        table = open_table(stream)
        with file_named("", table.form.sheet):
            places = find_columns(table.header, wanted)
            refuse_more_sheets(table, wanted)
            rows = [_whole_row(row) for row in table]
            _refuse_merged(table)
    cells = [[_computed(row.cells[place]) for row in rows] for place in places]
    columns = {name: pa.chunked_array([column], pa.string()) for name, column in zip(wanted, cells, strict=True)}
    return ColumnSource(columns, table.form.sentence(), table.form.sheet, lines=[row.line for row in rows])


def _whole_row(row: TableRow) -> TableRow:
    """Return a row without findings. Raises FileRefused for another one: an estimate never leaves out a row
    silently."""
    finding = row.findings[0] if row.findings else totals_finding(row.cells[:FIRST_CELLS])
    if finding is not None:
        raise _at_line(row.line, finding)
    return row


def _refuse_merged(table: BallotTable) -> None:
    for line, finding in table.late().items():
        raise _at_line(line, finding)


def _at_line(line: int, finding: RowFinding) -> FileRefused:
    return FileRefused(finding.fault, _("Dòng %(line)s: %(reason)s"), line=line, reason=str(finding.reason))


def _computed(cell: str) -> str:
    """Return the result of a cell with a formula, and any other cell as it is."""
    return cell[1:] if len(cell) > 1 and cell.startswith("=") else cell


def _unreadable(path: Path, error: Exception) -> Invalid:
    """Return the refusal of a file that cannot be read, with the reason as far as it is known."""
    if isinstance(error, UnicodeDecodeError) or "UTF8" in str(error):
        sentence = _("Tệp “%(file)s”, dòng %(line)s không phải là UTF-8; hãy lưu lại thành CSV UTF-8.")
        return Invalid(sentence, file=str(path), line=_first_line_not_utf8(path))
    if ragged := RAGGED.search(str(error)):
        sentence = _("Tệp “%(file)s” có dòng %(found)s cột, trong khi dòng đầu có %(columns)s cột.")
        return Invalid(sentence, file=str(path), columns=ragged[1], found=ragged[2])
    return Invalid(_("Không đọc được tệp “%(file)s”."), file=str(path))


def _first_line_not_utf8(path: Path) -> int:
    with io.TextIOWrapper(_unpacked(path), encoding="utf-8", errors="surrogateescape") as lines:
        return next((number for number, line in enumerate(lines, start=1) if SURROGATE.search(line)), 1)
