"""Words of the pages of reply templates, as messages of the catalogue."""

from typing import Final

from backend.desk.replies.models import ReplyKind
from backend.errors import _

KIND_NAMES: Final[dict[ReplyKind, str]] = {
    ReplyKind.ANSWER: _("Câu trả lời"),
    ReplyKind.QUESTION: _("Đề nghị bổ sung"),
    ReplyKind.REFUSAL: _("Từ chối tiếp nhận"),
}
EXAMPLE_NAMES: Final[dict[str, str]] = {
    "con_han": _("Khi phản ánh còn trong hạn"),
    "qua_han": _("Khi phản ánh đã quá hạn"),
}
EVERY_TICKET: Final = _("Với mọi phản ánh")
