"""Names of what the history records, as messages of the catalogue."""

from typing import Final

from backend.audit import REFUSED
from backend.errors import _
from backend.tickets.second_looks.look_events import LookEvent
from backend.tickets.texts import EVENT_NAMES

# Entries about accounts, surveys, calendars and second looks. Those about tickets have the names of their events.
ACTION_NAMES: Final[dict[str, str]] = {event.value: name for event, name in EVENT_NAMES.items()} | {
    LookEvent.ASKED.value: _("Người gửi yêu cầu cấp trên xem lại"),
    LookEvent.TAKEN.value: _("Nhận xem lại"),
    LookEvent.GIVEN_BACK.value: _("Trả lại việc xem lại"),
    LookEvent.DECIDED.value: _("Ghi kết quả xem lại"),
    "contact_read": _("Xem thông tin người gửi"),
    "created": _("Tạo tài khoản"),
    "signed_in": _("Đăng nhập"),
    "sessions_revoked": _("Kết thúc các phiên đăng nhập"),
    "opened": _("Mở tài khoản hoặc đợt khảo sát"),
    "password_changed": _("Đổi mật khẩu"),
    "replaced": _("Thay phiếu khảo sát"),
    "weighted": _("Tính trọng số khảo sát"),
    "withdrawn": _("Rút lại"),
    "sampled": _("Chọn mẫu khảo sát"),
    "imported": _("Nhập dữ liệu"),
    "template_added": _("Thêm mẫu trả lời"),
    "template_changed": _("Sửa mẫu trả lời"),
    "template_restored": _("Lấy lại bản cũ của mẫu trả lời"),
    "activated": _("Áp dụng lịch làm việc"),
}
REFUSED_ACTION: Final = _("Bị từ chối: %(what)s")
SENDER_NAME: Final = _("Người gửi")
SYSTEM_NAME: Final = _("Hệ thống")


def split_action(action: str) -> tuple[str, bool]:
    """Return the name of an entry's action, and whether the attempt was refused. An unknown action names itself."""
    plain = action.removeprefix(REFUSED)
    return ACTION_NAMES.get(plain, plain), plain != action
