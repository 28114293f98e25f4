"""``apply`` is the only function that moves a ticket on.

Lock, version, state table, permission, clocks, history and messages are one transaction: all of it happens or nothing.
A refused attempt is recorded in a separate transaction.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, joinedload

from backend import audit
from backend.db import AdvisoryLock, hold_lock
from backend.deadlines.clocks import ClockPreview, state_of_clocks
from backend.deadlines.events import TicketEvent
from backend.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, _
from backend.files.text import clean_text
from backend.tickets import clock_results, lifecycle, projection
from backend.tickets.answers import details
from backend.tickets.answers.outcomes import COMMON_NOTES
from backend.tickets.answers.promises import open_promise
from backend.tickets.checks.action_request import ActionRequest, Notes, TicketCase, policy_subject
from backend.tickets.clock_results import result_columns
from backend.tickets.dossier import Dossier, TicketTiming, read_dossier
from backend.tickets.groups import memberships
from backend.tickets.lifecycle import TEXT_KINDS, Event, EventAuthor, Transition
from backend.tickets.models import Ticket, TicketMessage, TicketState
from backend.tickets.notices.event_notices import tell_of_event
from backend.tickets.reception.drafts import FeedbackDraft
from backend.tickets.reception.opening import AlreadySent, Receipt, look_over, open_ticket
from backend.tickets.senders.sender_messages import SENDER_TEMPLATES, put_to_sender
from backend.tickets.similar import service as similar
from backend.tickets.transition_checks import event_notes, preview_clocks, refusal_ground
from backend.users import service as users
from backend.users.policy import SENDER, SYSTEM, Actor, Permission, can
from backend.web.language import gettext

__all__ = [
    "ActionRequest",
    "AlreadySent",
    "FeedbackDraft",
    "Receipt",
    "TicketTiming",
    "apply",
    "look_over",
    "open_ticket",
    "policy_subject",
    "preview_action",
    "preview_change",
    "record_contact_read",
    "record_refused",
    "result_columns",
    "time_ticket",
]

TEXT_MOST = 10_000
SKEW = timedelta(minutes=5)  # how far the clocks of two of our machines may differ
# Ends without an answer. The tickets that were merged into such a ticket are separated from it again.
UNANSWERED_ENDS = frozenset({Event.REFUSED, Event.REDIRECTED, Event.WITHDRAWN})
GROUND_SENTENCE = _("%(ground)s (căn cứ: %(basis)s).")
UNMERGED_REASON = _("Phản ánh được giải quyết chung đã kết thúc mà không có trả lời.")
ACTORS_WITHOUT_PERMISSION: dict[EventAuthor, tuple[str, ...]] = {
    EventAuthor.STAFF: (),
    EventAuthor.SENDER: (SENDER.key,),
    EventAuthor.SYSTEM: (SYSTEM.key,),
    EventAuthor.EITHER: (SENDER.key, SYSTEM.key),
}


def apply(
    session: Session,
    ticket_id: int,
    request: ActionRequest,
    actor: Actor,
    *,
    now: datetime,
    version: int | None = None,
    take: bool = False,
) -> Ticket:
    """Apply the requested event to a ticket and return the ticket.

    ``version`` is the version of the ticket that the actor saw. It is None for the system and for senders: their events
    do not depend on it. ``take``: where a new ticket has to be accepted before the event, it is accepted in the same
    transaction; the sender then gets one message about both.

    Raises NotFound (no such ticket, or this actor must not see it), Forbidden, Conflict (the ticket has moved on, its
    state has no such move, or not now) and Invalid (what was typed).
    """
    try:
        if take and _is_taken_first(session, ticket_id, request.event):
            return _take_and_apply(session, ticket_id, request, actor, now, version)
        case, move = _lock_case(session, ticket_id, request, actor, now, version)
        return _write_event(case, move)
    except DomainError as refusal:
        record_refused(actor, request.event, ticket_id, refusal, now)
        raise


def _is_taken_first(session: Session, ticket_id: int, event: Event) -> bool:
    return event in lifecycle.TAKEN_ALONG and lifecycle.takes_first(_ticket(session, ticket_id, lock=True).state, event)


def _take_and_apply(
    session: Session, ticket_id: int, request: ActionRequest, actor: Actor, now: datetime, version: int | None
) -> Ticket:
    """Accept a new ticket, then apply the event. A refusal of the event undoes the acceptance.

    Where the sender gets a message about the event, there is none about the acceptance.
    """
    with session.begin_nested():
        case, move = _lock_case(session, ticket_id, ActionRequest(Event.ACCEPTED), actor, now, version)
        _write_event(case, move, tell=request.event not in SENDER_TEMPLATES)
        case, move = _lock_case(session, ticket_id, request, actor, now, None)
        return _write_event(case, move)


def record_refused(actor: Actor, event: Event, ticket_id: int | None, refusal: DomainError, now: datetime) -> None:
    """Record a refused attempt. The record stays even where the transaction is rolled back.

    ``apply`` records its own refusals. A page that refuses before it calls ``apply`` calls this function.
    """
    audit.record_refusal(actor.key, f"refused:{event}", ticket_id, str(refusal.status), now)


def preview_change(
    session: Session, ticket_id: int, request: ActionRequest, actor: Actor, *, now: datetime, take: bool = False
) -> ClockPreview:
    """Return what the request would do: due date, charged unit, verdicts.

    Refuses as ``apply`` does, except for a missing text. Writes nothing and locks nothing.
    """
    dossier = read_dossier(session, _ticket(session, ticket_id, lock=False), now)
    return preview_action(dossier, request, actor, take=take)


def preview_action(dossier: Dossier, request: ActionRequest, actor: Actor, *, take: bool = False) -> ClockPreview:
    """Preview a request for a ticket that is read already. A page calls this for every action that it offers."""
    taken_first = take and lifecycle.takes_first(dossier.ticket.state, request.event)
    _check_move(dossier.ticket, Event.ACCEPTED if taken_first else request.event, actor)
    case = _case(dossier, request, actor)
    return preview_clocks(case, [TicketEvent(Event.ACCEPTED, case.at, actor.key)] if taken_first else [])


def time_ticket(session: Session, ticket: Ticket, now: datetime | None) -> TicketTiming:
    """Return the clocks and the unit shares of a ticket at ``now``.

    None means the moment of its last event, to which the columns of its row belong.
    """
    dossier = read_dossier(session, ticket, ticket.received_at if now is None else now)
    return dossier.timing_then() if now is None else dossier.timing()


def record_contact_read(session: Session, ticket: Ticket, actor: Actor, *, now: datetime) -> None:
    """Record in the reader's own chain that they read the sender's personal data. Raises NotFound without the right."""
    if not can(actor, Permission.VIEW_CONTACT, policy_subject(ticket)):
        raise NotFound
    if actor.user_id is not None:
        users.lock_user(session, actor.user_id)
    audit.record(session, actor.key, "contact_read", actor=actor.key, now=now, data={"ticket": ticket.id})


def _lock_case(
    session: Session, ticket_id: int, request: ActionRequest, actor: Actor, now: datetime, version: int | None
) -> tuple[TicketCase, Transition]:
    """Lock the ticket for the rest of the transaction; return it with the move that the actor may make."""
    if request.event is Event.MERGED and request.into_id not in (None, ticket_id):
        hold_lock(session, AdvisoryLock.MERGE)
        session.execute(select(Ticket.id).where(Ticket.id == request.into_id).with_for_update())
    into_id = _lock_merged_into(session, ticket_id) if actor.key == SENDER.key else None
    ticket = _ticket(session, ticket_id, lock=True)
    move = _check_move(ticket, request.event, actor, version)
    if actor.key == SENDER.key and ticket.merged_into_id not in (None, into_id):
        raise Conflict(_("Phản ánh vừa được chuyển bước. Xin thử lại."))
    return _case(read_dossier(session, ticket, now), request, actor), move


def _lock_merged_into(session: Session, ticket_id: int) -> int | None:
    """Lock the ticket that this one is merged into, because its state decides what the sender may do.

    A common answer locks the two in the same order, this one last. So the two transactions never wait for each other.
    """
    into_id = session.scalar(select(Ticket.merged_into_id).where(Ticket.id == ticket_id))
    if into_id is not None:
        statement = select(Ticket).where(Ticket.id == into_id).with_for_update()
        session.scalar(statement.execution_options(populate_existing=True))
    return into_id


def _check_move(ticket: Ticket, event: Event, actor: Actor, version: int | None = None) -> Transition:
    """Return the move that this actor may make in this state. Raises what forbids it."""
    move = _permitted_transition(ticket, event, actor)
    if version is not None and version != ticket.version:
        raise Conflict(_("Người khác vừa xử lý phản ánh này. Xin xem lại trước khi tiếp tục."))
    return lifecycle.find_transition(ticket.state, event) if ticket.state not in move.origins else move


def _case(dossier: Dossier, request: ActionRequest, actor: Actor) -> TicketCase:
    """Raises Conflict where our clock is more than ``SKEW`` behind the moment of the last event."""
    if dossier.now < dossier.history[-1].at - SKEW:
        raise Conflict(_("Đồng hồ máy chủ đang sai nên chưa ghi nhận được. Xin báo quản trị viên."))
    return TicketCase(
        session=dossier.session,
        ticket=dossier.ticket,
        request=request,
        actor=actor,
        at=dossier.at,
        history=dossier.history,
        book=dossier.book,
        clocks=dossier.clocks,
        reading=dossier.reading,
    )


def _ticket(session: Session, ticket_id: int, *, lock: bool) -> Ticket:
    statement = select(Ticket).where(Ticket.id == ticket_id).options(joinedload(Ticket.category))
    statement = statement.with_for_update(of=Ticket) if lock else statement
    ticket = session.scalar(statement.execution_options(populate_existing=True))
    if ticket is None:
        raise NotFound
    return ticket


def _permitted_transition(ticket: Ticket, event: Event, actor: Actor) -> Transition:
    """Return the move that this actor may cause, in the present state or else in any state.

    An actor who may cause the event in another state is then refused with the reason. An actor who sees the ticket but
    has no permission gets Forbidden; one who must not see it gets NotFound.
    """
    rows = lifecycle.TRANSITIONS.get(event, ())
    rows_here = [row for row in rows if ticket.state in row.origins] or rows
    for move in rows_here:
        if _may_cause(move, ticket, actor):
            return move
    raise Forbidden if can(actor, Permission.VIEW_TICKET, policy_subject(ticket)) else NotFound


def _may_cause(move: Transition, ticket: Ticket, actor: Actor) -> bool:
    if move.right is not None and can(actor, move.right, policy_subject(ticket)):
        return True
    return actor.key in ACTORS_WITHOUT_PERMISSION[move.by]


def _write_event(case: TicketCase, move: Transition, *, tell: bool = True) -> Ticket:
    """Write the text, the history, the row, the results of clocks and the messages; then the same for merged tickets.

    The order matters: the notes of the history name the stored text, and the row follows from the new history.
    ``tell``: whether the sender gets the message that belongs to the event, if one does.
    """
    session, ticket, event = case.session, case.ticket, case.request.event
    data = event_notes(case) | details.store_details(case)
    message = _store_text(case, move)
    if message is not None:
        data |= {"message": message.id, "text": message.digest().hex()}
    seq = audit.record(session, audit.ticket_chain(ticket.id), event, actor=case.actor.key, now=case.at, data=data)
    if event is not Event.NOTED:  # nothing follows from a note, and it makes nobody's open page old
        _update_row(case, [*case.history, TicketEvent(event, case.at, case.actor.key, data)])
    message_id = message.id if message else case.request.message_id
    if tell and event in SENDER_TEMPLATES:
        template, occasion = SENDER_TEMPLATES[event], f"{event}:{seq}"
        put_to_sender(session, template, ticket_id=ticket.id, occasion=occasion, now=case.at, message_id=message_id)
    session.flush()
    tell_of_event(case, seq, data)
    _write_merged(case, message_id, data)
    _write_grouped(case)
    if event is Event.FORWARDED:
        similar.follow_unit(session, ticket)
    return ticket


def _update_row(case: TicketCase, history: Sequence[TicketEvent]) -> None:
    """Store the results of the clocks and the columns that follow from the history."""
    ticket = case.ticket
    clocks = state_of_clocks(history, case.book, case.at)
    results = clock_results.new_results(case.clocks, clocks, ticket.episode, ticket.due_date)
    clock_results.store_results(case.session, ticket.id, results, case.request.event, case.at)
    columns = projection.project_columns(history, clocks)
    ticket.state = columns.pop("state")
    for name, value in columns.items():
        setattr(ticket, name, value)
    ticket.version += 1


def _write_merged(case: TicketCase, message_id: int | None, notes: Notes) -> None:
    """Write what the event means for the tickets merged into this one, or for the one that it is merged into.

    ``notes`` are those of the event.
    """
    event, into_id = case.request.event, case.ticket.merged_into_id
    if event is Event.INFO_RECEIVED and into_id is not None:
        _pass_on_reply(case, into_id, message_id)
    elif event is Event.ANSWERED:
        _answer_merged(case, message_id, notes)
    elif event is Event.PROMISE_KEPT and into_id is None:
        _report_to_merged(case, message_id)
    elif event in UNANSWERED_ENDS:
        _release_merged(case)


def _write_grouped(case: TicketCase) -> None:
    """Tell the group what came from the sender of its member, and take a member out that goes its own way."""
    ticket, event = case.ticket, case.request.event
    if ticket.group_id is None:
        return
    memberships.note_news(case.session, ticket, event, case.at)
    if event in memberships.LEAVING:
        request = ActionRequest(Event.UNGROUPED, memberships.LEAVING[event])
        _write_event(*_lock_case(case.session, ticket.id, request, SYSTEM, case.at, None))


def _store_text(case: TicketCase, move: Transition) -> TicketMessage | None:
    """Store the text of the event. Raises Invalid where the move needs one and it is missing."""
    event = case.request.event
    if not move.text and event is not Event.ANSWERED:
        return None
    body = clean_text(case.request.text, limit=TEXT_MOST, multiline=True, field="text") or _submitted_draft(case)
    if not body:
        raise Invalid(_("Xin ghi nội dung."), field="text")
    if event is Event.REFUSED:
        body = f"{_ground_sentence(case)}\n\n{body}"
    message = TicketMessage(
        ticket_id=case.ticket.id, kind=TEXT_KINDS[event], body=body, at=case.at, user_id=case.actor.user_id
    )
    case.session.add(message)
    case.session.flush()
    return message


def _submitted_draft(case: TicketCase) -> str:
    """Return the draft that is approved as it stands, by an answer without a text; else an empty text."""
    if case.request.event is not Event.ANSWERED or case.ticket.state is not TicketState.AWAITING_APPROVAL:
        return ""
    submitted = case.last(Event.SUBMITTED_FOR_APPROVAL)
    draft = case.session.get(TicketMessage, submitted.data["message"]) if submitted else None
    return draft.body if draft else ""


def _ground_sentence(case: TicketCase) -> str:
    """Return the ground of a refusal with its basis, in the sender's language."""
    ground, language = refusal_ground(case), case.ticket.language
    params = {"ground": gettext(language, ground.text), "basis": gettext(language, ground.basis)}
    return gettext(language, GROUND_SENTENCE, params)


def _merged_tickets(case: TicketCase) -> Sequence[Row[int, str]]:
    """Return ids and languages of the tickets that were merged into this one."""
    statement = select(Ticket.id, Ticket.language).where(Ticket.merged_into_id == case.ticket.id).order_by(Ticket.id)
    return case.session.execute(statement).all()


def _pass_on_reply(case: TicketCase, into_id: int, message_id: int | None) -> None:
    """Note the reply at the ticket that this one is merged into, where the officer reads it."""
    request = ActionRequest(Event.INFO_PASSED_ON, message_id=message_id, from_id=case.ticket.id)
    into, move = _lock_case(case.session, into_id, request, SYSTEM, case.at, None)
    _write_event(into, move)


def _answer_merged(case: TicketCase, message_id: int | None, notes: Notes) -> None:
    """Answer the merged tickets with the same text and outcome, each under its own number to its own sender."""
    common: Notes = {name: notes[name] for name in COMMON_NOTES if name in notes}
    for child_id, _language in _merged_tickets(case):
        request = ActionRequest(Event.ANSWERED_TOGETHER, message_id=message_id, common=common)
        child, move = _lock_case(case.session, child_id, request, SYSTEM, case.at, None)
        _write_event(child, move)


def _report_to_merged(case: TicketCase, message_id: int | None) -> None:
    """Tell the senders of merged tickets too that the promised work is done, where the same answer promised it."""
    for child_id, _language in _merged_tickets(case):
        request = ActionRequest(Event.PROMISE_KEPT, message_id=message_id)
        child, move = _lock_case(case.session, child_id, request, SYSTEM, case.at, None)
        if open_promise(child.history) is not None:
            _write_event(child, move)


def _release_merged(case: TicketCase) -> None:
    """Separate the merged tickets from one that ends without an answer, because each sender is owed an answer."""
    for child_id, language in _merged_tickets(case):
        request = ActionRequest(Event.UNMERGED, gettext(language, UNMERGED_REASON))
        child, move = _lock_case(case.session, child_id, request, SYSTEM, case.at, None)
        if child.last(Event.ANSWERED_TOGETHER) is None:
            _write_event(child, move)
