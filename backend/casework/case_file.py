"""Cases of another system in a CSV file: read line by line, each accepted or rejected with its reason. Pure.

Days are written as ISO 8601 has them or as people do (see ``days``), with or without a time; a day without a time, and
a time without a zone, is Vietnam's.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Final, TextIO

from backend.errors import Invalid, _
from backend.files.days import day_written
from backend.files.text import clean_text
from backend.worktime.calendar import ZONE

LONGEST_LINE: Final = 1_000_000
LONGEST_RECORD: Final = 50_000  # where a cell has line ends; looking further for its last quote would find others'
TOO_LONG: Final = "\x00"  # stands for a line that was too long; a single field, so it is rejected by its number
BLANK: Final = {"", "na", "n/a", "null", "none"}
WITH_TIME: Final = re.compile(r"(\S+?)(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII)
EARLIEST: Final = 1900
SURROGATE: Final = re.compile("[\udc80-\udcff]")
UNREADABLE: Final = re.compile("[\x00\udc80-\udcff]")  # UTF-16 without its mark is full of NUL
KEY_MOST, OFFICE_MOST, CATEGORY_MOST, TEXT_MOST = 150, 200, 120, 10_000


@dataclass(frozen=True)
class CaseColumns:
    """Which column of the file holds what; without a title column the category stands in."""

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
    """One case as read, with its ``fields`` as they stood. ``text`` is empty where the file says nothing more than the
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
    """A line that cannot be taken, the reason, and its fields as they stood."""

    line: int
    reason: Invalid
    fields: Sequence[str]


class CaseFile:
    """Reads a text stream once, in memory bounded by the longest line.

    Raises Invalid for a file without header, or one that lacks a column or has it twice. The separator is the one of
    comma, semicolon and tab that the header has most of. Open the stream as ``utf-8-sig`` with ``surrogateescape``,
    so that bytes of another encoding are rejected at their line. A cell may have line ends within quotes; quotes that
    do not close cost their own line and no other.
    """

    def __init__(self, stream: TextIO, columns: CaseColumns, *, until: datetime) -> None:
        self._lines = _StreamLines(stream)
        separator = max(",;\t", key=self._lines.peek().count)
        self._records = csv.reader(self._lines, delimiter=separator, strict=True)
        try:
            header = next(self._records, [])
        except csv.Error:
            raise Invalid(_("Dòng tiêu đề có dấu ngoặc kép không đóng hoặc sai chỗ.")) from None
        self.header = [name.strip() for name in header]
        self._places = _places(self.header, columns)
        self._until = until

    def __iter__(self) -> Iterator[ImportedCase | RejectedLine]:
        """Each record with the number of its first line; empty lines are passed over."""
        while True:
            self._lines.next_record()
            line = self._lines.number + 1
            try:
                fields = next(self._records)
            except StopIteration:
                return
            except csv.Error:
                reason = Invalid(_("Dòng có dấu ngoặc kép không đóng hoặc sai chỗ, hay một ô quá dài."))
                yield RejectedLine(line, reason, [self._lines.give_back()])
                continue
            if fields:
                yield self._judge(line, fields)

    def _judge(self, line: int, fields: list[str]) -> ImportedCase | RejectedLine:
        try:
            return self._case(line, fields)
        except Invalid as reason:
            return RejectedLine(line, reason, fields)

    def _case(self, line: int, fields: list[str]) -> ImportedCase:
        if fields == [TOO_LONG]:
            raise Invalid(_("Dòng dài quá %(most)s ký tự."), most=LONGEST_LINE)
        if len(fields) != len(self.header):
            raise Invalid(_("Dòng có %(found)s ô, cần %(wanted)s."), found=len(fields), wanted=len(self.header))
        if SURROGATE.search("".join(fields)):
            raise Invalid(_("Dòng có ký tự không phải UTF-8."))
        key, office, received, answered, category, *text = (fields[place] for place in self._places)
        case = ImportedCase(
            line=line,
            fields=fields,
            key=_needed(clean_text(key, limit=KEY_MOST), _("Thiếu mã hồ sơ.")),
            office=_needed(clean_text(office, limit=OFFICE_MOST), _("Thiếu cơ quan.")),
            received=_moment(_needed(received.strip(), _("Thiếu ngày nhận."))),
            answered=None if answered.strip().lower() in BLANK else _moment(answered.strip()),
            category=clean_text(category, limit=CATEGORY_MOST),
            text=clean_text(text[0], limit=TEXT_MOST) if text else "",
        )
        _check_order(case, self._until)
        return replace(case, answered=max(case.received, case.answered)) if case.answered else case


def _check_order(case: ImportedCase, until: datetime) -> None:
    """By day: an answer on the day of reception is in order whatever the hours say, and counts from reception on."""
    received = case.received.date()
    if received > until.astimezone(ZONE).date():
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
    if answered > until.astimezone(ZONE).date():
        raise Invalid(_("Ngày trả lời %(day)s ở tương lai."), day=f"{answered:%d/%m/%Y}")


def _needed(value: str, complaint: str) -> str:
    if not value:
        raise Invalid(complaint)
    return value


def _moment(text: str) -> datetime:
    try:
        moment = _local(text) or datetime.fromisoformat(text)
        moment = moment.astimezone(ZONE) if moment.tzinfo else moment.replace(tzinfo=ZONE)
    except (ValueError, OverflowError):
        raise Invalid(_("Không có ngày “%(text)s”."), text=text[:40]) from None
    if moment.year < EARLIEST:
        raise Invalid(_("Không có ngày “%(text)s”."), text=text[:40])
    return moment


def _local(text: str) -> datetime | None:
    """A day as people write it, with or without a time; None for another writing."""
    parts = WITH_TIME.fullmatch(text)
    day = day_written(parts[1]) if parts else None
    if parts is None or day is None:
        return None
    hour, minute, second = (int(part or 0) for part in parts.groups()[1:])
    return datetime.combine(day, time(hour, minute, second))


def _places(header: list[str], columns: CaseColumns) -> list[int]:
    if not any(header):
        raise Invalid(_("Tệp trống hoặc không có dòng tiêu đề."))
    if header == [TOO_LONG]:
        raise Invalid(_("Dòng dài quá %(most)s ký tự."), most=LONGEST_LINE)
    if UNREADABLE.search("".join(header)):
        raise Invalid(_("Tệp phải ở dạng UTF-8."))
    wanted = columns.names()
    if missing := [name for name in wanted if name not in header]:
        raise Invalid(
            _("Tệp thiếu cột: %(missing)s. Các cột có trong tệp: %(found)s."),
            missing=", ".join(missing),
            found=", ".join(header)[:500],
        )
    if twice := [name for name in wanted if header.count(name) > 1]:
        raise Invalid(_("Tệp có hai cột cùng tên: %(twice)s."), twice=", ".join(twice))
    return [header.index(name) for name in wanted]


class _StreamLines:
    """The lines of a stream, numbered. One that is too long becomes a mark, and its rest is passed over. The lines of a
    record that fails are given back but for its first."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._taken: list[str] = []
        self._length = 0
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._taken and self._length > LONGEST_RECORD:
            raise StopIteration
        line = self._waiting.popleft() if self._waiting else self._read()
        if not line:
            raise StopIteration
        self._taken.append(line)
        self._length += len(line)
        self.number += 1
        return line

    def peek(self) -> str:
        """The next line, which stays the next."""
        self._waiting.appendleft(self._waiting.popleft() if self._waiting else self._read())
        return self._waiting[0]

    def next_record(self) -> None:
        """What was taken so far is no part of the record that begins here."""
        self._taken.clear()
        self._length = 0

    def give_back(self) -> str:
        """All lines of this record but the first, which is returned without its end."""
        first, *rest = self._taken
        self._waiting.extendleft(reversed(rest))
        self.number -= len(rest)
        return first.rstrip("\r\n")

    def _read(self) -> str:
        line = self._stream.readline(LONGEST_LINE)
        if len(line) < LONGEST_LINE or line.endswith(("\n", "\r")):
            return line
        while line and not line.endswith(("\n", "\r")):
            line = self._stream.readline(LONGEST_LINE)
        return f"{TOO_LONG}\n"
