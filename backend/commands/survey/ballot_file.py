"""Columns of a file of ballots: CSV, CSV.GZ, Parquet or XLSX, read without a database and only as far as asked for.

Labels (strata, units, domains) stay as they are written, so that "01" is not 1. Refusals are `Invalid` sentences with
the column and the line.
"""

import csv
import gzip
import re
import zipfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analytics.estimation.design import CodedColumn
from backend.errors import Invalid, _

# A workbook that unpacks to more than this is not a table of ballots.
WORKBOOK_BYTES = 1 << 30
BLOCK_BYTES = 1 << 24
HEADER_LINES = 1
RAGGED = re.compile(r"Expected (\d+) columns, got (\d+)")


class BallotFile:
    """The columns asked for, as labels or as numbers; each is turned into an array once."""

    def __init__(self, path: Path, labels: Iterable[str], numbers: Iterable[str]) -> None:
        wanted, self._texts = list(dict.fromkeys([*labels, *numbers])), frozenset(labels)
        try:
            self._columns: dict[str, Any] = _reader(path)(path, wanted, self._texts)
        except FileNotFoundError:
            raise Invalid(_("Không có tệp “%(file)s”."), file=str(path)) from None
        except (OSError, EOFError, UnicodeDecodeError, zipfile.BadZipFile, pa.ArrowException) as error:
            raise _unreadable(path, error) from None
        self._arrays: dict[str, NDArray[Any]] = {}
        self.n = len(next(iter(self._columns.values()))) if self._columns else 0
        if self.n == 0:
            raise Invalid(_("Tệp “%(file)s” không có phiếu nào."), file=str(path))

    def labels(self, name: str) -> CodedColumn:
        """The column as it was written, coded; missing where blank."""
        column = self._columns[name]
        if pa.types.is_nested(column.type):
            raise Invalid(_("Cột “%(column)s” không dùng làm nhãn được."), column=name)
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), None, column)
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        one = column.unify_dictionaries().combine_chunks()
        codes = pc.fill_null(one.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
        return CodedColumn(codes, np.array([*one.dictionary.to_pylist(), None], dtype=object)[:-1])

    def numbers(self, name: str) -> NDArray[Any]:
        """The column as integers, or floats with blanks as not a number. The table's own copy is let go."""
        if name not in self._arrays:
            self._arrays[name] = _numeric(name, self._columns[name])
            if name not in self._texts:
                del self._columns[name]
        return self._arrays[name]


def _unreadable(path: Path, error: Exception) -> Invalid:
    """What is wrong with a file that cannot be read, as far as it is known."""
    if isinstance(error, UnicodeDecodeError) or "UTF8" in str(error):
        return Invalid(_("Tệp “%(file)s” không phải là UTF-8; hãy lưu lại thành CSV UTF-8."), file=str(path))
    if ragged := RAGGED.search(str(error)):
        sentence = _("Tệp “%(file)s” có dòng %(found)s cột, trong khi dòng đầu có %(columns)s cột.")
        return Invalid(sentence, file=str(path), columns=ragged[1], found=ragged[2])
    return Invalid(_("Không đọc được tệp “%(file)s”."), file=str(path))


def _numeric(name: str, column: Any) -> NDArray[Any]:
    if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _of_texts(name, column.cast(pa.string()))
    elif pa.types.is_null(column.type) or pa.types.is_boolean(column.type) or pa.types.is_decimal(column.type):
        column = column.cast(pa.int8() if pa.types.is_boolean(column.type) else pa.float64())
    elif not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise Invalid(_("Cột “%(column)s” không phải là số."), column=name)
    return np.asarray(column.to_numpy())


def _of_texts(name: str, column: Any) -> Any:
    stripped = pc.utf8_trim_whitespace(column)
    stripped = pc.if_else(pc.equal(stripped, ""), pa.scalar(None, pa.string()), stripped)
    try:
        return stripped.cast(pa.float64())
    except pa.ArrowInvalid:
        texts = enumerate(stripped.to_pylist(), start=HEADER_LINES + 1)
        line, text = next((line, text) for line, text in texts if text is not None and not _is_number(text))
        sentence = _("Cột “%(column)s”, dòng %(line)s: “%(text)s” không phải là số.")
        raise Invalid(sentence, column=name, line=line, text=text[:40]) from None


def _is_number(text: str) -> bool:
    try:
        pa.scalar(text).cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def _reader(path: Path) -> Any:
    name = path.name.lower()
    for ending, reader in ((".csv", _csv), (".csv.gz", _csv), (".parquet", _parquet), (".xlsx", _xlsx)):
        if name.endswith(ending):
            return reader
    raise Invalid(_("Chỉ đọc được tệp .csv, .csv.gz, .parquet và .xlsx."))


def _check_columns(header: list[str], wanted: list[str]) -> None:
    for name in wanted:
        if header.count(name) != 1:
            sentence = _("Tệp không có cột “%(column)s”.") if name not in header else _("Tệp có hai cột “%(column)s”.")
            raise Invalid(sentence, column=name)


def _csv(path: Path, wanted: list[str], texts: frozenset[str]) -> dict[str, Any]:
    from pyarrow import csv as arrow_csv

    packed = path.name.lower().endswith(".gz")
    text: IO[str]
    with gzip.open(path, "rt", encoding="utf-8-sig") if packed else path.open(encoding="utf-8-sig", newline="") as text:
        first = text.readline()
        if not first.strip():
            raise Invalid(_("Dòng đầu của tệp “%(file)s” phải là tên các cột."), file=str(path))
        delimiter = max(",;\t", key=first.count)
        text.seek(0)
        _check_columns(next(csv.reader(text, delimiter=delimiter)), wanted)
    table = arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(block_size=BLOCK_BYTES),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=packed or _has_quotes(path)),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=wanted,
            column_types={name: pa.dictionary(pa.int32(), pa.string()) for name in texts},
            strings_can_be_null=True,
            # Spreadsheets that write a comma in numbers put semicolons between them.
            decimal_point="," if delimiter == ";" else ".",
        ),
    )
    return {name: table.column(name) for name in wanted}


def _has_quotes(path: Path) -> bool:
    """Whether a text may go on in the next line. A reader that has to mind it is slower."""
    with path.open("rb") as content:
        return any(b'"' in block for block in iter(partial(content.read, BLOCK_BYTES), b""))


def _parquet(path: Path, wanted: list[str], texts: frozenset[str]) -> dict[str, Any]:
    from pyarrow import parquet

    _check_columns(parquet.read_schema(path).names, wanted)
    table = parquet.read_table(path, columns=wanted)
    return {name: table.column(name) for name in wanted}


def _xlsx(path: Path, wanted: list[str], texts: frozenset[str]) -> dict[str, Any]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException
    from pyarrow.csv import ConvertOptions

    with zipfile.ZipFile(path) as packed:
        if sum(part.file_size for part in packed.infolist()) > WORKBOOK_BYTES:
            raise Invalid(_("Tệp “%(file)s” quá lớn."), file=str(path))
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (KeyError, ValueError, SyntaxError, InvalidFileException):
        raise zipfile.BadZipFile from None
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        header = ["" if cell is None else str(cell) for cell in next(rows, ())]
        _check_columns(header, wanted)
        places = [header.index(name) for name in wanted]
        kept = [
            tuple(row[i] if i < len(row) else None for i in places) for row in rows if any(c is not None for c in row)
        ]
    finally:
        book.close()
    columns = zip(*kept, strict=True) if kept else ([] for _name in wanted)
    blank = frozenset(ConvertOptions().null_values)
    return {
        name: pa.chunked_array([[_text(cell, blank) for cell in column]], pa.string())
        for name, column in zip(wanted, columns, strict=True)
    }


def _text(cell: object, blank: frozenset[str]) -> str | None:
    """Whole numbers of a workbook are stored as floats or integers; both are written the same. Blank as in a CSV."""
    text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
    return None if cell is None or text in blank else text
