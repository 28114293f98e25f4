"""Texts of the calendar pages, as messages of the catalogue."""

from backend.calendars.months import DayKind
from backend.errors import _

WEEKDAYS = (
    _("Thứ Hai"),
    _("Thứ Ba"),
    _("Thứ Tư"),
    _("Thứ Năm"),
    _("Thứ Sáu"),
    _("Thứ Bảy"),
    _("Chủ nhật"),
)
SHORT_WEEKDAYS = (_("T2"), _("T3"), _("T4"), _("T5"), _("T6"), _("T7"), _("CN"))
KINDS: dict[DayKind, str] = {
    DayKind.WORKED: _("Làm việc"),
    DayKind.WEEKEND: _("Nghỉ hằng tuần"),
    DayKind.HOLIDAY: _("Nghỉ"),
    DayKind.MAKEUP: _("Làm bù"),
}
MARKS: dict[DayKind, str] = {DayKind.WORKED: "", DayKind.WEEKEND: "·", DayKind.HOLIDAY: _("N"), DayKind.MAKEUP: _("B")}
WHOLE_PROVINCE = _("Toàn tỉnh")
ORDINARY_WEEKS = _("Tuần thường, không trừ ngày lễ")
