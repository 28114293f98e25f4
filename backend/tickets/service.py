"""``apply``: the only way by which a ticket moves on. Lock, version, table, right, clocks, history, messages are one
transaction: all of it or nothing. A refused attempt is written down in a transaction of its own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.orm import Session, joinedload

from backend import audit
from backend.db import AdvisoryLock, hold_lock, table_of
from backend.deadlines.clock_states import ClockKind, ClockState, TicketClocks, explain_state
from backend.deadlines.clocks import ClockPreview, state_of_clocks
from backend.deadlines.events import TicketEvent
from backend.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, _
from backend.files.text import clean_text
from backend.tickets import dossier, lifecycle, projection
from backend.tickets.clock_models import ClockVersion
from backend.tickets.dossier import Dossier, TicketTiming
from backend.tickets.lifecycle import Event, EventAuthor, Transition
from backend.tickets.models import MessageKind, Ticket, TicketMessage, TicketState
from backend.tickets.reception.drafts import FeedbackDraft
from backend.tickets.reception.opening import AlreadySent, Receipt, look_over, open_ticket
from backend.tickets.sender_messages import put_to_sender
from backend.tickets.transition_checks import (
    ActionRequest,
    TicketCase,
    event_notes,
    policy_subject,
    preview_clocks,
    refusal_ground,
)
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
    "time_ticket",
]

TEXT_MOST = 10_000
SKEW = timedelta(minutes=5)  # how far the clocks of two of our machines may differ
KINDS = {
    Event.INFO_REQUESTED: MessageKind.QUESTION,
    Event.INFO_RECEIVED: MessageKind.REPLY,
    Event.ANSWERED: MessageKind.ANSWER,
    Event.SUBMITTED_FOR_APPROVAL: MessageKind.DRAFT,
    **dict.fromkeys((Event.PAUSE_DISPUTED, Event.DISPUTED, Event.REOPENED), MessageKind.OBJECTION),
    **dict.fromkeys(
        (
            *(Event.FORWARDED, Event.RESUMED, Event.PAUSE_JUDGED, Event.EXTENSION_REQUESTED, Event.EXTENSION_DENIED),
            *(Event.DELAY_EXPLAINED, Event.RETURNED, Event.REFUSED, Event.REDIRECTED, Event.MERGED, Event.UNMERGED),
        ),
        MessageKind.REASON,
    ),
}
# With these a ticket ends, and nobody who was merged into it will read an answer.
UNANSWERED_ENDS = frozenset({Event.REFUSED, Event.REDIRECTED, Event.WITHDRAWN})
REFUSED_ON = _("%(ground)s (căn cứ: %(basis)s).")
LEFT_ALONE = _("Phản ánh được giải quyết chung đã kết thúc mà không có trả lời.")
WITHOUT_RIGHT: dict[EventAuthor, tuple[str, ...]] = {
    EventAuthor.STAFF: (),
    EventAuthor.SENDER: (SENDER.key,),
    EventAuthor.SYSTEM: (SYSTEM.key,),
    EventAuthor.EITHER: (SENDER.key, SYSTEM.key),
}
# What the sender is told of, with the name of the message template.
TOLD = {
    event: event.value
    for event in (
        *(Event.ACCEPTED, Event.INFO_REQUESTED, Event.FORWARDED, Event.ANSWERED, Event.EXTENDED, Event.PAUSE_JUDGED),
        *(Event.REFUSED, Event.REDIRECTED, Event.MERGED, Event.UNMERGED, Event.DELAY_EXPLAINED),
    )
} | {Event.ANSWERED_TOGETHER: Event.ANSWERED.value}


def apply(
    session: Session, ticket_id: int, change: ActionRequest, actor: Actor, *, now: datetime, version: int | None = None
) -> Ticket:
    """Let ``change`` happen to a ticket, by ``actor``, at ``now``.

    ``version`` is the one that the actor was looking at; None for the system and for senders, whose events do not
    depend on it. Raises NotFound (not there or not for this actor), Forbidden, Conflict (moved on meanwhile, no such
    move from its state, or not now), Invalid (what was typed).
    """
    try:
        case, move = _lock_case(session, ticket_id, change, actor, now, version)
        return _happen(case, move)
    except DomainError as refusal:
        record_refused(actor, change.event, ticket_id, refusal, now)
        raise


def record_refused(actor: Actor, event: Event, ticket_id: int | None, refusal: DomainError, now: datetime) -> None:
    """Write down an attempt that was refused. ``apply`` does so itself; an edge that refuses before it comes to that,
    for what was typed or who asks, calls this. It stands whatever becomes of the transaction."""
    audit.record_refusal(actor.key, f"refused:{event}", ticket_id, str(refusal.status), now)


def preview_change(
    session: Session, ticket_id: int, change: ActionRequest, actor: Actor, *, now: datetime
) -> ClockPreview:
    """What ``change`` would do: due date, who is charged, verdicts. Refuses as ``apply`` does, save for missing words;
    writes nothing and locks nothing."""
    return preview_action(dossier.read_dossier(session, _ticket(session, ticket_id, lock=False), now), change, actor)


def preview_action(known: Dossier, change: ActionRequest, actor: Actor) -> ClockPreview:
    """``preview`` for a ticket that was read already: a page asks it of every action that it offers."""
    _open(known.ticket, change.event, actor)
    return preview_clocks(_case(known, change, actor))


def time_ticket(session: Session, ticket: Ticket, now: datetime | None) -> TicketTiming:
    """The clocks and the ledger of a ticket, as they stand at ``now``; None: as of its last event, which is what its
    row says. For inbox, figures and reports alike."""
    known = dossier.read_dossier(session, ticket, ticket.received_at if now is None else now)
    return known.timing_then() if now is None else known.timing()


def record_contact_read(session: Session, ticket: Ticket, actor: Actor, *, now: datetime) -> None:
    """Write down who read the sender's personal data, in the reader's own chain."""
    if not can(actor, Permission.VIEW_CONTACT, policy_subject(ticket)):
        raise NotFound
    if actor.user_id is not None:
        users.lock_user(session, actor.user_id)
    audit.record(session, actor.key, "contact_read", actor=actor.key, now=now, data={"ticket": ticket.id})


def _lock_case(
    session: Session, ticket_id: int, change: ActionRequest, actor: Actor, now: datetime, version: int | None
) -> tuple[TicketCase, Transition]:
    """The ticket, held for the rest of the transaction, once the actor may do this to it in the state it is in."""
    if change.event is Event.MERGED and change.into_id not in (None, ticket_id):
        hold_lock(session, AdvisoryLock.MERGE)
        session.execute(select(Ticket.id).where(Ticket.id == change.into_id).with_for_update())
    into_id = _hold_merged_into(session, ticket_id) if actor.key == SENDER.key else None
    ticket = _ticket(session, ticket_id, lock=True)
    move = _open(ticket, change.event, actor, version)
    if actor.key == SENDER.key and ticket.merged_into_id not in (None, into_id):
        raise Conflict(_("Phản ánh vừa được chuyển bước. Xin thử lại."))
    return _case(dossier.read_dossier(session, ticket, now), change, actor), move


def _hold_merged_into(session: Session, ticket_id: int) -> int | None:
    """Hold the ticket that this one is merged into, which is asked what its sender may do. It comes first, as when it
    is answered together with this one: so the two never wait for each other."""
    into_id = session.scalar(select(Ticket.merged_into_id).where(Ticket.id == ticket_id))
    if into_id is not None:
        held = select(Ticket).where(Ticket.id == into_id).with_for_update()
        session.scalar(held.execution_options(populate_existing=True))
    return into_id


def _open(ticket: Ticket, event: Event, actor: Actor, version: int | None = None) -> Transition:
    """The move that this actor may make in this state. Raises what stands against it."""
    move = _permitted_transition(ticket, event, actor)
    if version is not None and version != ticket.version:
        raise Conflict(_("Người khác vừa xử lý phản ánh này. Xin xem lại trước khi tiếp tục."))
    return lifecycle.find_transition(ticket.state, event) if ticket.state not in move.origins else move


def _case(known: Dossier, change: ActionRequest, actor: Actor) -> TicketCase:
    """Raises Conflict where our clock is behind that of whoever wrote the last event, by more than ``SKEW``."""
    if known.now < known.history[-1].at - SKEW:
        raise Conflict(_("Đồng hồ máy chủ đang sai nên chưa ghi nhận được. Xin báo quản trị viên."))
    return TicketCase(known.session, known.ticket, change, actor, known.at, known.history, known.book, known.clocks)


def _ticket(session: Session, ticket_id: int, *, lock: bool) -> Ticket:
    chosen = select(Ticket).where(Ticket.id == ticket_id).options(joinedload(Ticket.category))
    chosen = chosen.with_for_update(of=Ticket) if lock else chosen
    ticket = session.scalar(chosen.execution_options(populate_existing=True))
    if ticket is None:
        raise NotFound
    return ticket


def _permitted_transition(ticket: Ticket, event: Event, actor: Actor) -> Transition:
    """The move, if this actor may cause it: in this state, or in any, so that whoever may is told what is in the way.
    Who may not even see the ticket learns nothing of it; who may see it learns that the right is missing."""
    rows = lifecycle.TRANSITIONS.get(event, ())
    here = [row for row in rows if ticket.state in row.origins] or rows
    for move in here:
        if _may_cause(move, ticket, actor):
            return move
    raise Forbidden if can(actor, Permission.VIEW_TICKET, policy_subject(ticket)) else NotFound


def _may_cause(move: Transition, ticket: Ticket, actor: Actor) -> bool:
    if move.right is not None and can(actor, move.right, policy_subject(ticket)):
        return True
    return actor.key in WITHOUT_RIGHT[move.by]


def _happen(case: TicketCase, move: Transition) -> Ticket:
    """Write it all down: words, history, row, results, messages, and the same for what was merged into it."""
    session, ticket, event = case.session, case.ticket, case.change.event
    data = event_notes(case)
    message = _message(case, move)
    if message is not None:
        data |= {"message": message.id, "text": message.digest().hex()}
    seq = audit.record(session, audit.ticket_chain(ticket.id), event, actor=case.actor.key, now=case.at, data=data)
    history = [*case.history, TicketEvent(event, case.at, case.actor.key, data)]
    clocks = state_of_clocks(history, case.book, case.at)
    _store_results(case, clocks)
    row = projection.project_columns(history, clocks)
    ticket.state = row.pop("state")
    for name, value in row.items():
        setattr(ticket, name, value)
    ticket.version += 1
    said = message.id if message else case.change.message_id
    if event in TOLD:
        occasion = f"{event}:{seq}"
        put_to_sender(session, TOLD[event], ticket_id=ticket.id, occasion=occasion, now=case.at, message_id=said)
    session.flush()
    if event is Event.INFO_RECEIVED and ticket.merged_into_id is not None:
        _pass_on(case, ticket.merged_into_id, said)
    elif event is Event.ANSWERED:
        _answer_merged(case, said)
    elif event in UNANSWERED_ENDS:
        _release_merged(case)
    return ticket


def _message(case: TicketCase, move: Transition) -> TicketMessage | None:
    """What was written. Approving an answer without words of one's own lets the draft stand as it is."""
    event = case.change.event
    if not move.text and event is not Event.ANSWERED:
        return None
    body = clean_text(case.change.text, limit=TEXT_MOST, multiline=True, field="text")
    if not body and event is Event.ANSWERED and case.ticket.state is TicketState.AWAITING_APPROVAL:
        submitted = case.last(Event.SUBMITTED_FOR_APPROVAL)
        draft = case.session.get(TicketMessage, submitted.data["message"]) if submitted else None
        body = draft.body if draft else ""
    if not body:
        raise Invalid(_("Xin ghi nội dung."), field="text")
    if event is Event.REFUSED:
        body = f"{_ground_sentence(case)}\n\n{body}"
    message = TicketMessage(
        ticket_id=case.ticket.id, kind=KINDS[event], body=body, at=case.at, user_id=case.actor.user_id
    )
    case.session.add(message)
    case.session.flush()
    return message


def _ground_sentence(case: TicketCase) -> str:
    """The ground of a refusal with its basis, in the sender's language. It is part of what the sender is told."""
    ground, language = refusal_ground(case), case.ticket.language
    named = {"ground": gettext(language, ground.text), "basis": gettext(language, ground.basis)}
    return gettext(language, REFUSED_ON, named)


def _store_results(case: TicketCase, after: TicketClocks) -> None:
    """A version for each verdict that this event brought, and for the due date if it moved."""
    known = {_key(state): state for state in case.clocks.states if not state.running}
    fresh = [s for s in after.states if not s.running and s != known.get(_key(s)) and (s.verdict or _handling(s))]
    resolve = after.resolve
    if resolve.running and resolve.episode == case.ticket.episode and resolve.due.on != case.ticket.due_date:
        fresh.append(resolve)
    if fresh:
        store_results(case.session, case.ticket.id, fresh, case.change.event, case.at)


def _handling(state: ClockState) -> bool:
    return state.clock is ClockKind.RESOLVE


def _key(state: ClockState) -> tuple[int, ClockKind, int]:
    return state.episode, state.clock, state.nth


def store_results(session: Session, ticket_id: int, states: Sequence[ClockState], reason: Event, at: datetime) -> None:
    """Store results with their explanation, each as the next version of its clock."""
    table = table_of(ClockVersion)
    for state in states:
        place = {"ticket_id": ticket_id, "episode": state.episode, "clock": state.clock, "nth": state.nth}
        last = select(func.coalesce(func.max(table.c.version), 0) + 1).filter_by(**place).scalar_subquery()
        values: dict[str, Any] = place | result_columns(state) | {"reason": reason.value, "computed_at": at}
        session.execute(insert(table).values(version=last, **values))


def result_columns(state: ClockState) -> dict[str, Any]:
    """A clock as the columns of its stored version."""
    return {
        "unit_id": state.unit,
        "value": state.rule.value,
        "rule_id": state.rule.id,
        "calendar_id": state.calendar_id,
        "started_at": state.term.start,
        "due_date": state.due.on,
        "due_at": state.due.at,
        "estimated": state.due.estimate,
        "ended_at": state.ended,
        "verdict": state.verdict,
        "late_days": state.late_days,
        "late_minutes": state.late_minutes,
        "explanation": explain_state(state),
    }


def _merged_tickets(case: TicketCase) -> Sequence[Row[int, str]]:
    """Ids and languages of the tickets that were merged into this one."""
    chosen = select(Ticket.id, Ticket.language).where(Ticket.merged_into_id == case.ticket.id).order_by(Ticket.id)
    return case.session.execute(chosen).all()


def _pass_on(case: TicketCase, into_id: int, message_id: int | None) -> None:
    """Whoever works on the ticket that this one is merged into reads the reply there."""
    change = ActionRequest(Event.INFO_PASSED_ON, message_id=message_id, from_id=case.ticket.id)
    into, move = _lock_case(case.session, into_id, change, SYSTEM, case.at, None)
    _happen(into, move)


def _answer_merged(case: TicketCase, message_id: int | None) -> None:
    """Those merged into it are answered with it, each by its own number to its own sender."""
    for child_id, _language in _merged_tickets(case):
        change = ActionRequest(Event.ANSWERED_TOGETHER, message_id=message_id)
        child, move = _lock_case(case.session, child_id, change, SYSTEM, case.at, None)
        _happen(child, move)


def _release_merged(case: TicketCase) -> None:
    """Those merged into a ticket that ends without an answer go their own way again: each sender is owed one."""
    for child_id, language in _merged_tickets(case):
        change = ActionRequest(Event.UNMERGED, gettext(language, LEFT_ALONE))
        child, move = _lock_case(case.session, child_id, change, SYSTEM, case.at, None)
        if child.last(Event.ANSWERED_TOGETHER) is None:
            _happen(child, move)
