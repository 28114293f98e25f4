"""The lists of the two desks: their addresses, names and conditions, in the order of the tabs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from backend.desk.supervision import queries, waiting
from backend.errors import _
from backend.tickets.due_status import overdue_on
from backend.tickets.second_looks.queries import count_open_looks
from backend.users.policy import Actor

COORDINATOR, LEADER, LOOKS = "/ban-dieu-phoi", "/ban-lanh-dao", "/xem-lai"


DeskCondition = Callable[[date, Actor], ColumnElement[bool]]


@dataclass(frozen=True)
class DeskList:
    """One list of a desk.

    ``condition`` says which tickets are in it, as of a day and for an actor. ``lead`` says what is done here, ``empty``
    that there is nothing.
    """

    address: str
    title: str
    lead: str
    empty: str
    condition: DeskCondition


@dataclass(frozen=True)
class DeskTab:
    """A list as a tab shows it, with how many are in it; at most ``queries.COUNTED`` are counted."""

    address: str
    title: str
    count: int | None


def _always(condition: Callable[[], ColumnElement[bool]]) -> DeskCondition:
    return lambda _today, _actor: condition()


def _to_publish(_today: date, actor: Actor) -> ColumnElement[bool]:
    return waiting.to_publish(actor)


def _overdue(today: date, _actor: Actor) -> ColumnElement[bool]:
    return overdue_on(today)


NOT_TAKEN: Final = DeskList(
    COORDINATOR,
    _("Chưa ai nhận"),
    _("Phản ánh mới mà cơ quan chưa nhận. Gửi nhầm nơi thì mở ra và chuyển đến cơ quan có thẩm quyền."),
    _("Phản ánh nào cũng đã có cơ quan nhận"),
    _always(waiting.not_taken),
)
PAUSES: Final = DeskList(
    f"{COORDINATOR}/tam-dung",
    _("Không đồng ý tạm dừng"),
    _("Người gửi không đồng ý việc tạm dừng. Mở phản ánh để xem xét: giữ hay bỏ lần tạm dừng."),
    _("Không có ý kiến nào đang chờ xem xét"),
    _always(waiting.pause_is_disputed),
)
CONDUCT: Final = DeskList(
    f"{COORDINATOR}/hanh-vi",
    _("Về hành vi"),
    _("Phản ánh về hành vi của cán bộ, đang mở. Cơ quan bị phản ánh không thấy các phản ánh này."),
    _("Không có phản ánh về hành vi nào đang mở"),
    _always(waiting.about_conduct),
)
PUBLICATION: Final = DeskList(
    f"{COORDINATOR}/cong-khai",
    _("Chờ công khai"),
    _("Phản ánh đã trả lời, chưa công khai. Đọc cả hai phần đúng như người dân sẽ thấy, rồi hãy công khai."),
    _("Không có câu trả lời nào chờ công khai"),
    _to_publish,
)
LATE: Final = DeskList(
    f"{COORDINATOR}/qua-han",
    _("Quá hạn"),
    _("Các cơ quan đang có phản ánh quá hạn, và từng phản ánh."),
    _("Không cơ quan nào có phản ánh quá hạn"),
    _overdue,
)
COORDINATOR_LISTS: Final = (NOT_TAKEN, PAUSES, CONDUCT, PUBLICATION, LATE)
LISTED_BY_DUE_DATE: Final = (NOT_TAKEN, PAUSES, CONDUCT)  # the two others have pages of their own

APPROVALS: Final = DeskList(
    LEADER,
    _("Chờ duyệt"),
    _("Câu trả lời và đề nghị gia hạn chờ lãnh đạo quyết định, ngay tại đây."),
    _("Không có gì chờ duyệt"),
    _always(waiting.awaits_leader),
)
OBJECTIONS: Final = DeskList(
    f"{LEADER}/khong-dong-y",
    _("Người gửi không đồng ý"),
    _("Người gửi không đồng ý việc tạm dừng, hoặc đã yêu cầu giải quyết lại. Cấp tỉnh xem xét việc tạm dừng."),
    _("Không có ý kiến không đồng ý nào"),
    _always(waiting.sender_objects),
)
LATE_OF_UNIT: Final = DeskList(
    f"{LEADER}/qua-han",
    _("Quá hạn"),
    _("Phản ánh của cơ quan đang quá hạn, lâu nhất đứng đầu."),
    _("Không có phản ánh nào quá hạn"),
    _overdue,
)
LOAD: Final = f"{LEADER}/can-bo"
LOAD_TITLE: Final = _("Việc của từng cán bộ")
LOOKS_TITLE: Final = _("Cấp trên xem lại")
LEADER_LISTS: Final = (APPROVALS, OBJECTIONS, LATE_OF_UNIT)


def coordinator_tabs(session: Session, actor: Actor, today: date) -> list[DeskTab]:
    """Return the tabs of the coordinator's desk with their counts."""
    tabs = _tabs(session, actor, COORDINATOR_LISTS, today)
    looks = DeskTab(LOOKS, LOOKS_TITLE, count_open_looks(session, actor))
    return [*tabs[:3], looks, *tabs[3:]]


def leader_tabs(session: Session, actor: Actor, today: date) -> list[DeskTab]:
    """Return the tabs of the leader's desk. Second looks have one where the unit is above another."""
    tabs = [*_tabs(session, actor, LEADER_LISTS, today), DeskTab(LOAD, LOAD_TITLE, None)]
    looks = count_open_looks(session, actor)
    return [*tabs, DeskTab(LOOKS, LOOKS_TITLE, looks)] if looks else tabs


def _tabs(session: Session, actor: Actor, lists: Sequence[DeskList], today: date) -> list[DeskTab]:
    return [
        DeskTab(
            desk_list.address,
            desk_list.title,
            queries.count_waiting(session, actor, desk_list.condition(today, actor)),
        )
        for desk_list in lists
    ]


TITLES: Final[Mapping[str, str]] = {COORDINATOR: _("Bàn điều phối"), LEADER: _("Bàn lãnh đạo")}
