"""Words of the calendar pages, as messages of the catalogue."""

from backend.calendars.months import Kind
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
KINDS: dict[Kind, str] = {
    Kind.WORKED: _("Làm việc"),
    Kind.WEEKEND: _("Nghỉ hằng tuần"),
    Kind.HOLIDAY: _("Nghỉ"),
    Kind.MAKEUP: _("Làm bù"),
}
MARKS: dict[Kind, str] = {Kind.WORKED: "", Kind.WEEKEND: "·", Kind.HOLIDAY: _("N"), Kind.MAKEUP: _("B")}
WHOLE_PROVINCE = _("Toàn tỉnh")
ORDINARY_WEEKS = _("Tuần thường, không trừ ngày lễ")
