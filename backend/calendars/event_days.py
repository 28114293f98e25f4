"""The days that the events of an iCalendar file make off or worked. Pure.

An event counts if it covers whole days: from date to date, or from midnight to midnight as Outlook writes it. Of
several revisions of an event only the last counts. A cancelled event does not count.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from backend.calendars.day_names import READ_MOST, DayMeaning, meaning_of
from backend.calendars.ical_lines import CalendarEvent, ContentLine, read_events
from backend.errors import Invalid, LineRefusal
from backend.files.days import refusal_of_date, shortened
from backend.files.text import few_marks
from backend.worktime.calendar import ZONE, DayException, local_time
from backend.worktime.errors import WorktimeError, _
from backend.worktime.table import NAME_MOST, ROWS_MOST, CalendarTable

DAYS_MOST: Final = 31  # of one event
YEARS: Final = range(1900, 2200)
ALL_DAY: Final = "X-MICROSOFT-CDO-ALLDAYEVENT"
VENDOR_MARK: Final = "X-APPLE-SPECIAL-DAY"
_MOMENT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII)
_DURATION: Final = re.compile(
    r"\+?P(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,7})S)?)?",
    re.ASCII,
)
_DAY_ENDS: Final = frozenset({time(0), time(23, 59), time(23, 59, 59)})


@dataclass(frozen=True)
class NamedDay:
    """One day of an event: what its name says about it, and the line where the event begins."""

    day: date
    name: str
    meaning: DayMeaning
    line: int

    @property
    def exception(self) -> DayException:
        return DayException(self.day, is_open=self.meaning is DayMeaning.WORKED, name=self.name)


def days_of_file(text: str) -> CalendarTable:
    """Return the days of an iCalendar file. Raises WorktimeError that names every wrong line.

    Their years are estimates, because the format does not say whether a year is announced.
    """
    days: dict[date, NamedDay] = {}
    events, refusals = read_events(text)
    skipped = 0
    if len(events) > ROWS_MOST:
        raise WorktimeError(_("Lịch có quá nhiều ngày; tối đa %(most)s."), most=ROWS_MOST)
    for event in last_revisions(events):
        try:
            named = list(_named_days(event))
        except _WrongLine as wrong:
            refusals.append(wrong.refusal)
            continue
        skipped += not named
        refusals += [refusal for day in named if (refusal := _join(days, day))]
        if len(days) > ROWS_MOST:
            raise WorktimeError(_("Lịch có quá nhiều ngày; tối đa %(most)s."), most=ROWS_MOST)
    if refusals:
        raise WorktimeError.of_lines(refusals)
    unsure = frozenset(day for day, named_day in days.items() if named_day.meaning is DayMeaning.UNSURE)
    exceptions = tuple(days[day].exception for day in sorted(days))
    return CalendarTable(exceptions, dict.fromkeys((day.year for day in days), False), skipped, unsure)


def last_revisions(events: Iterable[CalendarEvent]) -> list[CalendarEvent]:
    """Return each event once, by its last revision, without cancelled events (RFC 5545, 3.8.7.4).

    Revisions share UID and RECURRENCE-ID. A new date needs a higher SEQUENCE. So events with one UID and one SEQUENCE
    at several dates are several events: some programs write them without new numbers.
    """
    revisions: dict[tuple[str, str], list[CalendarEvent]] = {}
    for event in events:
        uid = event.text("UID") or f"line {event.number}"
        revisions.setdefault((uid, event.text("RECURRENCE-ID")), []).append(event)
    current: list[CalendarEvent] = []
    for group in revisions.values():
        highest = max(_sequence(event) for event in group)
        by_start: dict[str, CalendarEvent] = {}
        for event in sorted(group, key=_stamp):
            if _sequence(event) == highest:
                by_start[event.text("DTSTART")] = event
        current += [event for event in by_start.values() if not _is_cancelled(event)]
    return sorted(current, key=lambda event: event.number)


class _WrongLine(Exception):
    """What is wrong with one line of an event."""

    def __init__(self, line: int, reason: Invalid) -> None:
        self.refusal = LineRefusal(line, reason)
        super().__init__(str(reason))


def _sequence(event: CalendarEvent) -> int:
    text = event.text("SEQUENCE")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _stamp(event: CalendarEvent) -> tuple[str, int]:
    return event.text("LAST-MODIFIED") or event.text("DTSTAMP"), event.number


def _is_cancelled(event: CalendarEvent) -> bool:
    return event.cancelled or event.text("STATUS").upper() == "CANCELLED"


def _join(days: dict[date, NamedDay], new: NamedDay) -> LineRefusal | None:
    """Add a day. Two equal events are one; a sure one replaces an unsure one; a contradiction is refused."""
    earlier = days.setdefault(new.day, new)
    if earlier.meaning is new.meaning or new.meaning is DayMeaning.UNSURE:
        return None
    if earlier.meaning is DayMeaning.UNSURE:
        days[new.day] = new
        return None
    message = _("ngày %(day)s (“%(name)s”) trái với dòng %(line)s (“%(earlier)s”): vừa nghỉ vừa làm việc; hãy bỏ một.")
    contradiction = WorktimeError(
        message, day=f"{new.day:%d/%m/%Y}", name=new.name, line=earlier.line, earlier=earlier.name
    )
    return LineRefusal(new.line, contradiction)


def _named_days(event: CalendarEvent) -> Iterator[NamedDay]:
    """Yield the days of an event. An event with hours has none."""
    first, length = _whole_days(event)
    if not length:
        return
    for name in ("RRULE", "RDATE"):
        if repeats := event.line(name):
            message = _("ngày lặp lại (%(name)s) không nhận được: hãy xuất lịch với từng ngày riêng.")
            raise _WrongLine(repeats.number, WorktimeError(message, name=name))
    if length > DAYS_MOST:
        message = _("sự kiện từ %(day)s dài %(length)s ngày; tối đa %(most)s, hãy chia ra.")
        too_long = WorktimeError(message, day=f"{first:%d/%m/%Y}", length=length, most=DAYS_MOST)
        raise _WrongLine(event.number, too_long)
    summary = " ".join(event.text("SUMMARY")[:READ_MOST].split())
    name = unicodedata.normalize("NFC", few_marks(summary))[:NAME_MOST].replace("|", "/") or _("Ngày nghỉ")
    weekday_meaning, weekend_meaning = (_meaning(event, summary, weekend=weekend) for weekend in (False, True))
    for offset in range(length):
        day = first + timedelta(offset)
        yield NamedDay(day, name, weekend_meaning if day.weekday() >= 5 else weekday_meaning, event.number)


def _meaning(event: CalendarEvent, summary: str, *, weekend: bool) -> DayMeaning:
    sorts = (event.text("DESCRIPTION"), *event.all_texts("CATEGORIES"))
    return meaning_of(summary, weekend=weekend, sorts=sorts, mark=event.text(VENDOR_MARK))


def _whole_days(event: CalendarEvent) -> tuple[date, int]:
    """Return the first day of an event and how many days it covers: 0 for an event with hours."""
    starts = event.line("DTSTART")
    if starts is None:
        message = _("sự kiện thiếu DTSTART; hãy thêm ngày, như DTSTART;VALUE=DATE:20260902.")
        raise _WrongLine(event.number, WorktimeError(message))
    all_day = "T" not in starts.value or event.text(ALL_DAY).upper() == "TRUE"
    for read_moment in (_vietnam_moment, _written_moment):  # midnight in UTC or midnight in Vietnam
        start = read_moment(starts)
        length = _days_from_midnight(start, _end(event, start, read_moment), all_day=all_day)
        if length:
            break
    return start.date(), length


def _days_from_midnight(start: datetime, end: datetime, *, all_day: bool) -> int:
    """Return the days between two moments if both are ends of days, else 0. An all-day event lasts at least one day."""
    if start.time() != time(0) or end.time() not in _DAY_ENDS:
        return 0
    length = (end.date() - start.date()).days + (end.time() != time(0))
    return max(length, 1) if all_day else length


def _end(event: CalendarEvent, start: datetime, read_moment: Callable[[ContentLine], datetime]) -> datetime:
    """Return the end of an event; its start where the file names no end."""
    if ends := event.line("DTEND"):
        end = read_moment(ends)
        if end < start:
            message = _("“%(value)s” ở trước DTSTART; ngày kết thúc phải sau ngày bắt đầu.")
            raise _WrongLine(ends.number, WorktimeError(message, value=shortened(ends.value)))
        return end
    lasts = event.line("DURATION")
    return start + _duration(lasts) if lasts else start


def _duration(line: ContentLine) -> timedelta:
    parts = _DURATION.fullmatch(line.value.strip())
    if parts is None or not any(parts.groups()):
        message = _("“%(value)s” phải là một khoảng thời gian như P1D (một ngày) hoặc P1W.")
        raise _WrongLine(line.number, WorktimeError(message, value=shortened(line.value)))
    return timedelta(**{name: int(amount) for name, amount in parts.groupdict("0").items()})


def _vietnam_moment(line: ContentLine) -> datetime:
    """Return the moment in Vietnam. A moment without UTC is read as it is written."""
    moment = _written_moment(line)
    if not line.value.strip().endswith("Z"):
        return moment
    return local_time(moment.replace(tzinfo=UTC))


def _written_moment(line: ContentLine) -> datetime:
    """Return the moment as it is written. A date means its midnight."""
    value = line.value.strip()
    parts = _MOMENT.fullmatch(value)
    if parts is None:
        message = _("“%(value)s” phải là một ngày như 20260902.")
        raise _WrongLine(line.number, WorktimeError(message, value=shortened(value)))
    year, month, day, hour, minute, second = (int(part or 0) for part in parts.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=ZONE)
    except ValueError:
        raise _WrongLine(line.number, refusal_of_date(shortened(value), year, month)) from None
    if year not in YEARS:
        message = _("“%(value)s”: năm phải từ %(first)s đến %(last)s.")
        raise _WrongLine(line.number, WorktimeError(message, value=value, first=YEARS[0], last=YEARS[-1]))
    return moment
