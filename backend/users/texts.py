"""Names of the roles, as messages of the catalogue."""

from backend.errors import _
from backend.users.models import Role

ROLE_NAMES: dict[Role, str] = {
    Role.CITIZEN: _("Người dân"),
    Role.OFFICER: _("Cán bộ tiếp nhận, xử lý"),
    Role.LEADER: _("Lãnh đạo cơ quan"),
    Role.COORDINATOR: _("Điều phối cấp tỉnh"),
    Role.MANAGER: _("Quản lý, theo dõi chỉ số"),
    Role.SURVEY: _("Phụ trách khảo sát"),
    Role.ADMINISTRATOR: _("Quản trị tài khoản"),
    Role.AUDITOR: _("Kiểm tra nhật ký và chỉ số"),
}
