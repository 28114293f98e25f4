"""What each event needs beyond the table of moves, and what is noted with it. Nothing here writes.

Each check reads a ``Case`` and returns the notes of the history's entry, or refuses with a sentence: Invalid for what
was typed, Conflict for what the state of things forbids, Forbidden for who may not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from backend.deadlines import limits
from backend.deadlines.clock_reading import extension_of
from backend.deadlines.clock_states import TicketClocks, VersionBook
from backend.deadlines.clocks import ClockPreview, what_if
from backend.deadlines.events import TicketEvent
from backend.deadlines.grounds import DecisionGround, GroundList, find_ground
from backend.deadlines.terms import PauseEnd
from backend.errors import Conflict, Forbidden, Invalid, NotFound, _
from backend.tickets import rulebook, sender_checks
from backend.tickets.lifecycle import BEGINNINGS, Event
from backend.tickets.models import CategoryClass, Ticket, TicketState
from backend.units.models import Unit
from backend.users.models import User
from backend.users.policy import HANDLERS, SENDER, Actor, Permission, PolicySubject, can
from backend.worktime import service as worktime
from backend.worktime.calendar import local_time
from backend.worktime.duration import Duration

PROCEDURES: Final = ("complaint", "denunciation")  # khiếu nại, tố cáo: each has a procedure of its own


@dataclass(frozen=True)
class ActionRequest:
    """One event that somebody wants to happen to a ticket, with what it needs.

    ``more`` or ``until``: an extension by a term such as ``5 working days``, or until a date; ``until`` is also the new
    date that goes with the reason of a delay. ``pause``: the number of the pause that is disputed or judged, the last
    one unless told; ``stands``: how it is judged. ``procedure``: which one it is redirected to. ``ground``: that of a
    refusal, of the closed list. ``calendar_id``: the version it is counted by from now on.
    """

    event: Event
    text: str = ""
    to_unit_id: int | None = None
    to_user_id: int | None = None
    into_id: int | None = None
    more: str = ""
    until: date | None = None
    pause: int | None = None
    stands: bool | None = None
    procedure: str = ""
    ground: str = ""
    calendar_id: int | None = None
    message_id: int | None = None  # the answer that was given together, the reply that was passed on
    from_id: int | None = None  # the merged ticket whose sender replied
    rating: Mapping[str, Any] = field(default_factory=dict)  # what the history keeps of it


@dataclass(frozen=True)
class TicketCase:
    """A ticket, what happened to it, how its clocks stand, and what is wanted now."""

    session: Session
    ticket: Ticket
    change: ActionRequest
    actor: Actor
    at: datetime
    history: Sequence[TicketEvent]
    book: VersionBook
    clocks: TicketClocks

    def since_beginning(self, *events: Event) -> list[TicketEvent]:
        """The events of these kinds in the present episode, in order."""
        begun = max(place for place, h in enumerate(self.history) if h.event in BEGINNINGS)
        return [h for h in self.history[begun:] if h.event in events]

    def last(self, event: Event) -> TicketEvent | None:
        """The latest event of a kind in the present episode."""
        found = self.since_beginning(event)
        return found[-1] if found else None

    @property
    def into(self) -> Ticket | None:
        """The ticket that this one is merged into."""
        into_id = self.ticket.merged_into_id
        return self.session.get_one(Ticket, into_id) if into_id is not None else None


Notes = dict[str, Any]


def policy_subject(ticket: Ticket) -> PolicySubject:
    """What the policy asks of a ticket: a complaint about conduct is invisible to the unit it is about. Needs
    ``ticket.category`` loaded."""
    conduct = ticket.category.category_class is CategoryClass.CONDUCT
    return PolicySubject(ticket.unit_id, ticket.about_unit_id if conduct else None)


def event_notes(case: TicketCase) -> Notes:
    """What is noted with the event. Raises what the event's check refuses."""
    into = case.into
    if case.actor.key == SENDER.key and into is not None:
        sender_checks.check_where_merged(case.change.event, into.state)
    check = _CHECKS.get(case.change.event)
    return check(case) if check else {}


def preview_clocks(case: TicketCase) -> ClockPreview:
    """What the change would do to the clocks. An extension that is only asked for is shown as granted."""
    event = case.change.event
    shown = Event.EXTENDED if event is Event.EXTENSION_REQUESTED else event
    return what_if(case.history, TicketEvent(shown, case.at, case.actor.key, event_notes(case)), case.book)


def _check_forwarding(case: TicketCase) -> Notes:
    """Refused where the unit must not see the ticket or does not receive."""
    wanted, ticket = case.change.to_unit_id, case.ticket
    unit = case.session.get(Unit, wanted) if wanted is not None else None
    if unit is None or not unit.receives or not unit.valid_on(local_time(case.at).date()):
        raise Invalid(_("Xin chọn cơ quan trong danh sách."), field="to_unit")
    if unit.id == ticket.unit_id:
        raise Invalid(_("Phản ánh đang ở chính cơ quan này."), field="to_unit")
    if unit.id == policy_subject(ticket).hidden_from:
        raise Invalid(_("Không chuyển phản ánh về hành vi cho chính cơ quan bị phản ánh."), field="to_unit")
    return {"from": ticket.unit_id, "unit": unit.id}


def _check_assignment(case: TicketCase) -> Notes:
    wanted = case.change.to_user_id
    user = case.session.get(User, wanted) if wanted is not None else None
    if user is None or not user.active or user.role not in HANDLERS or user.unit_id != case.ticket.unit_id:
        raise Invalid(_("Xin chọn cán bộ của cơ quan đang giữ phản ánh."), field="to_user")
    return {"user": user.id}


def _not_overdue(case: TicketCase) -> None:
    """More time can be had once, and only while the term runs, its last day included."""
    limits.check_extensions_given(case.clocks.resolve.term)
    if not case.clocks.resolve.running or case.clocks.resolve.due.missed_by(case.at):
        raise Conflict(_("Đã quá hạn nên không gia hạn được nữa."))


def _pending(case: TicketCase) -> TicketEvent | None:
    """The request for more time that nobody has decided yet."""
    found = case.since_beginning(Event.EXTENSION_REQUESTED, Event.EXTENDED, Event.EXTENSION_DENIED)
    return found[-1] if found and found[-1].event is Event.EXTENSION_REQUESTED else None


def _check_extension_request(case: TicketCase) -> Notes:
    _not_overdue(case)
    if _pending(case) is not None:
        raise Conflict(_("Đã có đề nghị gia hạn đang chờ duyệt."))
    more, until = case.change.more.strip(), case.change.until
    if bool(more) == (until is not None):
        raise Invalid(_("Xin ghi số ngày xin thêm hoặc ngày hẹn mới."), field="until")
    length: Notes = {"value": str(Duration.parse(more))} if more else {}
    if until is not None:
        length = {"until": until.isoformat()}
    _check_length(case, length)
    return length


def _check_extension(case: TicketCase) -> Notes:
    _not_overdue(case)
    asked = _asked_by_another(case)
    length = {name: asked.data[name] for name in ("value", "until") if name in asked.data}
    _check_length(case, length)
    return length


def _check_length(case: TicketCase, length: Notes) -> None:
    """Hold what is asked for, and what is granted, to the bound that the stored rule sets for this ticket."""
    extension = extension_of(TicketEvent(Event.EXTENDED, case.at, case.actor.key, length))
    limits.check_extension(case.clocks.resolve.term, extension, case.clocks.ruling.get(limits.EXTENSION_LIMIT))


def _check_denial(case: TicketCase) -> Notes:
    _asked_by_another(case)
    return {}


def _asked_by_another(case: TicketCase) -> TicketEvent:
    asked = _pending(case)
    if asked is None:
        raise Conflict(_("Không có đề nghị gia hạn nào đang chờ duyệt."))
    if asked.actor == case.actor.key:
        raise Forbidden(_("Người đề nghị không tự duyệt gia hạn cho mình."))
    return asked


def _check_answer(case: TicketCase) -> Notes:
    """The answer that somebody submitted is approved by another person; where the rules want that of every answer,
    none leaves without it, a leader's neither."""
    if case.ticket.state is not TicketState.AWAITING_APPROVAL:
        if rulebook.needs_approval(case.session, case.ticket.category, local_time(case.at).date()):
            raise Conflict(_("Trả lời loại phản ánh này phải có người thứ hai duyệt. Xin trình duyệt."))
        return {}
    draft = case.last(Event.SUBMITTED_FOR_APPROVAL)
    if draft is not None and draft.actor == case.actor.key:
        raise Forbidden(_("Người soạn không tự duyệt trả lời của mình."))
    return {}


def _pause_number(case: TicketCase) -> int:
    number = case.change.pause if case.change.pause is not None else len(case.clocks.breaks)
    if not 1 <= number <= len(case.clocks.breaks):
        raise Invalid(_("Không có lần tạm dừng này."), field="pause")
    return number


def _check_dispute(case: TicketCase) -> Notes:
    number = _pause_number(case)
    if case.clocks.breaks[number - 1].disputed:
        raise Conflict(_("Lần tạm dừng này đã có ý kiến không đồng ý rồi."))
    return {"pause": number}


def _check_judgement(case: TicketCase) -> Notes:
    number = _pause_number(case)
    judged = any(h.event is Event.PAUSE_JUDGED and h.data.get("pause") == number for h in case.history)
    if judged or not case.clocks.breaks[number - 1].disputed:
        raise Conflict(_("Lần tạm dừng này không có ý kiến không đồng ý nào đang chờ."))
    if case.clocks.breaks[number - 1].asked_by == case.actor.key:
        raise Forbidden(_("Người đã tạm dừng không tự xem xét ý kiến không đồng ý về việc đó."))
    if case.change.stands is None:
        raise Invalid(_("Xin chọn giữ hay bỏ lần tạm dừng."), field="stands")
    return {"pause": number, "stands": case.change.stands}


def _check_expiry(case: TicketCase) -> Notes:
    if not case.clocks.breaks or case.clocks.breaks[-1].ended_by is not PauseEnd.LIMIT:
        raise Conflict(_("Thời gian chờ người gửi bổ sung chưa hết."))
    known = case.since_beginning(Event.INFO_REQUESTED, Event.PAUSE_EXPIRED)
    if known and known[-1].event is Event.PAUSE_EXPIRED:
        raise Conflict(_("Việc này đã được ghi nhận."))
    return {}


def window_ends(case: TicketCase) -> datetime | None:
    """Until when the sender may have a decided ticket taken up again, by the moment on our own clock."""
    decided = case.clocks.decided
    if decided is None:
        return None
    calendar = case.book.calendars[case.clocks.calendar_id]
    return limits.limit_end(calendar, case.clocks.ruling.get(limits.REOPEN_WINDOW), decided)


def _new_episode(case: TicketCase) -> Notes:
    """Counted by the rules and the calendar of now, not by those of the first time."""
    ends = window_ends(case)
    if ends is None or case.at > ends:
        raise Conflict(_("Đã hết thời gian yêu cầu xử lý lại. Xin gửi phản ánh mới."))
    if case.into is None:
        return episode_notes(case.session, case.ticket, case.at)
    unit_id = case.into.unit_id  # whoever gave the common answer hears what is wrong with it
    return {"unit": unit_id, **episode_notes(case.session, case.ticket, case.at, unit_id)}


def episode_notes(session: Session, ticket: Ticket, at: datetime, unit_id: int | None = None) -> Notes:
    """The versions that an episode which begins now is counted by, at the unit that has it then."""
    about = rulebook.subject_of(ticket.category, ticket.channel)
    ruling = rulebook.load_rules(session).ruling(local_time(at).date(), about)
    calendar_id = worktime.active_id_for(session, session.get_one(Unit, unit_id or ticket.unit_id).code)
    return {"calendar": calendar_id, "rules": rulebook.noted_ids(ruling)}


def _refused(case: TicketCase) -> Notes:
    return {"ground": refusal_ground(case).code}


def refusal_ground(case: TicketCase) -> DecisionGround:
    """The ground that a refusal names. Raises Invalid for one that is not on the list today."""
    return find_ground(GroundList.REFUSAL, case.change.ground, local_time(case.at).date())


def _check_redirection(case: TicketCase) -> Notes:
    if case.change.procedure not in PROCEDURES:
        raise Invalid(_("Xin chọn thủ tục: khiếu nại hay tố cáo."), field="procedure")
    return {"procedure": case.change.procedure}


def _check_merge(case: TicketCase) -> Notes:
    """Into another open ticket that the same person may merge and that the same people may see. One level only: what
    others were merged into is not merged itself, so there is no chain and no cycle."""
    target = _target(case)
    if target.id == case.ticket.id:
        raise Invalid(_("Không gộp phản ánh vào chính nó."), field="into")
    if not target.open:
        raise Conflict(_("Chỉ gộp vào phản ánh đang được xử lý."))
    if policy_subject(target).hidden_from != policy_subject(case.ticket).hidden_from:
        raise Invalid(_("Hai phản ánh này không cùng phạm vi được xem nên không gộp được."), field="into")
    if case.session.scalar(select(Ticket.id).where(Ticket.merged_into_id == case.ticket.id).limit(1)) is not None:
        raise Conflict(_("Phản ánh này đang gộp các phản ánh khác. Xin tách ra trước."))
    return {"into": target.id}


def _target(case: TicketCase) -> Ticket:
    wanted = case.change.into_id
    chosen = select(Ticket).where(Ticket.id == wanted).options(joinedload(Ticket.category))
    target = case.session.scalar(chosen.execution_options(populate_existing=True)) if wanted is not None else None
    if target is None or not can(case.actor, Permission.VIEW_TICKET, policy_subject(target)):
        raise NotFound(_("Không tìm thấy phản ánh muốn gộp vào."))
    if not can(case.actor, Permission.MERGE_TICKET, policy_subject(target)):
        raise Forbidden
    return target


def _confirmed(case: TicketCase) -> Notes:
    if case.into is not None:
        sender_checks.check_confirmation_where_merged(case.history)
    return {}


def _check_rating(case: TicketCase) -> Notes:
    """``answer`` says which answer it is of, counted from 1. Credited is the unit that gave it."""
    answer = sender_checks.rated_answer(case.history, case.clocks.decided)
    credited = case.into.unit_id if case.into is not None else case.ticket.unit_id
    return {"credited": credited, "answer": answer, **case.change.rating}


def _check_publication(case: TicketCase) -> Notes:
    if case.last(Event.PUBLISHED) is not None:
        raise Conflict(_("Trả lời này đã được công khai."))
    return {}


def _check_closing(case: TicketCase) -> Notes:
    ends = window_ends(case)
    if case.last(Event.CONFIRMED) is None and (ends is None or case.at <= ends):
        raise Conflict(_("Người gửi vẫn còn thời gian yêu cầu xử lý lại."))
    return {}


def _check_delay(case: TicketCase) -> Notes:
    """Said once in an episode, with one new date: a working day after the due date, not past and not out of sight. It
    is a promise to the sender and moves neither due date nor verdict."""
    if case.last(Event.DELAY_EXPLAINED) is not None:
        raise Conflict(_("Đã báo lý do chậm và hẹn lại một lần; chỉ được hẹn lại một lần."))
    promised = case.change.until
    if promised is None:
        raise Invalid(_("Xin ghi ngày hẹn trả lời mới."), field="promised")
    calendar, rule = case.book.calendars[case.clocks.calendar_id], case.clocks.ruling.get(limits.PROMISE_LIMIT)
    limits.check_promise(calendar, promised, case.clocks.resolve.due.on, case.at, rule)
    return {"until": promised.isoformat()}


def _progress_told(case: TicketCase) -> Notes:
    if not case.clocks.resolve.running or not case.clocks.resolve.due.missed_by(case.at):
        raise Conflict(_("Phản ánh này chưa quá hạn."))
    return {}


def _check_recount(case: TicketCase) -> Notes:
    if case.change.calendar_id is None or case.change.calendar_id == case.clocks.calendar_id:
        raise Conflict(_("Phản ánh này đã tính theo lịch đó."))
    return {"from": case.clocks.calendar_id, "calendar": case.change.calendar_id}


def _info_received(case: TicketCase) -> Notes:
    if case.into is not None:
        sender_checks.check_reply_where_merged(case.history)
    return {}


def _info_passed_on(case: TicketCase) -> Notes:
    return {"with": case.change.from_id, "message": case.change.message_id}


def _answered_together(case: TicketCase) -> Notes:
    return {"with": case.ticket.merged_into_id, "message": case.change.message_id}


_CHECKS: Final[Mapping[Event, Callable[[TicketCase], Notes]]] = {
    Event.FORWARDED: _check_forwarding,
    Event.ASSIGNED: _check_assignment,
    Event.EXTENSION_REQUESTED: _check_extension_request,
    Event.EXTENDED: _check_extension,
    Event.EXTENSION_DENIED: _check_denial,
    Event.ANSWERED: _check_answer,
    Event.ANSWERED_TOGETHER: _answered_together,
    Event.PAUSE_DISPUTED: _check_dispute,
    Event.PAUSE_JUDGED: _check_judgement,
    Event.PAUSE_EXPIRED: _check_expiry,
    Event.DISPUTED: _new_episode,
    Event.REOPENED: _new_episode,
    Event.REFUSED: _refused,
    Event.REDIRECTED: _check_redirection,
    Event.MERGED: _check_merge,
    Event.CONFIRMED: _confirmed,
    Event.INFO_RECEIVED: _info_received,
    Event.INFO_PASSED_ON: _info_passed_on,
    Event.RATED: _check_rating,
    Event.PUBLISHED: _check_publication,
    Event.CLOSED: _check_closing,
    Event.DELAY_EXPLAINED: _check_delay,
    Event.PROGRESS_TOLD: _progress_told,
    Event.RECOUNTED: _check_recount,
}
