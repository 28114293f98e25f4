"""The calendars that come with the package, and where their dates are from (see data/README.md)."""

from functools import lru_cache
from importlib.resources import files
from typing import Final

from backend.worktime.calendar import WorkCalendar
from backend.worktime.errors import WorktimeError, _
from backend.worktime.table import read_table

_HOURS: Final = dict.fromkeys(range(5), ("7:30-11:30", "13:30-17:00"))
_TABLE: Final = "vn_work_calendar_2024_2027.csv"


@lru_cache
def shipped_calendar(code: str) -> WorkCalendar:
    """``vn``: Vietnam's announced days off and make-up Saturdays, 2024 on. ``weekdays``: Monday to Friday."""
    if code == "vn":
        return _vietnam()
    if code == "weekdays":
        return WorkCalendar.declare(
            "weekdays",
            "1",
            week=_HOURS,
            years=dict.fromkeys(range(2020, 2040), True),
            basis="Thứ Hai đến thứ Sáu, không trừ ngày lễ",
            perpetual=True,
        )
    raise WorktimeError(_("Không có lịch “%(code)s” đi kèm."), code=code)


def _vietnam() -> WorkCalendar:
    """A year is estimated if any of its rows is; a single doubtful date is marked on the date alone."""
    brought = read_table(files("backend.worktime").joinpath("data", _TABLE).read_text(encoding="utf-8"))
    return WorkCalendar.declare(
        "vn",
        "2024-2027.2",
        week=_HOURS,
        years=brought.years,
        exceptions=brought.exceptions,
        basis="Bộ luật Lao động 2019, Điều 112; Nghị quyết 28/2026/QH16; thông báo nghỉ lễ, Tết và hoán đổi ngày làm "
        "việc hằng năm (12729/VPCP-KGVX, 10065/VPCP-KGVX)",
    )
