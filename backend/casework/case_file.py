"""Read the cases of another system from a table, row by row; each is accepted or rejected with its reason. Pure.

The file is read twice: first for what only the whole file shows (the order of day and month, merged cells), then for
its cases. A day without a time, and a time without a zone, is in Vietnam's time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import BinaryIO, Final, NamedTuple

from backend.errors import Invalid, _
from backend.files.dates import MOST_NAMED, DateEvidence, DateOrder, Written, read_moment
from backend.files.faults import FileRefused, RowFinding, TableFault, file_named
from backend.files.names import is_not_told
from backend.files.options import NOTHING_SAID, ReadOptions
from backend.files.tables import (
    BallotTable,
    TableRow,
    find_columns,
    not_utf8,
    open_table,
    refuse_more_sheets,
    totals_finding,
)
from backend.files.text import clean_text
from backend.worktime.calendar import ZONE

EARLIEST: Final = 1900
KEY_MOST, OFFICE_MOST, CATEGORY_MOST, TEXT_MOST = 150, 200, 120, 10_000


@dataclass(frozen=True)
class CaseColumns:
    """Which column of the file holds what. Without a title column the category serves as title."""

    key: str
    office: str
    received: str
    answered: str
    category: str
    title: str | None = None

    def names(self) -> list[str]:
        return [
            self.key,
            self.office,
            self.received,
            self.answered,
            self.category,
            *([self.title] if self.title else []),
        ]


@dataclass(frozen=True, slots=True)
class ImportedCase:
    """One case as read, with its ``fields`` as they stood. ``text`` is empty where the file says nothing but the
    category."""

    line: int
    fields: Sequence[str]
    key: str
    office: str
    received: datetime
    answered: datetime | None
    category: str
    text: str


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line that is not accepted, the reason, and its fields as they stood."""

    line: int
    reason: Invalid
    fields: Sequence[str]


class _CaseCells(NamedTuple):
    """The cells of one row in the order of `CaseColumns.names`."""

    key: str
    office: str
    received: str
    answered: str
    category: str
    title: str = ""


class CaseFile:
    """Reads a seekable binary stream, in memory bounded by the longest line.

    Raises FileRefused for a file without a header, one that lacks a column or has it twice, and one whose dates do not
    show their order.
    """

    def __init__(
        self, stream: BinaryIO, columns: CaseColumns, *, until: datetime, options: ReadOptions = NOTHING_SAID
    ) -> None:
        self._stream, self._options = stream, options
        self._today = until.astimezone(ZONE).date()
        table = open_table(stream, most_bytes=None)
        self.header, self.form, self._serial_days = table.header, table.form, table.serial_days
        with file_named("", table.form.sheet):
            self._places = find_columns(self.header, columns.names())
            refuse_more_sheets(table, columns.names())
            self._order = self._find_order(table, columns)
            self._late = table.late()
        table.release()
        self.first_day: date | None = None
        self.last_day: date | None = None

    def __iter__(self) -> Iterator[ImportedCase | RejectedLine]:
        """Yield each record with the number of its first line. Empty lines are skipped."""
        table = open_table(self._stream, most_bytes=None)
        for row in table:
            yield self._judge(row)
        table.release()

    def _find_order(self, table: BallotTable, columns: CaseColumns) -> DateOrder:
        evidence = DateEvidence(table.serial_days)
        doubts = _Doubts(self._today, table.serial_days)
        received, answered = self._places[2], self._places[3]
        width = len(self.header)
        for row in table:
            if len(row.cells) != width:
                continue
            first = evidence.add(row.line, columns.received, row.cells[received])
            second = evidence.add(row.line, columns.answered, row.cells[answered])
            if not evidence.decided and Written.EITHER in (first, second):
                doubts.add(row.line, row.cells[received], row.cells[answered])
        order = evidence.order(self._options.dates)
        if self._options.dates is None and not evidence.decided:
            doubts.check()
        return order

    def _judge(self, row: TableRow) -> ImportedCase | RejectedLine:
        try:
            case = self._case(row)
        except Invalid as reason:
            return RejectedLine(row.line, reason, row.cells)
        day = case.received.date()
        self.first_day = min(self.first_day or day, day)
        self.last_day = max(self.last_day or day, day)
        return case

    def _case(self, row: TableRow) -> ImportedCase:
        self._check_form(row)
        cells = _CaseCells(*(row.cells[place] for place in self._places))
        if total := totals_finding([cells.key]):
            raise total.reason
        received, answered = cells.received.strip(), cells.answered.strip()
        case = ImportedCase(
            line=row.line,
            fields=row.cells,
            key=_needed(clean_text(cells.key, limit=KEY_MOST), _("Thiếu mã hồ sơ.")),
            office=_needed(self._known_text(clean_text(cells.office, limit=OFFICE_MOST)), _("Thiếu cơ quan.")),
            received=self._moment(_needed(self._known_text(received), _("Thiếu ngày nhận."))),
            answered=self._moment(answered) if self._known_text(answered) else None,
            category=self._known_text(clean_text(cells.category, limit=CATEGORY_MOST)),
            text=clean_text(cells.title, limit=TEXT_MOST),
        )
        _check_order(case, self._today)
        return replace(case, answered=max(case.received, case.answered)) if case.answered else case

    def _check_form(self, row: TableRow) -> None:
        finding: RowFinding | None = row.findings[0] if row.findings else self._late.get(row.line)
        if finding is not None:
            raise finding.reason
        if any(map(not_utf8, row.cells)):
            raise Invalid(_("Dòng có ký tự không phải UTF-8."))

    def _known_text(self, text: str) -> str:
        """Return the text, or an empty one where the text says that nothing is known."""
        return "" if is_not_told(text) or self._options.is_missing(text) else text

    def _moment(self, text: str) -> datetime:
        moment = read_moment(text, self._order, self._serial_days)
        try:
            if moment is not None:
                moment = moment.astimezone(ZONE) if moment.tzinfo else moment.replace(tzinfo=ZONE)
        except OverflowError:
            moment = None
        if moment is None or moment.year < EARLIEST:
            raise Invalid(_("Không có ngày “%(text)s”."), text=text[:40])
        return moment


class _Doubts:
    """Evidence for the month first: cases that make sense in that order and not with the day first.

    Such a case is received or answered in the future, or answered before it was received, if its day comes first. The
    evidence counts where no date shows the order by itself.
    """

    def __init__(self, today: date, serial_days: int | None) -> None:
        self._today, self._serial_days = today, serial_days
        self._examples: list[tuple[int, str]] = []
        self._day_first = self._month_first = 0

    def add(self, line: int, received: str, answered: str) -> None:
        if not self._fits(received, answered, DateOrder.DMY):
            self._day_first += 1
            if len(self._examples) < MOST_NAMED:
                self._examples.append((line, received.strip()[:40]))
        if not self._fits(received, answered, DateOrder.MDY):
            self._month_first += 1

    def check(self) -> None:
        """Raise FileRefused where the month first fits better."""
        if self._day_first > self._month_first:
            lines = ", ".join(str(line) for line, _text in self._examples)
            raise FileRefused(TableFault.DOUBTFUL_ORDER, lines=lines, value=self._examples[0][1])

    def _fits(self, received: str, answered: str, order: DateOrder) -> bool:
        first = read_moment(received, order, self._serial_days)
        last = read_moment(answered, order, self._serial_days)
        if first is None or first.date() > self._today:
            return False
        return last is None or first.date() <= last.date() <= self._today


def _check_order(case: ImportedCase, today: date) -> None:
    """Raise Invalid where the days of a case contradict each other.

    Compared by day: an answer on the day of reception is in order whatever its time, and counts from reception on.
    """
    received = case.received.date()
    if received > today:
        raise Invalid(_("Ngày nhận %(day)s ở tương lai."), day=f"{received:%d/%m/%Y}")
    if case.answered is None:
        return
    answered = case.answered.date()
    if answered < received:
        raise Invalid(
            _("Trả lời ngày %(answered)s trước khi nhận ngày %(received)s."),
            answered=f"{answered:%d/%m/%Y}",
            received=f"{received:%d/%m/%Y}",
        )
    if answered > today:
        raise Invalid(_("Ngày trả lời %(day)s ở tương lai."), day=f"{answered:%d/%m/%Y}")


def _needed(value: str, complaint: str) -> str:
    if not value:
        raise Invalid(complaint)
    return value
