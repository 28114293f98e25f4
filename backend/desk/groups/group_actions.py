"""The table of what staff do with many members of a group at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from backend.errors import _
from backend.tickets.lifecycle import Event
from backend.users.policy import Permission


@dataclass(frozen=True)
class GroupVerb:
    """One action on the ticked members: its event, permission, last part of the address, text field and button.

    ``confirmation`` tells how many members it reached.
    """

    event: Event
    permission: Permission
    path: str
    field: str
    button: str
    confirmation: str


_E, _A = Event, Permission
_ROWS: Final = (
    GroupVerb(_E.ANSWERED, _A.HANDLE_TICKET, "tra-loi", "answer", _("Trả lời các phản ánh đã chọn"),
              _("Đã trả lời %(n)s phản ánh, mỗi người gửi dưới mã số của mình.")),
    GroupVerb(_E.SUBMITTED_FOR_APPROVAL, _A.HANDLE_TICKET, "trinh-duyet", "answer", _("Trình duyệt cả nhóm một lần"),
              _("Đã trình duyệt trả lời của %(n)s phản ánh.")),
    GroupVerb(_E.ANSWERED, _A.APPROVE_ANSWER, "duyet", "answer", _("Duyệt và gửi"),
              _("Đã duyệt và gửi trả lời của %(n)s phản ánh.")),
    GroupVerb(_E.RETURNED, _A.APPROVE_ANSWER, "tra-lai", "return_reason", _("Trả lại để soạn lại"),
              _("Đã trả lại %(n)s phản ánh cho người soạn.")),
    GroupVerb(_E.INFO_REQUESTED, _A.HANDLE_TICKET, "hoi-them", "question", _("Hỏi người gửi của các phản ánh đã chọn"),
              _("Đã gửi đề nghị bổ sung đến %(n)s người gửi.")),
    GroupVerb(_E.UNGROUPED, _A.MERGE_TICKET, "bo-ra", "leave_reason", _("Đưa các phản ánh đã chọn ra khỏi nhóm"),
              _("Đã đưa %(n)s phản ánh ra khỏi nhóm. Thời hạn không thay đổi.")),
)  # fmt: skip
VERBS: Final[Mapping[str, GroupVerb]] = {verb.path: verb for verb in _ROWS}
FIELDS: Final = ("answer", "question", "return_reason", "leave_reason", "undo_reason")
