"""Names of states and events, as messages of the catalogue, and the tone in which a state is shown."""

from backend.errors import _
from backend.tickets.lifecycle import Event
from backend.tickets.models import State

STATE_NAMES: dict[State, str] = {
    State.NEW: _("Mới nhận"),
    State.ACCEPTED: _("Đang xử lý"),
    State.AWAITING_SENDER: _("Chờ người gửi bổ sung"),
    State.ANSWERED: _("Đã trả lời"),
}
STATE_TONES: dict[State, str] = {
    State.NEW: "info",
    State.ACCEPTED: "progress",
    State.AWAITING_SENDER: "waiting",
    State.ANSWERED: "good",
}
EVENT_NAMES: dict[Event, str] = {
    Event.RECEIVED: _("Đã nhận phản ánh"),
    Event.ACCEPTED: _("Cơ quan tiếp nhận xử lý"),
    Event.INFO_REQUESTED: _("Đề nghị người gửi bổ sung"),
    Event.INFO_RECEIVED: _("Người gửi đã bổ sung"),
    Event.FORWARDED: _("Chuyển cơ quan khác"),
    Event.ANSWERED: _("Trả lời"),
    Event.NOTIFIED: _("Người gửi đã được báo kết quả"),
    Event.RATED: _("Người gửi đã đánh giá"),
}
