"""``apply``: the only way by which a ticket moves on. Lock, version, table, right, due date, history, messages are one
transaction: all of it or nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from backend import audit
from backend.errors import Conflict, Forbidden, Invalid, NotFound, _
from backend.notify import outbox
from backend.text import clean
from backend.tickets import deadlines, lifecycle
from backend.tickets.deadlines import Happening
from backend.tickets.intake import Draft
from backend.tickets.lifecycle import Event, Transition
from backend.tickets.models import CategoryClass, MessageKind, Ticket, TicketMessage
from backend.tickets.reception import AlreadySent, Receipt, look_over, open_ticket
from backend.units.models import Unit
from backend.users import service as users
from backend.users.policy import Action, Actor, Subject, can
from backend.worktime import service as worktime
from backend.worktime.calendar import ZONE
from backend.worktime.duration import Duration

__all__ = [
    "AlreadySent",
    "Change",
    "Draft",
    "Receipt",
    "apply",
    "look_over",
    "open_ticket",
    "record_contact_read",
    "subject",
]

TEXT_MOST = 10_000
KINDS = {
    Event.INFO_REQUESTED: MessageKind.QUESTION,
    Event.INFO_RECEIVED: MessageKind.REPLY,
    Event.FORWARDED: MessageKind.REASON,
    Event.ANSWERED: MessageKind.ANSWER,
}
# What the sender is told of, by the name of the message template.
TOLD = frozenset({Event.ACCEPTED, Event.INFO_REQUESTED, Event.FORWARDED, Event.ANSWERED})


@dataclass(frozen=True)
class Change:
    """One event that somebody wants to happen to a ticket, with what it needs."""

    event: Event
    text: str = ""
    to_unit_id: int | None = None


def subject(ticket: Ticket) -> Subject:
    """What the policy asks of a ticket: a complaint about conduct is invisible to the unit it is about. Needs
    ``ticket.category`` loaded."""
    conduct = ticket.category.category_class is CategoryClass.CONDUCT
    return Subject(ticket.unit_id, ticket.about_unit_id if conduct else None)


def apply(
    session: Session, ticket_id: int, change: Change, actor: Actor, *, now: datetime, version: int | None = None
) -> Ticket:
    """Let ``change`` happen to a ticket, by ``actor``, at ``now``.

    ``version`` is the one that the actor was looking at; None for the system and for senders, whose events do not
    depend on it. Raises NotFound (not there or not for this actor), Forbidden, Conflict (moved on meanwhile, or no such
    move from its state), Invalid (text or unit).
    """
    ticket = _locked(session, ticket_id)
    move = lifecycle.TRANSITIONS[change.event]
    _check_right(move, actor, ticket)
    if version is not None and version != ticket.version:
        raise Conflict(_("Người khác vừa xử lý phản ánh này. Xin xem lại trước khi tiếp tục."))
    state = lifecycle.next_state(ticket.state, change.event)
    message = _message(session, ticket, change, move, actor, now)
    data: dict[str, Any] = {}
    if message is not None:
        data |= {"message": message.id, "text": message.digest().hex()}
    if change.event is Event.FORWARDED:
        data |= {"from": ticket.unit_id, "unit": _forward(session, ticket, change, now)}
    seq = audit.record(session, f"ticket:{ticket.id}", change.event, actor=actor.key, now=now, data=data)
    _keep_time(session, ticket, change.event, now)
    ticket.state = state
    ticket.version += 1
    if change.event in TOLD:
        outbox.put_to_sender(
            session,
            change.event,
            ticket_id=ticket.id,
            occasion=f"{change.event}:{seq}",
            now=now,
            message_id=message.id if message else None,
        )
    session.flush()
    return ticket


def record_contact_read(session: Session, ticket: Ticket, actor: Actor, *, now: datetime) -> None:
    """Write down who read the sender's personal data, in the reader's own chain."""
    if not can(actor, Action.VIEW_CONTACT, subject(ticket)):
        raise NotFound
    if actor.user_id is not None:
        users.lock(session, actor.user_id)
    audit.record(session, actor.key, "contact_read", actor=actor.key, now=now, data={"ticket": ticket.id})


def _locked(session: Session, ticket_id: int) -> Ticket:
    ticket = session.scalar(
        select(Ticket)
        .where(Ticket.id == ticket_id)
        .options(joinedload(Ticket.category))
        .with_for_update(of=Ticket)
        .execution_options(populate_existing=True)
    )
    if ticket is None:
        raise NotFound
    return ticket


def _check_right(move: Transition, actor: Actor, ticket: Ticket) -> None:
    """Who may not even see the ticket learns nothing of it; who may see it learns that the right is missing."""
    if move.right is None or can(actor, move.right, subject(ticket)):
        return
    raise Forbidden if can(actor, Action.VIEW_TICKET, subject(ticket)) else NotFound


def _message(
    session: Session, ticket: Ticket, change: Change, move: Transition, actor: Actor, now: datetime
) -> TicketMessage | None:
    if not move.text:
        return None
    body = clean(change.text, limit=TEXT_MOST, multiline=True, field="text")
    if not body:
        raise Invalid(_("Xin ghi nội dung."), field="text")
    message = TicketMessage(ticket_id=ticket.id, kind=KINDS[change.event], body=body, at=now, user_id=actor.user_id)
    session.add(message)
    session.flush()
    return message


def _forward(session: Session, ticket: Ticket, change: Change, now: datetime) -> int:
    """Hand the ticket to another unit; refused where that unit must not see it or does not receive."""
    unit = session.get(Unit, change.to_unit_id) if change.to_unit_id is not None else None
    if unit is None or not unit.receives or not unit.valid_on(now.astimezone(ZONE).date()):
        raise Invalid(_("Xin chọn cơ quan trong danh sách."), field="to_unit")
    if unit.id == ticket.unit_id:
        raise Invalid(_("Phản ánh đang ở chính cơ quan này."), field="to_unit")
    if unit.id == subject(ticket).hidden_from:
        raise Invalid(_("Không chuyển phản ánh về hành vi cho chính cơ quan bị phản ánh."), field="to_unit")
    ticket.unit_id = unit.id
    return unit.id


def _keep_time(session: Session, ticket: Ticket, event: Event, now: datetime) -> None:
    """What an event means for the clock: derived from the history, never counted up."""
    calendar = worktime.calendar(session, ticket.calendar_id)
    history = [Happening(Event(e.action), e.at) for e in audit.entries(session, f"ticket:{ticket.id}")]
    if event is Event.ACCEPTED:
        ticket.accepted_at = now
    elif event is Event.INFO_RECEIVED:
        due = deadlines.due_date(calendar, Duration.parse(ticket.term), ticket.received_at, history, now)
        ticket.due_date, ticket.due_estimated = due.on, due.estimate
    elif event is Event.ANSWERED:
        ticket.answered_at = now
        ticket.answered_on = now.astimezone(ZONE).date()
        ticket.verdict = deadlines.verdict(ticket.due_date, now)
        ticket.working_days = deadlines.days_taken(calendar, ticket.received_at, history, now)
    elif event is Event.NOTIFIED and ticket.told_at is None and ticket.answered_at is not None:
        ticket.told_at = now
        ticket.told_in_time = deadlines.told_in_time(calendar, ticket.answered_at, now)
