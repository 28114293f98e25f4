"""Reads of the desks: pages and counts of tickets by one condition, within what the policy lets the actor see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, tuple_
from sqlalchemy.orm import Session

from backend import audit
from backend.audit import AuditEntry
from backend.desk.supervision.page_keys import DayKey, MomentKey
from backend.desk.supervision.waiting import to_publish
from backend.tickets import queries as tickets
from backend.tickets.due_status import overdue_on
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketMessage, is_open
from backend.units.models import Unit
from backend.users.models import User
from backend.users.policy import Actor, Permission

PAGE = 25
COUNTED = 1_000


@dataclass(frozen=True)
class DeskPage:
    """A page of tickets, soonest due first. ``after`` is the key of the last one; None on the last page."""

    tickets: Sequence[Ticket]
    after: DayKey | None


@dataclass(frozen=True)
class PublicationPage:
    """A page of answered tickets that are not public yet, the earliest answer first."""

    tickets: Sequence[Ticket]
    after: MomentKey | None


@dataclass(frozen=True)
class DeskText:
    """The latest text of a kind in a ticket: what was written, when, by whom; and the notes of its entry."""

    event: Event
    body: str
    at: datetime
    officer: str
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class UnitLateness:
    """How many tickets of a unit are overdue, and the earliest due date among them."""

    unit: Unit
    overdue: int
    oldest: date


@dataclass(frozen=True)
class OfficerLoad:
    """The open tickets of one officer of a unit; ``officer`` None: nobody is assigned."""

    officer: User | None
    open: int
    overdue: int
    soonest: date


def list_waiting(
    session: Session,
    actor: Actor,
    condition: ColumnElement[bool],
    *,
    unit_id: int | None = None,
    after: DayKey | None = None,
    limit: int = PAGE,
) -> DeskPage:
    """Return a page of the tickets with this condition that ``actor`` may see, soonest due first."""
    statement = tickets.select_visible(actor, Permission.VIEW_INBOX, unit_id).where(condition)
    if after is not None:
        statement = statement.where(tuple_(Ticket.due_date, Ticket.id) > after)
    statement = statement.options(*tickets.SHOWN).order_by(Ticket.due_date, Ticket.id).limit(limit + 1)
    rows = session.scalars(statement).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return DeskPage(rows[:limit], (last.due_date, last.id) if last is not None else None)


def count_waiting(session: Session, actor: Actor, condition: ColumnElement[bool], unit_id: int | None = None) -> int:
    """Count the tickets with this condition that ``actor`` may see, at most ``COUNTED``."""
    statement = tickets.select_visible(actor, Permission.VIEW_INBOX, unit_id).where(condition)
    bounded = statement.with_only_columns(Ticket.id).limit(COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(bounded)) or 0


def list_to_publish(session: Session, actor: Actor, after: MomentKey | None, limit: int) -> PublicationPage:
    """Return a page of the answered tickets that are not public yet."""
    statement = tickets.select_visible(actor, Permission.VIEW_INBOX).where(to_publish(actor))
    if after is not None:
        statement = statement.where(tuple_(Ticket.decided_at, Ticket.id) > after)
    statement = statement.options(*tickets.SHOWN).order_by(Ticket.decided_at, Ticket.id).limit(limit + 1)
    rows = session.scalars(statement).all()
    last = rows[limit - 1] if len(rows) > limit else None
    key = (last.decided_at, last.id) if last is not None and last.decided_at is not None else None
    return PublicationPage(rows[:limit], key)


def count_forwardings(session: Session, ticket_ids: Sequence[int]) -> dict[int, int]:
    """Return how often each ticket was forwarded, for the tickets of one page."""
    chains = {audit.ticket_chain(ticket_id): ticket_id for ticket_id in ticket_ids}
    rows = session.execute(
        select(AuditEntry.chain, func.count())
        .where(AuditEntry.chain.in_(chains), AuditEntry.action == Event.FORWARDED.value)
        .group_by(AuditEntry.chain)
    )
    return {chains[audit.Chain(chain)]: count for chain, count in rows}


def latest_texts(session: Session, ticket_ids: Sequence[int], events: Sequence[Event]) -> dict[int, DeskText]:
    """Return the latest text of these kinds for each ticket of one page, in two statements."""
    entries = _latest_entries(session, ticket_ids, events)
    ids = [entry.data.get("message") for entry in entries.values()]
    found = select(TicketMessage.id, TicketMessage.body).where(TicketMessage.id.in_([i for i in ids if i is not None]))
    bodies = {row.id: row.body for row in session.execute(found)}
    return {
        ticket_id: DeskText(
            Event(entry.action), bodies.get(entry.data.get("message"), ""), entry.at, entry.name or "", entry.data
        )
        for ticket_id, entry in entries.items()
    }


def _latest_entries(session: Session, ticket_ids: Sequence[int], events: Sequence[Event]) -> dict[int, Row[Any]]:
    chains = {audit.ticket_chain(ticket_id): ticket_id for ticket_id in ticket_ids}
    rows = session.execute(
        select(AuditEntry.chain, AuditEntry.at, AuditEntry.action, AuditEntry.data, User.name)
        .outerjoin(User, User.id == AuditEntry.user_id)
        .where(AuditEntry.chain.in_(chains), AuditEntry.action.in_([event.value for event in events]))
        .order_by(AuditEntry.chain, AuditEntry.seq)
    )
    return {chains[row.chain]: row for row in rows}


def list_late_units(session: Session, actor: Actor, today: date) -> list[UnitLateness]:
    """Return the units with overdue tickets that ``actor`` may see, the most first."""
    late = tickets.select_visible(actor, Permission.VIEW_INBOX).where(overdue_on(today))
    count = func.count().label("overdue")
    rows = session.execute(
        late.with_only_columns(Ticket.unit_id, count, func.min(Ticket.due_date).label("oldest"))
        .group_by(Ticket.unit_id)
        .order_by(count.desc(), Ticket.unit_id)
    ).all()
    units = {unit.id: unit for unit in session.scalars(select(Unit).where(Unit.id.in_([row.unit_id for row in rows])))}
    return [UnitLateness(units[row.unit_id], row.overdue, row.oldest) for row in rows]


def list_load(session: Session, actor: Actor, today: date) -> list[OfficerLoad]:
    """Return the open tickets of the actor's unit by officer, those without one first."""
    waiting = tickets.select_visible(actor, Permission.VIEW_INBOX).where(is_open())
    rows = session.execute(
        waiting.with_only_columns(
            Ticket.assignee_id,
            func.count().label("open"),
            func.count().filter(overdue_on(today)).label("overdue"),
            func.min(Ticket.due_date).label("soonest"),
        ).group_by(Ticket.assignee_id)
    ).all()
    ids = [row.assignee_id for row in rows if row.assignee_id is not None]
    officers = {user.id: user for user in session.scalars(select(User).where(User.id.in_(ids)))}
    load = [OfficerLoad(officers.get(row.assignee_id), row.open, row.overdue, row.soonest) for row in rows]
    return sorted(load, key=lambda row: (row.officer is not None, -row.overdue, -row.open))


def assigned_to(user_id: int | None) -> ColumnElement[bool]:
    """Return the condition that an open ticket is this officer's; None: nobody's."""
    return is_open() & (Ticket.assignee_id == user_id if user_id is not None else Ticket.assignee_id.is_(None))
