"""The duration of a term (độ dài thời hạn): a number of working days, calendar days, or working hours or minutes."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from backend.worktime.errors import WorktimeError, _


class TimeUnit(StrEnum):
    """The unit of time of a duration. Configuration and commands write the value."""

    WORKING_DAYS = "working days"
    CALENDAR_DAYS = "days"
    WORKING_HOURS = "working hours"
    WORKING_MINUTES = "working minutes"

    @property
    def minutes(self) -> int:
        """Length in working minutes; 0 for the units that are days."""
        return _MINUTES.get(self, 0)


_MINUTES: Final = {TimeUnit.WORKING_HOURS: 60, TimeUnit.WORKING_MINUTES: 1}
_NAMES: Final = {
    "working day": TimeUnit.WORKING_DAYS,
    "ngày làm việc": TimeUnit.WORKING_DAYS,
    "day": TimeUnit.CALENDAR_DAYS,
    "calendar day": TimeUnit.CALENDAR_DAYS,
    "ngày": TimeUnit.CALENDAR_DAYS,
    "working hour": TimeUnit.WORKING_HOURS,
    "giờ làm việc": TimeUnit.WORKING_HOURS,
    "working minute": TimeUnit.WORKING_MINUTES,
    "phút làm việc": TimeUnit.WORKING_MINUTES,
}
_TEXT: Final = re.compile(r"([0-9]{1,7})\s+(\D+)")
MAX_VALUE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Duration:
    """A positive whole number of units of time, at most `MAX_VALUE`. Raises WorktimeError for another number."""

    value: int
    unit: TimeUnit

    def __post_init__(self) -> None:
        if not 1 <= self.value <= MAX_VALUE:
            raise WorktimeError(_("Thời hạn phải từ 1 đến %(limit)s."), limit=MAX_VALUE)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``15 working days``, ``20 days``, ``4 working hours`` or ``30 phút làm việc``.

        Raises WorktimeError for another text.
        """
        match = _TEXT.fullmatch(" ".join(text.lower().split()))
        name = match[2] if match else ""
        unit = _NAMES.get(name) or _NAMES.get(name.removesuffix("s"))
        if match is None or unit is None:
            raise WorktimeError(
                _("Không hiểu thời hạn “%(text)s”. Hãy ghi như “15 working days” hoặc “15 ngày làm việc”."),
                text=text,
            )
        return cls(int(match[1]), unit)

    def __str__(self) -> str:
        unit = self.unit.value
        return f"{self.value} {unit.removesuffix('s') if self.value == 1 else unit}"
