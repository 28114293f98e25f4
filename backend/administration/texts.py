"""Words of the pages of administration, as messages of the catalogue."""

from backend.deadlines.rules import RuleEvidence
from backend.errors import _
from backend.tickets.models import CategoryClass
from backend.units.models import UnitKind

# Entries of the history that change something that an administrator sets.
ACTION_NAMES: dict[str, str] = {
    "created": _("Tạo tài khoản"),
    "changed": _("Sửa tài khoản"),
    "opened": _("Mở lại tài khoản"),
    "closed": _("Khóa tài khoản"),
    "password_changed": _("Đổi mật khẩu"),
    "handed_over": _("Bàn giao phản ánh"),
    "chat_bound": _("Nối Telegram"),
    "chat_unbound": _("Bỏ nối Telegram"),
    "category_added": _("Thêm loại phản ánh"),
    "category_changed": _("Sửa loại phản ánh"),
    "conduct_desk_set": _("Đổi nơi nhận phản ánh về hành vi"),
}
# Names of what changed, by the notes of the history.
FIELD_NAMES: dict[str, str] = {
    "name": _("Họ tên"),
    "role": _("Vai trò"),
    "unit": _("Cơ quan"),
    "name_vi": _("Tên tiếng Việt"),
    "name_en": _("Tên tiếng Anh"),
    "contact_required": _("Bắt buộc để lại cách liên hệ"),
    "listed": _("Cho người dân chọn"),
    "position": _("Thứ tự"),
    "desk": _("Nơi nhận"),
}
CLASS_NAMES: dict[CategoryClass, str] = {
    CategoryClass.FIELD: _("Hiện trường: một nơi, một việc cần xử lý"),
    CategoryClass.REGULATION: _("Quy định: thủ tục, chính sách"),
    CategoryClass.CONDUCT: _("Hành vi: thái độ, cách làm việc của cán bộ"),
}
UNIT_KIND_NAMES: dict[UnitKind, str] = {
    UnitKind.PROVINCE: _("Tỉnh"),
    UnitKind.CENTRE: _("Trung tâm phục vụ hành chính công"),
    UnitKind.DEPARTMENT: _("Sở, ban, ngành"),
    UnitKind.DISTRICT: _("Huyện"),
    UnitKind.COMMUNE: _("Xã"),
    UnitKind.WARD: _("Phường"),
    UnitKind.TOWNSHIP: _("Thị trấn"),
    UnitKind.OFFICE: _("Cơ quan của hệ thống khác"),
}
EVIDENCE_NAMES: dict[RuleEvidence, str] = {
    RuleEvidence.VERIFIED: _("đã đối chiếu văn bản"),
    RuleEvidence.PRACTICE: _("theo thông lệ"),
    RuleEvidence.OURS: _("quy định riêng"),
    RuleEvidence.UNVERIFIED: _("chưa đối chiếu văn bản"),
}
# Tickets that a shipped rule is narrowed to, by its ``case``.
CASE_NAMES: dict[str, str] = {
    "urgent_field": _("phản ánh hiện trường khẩn"),
    "quick_field": _("phản ánh hiện trường kiểm tra được ngay"),
    "several_units": _("việc của nhiều cơ quan"),
    "complex": _("vụ việc phức tạp"),
    "very_complex": _("vụ việc đặc biệt phức tạp"),
    "remote": _("vùng sâu, vùng xa"),
    "remote_complex": _("vùng sâu, vùng xa, phức tạp"),
    "longest": _("dài nhất"),
    "third_party": _("có bên thứ ba"),
    "extended": _("được gia hạn"),
}
RULE_NAMES: dict[str, str] = {
    "acknowledge": _("Báo đã nhận"),
    "first_answer": _("Trả lời lần đầu (mục tiêu nội bộ)"),
    "classify": _("Tiếp nhận, hỏi thêm, chuyển hoặc từ chối"),
    "refuse": _("Từ chối"),
    "tell_outcome": _("Báo kết quả thụ lý"),
    "request_info": _("Hỏi thêm người gửi"),
    "pause_limit": _("Chờ người gửi bổ sung lâu nhất"),
    "forward": _("Chuyển cơ quan khác"),
    "resolve": _("Trả lời phản ánh"),
    "backstop": _("Để lâu nhất kể từ ngày nhận"),
    "backstop_warning": _("Báo trước khi để quá lâu"),
    "several_units": _("Thêm khi nhiều cơ quan cùng xử lý"),
    "approval": _("Duyệt trả lời trước khi gửi"),
    "notify": _("Báo kết quả cho người gửi"),
    "publish": _("Công khai trả lời"),
    "progress_notice": _("Báo tiến độ khi quá hạn"),
    "second_look": _("Xem xét lại trả lời"),
    "apology": _("Xin lỗi và hẹn lại khi quá hạn"),
    "downtime_notice": _("Báo trước khi tạm dừng hệ thống"),
    "complaint_accept": _("Khiếu nại: thụ lý"),
    "complaint_suspension_notice": _("Khiếu nại: gửi quyết định tạm đình chỉ"),
    "complaint_resolve": _("Khiếu nại lần đầu: giải quyết"),
    "complaint_second": _("Khiếu nại lần hai: giải quyết"),
    "denunciation_accept": _("Tố cáo: thụ lý"),
    "denunciation_transfer": _("Tố cáo: chuyển"),
    "denunciation_resolve": _("Tố cáo: giải quyết"),
    "denunciation_extension": _("Tố cáo: gia hạn"),
    "data_request_reply": _("Dữ liệu cá nhân: phản hồi yêu cầu"),
    "data_request_provide": _("Dữ liệu cá nhân: cung cấp"),
    "data_request_provide_extension": _("Dữ liệu cá nhân: gia hạn cung cấp"),
    "data_request_stop": _("Dữ liệu cá nhân: ngừng xử lý"),
    "data_request_stop_extension": _("Dữ liệu cá nhân: gia hạn ngừng xử lý"),
    "data_request_delete": _("Dữ liệu cá nhân: xóa"),
    "data_request_delete_extension": _("Dữ liệu cá nhân: gia hạn xóa"),
    "extension_limit": _("Gia hạn thêm nhiều nhất"),
    "promise_limit": _("Hẹn lại muộn nhất"),
    "reopen_window": _("Được yêu cầu xử lý lại trong"),
}
