"""Days off and make-up days as a table: the shipped one, and any that an administrator brings in the same form.

Columns: ``date`` (2026-02-16 or 16/02/2026), ``kind`` (off, working_saturday), ``name``, ``status``. A status that
begins with ESTIMATE makes its whole year an estimate; one that begins with OPEN makes the one date doubtful. Any other
status (verified, statutory, past) is announced or fixed by law, and no estimate.
"""

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from backend.errors import LineRefusal
from backend.files.days import day_written, refusal_of_day, shortened
from backend.files.text import few_marks
from backend.worktime.calendar import DayException
from backend.worktime.errors import WorktimeError, _

COLUMNS: Final = ("date", "kind", "name")
OPEN_KINDS: Final = frozenset({"working_saturday", "làm việc", "làm", "làm bù", "open", "working"})
OFF_KINDS: Final = frozenset({"off", "nghỉ", "closed"})
ROWS_MOST: Final = 5000
NAME_MOST: Final = 120
_SEPARATORS: Final = ",;\t|"
_SEP_LINE: Final = re.compile(r'"?sep=(.)"?[,;\s]*', re.IGNORECASE)
_LINE_ENDS: Final = re.compile(r"\r\n|\n|\r")
_ESTIMATE, _OPEN = "estimate", "open"


@dataclass(frozen=True, slots=True)
class CalendarTable:
    """Exceptions in order of their dates, and whether each of their years was announced. ``unsure`` are days that a
    file names without saying that nobody works on them."""

    exceptions: tuple[DayException, ...]
    years: dict[int, bool]
    skipped: int = 0  # events that are no whole days
    unsure: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """One row of a table by the names of its columns, the line on which it ends, and what stands after the last
    column."""

    line: int
    cells: Mapping[str, str]
    beyond: str = ""

    def cell(self, column: str) -> str:
        return " ".join(self.cells.get(column, "").split())


def read_table(text: str) -> CalendarTable:
    """Return the days of a CSV table. Raises WorktimeError that tells every wrong line."""
    days: dict[date, tuple[int, DayException]] = {}
    years: dict[int, bool] = {}
    refusals: list[LineRefusal] = []
    for row in table_rows(text):
        reasons = _refusals_of(row)
        if not reasons:
            exception = _exception_of(row)
            reasons = _refusals_of_repeat(exception, days.setdefault(exception.day, (row.line, exception)))
            year = exception.day.year
            years[year] = years.get(year, True) and _status(row) != _ESTIMATE
        refusals += [LineRefusal(row.line, reason) for reason in reasons]
    if refusals:
        raise WorktimeError.of_lines(refusals)
    return CalendarTable(tuple(days[day][1] for day in sorted(days)), years)


def kind_of_word(word: str) -> bool | None:
    """Return whether a word says that a day is worked; None where it says neither that nor off."""
    word = unicodedata.normalize("NFC", few_marks(" ".join(word.split()))).casefold()
    return True if word in OPEN_KINDS else False if word in OFF_KINDS else None


def table_rows(text: str) -> Iterator[CalendarRow]:
    """Yield the rows below the headings: any of four separators, with or without a line ``sep=;``.

    This is all that knows how CSV is written; a reader of other kinds of tables takes its place by yielding rows.
    """
    lines = _LINE_ENDS.split(text.removeprefix("\ufeff"))
    sep_line = _SEP_LINE.fullmatch(lines[0])
    first = 1 if sep_line else 0
    separator = sep_line[1] if sep_line else _separator_of(lines[0])
    reader = csv.reader((f"{line}\n" for line in lines[first:]), delimiter=separator)
    try:
        headings = [heading.strip().casefold() for heading in next(reader, [])]
        _check_headings(headings, first + 1)
        for count, cells in enumerate(filter(any, reader)):
            if count == ROWS_MOST:
                raise WorktimeError(_("Bảng có quá nhiều dòng; tối đa %(most)s."), most=ROWS_MOST)
            yield _row(headings, cells, first + reader.line_num)
    except csv.Error:
        unread = WorktimeError(_("không đọc được; hãy xem lại dấu ngoặc kép và dấu ngăn cột."))
        raise WorktimeError.of_lines([LineRefusal(first + reader.line_num, unread)]) from None


def _separator_of(heading: str) -> str:
    """The sign that stands most often in the headings, none of which has one inside."""
    return max(_SEPARATORS, key=heading.count)


def _check_headings(headings: Sequence[str], line: int) -> None:
    missing = [column for column in COLUMNS if column not in headings]
    if missing:
        message = _("thiếu cột %(missing)s. Bảng phải có các cột date, kind, name; cột status có thể thêm.")
        raise WorktimeError.of_lines([LineRefusal(line, WorktimeError(message, missing=", ".join(missing)))])


def _row(headings: Sequence[str], cells: Sequence[str], line: int) -> CalendarRow:
    beyond = " ".join(filter(None, (cell.strip() for cell in cells[len(headings) :])))
    return CalendarRow(line, dict(zip(headings, cells, strict=False)), beyond)


def _refusals_of(row: CalendarRow) -> list[WorktimeError]:
    """What is wrong with a row, column by column."""
    reasons: list[WorktimeError] = []
    if day_written(row.cell("date")) is None:
        reasons.append(WorktimeError(_("cột date: %(reason)s"), reason=refusal_of_day(row.cell("date"))))
    if kind_of_word(row.cell("kind")) is None:
        message = _("cột kind: “%(value)s” phải là off (nghỉ) hoặc working_saturday (làm bù).")
        reasons.append(WorktimeError(message, value=shortened(row.cell("kind"))))
    if not 0 < len(row.cell("name")) <= NAME_MOST:
        message = _("cột name: tên ngày phải có, dài nhất %(limit)s ký tự.")
        reasons.append(WorktimeError(message, limit=NAME_MOST))
    if row.beyond:
        message = _("“%(value)s” thừa ra sau cột cuối; giá trị có dấu ngăn cột phải nằm trong ngoặc kép.")
        reasons.append(WorktimeError(message, value=shortened(row.beyond)))
    return reasons


def _exception_of(row: CalendarRow) -> DayException:
    day, is_open = day_written(row.cell("date")), kind_of_word(row.cell("kind"))
    assert day is not None  # noqa: S101 - rows with anything else were refused
    assert is_open is not None  # noqa: S101 - rows with anything else were refused
    name = unicodedata.normalize("NFC", few_marks(row.cell("name")))
    return DayException(day, is_open=is_open, name=name, verified=_status(row) != _OPEN)


def _refusals_of_repeat(exception: DayException, earlier: tuple[int, DayException]) -> list[WorktimeError]:
    """A row that says the same twice is harmless; one that says something else of a day is not."""
    line, first = earlier
    if first == exception:
        return []
    message = _("ngày %(day)s đã có ở dòng %(line)s (%(name)s); hãy giữ một dòng.")
    return [WorktimeError(message, day=f"{exception.day:%d/%m/%Y}", line=line, name=first.name)]


def _status(row: CalendarRow) -> str:
    """The first word of a status, without capitals."""
    words = re.findall(r"\w+", row.cell("status"))
    return words[0].casefold() if words else ""
