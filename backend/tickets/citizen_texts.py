"""Texts for citizens about states, events, days and levels. Each is a Vietnamese message of the catalogue."""

from backend.errors import _
from backend.tickets.lifecycle import Event
from backend.tickets.models import TicketState
from backend.tickets.texts import TERM_TEXTS
from backend.units.models import UnitKind
from backend.worktime.explain import DayDoubt, DayReason

# State -> (name, tone of its badge, what it means for the sender)
STATES: dict[TicketState, tuple[str, str, str]] = {
    TicketState.NEW: (
        _("Đã nhận được phản ánh"),
        "info",
        _("Phản ánh đã đến cơ quan dưới đây và đang chờ cán bộ nhận giải quyết."),
    ),
    TicketState.ACCEPTED: (_("Đang giải quyết"), "progress", _("Cơ quan đã nhận và đang giải quyết phản ánh.")),
    TicketState.AWAITING_SENDER: (
        _("Chờ bạn bổ sung"),
        "waiting",
        _("Cơ quan cần bạn cho biết thêm. Hạn trả lời tạm dừng cho đến khi bạn trả lời."),
    ),
    TicketState.IN_PROGRESS: (_("Đang giải quyết"), "progress", _("Cán bộ đang giải quyết phản ánh.")),
    TicketState.AWAITING_APPROVAL: (
        _("Đang giải quyết"),
        "progress",
        _("Trả lời đã được soạn và đang chờ lãnh đạo cơ quan duyệt."),
    ),
    TicketState.ANSWERED: (_("Đã trả lời"), "good", _("Cơ quan đã trả lời phản ánh.")),
    TicketState.PUBLISHED: (_("Đã trả lời"), "good", _("Trả lời đã được công khai, không kèm thông tin của bạn.")),
    TicketState.CONFIRMED: (_("Đã giải quyết"), "good", _("Bạn đã xác nhận phản ánh được giải quyết.")),
    TicketState.CLOSED: (_("Đã kết thúc"), "info", _("Việc giải quyết phản ánh này đã kết thúc.")),
    TicketState.REFUSED: (_("Không tiếp nhận"), "info", _("Cơ quan không tiếp nhận phản ánh này và đã nêu lý do.")),
    TicketState.REDIRECTED: (
        _("Chuyển thủ tục khác"),
        "info",
        _("Nội dung này thuộc thủ tục khiếu nại hoặc tố cáo. Cơ quan đã hướng dẫn nơi gửi."),
    ),
    TicketState.WITHDRAWN: (_("Đã rút"), "info", _("Bạn đã rút phản ánh này.")),
    TicketState.MERGED: (
        _("Giải quyết cùng phản ánh khác"),
        "progress",
        _("Phản ánh của bạn được giải quyết cùng một phản ánh giống như vậy. Bạn vẫn theo dõi bằng mã số này."),
    ),
}

EVENTS: dict[Event, str] = {
    Event.RECEIVED: _("Đã nhận được phản ánh"),
    Event.ACCEPTED: _("Cơ quan nhận giải quyết"),
    Event.INFO_REQUESTED: _("Cơ quan hỏi thêm"),
    Event.INFO_RECEIVED: _("Bạn đã bổ sung thông tin"),
    Event.INFO_PASSED_ON: _("Cơ quan nhận thêm thông tin"),
    Event.POINTS_LISTED: _("Cơ quan ghi các điểm bạn hỏi"),
    Event.RESUMED: _("Cơ quan tiếp tục giải quyết, không chờ bổ sung"),
    Event.PAUSE_EXPIRED: _("Hết thời gian chờ bổ sung, thời hạn chạy tiếp"),
    Event.PAUSE_DISPUTED: _("Bạn không đồng ý việc tạm dừng"),
    Event.PAUSE_JUDGED: _("Đã xét ý kiến của bạn về việc tạm dừng"),
    Event.FORWARDED: _("Chuyển đến cơ quan khác"),
    Event.ASSIGNED: _("Đã giao cán bộ giải quyết"),
    Event.EXTENSION_REQUESTED: _("Cơ quan đề nghị gia hạn"),
    Event.EXTENDED: _("Gia hạn trả lời"),
    Event.EXTENSION_DENIED: _("Không gia hạn"),
    Event.SUBMITTED_FOR_APPROVAL: _("Đang chờ duyệt trả lời"),
    Event.RETURNED: _("Đang soạn lại trả lời"),
    Event.ANSWERED: _("Cơ quan trả lời"),
    Event.ANSWERED_TOGETHER: _("Cơ quan trả lời chung với phản ánh giống như vậy"),
    Event.PROMISE_KEPT: _("Cơ quan báo đã làm xong việc đã hẹn"),
    Event.PROMISE_EXPLAINED: _("Cơ quan cho biết vì sao chưa làm xong và hẹn lại"),
    Event.NOTIFIED: _("Bạn đã nhận được trả lời"),
    Event.DELAY_EXPLAINED: _("Cơ quan cho biết vì sao chậm và hẹn lại"),
    Event.PROGRESS_TOLD: _("Cơ quan báo tiến độ"),
    Event.PUBLISHED: _("Trả lời được công khai"),
    Event.CONFIRMED: _("Bạn xác nhận đã giải quyết"),
    Event.DISPUTED: _("Bạn không đồng ý kết quả"),
    Event.REOPENED: _("Giải quyết lại theo yêu cầu của bạn"),
    Event.WITHDRAWN: _("Bạn rút phản ánh"),
    Event.REFUSED: _("Cơ quan không tiếp nhận"),
    Event.REDIRECTED: _("Cơ quan hướng dẫn sang thủ tục khác"),
    Event.MERGED: _("Giải quyết cùng phản ánh giống như vậy"),
    Event.UNMERGED: _("Giải quyết riêng trở lại"),
    Event.GROUPED: _("Xem xét cùng phản ánh giống như vậy"),
    Event.UNGROUPED: _("Xem xét riêng trở lại"),
    Event.RATED: _("Bạn đã đánh giá"),
    Event.CLOSED: _("Kết thúc"),
    Event.RECOUNTED: _("Tính lại hạn theo lịch làm việc mới"),
    Event.SECOND_LOOK_UPHELD: _("Cấp trên đã xem lại: giữ nguyên kết quả"),
    Event.SECOND_LOOK_CORRECTED: _("Cấp trên đã xem lại và trả lời thay"),
    Event.SECOND_LOOK_SENT_BACK: _("Cấp trên đã xem lại: cơ quan phải giải quyết lại"),
}

# The three items of the SIPAS group on receiving and handling feedback, by the column that stores the score.
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

TERMS = TERM_TEXTS
WEEKDAYS = (
    _("Thứ Hai"),
    _("Thứ Ba"),
    _("Thứ Tư"),
    _("Thứ Năm"),
    _("Thứ Sáu"),
    _("Thứ Bảy"),
    _("Chủ nhật"),
)
WHY: dict[DayReason, str] = {
    DayReason.COUNTED: _("ngày làm việc"),
    DayReason.MAKEUP: _("làm bù: %(name)s"),
    DayReason.DAY_OF_EVENT: _("ngày nhận phản ánh"),
    DayReason.WEEKEND: _("nghỉ cuối tuần"),
    DayReason.HOLIDAY: _("nghỉ lễ: %(name)s"),
    DayReason.DAY_OFF: _("ngày cơ quan không làm việc"),
    DayReason.PAUSED: _("tạm dừng, chờ bạn bổ sung"),
    DayReason.ROLLED: _("hạn rơi vào ngày nghỉ nên lùi lại"),
    DayReason.AFTER_HOURS: _("đã hết giờ làm việc"),
}
DOUBTS: dict[DayDoubt, str] = {
    DayDoubt.UNVERIFIED: _("dự kiến, chưa thấy văn bản chính thức"),
    DayDoubt.ESTIMATED_YEAR: _("dự kiến, lịch nghỉ năm này chưa công bố"),
    DayDoubt.UNDECLARED_YEAR: _("dự kiến, lịch nghỉ năm này chưa có"),
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
