"""Days and moments in files, and the order of day and month, which only the whole file shows. Pure.

05/10/2026 may be 5 October or 10 May. In Vietnam the day stands first, so it is read this way as long as nothing in the
file contradicts. A file with a date that can only be month first is refused, unless the user states the order.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from backend.files.faults import FileRefused, TableFault

PARTS: Final = re.compile(
    r"(?P<a>\d{1,4})(?P<sign>[/.-])(?P<b>\d{1,2})(?P=sign)(?P<c>\d{1,4})(?:[T ,]\s*(?P<time>\d.*))?",
    re.ASCII | re.DOTALL,
)
TIME: Final = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?\s*(?P<half>AM|PM|A\.M\.|P\.M\.|SA|CH)?",
    re.ASCII | re.IGNORECASE,
)
SERIAL: Final = re.compile(r"(?P<days>\d{5})(?:\.(?P<part>\d+))?", re.ASCII)
EPOCH: Final = date(1899, 12, 30)
MOST_DAY_NUMBER: Final = 80_000  # the year 2119
AFTERNOON: Final = ("PM", "CH")
MOST_NAMED: Final = 5


class DateOrder(StrEnum):
    """The order of day, month and year. Years have four digits, so a year in the first place is always recognised."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"


def read_day(text: str, order: DateOrder, serial_days: int | None = None) -> date | None:
    """Return the day in a cell; none where there is no such day. ``serial_days``: the shift of the day numbers of a
    workbook; none in a file of texts."""
    moment = read_moment(text, order, serial_days)
    return None if moment is None else moment.date()


@lru_cache(maxsize=20_000)
def read_moment(text: str, order: DateOrder, serial_days: int | None = None) -> datetime | None:
    """Return the moment in a cell, none for anything else. Without a time it is midnight; it has a zone only where one
    is written. Reads AM and PM, SA and CH (sáng, chiều)."""
    text = text.strip()
    if serial_days is not None and (number := SERIAL.fullmatch(text)):
        return _from_number(number, serial_days)
    parts = PARTS.fullmatch(text)
    if parts is None:
        return _machine_written(text)
    day = _day_of(parts, order)
    if day is None:
        return None
    if not parts["time"]:
        return datetime.combine(day, time())
    clock_time = _time_of(parts["time"])
    return _machine_written(text) if clock_time is None else datetime.combine(day, clock_time)


def _day_of(parts: re.Match[str], order: DateOrder) -> date | None:
    first, second, third = int(parts["a"]), int(parts["b"]), int(parts["c"])
    try:
        if len(parts["a"]) == 4 and len(parts["c"]) <= 2:
            return date(first, second, third)
        if len(parts["c"]) != 4 or len(parts["a"]) > 2 or order is DateOrder.YMD:
            return None
        return date(third, first, second) if order is DateOrder.MDY else date(third, second, first)
    except ValueError:
        return None


def _time_of(text: str) -> time | None:
    parts = TIME.fullmatch(text.strip())
    if parts is None:
        return None
    hour = _hour_of(int(parts["hour"]), (parts["half"] or "").upper().replace(".", ""))
    try:
        return None if hour is None else time(hour, int(parts["minute"]), int(parts["second"] or 0))
    except ValueError:
        return None


def _hour_of(hour: int, half: str) -> int | None:
    """Return the hour of the day; none where it does not fit its half. 12 AM is 0, and 14 PM stays 14."""
    if not half:
        return hour
    if hour == 0:
        return None
    if half in AFTERNOON:
        return hour if hour >= 12 else hour + 12
    return hour % 12 if hour <= 12 else None


def _machine_written(text: str) -> datetime | None:
    """Read ISO 8601, also with a zone."""
    if not text[:4].isdigit():
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _from_number(number: re.Match[str], serial_days: int) -> datetime | None:
    days = int(number["days"])
    if days > MOST_DAY_NUMBER:
        return None
    seconds = round(float(f"0.{number['part'] or 0}") * 86_400)
    return datetime.combine(EPOCH, time()) + timedelta(days=days + serial_days, seconds=seconds)


class Written(StrEnum):
    """What the text of one date shows about the order."""

    NOTHING = "nothing"
    EITHER = "either"
    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"
    NUMBER = "number"
    NUMBER_LOW = "number of a day up to the twelfth"


@lru_cache(maxsize=20_000)
def order_shown(text: str, serial_days: int | None = None) -> Written:
    """Return what one text shows: 20/10/2026 is day first, 10/20/2026 month first, 05/10/2026 may be both."""
    text = text.strip()
    if serial_days is not None and SERIAL.fullmatch(text):
        day = read_day(text, DateOrder.DMY, serial_days)
        return Written.NUMBER_LOW if day is not None and day.day <= 12 else Written.NUMBER
    parts = PARTS.fullmatch(text)
    if parts is None or len(parts["c"]) != 4:
        return Written.NOTHING
    as_day_first = _day_of(parts, DateOrder.DMY) is not None
    as_month_first = _day_of(parts, DateOrder.MDY) is not None
    if as_day_first and as_month_first:
        return Written.NOTHING if parts["a"].zfill(2) == parts["b"].zfill(2) else Written.EITHER
    if as_day_first:
        return Written.DAY_FIRST
    return Written.MONTH_FIRST if as_month_first else Written.NOTHING


@dataclass(frozen=True, slots=True)
class WrittenDay:
    """A date as it stands in the file."""

    line: int
    column: str
    text: str


@dataclass
class DateEvidence:
    """What the dates of a whole file show about their order. Call ``add`` for each date, then ``order``."""

    serial_days: int | None = None
    counts: dict[Written, int] = field(default_factory=lambda: dict.fromkeys(Written, 0))
    examples: dict[Written, list[WrittenDay]] = field(default_factory=lambda: {written: [] for written in Written})

    def add(self, line: int, column: str, text: str) -> Written:
        """Add one cell; return what it shows."""
        written = order_shown(text, self.serial_days)
        self.counts[written] += 1
        if len(self.examples[written]) < MOST_NAMED:
            self.examples[written].append(WrittenDay(line, column, text.strip()[:40]))
        return written

    def order(self, wish: DateOrder | None) -> DateOrder:
        """Return the order by which the file is read. ``wish``: the order that the user states; then only cells that do
        not fit are refused. Raises FileRefused where the dates contradict each other or the order of Vietnam."""
        if wish is not None:
            return wish
        if self.counts[Written.MONTH_FIRST]:
            self._refuse_month_first()
        if self.counts[Written.DAY_FIRST] and self.counts[Written.NUMBER_LOW] and not self.counts[Written.NUMBER]:
            self._refuse(TableFault.SPOILED_DAYS, Written.DAY_FIRST)
        return DateOrder.DMY

    @property
    def decided(self) -> bool:
        """Whether at least one date shows the order without doubt."""
        return bool(self.counts[Written.DAY_FIRST] or self.counts[Written.MONTH_FIRST])

    def _refuse_month_first(self) -> None:
        if not self.counts[Written.DAY_FIRST]:
            self._refuse(TableFault.MONTH_FIRST, Written.MONTH_FIRST)
        other = self.examples[Written.DAY_FIRST]
        params = {"other": other[0].text, "other_lines": _lines(other, self.counts[Written.DAY_FIRST])}
        self._refuse(TableFault.MIXED_ORDER, Written.MONTH_FIRST, **params)

    def _refuse(self, fault: TableFault, written: Written, **more: str) -> None:
        examples = self.examples[written]
        lines = _lines(examples, self.counts[written])
        raise FileRefused(fault, column=examples[0].column, value=examples[0].text, lines=lines, **more)


def _lines(examples: list[WrittenDay], count: int) -> str:
    """Return the lines of the examples, each once, with … where there are more."""
    lines = ", ".join(str(line) for line in dict.fromkeys(day.line for day in examples))
    return f"{lines} …" if count > len(examples) else lines
