"""What citizens read for states, events, days and levels. Vietnamese sentences, each a message of the catalogue."""

from backend.errors import _
from backend.tickets.lifecycle import Event
from backend.tickets.models import State
from backend.units.models import UnitKind
from backend.worktime.duration import Unit
from backend.worktime.explain import Doubt, Why

# State -> (word, tone of its badge, what it means for the sender)
STATES: dict[State, tuple[str, str, str]] = {
    State.NEW: (
        _("Đã tiếp nhận"),
        "info",
        _("Phản ánh đã đến cơ quan dưới đây và đang chờ cán bộ nhận giải quyết."),
    ),
    State.ACCEPTED: (_("Đang giải quyết"), "progress", _("Cơ quan đã nhận và đang giải quyết phản ánh.")),
    State.AWAITING_SENDER: (
        _("Chờ bạn bổ sung"),
        "waiting",
        _("Cơ quan cần bạn cho biết thêm. Hạn trả lời tạm dừng cho đến khi bạn trả lời."),
    ),
    State.ANSWERED: (_("Đã trả lời"), "good", _("Cơ quan đã trả lời phản ánh.")),
}

EVENTS: dict[Event, str] = {
    Event.RECEIVED: _("Đã tiếp nhận phản ánh"),
    Event.ACCEPTED: _("Cơ quan nhận giải quyết"),
    Event.INFO_REQUESTED: _("Cơ quan hỏi thêm"),
    Event.INFO_RECEIVED: _("Bạn đã bổ sung thông tin"),
    Event.FORWARDED: _("Chuyển đến cơ quan khác"),
    Event.ANSWERED: _("Cơ quan trả lời"),
    Event.NOTIFIED: _("Bạn đã nhận được trả lời"),
    Event.RATED: _("Bạn đã đánh giá"),
}

# The three items of the SIPAS group on receiving and handling feedback, each with the column that keeps its score.
ITEMS: dict[str, str] = {
    "ease": _("Bộ phận một cửa bố trí hình thức tiếp nhận phản ánh, kiến nghị dễ dàng"),
    "by_rules": _("Bộ phận một cửa tiếp nhận, xử lý phản ánh, kiến nghị đúng quy định"),
    "timely": _("Bộ phận một cửa thông báo kết quả xử lý phản ánh, kiến nghị kịp thời"),
}
LEVELS: dict[int, str] = {
    1: _("Rất không hài lòng"),
    2: _("Không hài lòng"),
    3: _("Bình thường"),
    4: _("Hài lòng"),
    5: _("Rất hài lòng"),
}

TERMS: dict[Unit, str] = {
    Unit.WORKING_DAYS: _("%(n)s ngày làm việc"),
    Unit.CALENDAR_DAYS: _("%(n)s ngày"),
    Unit.WORKING_HOURS: _("%(n)s giờ làm việc"),
    Unit.WORKING_MINUTES: _("%(n)s phút làm việc"),
}
WEEKDAYS = (
    _("Thứ hai"),
    _("Thứ ba"),
    _("Thứ tư"),
    _("Thứ năm"),
    _("Thứ sáu"),
    _("Thứ bảy"),
    _("Chủ nhật"),
)
WHY: dict[Why, str] = {
    Why.COUNTED: _("ngày làm việc"),
    Why.MAKEUP: _("làm bù: %(name)s"),
    Why.DAY_OF_EVENT: _("ngày nhận phản ánh"),
    Why.WEEKEND: _("nghỉ cuối tuần"),
    Why.HOLIDAY: _("nghỉ lễ: %(name)s"),
    Why.DAY_OFF: _("ngày cơ quan không làm việc"),
    Why.PAUSED: _("tạm dừng, chờ bạn bổ sung"),
    Why.ROLLED: _("hạn rơi vào ngày nghỉ nên lùi lại"),
    Why.AFTER_HOURS: _("đã hết giờ làm việc"),
}
DOUBTS: dict[Doubt, str] = {
    Doubt.UNVERIFIED: _("dự kiến, chưa thấy văn bản chính thức"),
    Doubt.ESTIMATED_YEAR: _("dự kiến, lịch nghỉ năm này chưa công bố"),
    Doubt.UNDECLARED_YEAR: _("dự kiến, lịch nghỉ năm này chưa có"),
}

KINDS: dict[UnitKind, str] = {
    UnitKind.WARD: _("Phường"),
    UnitKind.COMMUNE: _("Xã"),
    UnitKind.TOWNSHIP: _("Thị trấn"),
    UnitKind.DISTRICT: _("Huyện"),
    UnitKind.PROVINCE: _("Tỉnh"),
    UnitKind.CENTRE: _("Trung tâm Phục vụ hành chính công"),
    UnitKind.DEPARTMENT: _("Sở, ban, ngành cấp tỉnh"),
    UnitKind.OFFICE: _("Văn phòng"),
}
