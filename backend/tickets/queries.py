"""What pages and the bot read of tickets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session, joinedload

from backend import audit, limits
from backend.errors import NotFound, _
from backend.tickets import receipts
from backend.tickets.lifecycle import Event
from backend.tickets.models import Category, CategoryClass, Contact, State, Ticket, TicketMessage
from backend.tickets.service import subject
from backend.units.models import Unit
from backend.users.models import User
from backend.users.policy import EVERY_UNIT, Action, Actor, can

PAGE = 50
SHOWN = (joinedload(Ticket.category), joinedload(Ticket.unit), joinedload(Ticket.about_unit))


@dataclass(frozen=True)
class Step:
    """One entry of a ticket's course: what was written then; ``officer`` is for staff alone."""

    event: Event
    at: datetime
    unit: str
    text: str
    officer: str


@dataclass(frozen=True)
class Inbox:
    """A page of a unit's open tickets, soonest due first; ``after`` is where the next page starts."""

    tickets: Sequence[Ticket]
    after: tuple[date, int] | None


def for_sender(session: Session, number: str, secret: str, *, address: str, now: datetime) -> Ticket:
    """The ticket that number and secret open together. One answer for an unknown number and a wrong secret; failures
    are limited on the side of whoever tries, so that nobody can shut a sender out."""
    prefix = limits.network(address)
    limits.check(session, limits.SECRET_BY_NETWORK, prefix, now)
    number = "".join(number.split()).upper()[:40].replace("\0", "")
    ticket = session.scalar(select(Ticket).where(Ticket.number == number).options(*SHOWN))
    if not receipts.matches(ticket.secret_hash if ticket else b"", secret) or ticket is None:
        limits.failed(limits.SECRET_BY_NETWORK, prefix, now)
        raise NotFound(_("Mã số hoặc mã bí mật không đúng. Xin xem lại giấy tiếp nhận."))
    return ticket


def by_id(session: Session, ticket_id: int) -> Ticket:
    """A ticket that its reader has shown to have a right to."""
    ticket = session.scalar(select(Ticket).where(Ticket.id == ticket_id).options(*SHOWN))
    if ticket is None:
        raise NotFound
    return ticket


def for_staff(session: Session, number: str, actor: Actor) -> Ticket:
    """A ticket by its public number; NotFound also where this actor must not see it."""
    ticket = session.scalar(select(Ticket).where(Ticket.number == number).options(*SHOWN, joinedload(Ticket.contact)))
    if ticket is None or not can(actor, Action.VIEW_TICKET, subject(ticket)):
        raise NotFound
    return ticket


def of_chat(session: Session, chat_id: int, limit: int = 10) -> Sequence[Ticket]:
    """The latest tickets sent from a chat."""
    return session.scalars(
        select(Ticket)
        .join(Contact)
        .where(Contact.chat_id == chat_id)
        .options(*SHOWN)
        .order_by(Ticket.id.desc())
        .limit(limit)
    ).all()


def inbox(
    session: Session,
    actor: Actor,
    *,
    unit_id: int | None = None,
    state: State | None = None,
    after: tuple[date, int] | None = None,
    limit: int = PAGE,
) -> Inbox:
    """Open tickets that ``actor`` may see, soonest due first: of the own unit, or for the coordinator of any."""
    chosen = select(Ticket).join(Category).where(Ticket.state != State.ANSWERED).options(*SHOWN)
    if actor.role not in EVERY_UNIT[Action.VIEW_INBOX]:
        unit_id = actor.unit_id
    if unit_id is not None:
        chosen = chosen.where(Ticket.unit_id == unit_id)
    if actor.unit_id is not None:
        conduct = Category.category_class == CategoryClass.CONDUCT
        chosen = chosen.where(~(conduct & (Ticket.about_unit_id == actor.unit_id)))
    if state is not None:
        chosen = chosen.where(Ticket.state == state)
    if after is not None:
        chosen = chosen.where(tuple_(Ticket.due_date, Ticket.id) > after)
    rows = session.scalars(chosen.order_by(Ticket.due_date, Ticket.id).limit(limit + 1)).all()
    more = rows[limit - 1] if len(rows) > limit else None
    return Inbox(rows[:limit], (more.due_date, more.id) if more else None)


def course(session: Session, ticket_id: int) -> list[Step]:
    """Everything that happened to a ticket, in order: four look-ups, however long the course is."""
    entries = audit.entries(session, f"ticket:{ticket_id}")
    texts = {m.id: m.body for m in session.scalars(select(TicketMessage).where(TicketMessage.ticket_id == ticket_id))}
    unit_ids = {e.data["unit"] for e in entries if "unit" in e.data}
    units = {u.id: u.name for u in session.scalars(select(Unit).where(Unit.id.in_(unit_ids)))}
    user_ids = {e.user_id for e in entries if e.user_id is not None}
    names = {u.id: u.name for u in session.scalars(select(User).where(User.id.in_(user_ids)))} if user_ids else {}
    steps: list[Step] = []
    unit = ""
    for entry in entries:
        unit = units.get(entry.data.get("unit"), unit)
        text = texts.get(entry.data.get("message"), "")
        steps.append(Step(Event(entry.action), entry.at, unit, text, names.get(entry.user_id or 0, "")))
    return steps


def categories(session: Session) -> Sequence[Category]:
    """What senders may choose from, in order."""
    return session.scalars(select(Category).where(Category.listed).order_by(Category.position)).all()
