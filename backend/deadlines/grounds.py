"""Closed lists of grounds: for refusing feedback, for "cannot be done", and for decisions about a khiếu nại. Pure.

An officer who refuses feedback, or answers that it cannot be done, chooses a ground from the list and adds an
explanation. "Not ours" is no ground: what belongs to another unit is forwarded. Suspension (tạm đình chỉ), ending (đình
chỉ) and "complex" belong to the procedure of a khiếu nại. Their lists are guidance, and no clock reads them.

Each ground has its basis, how sure it is, and its dates of force.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from backend.deadlines.rules import RuleEvidence
from backend.errors import Invalid, _


class GroundList(StrEnum):
    """The decision that a ground is for."""

    REFUSAL = "refusal"
    NOT_POSSIBLE = "not_possible"
    SUSPENSION = "suspension"
    ENDING = "ending"
    COMPLEX_CASE = "complex_case"


@dataclass(frozen=True, slots=True)
class DecisionGround:
    """One ground. ``text`` and ``basis`` are messages of the catalogue. A date None leaves that side open."""

    code: str
    text: str
    basis: str
    mark: RuleEvidence
    valid_from: date | None = None
    valid_to: date | None = None

    def in_force(self, on: date) -> bool:
        return (self.valid_from or date.min) <= on <= (self.valid_to or date.max)


_LAST_OLD, _FIRST_NEW = date(2026, 6, 30), date(2026, 7, 1)
_REPEAT = _("Nội dung đã được trả lời bằng văn bản và không có tình tiết mới")
_SUSPENSION_BASIS = _("Luật 136/2025/QH15; NĐ 155/2026/NĐ-CP")
_COMPLEX_BASIS = _("NĐ 155/2026/NĐ-CP; danh mục chưa kiểm chứng được với văn bản")
_RECEPTION_BASIS = _("NĐ 92/2017/NĐ-CP, yêu cầu đối với phản ánh, kiến nghị")

GROUNDS: Final[Mapping[GroundList, tuple[DecisionGround, ...]]] = {
    GroundList.REFUSAL: (
        DecisionGround(
            "repeat", _REPEAT, _("Thông lệ của các hệ thống tương tự"), RuleEvidence.PRACTICE, valid_to=_LAST_OLD
        ),
        DecisionGround(
            "repeat", _REPEAT, _("NĐ 154/2026/NĐ-CP, Điều 4, điểm h"), RuleEvidence.VERIFIED, valid_from=_FIRST_NEW
        ),
        DecisionGround("unclear", _("Nội dung không rõ, không đủ để xem xét"), _RECEPTION_BASIS, RuleEvidence.VERIFIED),
        DecisionGround(
            "no_contact",
            _("Không có họ tên và địa chỉ, số điện thoại hoặc thư điện tử, với loại phản ánh cần có"),
            _RECEPTION_BASIS,
            RuleEvidence.VERIFIED,
        ),
        DecisionGround("language", _("Không viết bằng tiếng Việt"), _RECEPTION_BASIS, RuleEvidence.VERIFIED),
        DecisionGround(
            "not_feedback",
            _("Không phải phản ánh, kiến nghị: quảng cáo, gửi thử, lời lẽ xúc phạm"),
            _("Quy định riêng của hệ thống"),
            RuleEvidence.OURS,
        ),
    ),
    GroundList.NOT_POSSIBLE: (
        DecisionGround(
            "no_budget",
            _("Chưa bố trí được kinh phí trong kế hoạch đã duyệt"),
            _("Luật Ngân sách nhà nước: chỉ chi theo dự toán được giao"),
            RuleEvidence.UNVERIFIED,
        ),
        DecisionGround(
            "against_the_law",
            _("Pháp luật hiện hành không cho phép làm như đề nghị"),
            _("Văn bản và điều khoản nêu trong câu trả lời"),
            RuleEvidence.OURS,
        ),
        DecisionGround(
            "planning",
            _("Không phù hợp với quy hoạch, kế hoạch đã được phê duyệt"),
            _("Quyết định phê duyệt nêu trong câu trả lời"),
            RuleEvidence.OURS,
        ),
        DecisionGround(
            "private_matter",
            _("Việc dân sự giữa các bên; cơ quan nhà nước chỉ hướng dẫn, hòa giải"),
            _("Bộ luật Dân sự 2015; Luật Hòa giải ở cơ sở 2013"),
            RuleEvidence.UNVERIFIED,
        ),
        DecisionGround(
            "before_another",
            _("Tòa án hoặc cơ quan có thẩm quyền khác đang giải quyết cùng việc này"),
            _("Văn bản thụ lý nêu trong câu trả lời"),
            RuleEvidence.OURS,
        ),
        DecisionGround(
            "technical",
            _("Điều kiện kỹ thuật, địa hình không cho phép, đã khảo sát"),
            _("Kết quả khảo sát nêu trong câu trả lời"),
            RuleEvidence.OURS,
        ),
    ),
    GroundList.SUSPENSION: (
        DecisionGround(
            "prevented",
            _("Sự kiện bất khả kháng hoặc trở ngại khách quan làm một bên không thể tiếp tục tham gia"),
            _SUSPENSION_BASIS,
            RuleEvidence.UNVERIFIED,
            valid_from=_FIRST_NEW,
        ),
        DecisionGround(
            "awaits_another",
            _("Cần chờ kết quả giải quyết của cơ quan khác về vấn đề có liên quan"),
            _SUSPENSION_BASIS,
            RuleEvidence.UNVERIFIED,
            valid_from=_FIRST_NEW,
        ),
    ),
    GroundList.ENDING: (
        DecisionGround(
            "withdrawn", _("Người khiếu nại rút khiếu nại"), _("Luật Khiếu nại 2011, Điều 10"), RuleEvidence.VERIFIED
        ),
    ),
    GroundList.COMPLEX_CASE: tuple(
        DecisionGround(code, text, _COMPLEX_BASIS, RuleEvidence.UNVERIFIED, valid_from=_FIRST_NEW)
        for code, text in (
            ("many_people", _("Nhiều người cùng khiếu nại về một nội dung")),
            ("many_agencies", _("Liên quan đến trách nhiệm của nhiều cơ quan, nhiều địa phương")),
            ("expert_opinion", _("Phải trưng cầu giám định hoặc xác minh ở nhiều nơi")),
            ("abroad", _("Có yếu tố nước ngoài")),
        )
    ),
}


def grounds_on(of: GroundList, on: date) -> list[DecisionGround]:
    """Return the grounds of a list that are in force on a day, in their order."""
    return [ground for ground in GROUNDS[of] if ground.in_force(on)]


def find_ground(of: GroundList, code: str, on: date) -> DecisionGround:
    """Return the ground with this code. Raises Invalid at the field ``ground`` where the list does not have it."""
    for ground in grounds_on(of, on):
        if ground.code == code:
            return ground
    raise Invalid(_("Xin chọn một lý do trong danh mục."), field="ground")
