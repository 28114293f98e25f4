"""Reads of tickets for pages and the bot: one ticket, who may see it, the course, the counting of a due date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session, joinedload

from backend import audit
from backend.deadlines.clock_states import TicketClocks
from backend.errors import NotFound, _
from backend.tickets.lifecycle import BEGINNINGS, INTERNAL, Event
from backend.tickets.models import Category, CategoryClass, Contact, Ticket, TicketMessage
from backend.tickets.reception import receipts
from backend.tickets.service import policy_subject
from backend.units.models import Unit
from backend.users.models import User
from backend.users.policy import EVERY_UNIT, Actor, Permission, can
from backend.web import rate_limits
from backend.worktime.duration import Duration
from backend.worktime.explain import DayReason, ExplainedDay
from backend.worktime.moments import Pause

SHOWN = (joinedload(Ticket.category), joinedload(Ticket.unit), joinedload(Ticket.about_unit))


@dataclass(frozen=True)
class CourseStep:
    """One entry of a ticket's course. ``text`` is what was written, ``until`` the date that came with it.

    ``officer`` is shown to staff only, and so is ``mentions``: the names of those whom an internal note calls upon.
    ``actor`` is the key of who caused it, ``channel`` the channel by which the sender wrote, where it is known.
    """

    event: Event
    at: datetime
    unit: str
    text: str
    officer: str
    until: date | None = None
    actor: str = ""
    channel: str = ""
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerDelay:
    """Why an answer is late, in the unit's own text, and the new date that the unit promised."""

    reason: str
    promised: date


@dataclass(frozen=True)
class DueCounting:
    """How a due date was counted: the term, each day from the event on, the pauses, and the clocks behind them."""

    term: Duration
    days: Sequence[ExplainedDay]
    pauses: Sequence[Pause]
    clocks: TicketClocks

    @property
    def left_out(self) -> list[tuple[ExplainedDay, ExplainedDay, int]]:
        """The days that did not count, without ordinary weekends.

        Neighbours with the same reason stand together: the first day, the last day, and how many they are.
        """
        days = [day for day in self.days if day.why not in (DayReason.DAY_OF_EVENT, DayReason.WEEKEND)]
        runs = [list(run) for _reason, run in groupby(days, key=_reason_key)]
        return [(run[0], run[-1], len(run)) for run in runs if not run[0].counted]


def _reason_key(day: ExplainedDay) -> tuple[object, ...]:
    return day.counted, day.why, day.doubt, str(day.params)


def for_sender(session: Session, number: str, secret: str, *, address: str, now: datetime) -> Ticket:
    """Return the ticket that number and secret open together.

    Raises NotFound with the same sentence for an unknown number and for a wrong secret. Failures are counted by
    network, by number and in total. The right secret always opens the ticket, however many failures came before: so
    nobody can lock a sender out. This is safe, because 80 random bits cannot be guessed.
    """
    number = receipts.read_number(number)
    ticket = session.scalar(select(Ticket).where(Ticket.number == number).options(*SHOWN))
    if not receipts.secret_matches(ticket.secret_hash if ticket else b"", secret) or ticket is None:
        network = rate_limits.network_of(address)
        tries = {
            rate_limits.SECRET_BY_NETWORK: network,
            rate_limits.SECRET_BY_NUMBER: number,
            rate_limits.SECRETS_OF_ALL: "",
        }
        rate_limits.count_guess(session, tries, now)
        raise NotFound(_("Mã số hoặc mã bí mật không đúng. Xin xem lại giấy tiếp nhận."))
    return ticket


def by_id(session: Session, ticket_id: int) -> Ticket:
    """Return a ticket by id. The caller has checked the right to read it."""
    ticket = session.scalar(select(Ticket).where(Ticket.id == ticket_id).options(*SHOWN))
    if ticket is None:
        raise NotFound
    return ticket


def for_staff(session: Session, number: str, actor: Actor) -> Ticket:
    """Return a ticket by its public number. Raises NotFound also where this actor must not see it."""
    ticket = session.scalar(
        select(Ticket)
        .where(Ticket.number == number)
        .options(*SHOWN, joinedload(Ticket.contact))
        .execution_options(populate_existing=True)
    )
    if ticket is None or not can(actor, Permission.VIEW_TICKET, policy_subject(ticket)):
        raise NotFound
    return ticket


def of_chat(session: Session, chat_id: int, limit: int = 10) -> Sequence[Ticket]:
    """Return the latest tickets that were sent from a chat."""
    return session.scalars(
        select(Ticket)
        .join(Contact)
        .where(Contact.chat_id == chat_id)
        .options(*SHOWN)
        .order_by(Ticket.id.desc())
        .limit(limit)
    ).all()


def visible(actor: Actor, permission: Permission, unit_id: int | None = None) -> list[ColumnElement[bool]]:
    """Return what ``policy.can`` allows, as conditions on tickets.

    The actor sees the own unit or every unit (or only ``unit_id`` of these), but never a complaint about the conduct of
    the own unit.
    """
    if actor.role not in EVERY_UNIT[permission]:
        unit_id = actor.unit_id
    conditions: list[ColumnElement[bool]] = []
    if unit_id is not None:
        conditions.append(Ticket.unit_id == unit_id)
    if actor.unit_id is not None:
        conditions.append(~hidden_from(actor.unit_id))
    return conditions


def hidden_from(unit_id: int) -> ColumnElement[bool]:
    """Return the condition that a ticket is a complaint about the conduct of a unit."""
    conduct = select(Category.code).where(Category.category_class == CategoryClass.CONDUCT)
    return and_(Ticket.category_code.in_(conduct), Ticket.about_unit_id == unit_id)


def select_visible(actor: Actor, permission: Permission, unit_id: int | None = None) -> Select[Ticket]:
    """Return the tickets for which ``policy.can`` gives the actor the permission, as a statement to be narrowed."""
    return select(Ticket).where(*visible(actor, permission, unit_id))


def count_days(ticket: Ticket, clocks: TicketClocks) -> DueCounting:
    """Return how the due date of a ticket was counted, day by day."""
    term = clocks.resolve.term
    return DueCounting(term.duration or Duration.parse(ticket.term), term.days(), term.pauses, clocks)


def id_of(session: Session, typed: str) -> int | None:
    """Return the id of the ticket with a public number as people type it. Checks no permission."""
    return session.scalar(select(Ticket.id).where(Ticket.number == receipts.read_number(typed)))


def merged_into(session: Session, ticket_id: int) -> Sequence[Ticket]:
    """Return the tickets that are merged into this one."""
    return session.scalars(select(Ticket).where(Ticket.merged_into_id == ticket_id).order_by(Ticket.id)).all()


def list_course(
    session: Session,
    ticket_id: int,
    *,
    internal: bool = False,
    entries: Sequence[audit.AuditEntry] | None = None,
    unit_names: Mapping[int, str] = MappingProxyType({}),
    officer_names: Mapping[int, str] = MappingProxyType({}),
) -> list[CourseStep]:
    """Return everything that happened to a ticket, in order.

    What staff settle among themselves, such as drafts, is left out unless ``internal``. ``entries`` are the history of
    the ticket if the caller has it, ``unit_names`` and ``officer_names`` the names that the caller has, by id. There
    are at most four statements, however long the course is.
    """
    entries = audit.list_entries(session, audit.ticket_chain(ticket_id)) if entries is None else entries
    entries = [entry for entry in entries if internal or entry.action not in INTERNAL]
    names = _names_in_course(session, entries, unit_names, officer_names)
    steps: list[CourseStep] = []
    unit = ""
    for entry in entries:
        unit = names.units.get(entry.data.get("unit"), unit)
        until = entry.data.get("until")
        step = CourseStep(
            Event(entry.action),
            entry.at,
            unit,
            text=names.texts.get(entry.data.get("message"), ""),
            officer=names.officers.get(entry.user_id or 0, ""),
            until=date.fromisoformat(until) if until else None,
            actor=entry.actor,
            channel=entry.data.get("channel", ""),
            mentions=tuple(names.officers.get(user_id, "") for user_id in entry.data.get("mentions", ())),
        )
        steps.append(step)
    return steps


@dataclass(frozen=True)
class _CourseNames:
    """The texts of messages, the names of units and the names of officers that a course needs, by their ids."""

    texts: Mapping[Any, str]
    units: Mapping[Any, str]
    officers: Mapping[int, str]


def _names_in_course(
    session: Session,
    entries: Sequence[audit.AuditEntry],
    unit_names: Mapping[int, str],
    officer_names: Mapping[int, str],
) -> _CourseNames:
    message_ids = {entry.data["message"] for entry in entries if entry.data.get("message")}
    unit_ids = {entry.data["unit"] for entry in entries if "unit" in entry.data}
    user_ids = {entry.user_id for entry in entries if entry.user_id is not None}
    user_ids |= {user_id for entry in entries for user_id in entry.data.get("mentions", ())}
    unit_ids -= unit_names.keys()
    user_ids -= officer_names.keys()
    texts = select(TicketMessage.id, TicketMessage.body).where(TicketMessage.id.in_(message_ids))
    units = select(Unit.id, Unit.name).where(Unit.id.in_(unit_ids))
    officers = select(User.id, User.name).where(User.id.in_(user_ids))
    return _CourseNames(
        texts=_pairs(session, texts) if message_ids else {},
        units={**unit_names, **(_pairs(session, units) if unit_ids else {})},
        officers={**officer_names, **(_pairs(session, officers) if user_ids else {})},
    )


def _pairs(session: Session, statement: Select[int, str]) -> dict[int, str]:
    return {row_id: text for row_id, text in session.execute(statement)}  # noqa: C416 - rows are no tuples to mypy


def list_latest_texts(session: Session, ticket_id: int, limit: int = 10) -> Sequence[str]:
    """Return the texts that were last stored with a ticket, whoever wrote them; the latest first."""
    latest = select(TicketMessage.body).where(TicketMessage.ticket_id == ticket_id)
    return session.scalars(latest.order_by(TicketMessage.id.desc()).limit(limit)).all()


def find_delay(session: Session, entries: Sequence[audit.AuditEntry]) -> AnswerDelay | None:
    """Return the reason and the new date that the unit gave in the present episode, if it did.

    ``entries`` are the whole history of the ticket.
    """
    for entry in reversed(entries):
        if entry.action in BEGINNINGS:
            return None
        if entry.action == Event.DELAY_EXPLAINED:
            message = session.get_one(TicketMessage, entry.data["message"])
            return AnswerDelay(message.body, date.fromisoformat(entry.data["until"]))
    return None


def list_categories(session: Session) -> Sequence[Category]:
    """Return the categories that senders may choose from, in order."""
    return session.scalars(select(Category).where(Category.listed).order_by(Category.position)).all()
