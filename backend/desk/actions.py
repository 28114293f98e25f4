"""What staff can do on a ticket's page: one row each, and what each would do before anybody clicks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.orm import Session

from backend.deadlines.clocks import ClockPreview
from backend.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, _
from backend.tickets import queries, service
from backend.tickets.dossier import Dossier
from backend.tickets.lifecycle import Event, possible_transitions
from backend.tickets.service import ActionRequest
from backend.users.policy import Actor, Permission, can
from backend.web.forms import FormReader
from backend.worktime.duration import MAX_VALUE

USUAL_EXTENSION: Final = "5 working days"  # what the page reckons with before a number is typed
ANSWER, SUBMIT, DELAY = "tra-loi", "trinh-duyet", "bao-cham"  # paths of deeds


@dataclass(frozen=True)
class TicketAction:
    """An action: the event it causes, the right it needs, its address and its form. ``field`` is the name of its text
    and ``label`` what that text is; ``inputs`` are its other fields. ``main``: shown unfolded. ``optional``: the text
    may be left empty. ``assuming``: what the effect shown beforehand takes for granted."""

    event: Event
    right: Permission
    path: str
    title: str
    button: str
    done: str
    field: str = ""
    label: str = ""
    inputs: tuple[str, ...] = ()
    hint: str = ""
    assuming: str = ""
    main: bool = False
    optional: bool = False
    leaves: bool = False  # whoever does it may not see the ticket afterwards


@dataclass(frozen=True)
class ActionOffer:
    """A deed as the page offers it: what it would do, or why it cannot be done now."""

    deed: TicketAction
    effect: ClockPreview | None = None
    refusal: DomainError | None = None
    pause: int | None = None  # the one that is to be judged


_E, _A = Event, Permission
_ROWS: Final = (
    TicketAction(
        _E.ACCEPTED, _A.HANDLE_TICKET, "chap-nhan", _("Tiếp nhận"), _("Tiếp nhận"),
        _("Đã tiếp nhận. Người gửi sẽ được báo."), main=True,
        hint=_("Nhận xử lý phản ánh này. Người gửi được báo."),
    ),
    TicketAction(
        _E.EXTENDED, _A.EXTEND_TICKET, "duyet-gia-han", _("Duyệt gia hạn"), _("Duyệt gia hạn"),
        _("Đã gia hạn. Người gửi sẽ được báo ngày mới và lý do."), main=True,
        hint=_("Chỉ gia hạn một lần, và người duyệt không phải là người đề nghị. Người gửi được báo."),
    ),
    TicketAction(
        _E.EXTENSION_DENIED, _A.EXTEND_TICKET, "khong-gia-han", _("Không duyệt gia hạn"), _("Không duyệt gia hạn"),
        _("Đã trả lời không gia hạn."), "deny_reason", _("Lý do không gia hạn"),
    ),
    TicketAction(
        _E.ANSWERED, _A.APPROVE_ANSWER, "duyet", _("Duyệt và gửi trả lời"), _("Duyệt và gửi"),
        _("Đã duyệt và gửi trả lời."), "approved", _("Câu trả lời cho người gửi"), main=True, optional=True,
        hint=_("Có thể sửa trước khi gửi. Người soạn không tự duyệt trả lời của mình."),
    ),
    TicketAction(
        _E.RETURNED, _A.APPROVE_ANSWER, "tra-lai", _("Trả lại để soạn lại"), _("Trả lại"),
        _("Đã trả lại cho người soạn."), "return_reason", _("Cần sửa những gì"),
    ),
    TicketAction(
        _E.ANSWERED, _A.HANDLE_TICKET, ANSWER, _("Trả lời"), _("Gửi câu trả lời"),
        _("Đã trả lời. Người gửi sẽ được báo."), "answer", _("Câu trả lời cho người gửi"), main=True,
        hint=_("Đồng hồ dừng ngay khi gửi; người gửi được báo."),
    ),
    TicketAction(
        _E.RESUMED, _A.HANDLE_TICKET, "xu-ly-tiep", _("Xử lý tiếp, không chờ bổ sung"), _("Xử lý tiếp"),
        _("Đã xử lý tiếp. Thời hạn chạy lại."), "resume_reason", _("Vì sao không chờ nữa, người gửi sẽ đọc được"),
        main=True,
    ),
    TicketAction(
        _E.PAUSE_JUDGED, _A.JUDGE_DISPUTE, "xet-tam-dung",
        _("Xem xét ý kiến không đồng ý tạm dừng"), _("Ghi kết quả xét"),
        _("Đã xét. Người gửi sẽ được báo."), "judge_reason", _("Lý do, người gửi sẽ đọc được"), ("stands",),
        assuming=_("Nếu bỏ lần tạm dừng này:"), main=True,
    ),
    TicketAction(
        _E.PUBLISHED, _A.PUBLISH_ANSWER, "cong-khai", _("Công khai trả lời"), _("Công khai"),
        _("Đã công khai trả lời."), main=True,
        hint=_("Công khai nội dung và câu trả lời, không kèm thông tin người gửi. Xin đọc lại để chắc không còn tên, "
               "số điện thoại hay địa chỉ nhà."),
    ),
    TicketAction(
        _E.UNMERGED, _A.MERGE_TICKET, "tach", _("Tách ra xử lý riêng"), _("Tách ra"),
        _("Đã tách ra. Người gửi sẽ được báo."), "unmerge_reason", _("Lý do tách, người gửi sẽ đọc được"), main=True,
        hint=_("Phản ánh trở lại bước trước khi gộp và thời hạn của nó chạy tiếp như chưa từng gộp."),
    ),
    TicketAction(
        _E.INFO_REQUESTED, _A.HANDLE_TICKET, "hoi-them", _("Đề nghị bổ sung thông tin"), _("Gửi đề nghị bổ sung"),
        _("Đã gửi đề nghị bổ sung cho người gửi."), "question", _("Cần người gửi cho biết"),
        hint=_("Những ngày chờ người gửi bổ sung không tính vào hạn. Hạn lùi đúng bằng số ngày làm việc đó."),
    ),
    TicketAction(
        _E.SUBMITTED_FOR_APPROVAL, _A.HANDLE_TICKET, SUBMIT, _("Trình duyệt trả lời"), _("Trình duyệt"),
        _("Đã trình lãnh đạo duyệt."), "draft", _("Dự thảo câu trả lời"),
        hint=_("Người gửi chưa đọc được cho đến khi lãnh đạo duyệt. Thời gian chờ duyệt vẫn tính vào hạn."),
    ),
    TicketAction(
        _E.FORWARDED, _A.FORWARD_TICKET, "chuyen", _("Chuyển cơ quan khác"), _("Chuyển phản ánh"),
        _("Đã chuyển. Người gửi sẽ được báo."), "reason", _("Lý do chuyển, người gửi sẽ đọc được"), ("to_unit",),
        leaves=True,
    ),
    TicketAction(
        _E.ASSIGNED, _A.ASSIGN_TICKET, "giao-viec", _("Giao cán bộ xử lý"), _("Giao việc"),
        _("Đã giao việc."), inputs=("to_user",),
    ),
    TicketAction(
        _E.EXTENSION_REQUESTED, _A.HANDLE_TICKET, "xin-gia-han", _("Đề nghị gia hạn"), _("Đề nghị gia hạn"),
        _("Đã đề nghị. Hạn chỉ thay đổi khi lãnh đạo duyệt."),
        "extension_reason", _("Lý do, người gửi sẽ đọc được khi được duyệt"), ("more", "until"),
        assuming=_("Ví dụ xin thêm 5 ngày làm việc và được duyệt:"),
    ),
    TicketAction(
        _E.DELAY_EXPLAINED, _A.HANDLE_TICKET, DELAY, _("Xin lỗi và hẹn lại ngày trả lời"), _("Gửi lý do và ngày hẹn"),
        _("Đã báo lý do và ngày hẹn cho người gửi."), "delay_reason", _("Vì sao chậm, người gửi sẽ đọc được"),
        ("promised",),
        hint=_("Khi không kịp hoặc đã quá hạn. Người gửi được báo ngay, và thư xin lỗi lúc quá hạn nêu cả hai. Chỉ hẹn "
               "lại một lần. Hạn và kết quả đúng hạn hay quá hạn không thay đổi."),
    ),
    TicketAction(
        _E.REFUSED, _A.HANDLE_TICKET, "tu-choi", _("Từ chối tiếp nhận"), _("Từ chối tiếp nhận"),
        _("Đã từ chối. Người gửi sẽ được báo lý do."), "refusal_reason", _("Giải thích thêm, người gửi sẽ đọc được"),
        ("ground",),
        hint=_("Không phải việc của cơ quan thì chuyển đi, không từ chối."),
    ),
    TicketAction(
        _E.REDIRECTED, _A.HANDLE_TICKET, "huong-dan", _("Chuyển thủ tục khiếu nại, tố cáo"), _("Gửi hướng dẫn"),
        _("Đã hướng dẫn. Phiếu hướng dẫn mở được ở trang này."),
        "guidance", _("Hướng dẫn nơi gửi và cách làm, người gửi sẽ đọc được"), ("procedure",),
        hint=_("Phân loại theo nội dung, không theo tiêu đề. Người gửi nhận được phiếu hướng dẫn; nội dung không bao "
               "giờ được công khai."),
    ),
    TicketAction(
        _E.MERGED, _A.MERGE_TICKET, "gop", _("Gộp vào phản ánh khác"), _("Gộp"),
        _("Đã gộp. Người gửi sẽ được báo."), "merge_reason", _("Lý do gộp, người gửi sẽ đọc được"), ("into",),
        hint=_("Người gửi giữ mã số riêng và nhận trả lời chung. Gộp không xoá được trường hợp quá hạn và không thêm "
               "trường hợp đúng hạn. Có thể tách ra lại."),
    ),
)  # fmt: skip
DEEDS: Final[Mapping[str, TicketAction]] = {deed.path: deed for deed in _ROWS}
# What cannot be done for want of something to decide on is left out; of the rest it is said why.
_SILENT: Final = frozenset({_E.EXTENDED, _E.EXTENSION_DENIED, _E.PAUSE_JUDGED, _E.PUBLISHED})


@dataclass(frozen=True)
class UsualChoices:
    """Choices that stand for those not made yet, to show what a deed would do; ``disputed`` are the numbers of pauses
    that the sender did not accept."""

    unit_id: int | None
    user_id: int | None
    disputed: Sequence[int]
    ground: str = ""


def list_offers(known: Dossier, actor: Actor, usual: UsualChoices) -> list[ActionOffer]:
    """What ``actor`` may do in this state, in the order of the page."""
    about = service.policy_subject(known.ticket)
    open_to = {
        (m.event, m.right) for m in possible_transitions(known.ticket.state) if m.right and can(actor, m.right, about)
    }
    found = []
    for deed in [deed for deed in DEEDS.values() if (deed.event, deed.right) in open_to]:
        tried = [_offer(known, deed, change, actor) for change in _examples(deed, usual)]
        found += [offer for offer in tried if offer is not None][:1]
    return _late_first(_submitted_first(found), known)


def _submitted_first(found: list[ActionOffer]) -> list[ActionOffer]:
    """Where an answer needs approval, the form that submits it stands where the answer's would."""
    paths = [offer.deed.path for offer in found]
    if SUBMIT not in paths or ANSWER not in paths or found[paths.index(ANSWER)].refusal is None:
        return found
    submit = found.pop(paths.index(SUBMIT))
    found.insert(paths.index(ANSWER), replace(submit, deed=replace(submit.deed, main=True)))
    return found


def _late_first(found: list[ActionOffer], known: Dossier) -> list[ActionOffer]:
    """Once the due date has passed, the sender is to hear why: that stands above all else, folded."""
    resolve = known.clocks.resolve
    if not (resolve.running and resolve.due.missed_by(known.at)):
        return found
    return sorted(found, key=lambda offer: offer.deed.path != DELAY)


def _offer(known: Dossier, deed: TicketAction, change: ActionRequest, actor: Actor) -> ActionOffer | None:
    try:
        return ActionOffer(deed, service.preview_action(known, change, actor), pause=change.pause)
    except (Conflict, Forbidden) as refusal:
        told = deed.event not in _SILENT or isinstance(refusal, Forbidden)
        return ActionOffer(deed, refusal=refusal) if told else None
    except (Invalid, NotFound):
        return ActionOffer(deed)  # the choice that it asks for has no usual answer


def _examples(deed: TicketAction, usual: UsualChoices) -> list[ActionRequest]:
    """The deed with the usual choices."""
    if deed.event is Event.EXTENSION_REQUESTED:
        return [ActionRequest(deed.event, more=USUAL_EXTENSION)]
    if deed.event is Event.REDIRECTED:
        return [ActionRequest(deed.event, procedure="complaint")]
    if deed.event is Event.REFUSED:
        return [ActionRequest(deed.event, ground=usual.ground)]
    if deed.event is Event.PAUSE_JUDGED:
        return [ActionRequest(deed.event, pause=number, stands=False) for number in usual.disputed]
    return [ActionRequest(deed.event, to_unit_id=usual.unit_id, to_user_id=usual.user_id)]


def change_of(session: Session, deed: TicketAction, form: FormReader) -> ActionRequest:
    """The change that a submitted form asks for. What is wrong with its fields is collected in the form."""
    text = form.raw(deed.field) if deed.field else ""
    return _READERS.get(deed.event, _plain)(session, deed.event, text, form)


Reader = Callable[[Session, Event, str, FormReader], ActionRequest]


def _plain(_session: Session, event: Event, text: str, _form: FormReader) -> ActionRequest:
    return ActionRequest(event, text)


def _to_unit(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    return ActionRequest(event, text, to_unit_id=form.integer("to_unit"))


def _to_user(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    return ActionRequest(event, text, to_user_id=form.integer("to_user"))


def _more_time(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    more, until = form.integer("more"), form.day("until")
    if more is not None and not 1 <= more <= MAX_VALUE:
        form.refuse("more", _("Xin ghi số ngày làm việc, từ 1 trở lên."))
        more = None
    return ActionRequest(event, text, more=f"{more} working days" if more else "", until=until)


def _read_promise(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    return ActionRequest(event, text, until=form.day("promised"))


def _read_judgement(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    stands = {"yes": True, "no": False}.get(form.raw("stands"))
    return ActionRequest(event, text, pause=form.integer("pause"), stands=stands)


def _procedure(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    return ActionRequest(event, text, procedure=form.raw("procedure")[:20])


def _ground(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    return ActionRequest(event, text, ground=form.raw("ground")[:40])


def _read_target(session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    number = form.text("into", limit=40, required=_("Xin ghi mã số của phản ánh muốn gộp vào."))
    return ActionRequest(event, text, into_id=queries.id_of(session, number) if number else None)


_READERS: Final[Mapping[Event, Reader]] = {
    Event.FORWARDED: _to_unit,
    Event.ASSIGNED: _to_user,
    Event.EXTENSION_REQUESTED: _more_time,
    Event.DELAY_EXPLAINED: _read_promise,
    Event.PAUSE_JUDGED: _read_judgement,
    Event.REDIRECTED: _procedure,
    Event.REFUSED: _ground,
    Event.MERGED: _read_target,
}
