"""Turn days off and make-up days into lines of a text, and back. Pure.

Each line is one date with parts between ``|``: ``02/01/2026 | nghỉ | Hoán đổi`` or
``10/01/2026 | làm việc | Làm bù | 7:30-11:30, 13:30-17:00 | chưa chắc``. A refusal names every wrong line.
"""

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from backend.errors import Invalid, LineRefusal
from backend.files.days import day_written, refusal_of_day, shortened
from backend.worktime.calendar import DayException, Windows, WorkCalendar, week_of
from backend.worktime.errors import WorktimeError, _
from backend.worktime.table import NAME_MOST, kind_of_word


@dataclass(frozen=True)
class CalendarWords:
    """The words of a language for the parts of a line; weekdays from Monday on."""

    off: str
    open: str
    doubtful: str
    days: tuple[str, ...]


VIETNAMESE: Final = CalendarWords("nghỉ", "làm việc", "chưa chắc", ("T2", "T3", "T4", "T5", "T6", "T7", "CN"))
ENGLISH: Final = CalendarWords("off", "open", "uncertain", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
WORDS: Final = {"vi": VIETNAMESE, "en": ENGLISH}  # lines are written in the reader's language and read in both
DOUBT_WORDS: Final = frozenset({VIETNAMESE.doubtful, "?", ENGLISH.doubtful})


def read_exceptions(text: str, years: Collection[int] | None = None) -> list[DayException]:
    """Return the days that a text declares. Raises WorktimeError that names every wrong line.

    With ``years``, days outside these years are wrong too.
    """
    days: dict[date, tuple[int, DayException]] = {}
    refusals: list[LineRefusal] = []
    for number, line in numbered_lines(text):
        parts = [part.strip() for part in line.split("|")]
        reasons = list(_refusals_of(parts, years))
        if not reasons:
            exception = _exception_of(parts)
            first, earlier = days.setdefault(exception.day, (number, exception))
            if first != number:
                message = _("ngày %(day)s đã có ở dòng %(line)s (%(name)s); hãy giữ một dòng.")
                reasons = [Invalid(message, day=parts[0], line=first, name=earlier.name)]
        refusals += [LineRefusal(number, reason) for reason in reasons]
    if refusals:
        raise WorktimeError.of_lines(refusals)
    return [exception for _number, exception in days.values()]


def write_exceptions(exceptions: Iterable[DayException], words: CalendarWords) -> str:
    """Return the text that declares the days."""
    return "\n".join(write_exception(exception, words) for exception in exceptions)


def write_exception(exception: DayException, words: CalendarWords) -> str:
    """Return the line of one day."""
    kind = words.open if exception.is_open else words.off
    parts = [f"{exception.day:%d/%m/%Y}", kind, exception.name.replace("|", "/")]
    if exception.windows or not exception.verified:
        parts.append(write_hours(exception.windows or ()))
    if not exception.verified:
        parts.append(words.doubtful)
    return " | ".join(parts)


def read_hours(text: str) -> tuple[str, ...]:
    """Return the checked hours of a text such as ``7:30-11:30, 13:30-17:00``; empty for a day off."""
    hours = tuple(part.strip() for part in text.split(",") if part.strip())
    if hours:
        WorkCalendar.declare("hours", "1", week={0: hours}, years={2026: True})
    return hours


def write_hours(windows: Windows) -> str:
    """Return hours as the form writes them."""
    return ", ".join(str(window) for window in windows)


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text that are not blank, with their numbers from 1 as the form shows them."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def _refusals_of(parts: list[str], years: Collection[int] | None) -> Iterator[Invalid]:
    """Yield all that is wrong with the parts of one line."""
    day = day_written(parts[0])
    if len(parts) < 3 or len(parts) > 5:
        message = _("“%(value)s” phải có dạng: 02/01/2026 | nghỉ | tên ngày (hoặc: làm việc).")
        yield WorktimeError(message, value=shortened(" | ".join(parts)))
        return
    if day is None:
        yield refusal_of_day(parts[0])
    elif years is not None and day.year not in years:
        yield WorktimeError(_("ngày %(day)s nằm ngoài các năm của lịch; hãy thêm năm ấy hoặc bỏ dòng."), day=parts[0])
    if kind_of_word(parts[1]) is None:
        yield WorktimeError(_("“%(value)s” phải là “nghỉ” hoặc “làm việc”."), value=shortened(parts[1]))
    if not 0 < len(parts[2]) <= NAME_MOST:
        yield WorktimeError(_("phần thứ ba, tên ngày, phải có, dài nhất %(limit)s ký tự."), limit=NAME_MOST)
    if len(parts) == 5 and unicodedata.normalize("NFC", parts[4]).casefold() not in DOUBT_WORDS | {""}:
        message = _("“%(value)s”: phần cuối chỉ có thể là “chưa chắc”.")
        yield WorktimeError(message, value=shortened(parts[4]))
    yield from _refusals_of_hours(parts)


def _refusals_of_hours(parts: list[str]) -> Iterator[Invalid]:
    if len(parts) < 4 or not parts[3]:
        return
    try:
        read_hours(parts[3])
    except WorktimeError as refusal:
        yield refusal
        return
    if kind_of_word(parts[1]) is False:
        message = _("ngày nghỉ không có giờ làm việc: hãy bỏ “%(value)s” hoặc ghi “làm việc”.")
        yield WorktimeError(message, value=shortened(parts[3]))


def _exception_of(parts: list[str]) -> DayException:
    day, is_open = day_written(parts[0]), kind_of_word(parts[1])
    assert day is not None  # noqa: S101 - lines with anything else were refused
    assert is_open is not None  # noqa: S101 - lines with anything else were refused
    hours = read_hours(parts[3]) if len(parts) > 3 else ()
    windows = week_of({0: hours})[0] if hours else None
    verified = len(parts) < 5 or not parts[4]
    return DayException(day, is_open, parts[2], windows, verified=verified)
