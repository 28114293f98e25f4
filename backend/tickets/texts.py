"""Names of states and events, as messages of the catalogue, and the tone of the badge of each state."""

from backend.deadlines.clock_states import ClockKind
from backend.errors import _
from backend.tickets.lifecycle import Event
from backend.tickets.models import TicketState, WaitsFor
from backend.tickets.waiting import TicketParty
from backend.worktime.duration import TimeUnit

STATE_NAMES: dict[TicketState, str] = {
    TicketState.NEW: _("Mới nhận"),
    TicketState.ACCEPTED: _("Đã tiếp nhận"),
    TicketState.IN_PROGRESS: _("Đã giao xử lý"),
    TicketState.AWAITING_SENDER: _("Chờ người gửi bổ sung"),
    TicketState.AWAITING_APPROVAL: _("Chờ duyệt trả lời"),
    TicketState.ANSWERED: _("Đã trả lời"),
    TicketState.PUBLISHED: _("Đã công khai"),
    TicketState.CONFIRMED: _("Người gửi đã đồng ý"),
    TicketState.CLOSED: _("Đã kết thúc"),
    TicketState.REFUSED: _("Từ chối tiếp nhận"),
    TicketState.REDIRECTED: _("Chuyển thủ tục khác"),
    TicketState.WITHDRAWN: _("Người gửi đã rút"),
    TicketState.MERGED: _("Đã gộp"),
}
STATE_TONES: dict[TicketState, str] = {
    TicketState.NEW: "info",
    TicketState.ACCEPTED: "progress",
    TicketState.IN_PROGRESS: "progress",
    TicketState.AWAITING_SENDER: "waiting",
    TicketState.AWAITING_APPROVAL: "waiting",
    TicketState.ANSWERED: "good",
    TicketState.PUBLISHED: "good",
    TicketState.CONFIRMED: "good",
    TicketState.CLOSED: "ended",
    TicketState.REFUSED: "ended",
    TicketState.REDIRECTED: "ended",
    TicketState.WITHDRAWN: "ended",
    TicketState.MERGED: "ended",
}
WAIT_NAMES: dict[WaitsFor, str] = {
    WaitsFor.NEW: _("Mới, chờ tiếp nhận"),
    WaitsFor.WORK: _("Chờ xử lý"),
    WaitsFor.REPLIED: _("Người gửi vừa phản hồi"),
    WaitsFor.ANSWER_APPROVAL: _("Chờ duyệt trả lời"),
    WaitsFor.EXTENSION_APPROVAL: _("Chờ duyệt gia hạn"),
    WaitsFor.PAUSE_DISPUTE: _("Chờ xét ý kiến về tạm dừng"),
    WaitsFor.SENDER: _("Chờ người gửi bổ sung"),
    WaitsFor.NOTHING: _("Không còn chờ gì"),
}
WAIT_TONES: dict[WaitsFor, str] = {
    WaitsFor.NEW: "info",
    WaitsFor.WORK: "progress",
    WaitsFor.REPLIED: "info",
    WaitsFor.ANSWER_APPROVAL: "waiting",
    WaitsFor.EXTENSION_APPROVAL: "waiting",
    WaitsFor.PAUSE_DISPUTE: "waiting",
    WaitsFor.SENDER: "waiting",
    WaitsFor.NOTHING: "ended",
}
PARTY_NAMES: dict[TicketParty, str] = {
    TicketParty.HANDLER: _("cán bộ của cơ quan"),
    TicketParty.LEADER: _("lãnh đạo cơ quan"),
    TicketParty.COORDINATOR: _("điều phối cấp tỉnh"),
    TicketParty.SENDER: _("người gửi"),
}
EVENT_NAMES: dict[Event, str] = {
    Event.RECEIVED: _("Đã nhận phản ánh"),
    Event.ACCEPTED: _("Cơ quan tiếp nhận xử lý"),
    Event.ASSIGNED: _("Giao cán bộ xử lý"),
    Event.INFO_REQUESTED: _("Đề nghị người gửi bổ sung"),
    Event.INFO_RECEIVED: _("Người gửi đã bổ sung"),
    Event.INFO_PASSED_ON: _("Người gửi của phản ánh đã gộp bổ sung"),
    Event.RESUMED: _("Tiếp tục xử lý, không chờ bổ sung"),
    Event.PAUSE_EXPIRED: _("Hết thời gian chờ bổ sung, thời hạn tiếp tục"),
    Event.PAUSE_DISPUTED: _("Người gửi không đồng ý việc tạm dừng"),
    Event.PAUSE_JUDGED: _("Đã xét việc tạm dừng"),
    Event.FORWARDED: _("Chuyển cơ quan khác"),
    Event.EXTENSION_REQUESTED: _("Đề nghị gia hạn"),
    Event.EXTENDED: _("Gia hạn"),
    Event.EXTENSION_DENIED: _("Không duyệt gia hạn"),
    Event.SUBMITTED_FOR_APPROVAL: _("Trình duyệt trả lời"),
    Event.RETURNED: _("Trả lại để soạn lại"),
    Event.POINTS_LISTED: _("Ghi các điểm được hỏi"),
    Event.ANSWERED: _("Trả lời"),
    Event.ANSWERED_TOGETHER: _("Trả lời cùng phản ánh đã gộp"),
    Event.PROMISE_KEPT: _("Báo đã làm xong việc hẹn"),
    Event.PROMISE_EXPLAINED: _("Báo lý do chưa làm xong và hẹn lại"),
    Event.NOTIFIED: _("Người gửi đã được báo kết quả"),
    Event.DELAY_EXPLAINED: _("Báo lý do chậm và ngày hẹn mới"),
    Event.PROGRESS_TOLD: _("Đã báo tiến độ cho người gửi"),
    Event.PUBLISHED: _("Công khai trả lời"),
    Event.CONFIRMED: _("Người gửi xác nhận đã giải quyết"),
    Event.DISPUTED: _("Người gửi không đồng ý kết quả"),
    Event.REOPENED: _("Xử lý lại theo yêu cầu của người gửi"),
    Event.WITHDRAWN: _("Người gửi rút phản ánh"),
    Event.REFUSED: _("Từ chối tiếp nhận"),
    Event.REDIRECTED: _("Hướng dẫn sang thủ tục khác"),
    Event.MERGED: _("Gộp vào phản ánh khác"),
    Event.UNMERGED: _("Tách ra khỏi phản ánh đã gộp"),
    Event.GROUPED: _("Đưa vào nhóm phản ánh cùng việc"),
    Event.UNGROUPED: _("Ra khỏi nhóm phản ánh"),
    Event.RATED: _("Người gửi đã đánh giá"),
    Event.CLOSED: _("Kết thúc"),
    Event.RECOUNTED: _("Tính lại hạn theo lịch làm việc mới"),
    Event.NOTED: _("Ghi chú nội bộ"),
    Event.SECOND_LOOK_UPHELD: _("Cấp trên xem lại: giữ nguyên kết quả"),
    Event.SECOND_LOOK_CORRECTED: _("Cấp trên xem lại: trả lời thay"),
    Event.SECOND_LOOK_SENT_BACK: _("Cấp trên xem lại: yêu cầu giải quyết lại"),
}
CLOCK_NAMES: dict[ClockKind, str] = {
    ClockKind.CLASSIFY: _("phân loại"),
    ClockKind.ASK: _("hỏi thêm"),
    ClockKind.REFUSE: _("từ chối"),
    ClockKind.FORWARD: _("chuyển đi"),
    ClockKind.RESOLVE: _("giải quyết"),
    ClockKind.NOTIFY: _("báo kết quả"),
    ClockKind.PUBLISH: _("công khai"),
    ClockKind.PROGRESS: _("báo tiến độ"),
}
TERM_TEXTS: dict[TimeUnit, str] = {
    TimeUnit.WORKING_DAYS: _("%(n)s ngày làm việc"),
    TimeUnit.CALENDAR_DAYS: _("%(n)s ngày"),
    TimeUnit.WORKING_HOURS: _("%(n)s giờ làm việc"),
    TimeUnit.WORKING_MINUTES: _("%(n)s phút làm việc"),
}
# Texts of shipped data that readers see: names of holidays, bases of the calendar and of terms. What a province adds
# is shown as the province wrote it.
OF_DATA: tuple[str, ...] = (
    _("Tết Dương lịch"),
    _("29 Tết"),
    _("Giao thừa Tết Nguyên Đán"),
    _("Tết Nguyên Đán"),
    _("Mùng hai Tết Nguyên Đán"),
    _("Mùng ba Tết Nguyên Đán"),
    _("Mùng bốn Tết Nguyên Đán"),
    _("Mùng năm Tết Nguyên Đán"),
    _("Ngày Giỗ Tổ Hùng Vương"),
    _("Ngày Giỗ Tổ Hùng Vương (nghỉ bù)"),
    _("Ngày Chiến thắng"),
    _("Ngày Quốc tế Lao động"),
    _("Ngày Quốc tế Lao động (nghỉ bù)"),
    _("Quốc khánh"),
    _("Ngày Văn hóa Việt Nam"),
    _(
        "Bộ luật Lao động 2019, Điều 112; Nghị quyết 28/2026/QH16; thông báo nghỉ lễ, Tết và hoán đổi ngày làm việc "
        "hằng năm (12729/VPCP-KGVX, 10065/VPCP-KGVX)"
    ),
    _("Theo cách làm chung của cơ quan nhà nước; pháp luật chưa quy định thời hạn này"),
    _("Thông lệ: bộ quy tắc xử lý khiếu nại của Ombudsman chính quyền địa phương Anh (LGSCO)"),
    _("Theo cách làm chung của cơ quan nhà nước với phản ánh hiện trường khẩn; pháp luật chưa quy định thời hạn này"),
    _("Theo cách làm chung của cơ quan nhà nước với phản ánh kiểm tra được ngay; pháp luật chưa quy định thời hạn này"),
)
# Texts of data of earlier releases, so that an old basis stays readable in both languages.
OF_FORMER_DATA: tuple[str, ...] = (
    _("Bộ luật Lao động 2019, Điều 112; thông báo nghỉ lễ, Tết và hoán đổi ngày làm việc hằng năm"),
)
