"""The table of what staff can do with a ticket, and the preview of each action before anybody clicks.

The page of a ticket (``ticket_view``) shows the offers; ``action_forms`` reads the submitted forms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from backend.deadlines.clocks import ClockPreview
from backend.desk.answer_fields import answer_inputs, approval_inputs, refusal_inputs
from backend.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, _
from backend.tickets import service
from backend.tickets.answers.outcomes import AnswerContent, AnswerOutcome
from backend.tickets.dossier import Dossier
from backend.tickets.lifecycle import Event, Transition, possible_transitions, takes_first
from backend.tickets.models import TicketState
from backend.tickets.service import ActionRequest
from backend.users.policy import Actor, Permission, can

USUAL_EXTENSION: Final = "5 working days"  # the preview counts with this until the officer types a number
ANSWER, SUBMIT, DELAY, NOTE = "tra-loi", "trinh-duyet", "bao-cham", "ghi-chu"  # paths of four actions


@dataclass(frozen=True)
class TicketAction:
    """One action: the event it causes, the permission it needs, the last part of its address, and its form.

    ``confirmation`` is the sentence after success. ``field`` is the name of the action's text field and ``label`` its
    label; ``inputs`` are the other fields. ``main`` actions are shown open, the others folded. The text may stay empty
    where ``optional`` is set. ``assuming`` says which choice the preview counts with.
    """

    event: Event
    permission: Permission
    path: str
    title: str
    button: str
    confirmation: str
    field: str = ""
    label: str = ""
    inputs: tuple[str, ...] = ()
    hint: str = ""
    assuming: str = ""
    main: bool = False
    optional: bool = False


@dataclass(frozen=True)
class ActionOffer:
    """An action as the page offers it: with its preview, or with the reason why it is not possible now.

    ``pause`` is the number of the pause that a judgement is about.
    """

    action: TicketAction
    preview: ClockPreview | None = None
    refusal: DomainError | None = None
    pause: int | None = None


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
        _("Đã duyệt và gửi trả lời."), "approved", _("Câu trả lời cho người gửi"), approval_inputs("approved"),
        main=True, optional=True,
        hint=_("Có thể sửa trước khi gửi. Người soạn không tự duyệt trả lời của mình."),
    ),
    TicketAction(
        _E.RETURNED, _A.APPROVE_ANSWER, "tra-lai", _("Trả lại để soạn lại"), _("Trả lại"),
        _("Đã trả lại cho người soạn."), "return_reason", _("Cần sửa những gì"),
    ),
    TicketAction(
        _E.ANSWERED, _A.HANDLE_TICKET, ANSWER, _("Trả lời"), _("Gửi câu trả lời"),
        _("Đã trả lời. Người gửi sẽ được báo."), "answer", _("Câu trả lời cho người gửi"), answer_inputs("answer"),
        main=True,
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
        _E.PROMISE_KEPT, _A.HANDLE_TICKET, "da-lam-xong", _("Báo đã làm xong việc hẹn"), _("Báo đã làm xong"),
        _("Đã báo cho người gửi. Người gửi có thể xác nhận hoặc không đồng ý."), "report",
        _("Đã làm những gì, người gửi sẽ đọc được"), main=True,
        hint=_("Việc hẹn được tính là đúng hẹn nếu báo không muộn hơn ngày hẹn đầu tiên."),
    ),
    TicketAction(
        _E.PROMISE_EXPLAINED, _A.HANDLE_TICKET, "hen-lai-viec", _("Chưa làm xong: nêu lý do và hẹn lại"),
        _("Gửi lý do và ngày hẹn mới"), _("Đã báo lý do và ngày hẹn mới cho người gửi."), "promise_reason",
        _("Vì sao chưa làm xong, người gửi sẽ đọc được"), ("promise_reason_until",),
        hint=_("Chỉ hẹn lại một lần. Ngày hẹn đầu tiên đã qua thì vẫn tính là sai hẹn."),
    ),
    TicketAction(
        _E.INFO_REQUESTED, _A.HANDLE_TICKET, "hoi-them", _("Đề nghị bổ sung thông tin"), _("Gửi đề nghị bổ sung"),
        _("Đã gửi đề nghị bổ sung cho người gửi."), "question", _("Cần người gửi cho biết"),
        hint=_("Những ngày chờ người gửi bổ sung không tính vào hạn. Hạn lùi đúng bằng số ngày làm việc đó."),
    ),
    TicketAction(
        _E.SUBMITTED_FOR_APPROVAL, _A.HANDLE_TICKET, SUBMIT, _("Trình duyệt trả lời"), _("Trình duyệt"),
        _("Đã trình lãnh đạo duyệt."), "draft", _("Dự thảo câu trả lời"), answer_inputs("draft"),
        hint=_("Người gửi chưa đọc được cho đến khi lãnh đạo duyệt. Thời gian chờ duyệt vẫn tính vào hạn."),
    ),
    TicketAction(
        _E.POINTS_LISTED, _A.HANDLE_TICKET, "cac-diem", _("Các điểm được hỏi"), _("Lưu các điểm"),
        _("Đã lưu các điểm được hỏi."), "points", _("Mỗi dòng một điểm, theo thứ tự trả lời"),
        hint=_("Khi phản ánh hỏi nhiều điều: mỗi điểm có câu trả lời riêng, và không gửi khi còn điểm bỏ sót."),
    ),
    TicketAction(
        _E.FORWARDED, _A.FORWARD_TICKET, "chuyen", _("Chuyển cơ quan khác"), _("Chuyển phản ánh"),
        _("Đã chuyển. Người gửi sẽ được báo."), "reason", _("Lý do chuyển, người gửi sẽ đọc được"), ("to_unit",),
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
        ("ground", *refusal_inputs()),
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
    TicketAction(
        _E.NOTED, _A.WRITE_NOTE, NOTE, _("Ghi chú nội bộ"), _("Lưu ghi chú"),
        _("Đã lưu ghi chú nội bộ."), "note", _("Ghi chú, chỉ nội bộ đọc được"), ("mention",),
        hint=_("Người gửi không đọc được. Ghi @ và họ tên để nhắc một đồng nghiệp, như @Lò Thị Mai."),
    ),
)  # fmt: skip
ACTIONS: Final[Mapping[str, TicketAction]] = {action.path: action for action in _ROWS}
# The page leaves these out where there is nothing to decide on. For all other actions it says why they are refused.
_HIDDEN_IF_REFUSED: Final = frozenset(
    {_E.EXTENDED, _E.EXTENSION_DENIED, _E.PAUSE_JUDGED, _E.PUBLISHED, _E.PROMISE_KEPT, _E.PROMISE_EXPLAINED}
)


@dataclass(frozen=True)
class UsualChoices:
    """Choices that the previews count with before the officer makes any: the unit to forward to, the user to assign,
    the ground of a refusal. ``disputed`` are the numbers of the pauses that the sender disputes."""

    unit_id: int | None
    user_id: int | None
    disputed: Sequence[int]
    ground: str = ""


def list_offers(dossier: Dossier, actor: Actor, usual: UsualChoices) -> list[ActionOffer]:
    """Return what ``actor`` may do with the ticket in its present state, in the order of the page."""
    subject = service.policy_subject(dossier.ticket)
    permitted = {
        (transition.event, transition.right)
        for transition in _moves_from(dossier.ticket.state)
        if transition.right and can(actor, transition.right, subject)
    }
    open_actions = [action for action in ACTIONS.values() if (action.event, action.permission) in permitted]
    offers = [_first_offer(dossier, action, actor, usual) for action in open_actions]
    return _late_first(_submitted_first([offer for offer in offers if offer is not None]), dossier)


def _moves_from(state: TicketState) -> list[Transition]:
    """Return the moves from a state, with those that accept a new ticket in the same step."""
    accepted = possible_transitions(TicketState.ACCEPTED)
    return possible_transitions(state) + [move for move in accepted if takes_first(state, move.event)]


def _first_offer(dossier: Dossier, action: TicketAction, actor: Actor, usual: UsualChoices) -> ActionOffer | None:
    """Return the first offer among the examples of an action. Of several disputed pauses the first is judged first."""
    offers = (_offer(dossier, action, action_request, actor) for action_request in _examples(action, usual))
    return next((offer for offer in offers if offer is not None), None)


def _submitted_first(offers: list[ActionOffer]) -> list[ActionOffer]:
    """Put the form "submit for approval" in the place of the answer's form, where an answer needs approval."""
    paths = [offer.action.path for offer in offers]
    if SUBMIT not in paths or ANSWER not in paths or offers[paths.index(ANSWER)].refusal is None:
        return offers
    submit = offers.pop(paths.index(SUBMIT))
    offers.insert(paths.index(ANSWER), replace(submit, action=replace(submit.action, main=True)))
    return offers


def _late_first(offers: list[ActionOffer], dossier: Dossier) -> list[ActionOffer]:
    """Put "explain the delay" first once the due date has passed: the sender is to hear the reason. It stays folded."""
    resolve = dossier.clocks.resolve
    if not (resolve.running and resolve.due.missed_by(dossier.at)):
        return offers
    return sorted(offers, key=lambda offer: offer.action.path != DELAY)


def _offer(dossier: Dossier, action: TicketAction, action_request: ActionRequest, actor: Actor) -> ActionOffer | None:
    if action.event is Event.NOTED:
        return ActionOffer(action)  # a note changes nothing that a preview could show
    try:
        preview = service.preview_action(dossier, action_request, actor, take=True)
    except (Conflict, Forbidden) as refusal:
        if action.event in _HIDDEN_IF_REFUSED and not isinstance(refusal, Forbidden):
            return None
        return ActionOffer(action, refusal=refusal)
    except (Invalid, NotFound):
        return ActionOffer(action)  # the action asks for a choice that has no usual value
    return ActionOffer(action, preview, pause=action_request.pause)


def _examples(action: TicketAction, usual: UsualChoices) -> list[ActionRequest]:
    """Return the action with the usual choices; a judgement once for each disputed pause."""
    match action.event:
        case Event.EXTENSION_REQUESTED:
            return [ActionRequest(action.event, more=USUAL_EXTENSION)]
        case Event.ANSWERED | Event.SUBMITTED_FOR_APPROVAL:
            return [ActionRequest(action.event, answer=AnswerContent(AnswerOutcome.DONE))]
        case Event.REDIRECTED:
            return [ActionRequest(action.event, procedure="complaint")]
        case Event.REFUSED:
            return [ActionRequest(action.event, ground=usual.ground)]
        case Event.PAUSE_JUDGED:
            return [ActionRequest(action.event, pause=number, stands=False) for number in usual.disputed]
    return [ActionRequest(action.event, to_unit_id=usual.unit_id, to_user_id=usual.user_id)]
