"""Reads an uploaded calendar: the package's CSV table, or iCalendar (RFC 5545). From a file, never from an address.

Of iCalendar only events of whole days count; one whose name or category says that it is worked is a make-up day.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from icalendar import Calendar

from backend.worktime.calendar import DayException
from backend.worktime.errors import WorktimeError, _
from backend.worktime.table import NAME_MOST, ROWS_MOST, CalendarTable, read_table

BYTES_MOST: Final = 1024 * 1024
DAYS_MOST: Final = 31  # of one event
WORKED: Final = re.compile(r"\s*(làm bù|làm việc|đi làm|working|make-up)", re.IGNORECASE)


def read(content: bytes) -> CalendarTable:
    """The days of a file, told by its content. Raises WorktimeError with the reason for one that cannot be taken."""
    if len(content) > BYTES_MOST:
        raise WorktimeError(_("Tệp lớn quá %(most)s MB."), most=BYTES_MOST // 1024**2)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WorktimeError(_("Tệp phải là chữ UTF-8: bảng CSV hoặc lịch iCalendar (.ics).")) from None
    if "\0" in text:
        raise WorktimeError(_("Tệp phải là chữ UTF-8: bảng CSV hoặc lịch iCalendar (.ics)."))
    brought = _events(text) if text.lstrip().upper().startswith("BEGIN:VCALENDAR") else read_table(text)
    if not brought.exceptions:
        raise WorktimeError(_("Tệp không có ngày nghỉ hay ngày làm bù nào."))
    return brought


def _events(text: str) -> CalendarTable:
    """Years of an iCalendar are taken for estimates: the format does not say whether they were announced."""
    found: dict[date, DayException] = {}
    skipped = 0
    try:
        for event in Calendar.from_ical(text).walk("VEVENT"):
            days = list(_days(event))
            skipped += not days
            for item in days:
                found[item.day] = item
            if len(found) > ROWS_MOST:
                raise WorktimeError(_("Lịch có quá nhiều ngày; tối đa %(most)s."), most=ROWS_MOST)
    except WorktimeError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
        # What the parser makes of a damaged file is not for the reader, who needs to know only that it is damaged.
        raise WorktimeError(_("Không đọc được lịch iCalendar này.")) from None
    return CalendarTable(
        tuple(found[day] for day in sorted(found)), dict.fromkeys((d.year for d in found), False), skipped
    )


def _days(event: Any) -> Iterator[DayException]:
    """The days of an event; none of one with hours or one that was called off."""
    if event.errors:  # the parser goes on without what it could not read; a day would be lost in silence
        raise ValueError(event.errors[0])
    start = event.decoded("DTSTART", None)
    if type(start) is not date or str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    if event.get("RRULE") or event.get("RDATE"):
        raise WorktimeError(_("Lịch có ngày lặp lại hằng năm. Hãy xuất lịch với từng ngày riêng."))
    end = event.decoded("DTEND", None)
    length = (end - start).days if type(end) is date else 1
    if not 1 <= length <= DAYS_MOST:
        raise WorktimeError(_("Ngày %(day)s: sự kiện dài quá %(most)s ngày."), day=f"{start:%d/%m/%Y}", most=DAYS_MOST)
    name = " ".join(str(event.get("SUMMARY", "")).split())[:NAME_MOST].replace("|", "/") or _("Ngày nghỉ")
    worked = bool(WORKED.match(name)) or any(WORKED.match(category) for category in event.categories)
    for offset in range(length):
        yield DayException(start + timedelta(offset), is_open=worked, name=name)
