"""Read an uploaded calendar: our CSV table, or iCalendar (RFC 5545). Only files are read, never an address."""

from dataclasses import replace
from typing import Final

from backend.calendars.event_days import days_of_file
from backend.files.text import clean_text
from backend.jobs.guarded import limits_for, run_guarded
from backend.worktime.calendar import DayException
from backend.worktime.errors import WorktimeError, _
from backend.worktime.table import NAME_MOST, CalendarTable, read_table

BYTES_MOST: Final = 1024 * 1024


def read(content: bytes) -> CalendarTable:
    """Return the days of a file. The content decides the format. Raises WorktimeError that names every wrong line."""
    if len(content) > BYTES_MOST:
        raise WorktimeError(_("Tệp lớn quá %(most)s MB."), most=BYTES_MOST // 1024**2)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WorktimeError(_("Tệp phải là chữ UTF-8: bảng CSV hoặc lịch iCalendar (.ics).")) from None
    if "\0" in text:
        raise WorktimeError(_("Tệp phải là chữ UTF-8: bảng CSV hoặc lịch iCalendar (.ics)."))
    is_calendar = text.lstrip().upper().startswith("BEGIN:VCALENDAR")
    brought = days_of_file(text) if is_calendar else read_table(text)
    if not brought.exceptions:
        raise WorktimeError(_("Tệp không có ngày nghỉ hay ngày làm bù nào."))
    return replace(brought, exceptions=tuple(_with_clean_name(exception) for exception in brought.exceptions))


def _with_clean_name(exception: DayException) -> DayException:
    """Remove invisible letters from the name. An empty name becomes the kind of the day."""
    name = clean_text(exception.name, limit=2 * NAME_MOST)[:NAME_MOST]
    return replace(exception, name=name or (_("Làm bù") if exception.is_open else _("Nghỉ")))


def read_guarded(content: bytes) -> CalendarTable:
    """Return the same, read in a child process with limits. Use it for files from outside."""
    return run_guarded(read, content, limits=limits_for(len(content)), field="file")
