"""Files for survey officers: the template of an instrument, and held rows to be corrected. Pure.

A cell that a spreadsheet would read as a formula is stored as text in a workbook and gets an apostrophe in CSV. The
import removes the apostrophe.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from analytics.methods import BilingualText
from backend.files.sheets import Value, write_workbook
from backend.surveys.ballot_files.answers import FORMULA, WHOLE
from backend.surveys.ballot_files.ballot_rules import BallotRules
from backend.surveys.ballot_files.faults import BallotFinding
from backend.surveys.ballot_files.layout import (
    AGE,
    BANDS,
    DAY,
    ETHNICITY,
    FORM,
    HELD_COLUMNS,
    NUMBER,
    PSU,
    SEX,
    STRATUM,
    UNIT,
    WEIGHT,
    template_header,
)
from backend.surveys.forms.instruments import AnswerSlot, Instrument, QuestionKind

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Say = Callable[[BallotFinding], str]

MEANINGS = {
    NUMBER: BilingualText("số phiếu, không trùng trong đợt", "ballot number, once in a round"),
    FORM: BilingualText("mã và phiên bản mẫu phiếu", "code and version of the form"),
    UNIT: BilingualText("mã đơn vị hành chính", "code of the administrative unit"),
    STRATUM: BilingualText("tầng của mẫu", "stratum of the sample"),
    PSU: BilingualText("cụm của mẫu (thôn, bản)", "first-stage unit of the sample (village)"),
    WEIGHT: BilingualText("trọng số, lớn hơn 0, dấu chấm thập phân", "weight, above 0, decimal point"),
    DAY: BilingualText("ngày phỏng vấn, 05/12/2023", "day of the interview, 05/12/2023"),
    AGE: BilingualText("nhóm tuổi", "age band"),
    SEX: BilingualText("giới tính", "sex"),
    ETHNICITY: BilingualText("dân tộc", "ethnicity"),
}


def template_workbook(stream: BinaryIO, instrument: Instrument, rules: BallotRules, lang: str) -> None:
    """Write a workbook with an empty sheet under the header, and a sheet that says what each column accepts."""
    titles = ("Phiếu", "Hướng dẫn") if lang == "vi" else ("Ballots", "Guide")
    write_workbook(
        stream, {titles[0]: [template_header(instrument)], titles[1]: list(column_guide(instrument, rules, lang))}
    )


def column_guide(instrument: Instrument, rules: BallotRules, lang: str) -> Iterator[list[Value]]:
    """Yield a row for each column: its name, its meaning, the values that it accepts."""
    yield ["cột", "nội dung", "giá trị"] if lang == "vi" else ["column", "content", "values"]
    values = {FORM: instrument.key} | {column: "; ".join(rules.bands[name]) for name, column in BANDS.items()}
    for column, meaning in MEANINGS.items():
        yield [column, getattr(meaning, lang), values.get(column, "")]
    for slot in instrument.slots:
        yield from _lines(slot, lang)


def _lines(slot: AnswerSlot, lang: str) -> Iterator[list[Value]]:
    if slot.kind is QuestionKind.MULTIPLE:
        for column, level in zip(slot.columns, slot.levels, strict=True):
            yield [column, f"{getattr(slot.text, lang)}: {getattr(level.text, lang)}", "0; 1"]
        return
    levels = "; ".join(f"{level.value} = {getattr(level.text, lang)}" for level in slot.levels)
    yield [slot.columns[0], getattr(slot.text, lang), levels]


def held_workbook(stream: BinaryIO, header: Sequence[str], rows: Iterator["HeldLine"], say: Say) -> None:
    """Write held rows as a workbook in which they can be corrected."""
    write_workbook(stream, {"Dòng bị giữ": _with_header(held_header(header), held_cells(header, rows, say))})


def held_cells(header: Sequence[str], rows: Iterator["HeldLine"], say: Say) -> Iterator[list[Value]]:
    """Yield the cells of held rows in the order of ``held_header``."""
    return ([*map(_number, cells), *reasons] for cells, reasons in _reason_rows(header, rows, say))


def held_csv(header: Sequence[str], rows: Iterator["HeldLine"], say: Say) -> str:
    """Return held rows as CSV in which they can be corrected. It begins with a byte order mark, so that spreadsheets
    read it as UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(held_header(header))
    for cells, reasons in _reason_rows(header, rows, say):
        writer.writerow([_quote_formula(str(cell)) for cell in (*cells, *reasons)])
    return "\ufeff" + text.getvalue()


HeldLine = tuple[int, Sequence[BallotFinding], Sequence[str]]


def _reason_rows(
    header: Sequence[str], rows: Iterator[HeldLine], say: Say
) -> Iterator[tuple[list[str], tuple[Value, str, str]]]:
    """Yield for each row the cells of the file's own columns, and line, columns and reasons for ``HELD_COLUMNS``."""
    own = [position for position, name in enumerate(header) if name not in HELD_COLUMNS]
    for line, findings, cells in rows:
        columns = ", ".join(dict.fromkeys(finding.column for finding in findings if finding.column))
        reasons = " | ".join(say(finding) for finding in findings)
        yield [cells[position] if position < len(cells) else "" for position in own], (line, columns, reasons)


def held_header(header: Sequence[str]) -> list[str]:
    """Return the columns of held rows: those of the file, and where and why each was held."""
    return [name for name in header if name not in HELD_COLUMNS] + list(HELD_COLUMNS)


def _with_header(header: list[str], rows: Iterator[list[Value]]) -> Iterator[Sequence[Value]]:
    yield header
    yield from rows


def _number(cell: str) -> Value:
    """Return a whole number as a number, unless that would lose leading zeros. Everything else stays text."""
    return int(cell) if WHOLE.fullmatch(cell) and cell == str(int(float(cell))) else cell


def _quote_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) and not WHOLE.fullmatch(cell) else cell
