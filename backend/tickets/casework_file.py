"""Cases of another system in a CSV file: read line by line, each accepted or rejected with its reason. Pure.

Days are written 2026-11-22 or 22/11/2026, with or without a time; a day without a time is that day in Vietnam's time.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TextIO

from backend.errors import Invalid, _
from backend.text import clean
from backend.worktime.calendar import ZONE

LONGEST_LINE: Final = 1_000_000
TOO_LONG: Final = "\x00"  # stands for a line that was too long; a single field, so it is rejected by its number
BLANK: Final = {"", "na", "n/a", "null", "none"}
LOCAL_DAY: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
EARLIEST: Final = 1900
SURROGATE: Final = re.compile("[\udc80-\udcff]")
KEY_MOST, OFFICE_MOST, CATEGORY_MOST, TEXT_MOST = 150, 200, 120, 10_000


@dataclass(frozen=True)
class Columns:
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
class Case:
    """One case as read. ``text`` is empty where the file says nothing more than the category."""

    line: int
    key: str
    office: str
    received: datetime
    answered: datetime | None
    category: str
    text: str


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that cannot be taken, the reason, and its fields as they stood."""

    line: int
    reason: Invalid
    fields: Sequence[str]


class CaseFile:
    """Reads a text stream once, in memory bounded by the longest line.

    Raises Invalid for a file without header, or one that lacks a column or has it twice. The separator is the one of
    comma, semicolon and tab that the header has most of. Open the stream as ``utf-8-sig`` with ``surrogateescape``,
    so that bytes of another encoding are rejected at their line.
    """

    def __init__(self, stream: TextIO, columns: Columns, *, until: datetime) -> None:
        lines = _bounded(stream)
        first = next(lines, "")
        separator = max(",;\t", key=first.count)
        self.header = [name.strip() for name in next(csv.reader([first], delimiter=separator), [])]
        self._places = _places(self.header, columns)
        self._rows = csv.reader(lines, delimiter=separator)
        self._until = until

    def __iter__(self) -> Iterator[Case | Reject]:
        """Each record with the number of its first line; empty lines are passed over."""
        while True:
            line = self._rows.line_num + 2
            try:
                fields = next(self._rows)
            except StopIteration:
                return
            except csv.Error:
                yield Reject(line, Invalid(_("Dòng có dấu ngoặc kép không đóng hoặc một ô quá dài.")), [])
                continue
            if fields:
                yield self._judge(line, fields)

    def _judge(self, line: int, fields: list[str]) -> Case | Reject:
        try:
            return self._case(line, fields)
        except Invalid as reason:
            return Reject(line, reason, fields)

    def _case(self, line: int, fields: list[str]) -> Case:
        if fields == [TOO_LONG]:
            raise Invalid(_("Dòng dài quá %(most)s ký tự."), most=LONGEST_LINE)
        if len(fields) != len(self.header):
            raise Invalid(_("Dòng có %(found)s ô, cần %(wanted)s."), found=len(fields), wanted=len(self.header))
        if SURROGATE.search("".join(fields)):
            raise Invalid(_("Dòng có ký tự không phải UTF-8."))
        key, office, received, answered, category, *text = (fields[place] for place in self._places)
        case = Case(
            line=line,
            key=_needed(clean(key, limit=KEY_MOST), _("Thiếu mã hồ sơ.")),
            office=_needed(clean(office, limit=OFFICE_MOST), _("Thiếu cơ quan.")),
            received=_moment(_needed(received.strip(), _("Thiếu ngày nhận."))),
            answered=None if answered.strip().lower() in BLANK else _moment(answered.strip()),
            category=clean(category, limit=CATEGORY_MOST),
            text=clean(text[0], limit=TEXT_MOST) if text else "",
        )
        _check_order(case, self._until)
        return case


def _check_order(case: Case, until: datetime) -> None:
    """By day: an answer on the day of reception is in order whatever the hours say."""
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
        parts = LOCAL_DAY.fullmatch(text)
        if parts is None:
            moment = datetime.fromisoformat(text)
        else:
            day, month, year, hour, minute, second = (int(part or 0) for part in parts.groups())
            moment = datetime(year, month, day, hour, minute, second, tzinfo=ZONE)
        moment = moment.astimezone(ZONE) if moment.tzinfo else moment.replace(tzinfo=ZONE)
    except (ValueError, OverflowError):
        raise Invalid(_("Không có ngày “%(text)s”."), text=text[:40]) from None
    if moment.year < EARLIEST:
        raise Invalid(_("Không có ngày “%(text)s”."), text=text[:40])
    return moment


def _places(header: list[str], columns: Columns) -> list[int]:
    if not any(header):
        raise Invalid(_("Tệp trống hoặc không có dòng tiêu đề."))
    if SURROGATE.search("".join(header)):
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


def _bounded(stream: TextIO) -> Iterator[str]:
    """Lines of the stream; one that is too long becomes a mark, and its rest is passed over."""
    while line := stream.readline(LONGEST_LINE):
        if len(line) < LONGEST_LINE or line.endswith(("\n", "\r")):
            yield line
            continue
        while line and not line.endswith(("\n", "\r")):
            line = stream.readline(LONGEST_LINE)
        yield f"{TOO_LONG}\n"
