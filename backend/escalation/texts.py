"""What messages to staff say. Pure.

They name tickets by number, unit and due date, with an address for those who may open them: never what somebody wrote,
for mail is kept by others. A manager gets number and unit alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from backend.errors import _
from backend.escalation.ladder import StepRecipient
from backend.users.models import Role
from backend.web.language import day_text, gettext, number_text

LINES_MOST = 50
HEADINGS = {
    "half": _("Đã qua nửa thời hạn"),
    "last_day": _("Còn một ngày làm việc"),
    "overdue": _("Đã quá hạn"),
    "overdue_3": _("Quá hạn ba ngày làm việc"),
    "overdue_5": _("Quá hạn năm ngày làm việc"),
}
LINE = _("%(number)s · %(unit)s · hạn %(due)s")
LINE_OF_MANAGER = _("%(number)s · %(unit)s")
IN_PLACE_OF = {
    StepRecipient.OFFICER: _("%(line)s (chưa có cán bộ nào của cơ quan nhận tin)"),
    StepRecipient.LEADER: _("%(line)s (chưa có lãnh đạo nào của cơ quan nhận tin)"),
    StepRecipient.COORDINATOR: _("%(line)s (chưa có điều phối viên nào nhận tin)"),
}
DIGEST_SUBJECT = _("Phản ánh cần chú ý: %(n)s")
ALONE_SUBJECT = _("Khẩn: phản ánh %(number)s")
MORE = _("Và %(n)s phản ánh khác, xem trong hệ thống.")
OPEN = _("Mở: %(address)s")
SENT_WHEN = _("Hệ thống Lắng Nghe gửi thư này nhiều nhất một lần mỗi buổi làm việc. Xin đừng trả lời thư.")


@dataclass(frozen=True)
class DigestLine:
    """One ticket and why it is told of; ``missing``: the role that there is nobody of, in whose place this reader is
    told."""

    code: str
    number: str
    unit: str
    due: date
    missing: StepRecipient | None = None


@dataclass(frozen=True)
class StaffMessage:
    """A message to a member of staff, before it has words. ``more`` counts what did not fit; ``address`` is where it
    can be looked at."""

    role: Role
    language: str
    lines: Sequence[DigestLine]
    more: int
    address: str
    alone: bool

    def subject(self) -> str:
        if self.alone:
            return gettext(self.language, ALONE_SUBJECT, {"number": self.lines[0].number})
        return gettext(self.language, DIGEST_SUBJECT, {"n": number_text(len(self.lines) + self.more, self.language)})

    def paragraphs(self) -> list[str]:
        """One paragraph for each rung, gravest first, its tickets as lines."""
        parts = []
        for code, heading in reversed(HEADINGS.items()):
            lines = [self._line(line) for line in self.lines if line.code == code]
            if lines:
                parts.append("\n".join([gettext(self.language, heading) + ":", *lines]))
        if self.more:
            parts.append(gettext(self.language, MORE, {"n": number_text(self.more, self.language)}))
        return [
            *parts,
            gettext(self.language, OPEN, {"address": self.address}),
            gettext(self.language, SENT_WHEN),
        ]

    def _line(self, line: DigestLine) -> str:
        text = LINE_OF_MANAGER if self.role is Role.MANAGER else LINE
        said = gettext(self.language, text, {"number": line.number, "unit": line.unit, "due": day_text(line.due)})
        return gettext(self.language, IN_PLACE_OF[line.missing], {"line": said}) if line.missing else said
