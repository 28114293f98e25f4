"""Days off and make-up days as a table: the shipped one, and any that an administrator brings in the same form.

Columns: ``date`` (2026-02-16), ``kind`` (off, working_saturday), ``name``, ``status``. A status that begins with
ESTIMATE makes its whole year an estimate; one that begins with OPEN makes the one date doubtful.
"""

import csv
from dataclasses import dataclass
from datetime import date
from typing import Final

from backend.worktime.calendar import DayException
from backend.worktime.errors import WorktimeError, _

COLUMNS: Final = ("date", "kind", "name")
OFF, WORKING = "off", "working_saturday"
ROWS_MOST: Final = 5000
NAME_MOST: Final = 120


@dataclass(frozen=True, slots=True)
class CalendarTable:
    """Exceptions in order of their dates, and whether each of their years was announced."""

    exceptions: tuple[DayException, ...]
    years: dict[int, bool]
    skipped: int = 0  # events that are no whole days


def read_table(text: str) -> CalendarTable:
    """The rows of a CSV table. Raises WorktimeError, with the number of the line, for what cannot be taken."""
    reader = csv.DictReader(text.splitlines())
    if not set(COLUMNS) <= set(reader.fieldnames or ()):
        raise WorktimeError(_("Bảng phải có các cột date, kind, name; cột status có thể thêm."))
    found: dict[date, DayException] = {}
    years: dict[int, bool] = {}
    try:
        for row in reader:
            exception = _row(row, reader.line_num)
            if exception.day in found:
                raise WorktimeError(_("Dòng %(line)s: ngày này đã có ở trên."), line=reader.line_num)
            found[exception.day] = exception
            estimate = (row.get("status") or "").startswith("ESTIMATE")
            years[exception.day.year] = years.get(exception.day.year, True) and not estimate
            if len(found) > ROWS_MOST:
                raise WorktimeError(_("Bảng có quá nhiều dòng; tối đa %(most)s."), most=ROWS_MOST)
    except csv.Error:
        raise WorktimeError(_("Không đọc được bảng này.")) from None
    return CalendarTable(tuple(found[day] for day in sorted(found)), years)


def _row(row: dict[str, str], line: int) -> DayException:
    kind, name = row["kind"] or "", " ".join((row["name"] or "").split())
    try:
        day = date.fromisoformat((row["date"] or "").strip())
    except ValueError:
        raise WorktimeError(_("Dòng %(line)s: ngày phải viết như 2026-02-16."), line=line) from None
    if kind.strip() not in (OFF, WORKING):
        raise WorktimeError(_("Dòng %(line)s: cột kind phải là off hoặc working_saturday."), line=line)
    if not name or len(name) > NAME_MOST:
        raise WorktimeError(_("Dòng %(line)s: tên ngày phải có, dài nhất %(limit)s ký tự."), line=line, limit=NAME_MOST)
    doubtful = (row.get("status") or "").startswith("OPEN")
    return DayException(day, is_open=kind.strip() == WORKING, name=name, verified=not doubtful)
