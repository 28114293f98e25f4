"""Names of notices and of the ways to get them, as messages of the catalogue."""

from backend.deadlines.events import Event
from backend.errors import _
from backend.tickets.notices.audience import NOTICE_RULES, SECOND_LOOK
from backend.tickets.notices.kinds import NoticeKind, NoticeWay

# What happened, by the code of the notice: in the list, and as a heading of a message.
EVENT_TITLES: dict[str, str] = {
    Event.FORWARDED: _("Phản ánh được chuyển đến"),
    Event.ASSIGNED: _("Giao cho bạn xử lý"),
    Event.INFO_RECEIVED: _("Người gửi đã bổ sung"),
    Event.INFO_PASSED_ON: _("Người gửi phản ánh gộp đã bổ sung"),
    Event.SUBMITTED_FOR_APPROVAL: _("Trả lời chờ bạn duyệt"),
    Event.RETURNED: _("Trả lời bạn trình bị trả lại"),
    Event.ANSWERED: _("Trả lời bạn trình đã được duyệt"),
    Event.EXTENSION_REQUESTED: _("Đề nghị gia hạn chờ bạn duyệt"),
    Event.EXTENDED: _("Đề nghị gia hạn của bạn được chấp nhận"),
    Event.EXTENSION_DENIED: _("Đề nghị gia hạn của bạn không được chấp nhận"),
    Event.PAUSE_DISPUTED: _("Người gửi không đồng ý tạm dừng"),
    Event.PAUSE_JUDGED: _("Đã có kết luận về việc tạm dừng"),
    Event.DISPUTED: _("Người gửi không đồng ý với trả lời"),
    Event.REOPENED: _("Người gửi yêu cầu xử lý lại"),
    "noted": _("Bạn được nhắc tên trong ghi chú"),
}
SECOND_LOOK_TITLE = _("Yêu cầu xem xét lại trả lời")
LOOK_TITLES: dict[str, str] = {
    Event.SECOND_LOOK_UPHELD: _("Cấp trên xem lại: giữ nguyên kết quả"),
    Event.SECOND_LOOK_CORRECTED: _("Cấp trên xem lại: trả lời thay"),
    Event.SECOND_LOOK_SENT_BACK: _("Cấp trên xem lại: yêu cầu giải quyết lại"),
    "look_new": _("Yêu cầu xem lại đang chờ"),
    "look_half": _("Yêu cầu xem lại đang chờ"),
    "look_last_day": _("Yêu cầu xem lại sắp đến hạn"),
    "look_overdue": _("Yêu cầu xem lại đã quá hạn"),
}
# Reminders of the ladder. The digest says how a ticket stands on the day of sending; the list says what was reached.
REMINDER_TITLES: dict[str, str] = {
    "half": _("Đã qua nửa thời hạn"),
    "last_day": _("Còn một ngày làm việc"),
    "overdue": _("Đã quá hạn"),
    "overdue_3": _("Quá hạn từ ba ngày làm việc trở lên"),
    "overdue_5": _("Quá hạn từ năm ngày làm việc trở lên"),
    "backstop_warning": _("Sắp để quá lâu kể từ ngày tiếp nhận, xin giải quyết sớm"),
    "backstop": _("Để quá lâu kể từ ngày tiếp nhận"),
    "backstop_above": _("Để quá lâu kể từ ngày tiếp nhận"),
    "promise_eve": _("Việc đã hẹn với người gửi, còn một ngày làm việc"),
    "promise_today": _("Việc đã hẹn với người gửi, hẹn xong hôm nay"),
    "promise_overdue": _("Việc đã hẹn với người gửi, quá ngày hẹn mà chưa báo xong"),
}
KIND_NAMES: dict[NoticeKind, str] = {
    NoticeKind.NEW: _("Phản ánh mới đến cơ quan"),
    NoticeKind.ASSIGNED: _("Giao cho tôi"),
    NoticeKind.REPLY: _("Người gửi bổ sung thông tin"),
    NoticeKind.MENTION: _("Nhắc tên tôi trong ghi chú"),
    NoticeKind.APPROVAL: _("Duyệt trả lời"),
    NoticeKind.EXTENSION: _("Gia hạn"),
    NoticeKind.DISPUTE: _("Người gửi không đồng ý"),
    NoticeKind.SECOND_LOOK: _("Xem xét lại"),
    NoticeKind.REMINDER: _("Nhắc gần hạn, quá hạn"),
}
WAY_NAMES: dict[NoticeWay, str] = {
    NoticeWay.OFF: _("Không báo"),
    NoticeWay.BELL: _("Chỉ hiện ở chuông"),
    NoticeWay.GATHERED: _("Gộp, mỗi buổi một tin"),
    NoticeWay.AT_ONCE: _("Báo ngay trong giờ làm việc"),
}


def notice_title(code: str) -> str:
    """Return what a notice says, by its code, as a message of the catalogue."""
    if code.startswith(SECOND_LOOK) and code not in NOTICE_RULES:
        return SECOND_LOOK_TITLE
    titles = EVENT_TITLES | LOOK_TITLES | REMINDER_TITLES
    return titles.get(code, code)
