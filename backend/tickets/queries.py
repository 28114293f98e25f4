"""What pages and the bot read of tickets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session, joinedload

from backend import audit
from backend.deadlines.clock_states import TicketClocks
from backend.errors import NotFound, _
from backend.files.text import fold_text
from backend.tickets.due_status import past_due
from backend.tickets.lifecycle import INTERNAL, Event
from backend.tickets.models import (
    OPEN_STATES,
    SETTLED_STATES,
    Category,
    CategoryClass,
    Contact,
    Ticket,
    TicketMessage,
    TicketState,
    is_open,
)
from backend.tickets.reception import receipts
from backend.tickets.service import policy_subject
from backend.units.models import Unit
from backend.users.models import User
from backend.users.policy import EVERY_UNIT, Actor, Permission, can
from backend.web import rate_limits
from backend.worktime.duration import Duration
from backend.worktime.explain import DayReason, ExplainedDay
from backend.worktime.moments import Pause

PAGE = 50
COUNTED = 1_000  # counts of an inbox stop here: nobody works through more, and counting them costs
MOST_WORDS = 8
SHOWN = (joinedload(Ticket.category), joinedload(Ticket.unit), joinedload(Ticket.about_unit))


@dataclass(frozen=True)
class CourseStep:
    """One entry of a ticket's course: what was written then, and the date that was given with it; ``officer`` is for
    staff alone."""

    event: Event
    at: datetime
    unit: str
    text: str
    officer: str
    until: date | None = None


@dataclass(frozen=True)
class AnswerDelay:
    """Why an answer is late, in the unit's words, and the new date that it promised."""

    reason: str
    promised: date


@dataclass(frozen=True)
class InboxPage:
    """A page of a unit's open tickets, soonest due first; ``after`` is where the next page starts."""

    tickets: Sequence[Ticket]
    after: tuple[date, int] | None


@dataclass(frozen=True)
class InboxLoad:
    """How much waits in an inbox: open, and of these overdue. At most ``COUNTED`` each."""

    open: int
    overdue: int


@dataclass(frozen=True)
class DueCounting:
    """How a due date came about: the day's event, every day after it, the pauses in which no day counted, and the
    clocks that all of it is from."""

    term: Duration
    days: Sequence[ExplainedDay]
    pauses: Sequence[Pause]
    clocks: TicketClocks

    @property
    def left_out(self) -> list[tuple[ExplainedDay, ExplainedDay, int]]:
        """The days that did not count and are no ordinary weekend: what a reader would ask about. Those left out in a
        row for one reason are told together, as the first, the last and how many."""
        days = [day for day in self.days if day.why not in (DayReason.DAY_OF_EVENT, DayReason.WEEKEND)]
        alike = groupby(days, key=lambda day: (day.counted, day.why, day.doubt, str(day.params)))
        runs = [list(run) for (counted, *_why), run in alike if not counted]
        return [(run[0], run[-1], len(run)) for run in runs]


def for_sender(session: Session, number: str, secret: str, *, address: str, now: datetime) -> Ticket:
    """The ticket that number and secret open together. One answer for an unknown number and a wrong secret. Failures
    are counted by network, by number and all together; the right secret opens whatever was tried before, so that
    nobody can shut a sender out. (That costs nothing: 80 bits are not found by trying.)"""
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
    """A ticket that its reader has shown to have a right to."""
    ticket = session.scalar(select(Ticket).where(Ticket.id == ticket_id).options(*SHOWN))
    if ticket is None:
        raise NotFound
    return ticket


def for_staff(session: Session, number: str, actor: Actor) -> Ticket:
    """A ticket by its public number; NotFound also where this actor must not see it."""
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
    """The latest tickets sent from a chat."""
    return session.scalars(
        select(Ticket)
        .join(Contact)
        .where(Contact.chat_id == chat_id)
        .options(*SHOWN)
        .order_by(Ticket.id.desc())
        .limit(limit)
    ).all()


def list_inbox(
    session: Session,
    actor: Actor,
    *,
    unit_id: int | None = None,
    state: TicketState | None = None,
    words: str = "",
    after: tuple[date, int] | None = None,
    limit: int = PAGE,
) -> InboxPage:
    """Tickets that ``actor`` may see, of the own unit or, for the coordinator, of any: the open ones, soonest due
    first; with a ``state`` in which nothing is left to do those, the latest first. ``words`` are looked for in titles,
    tone marks apart, and without a state in tickets of every state."""
    chosen = _visible(actor, Permission.VIEW_INBOX, unit_id).options(*SHOWN)
    day = Ticket.answered_on if state in SETTLED_STATES else Ticket.due_date
    place = tuple_(day, Ticket.id)
    done = state not in OPEN_STATES if state is not None else bool(words)
    chosen = chosen.where(Ticket.state == state) if state is not None else chosen
    chosen = chosen.where(
        *(Ticket.title_folded.contains(word, autoescape=True) for word in fold_text(words).split()[:MOST_WORDS])
    )
    chosen = chosen if done else chosen.where(is_open())
    if after is not None:
        chosen = chosen.where(place < after if done else place > after)
    order = (day.desc(), Ticket.id.desc()) if done else (day, Ticket.id)
    rows = session.scalars(chosen.order_by(*order).limit(limit + 1)).all()
    if len(rows) <= limit:
        return InboxPage(rows, None)
    last = rows[limit - 1]
    return InboxPage(rows[:limit], (getattr(last, day.key), last.id))


def count_load(session: Session, actor: Actor, today: date, unit_id: int | None = None) -> InboxLoad:
    """Count the open tickets that wait, and how many of them are overdue."""
    waiting = _visible(actor, Permission.VIEW_INBOX, unit_id).where(is_open())
    overdue = waiting.where(past_due(today))

    def count(rows: Select[Ticket]) -> int:
        few = rows.with_only_columns(Ticket.id).limit(COUNTED).subquery()
        return session.scalar(select(func.count()).select_from(few)) or 0

    return InboxLoad(count(waiting), count(overdue))


def _visible(actor: Actor, action: Permission, unit_id: int | None = None) -> Select[Ticket]:
    """What ``policy.can`` allows, as a condition in SQL: the own unit or every unit, and never a complaint about the
    conduct of the actor's own unit."""
    if actor.role not in EVERY_UNIT[action]:
        unit_id = actor.unit_id
    chosen = select(Ticket)
    if unit_id is not None:
        chosen = chosen.where(Ticket.unit_id == unit_id)
    if actor.unit_id is not None:
        conduct = select(Category.code).where(Category.category_class == CategoryClass.CONDUCT)
        chosen = chosen.where(~(Ticket.category_code.in_(conduct) & (Ticket.about_unit_id == actor.unit_id)))
    return chosen


def count_days(ticket: Ticket, clocks: TicketClocks) -> DueCounting:
    """How the ticket's due date was counted, day by day."""
    term = clocks.resolve.term
    return DueCounting(term.duration or Duration.parse(ticket.term), term.days(), term.pauses, clocks)


def id_of(session: Session, typed: str) -> int | None:
    """The ticket of a public number as people type it. No right is asked."""
    return session.scalar(select(Ticket.id).where(Ticket.number == receipts.read_number(typed)))


def merged_into(session: Session, ticket_id: int) -> Sequence[Ticket]:
    """The tickets that are handled with this one."""
    return session.scalars(select(Ticket).where(Ticket.merged_into_id == ticket_id).order_by(Ticket.id)).all()


def list_course(
    session: Session, ticket_id: int, *, internal: bool = False, entries: Sequence[audit.AuditEntry] | None = None
) -> list[CourseStep]:
    """Everything that happened to a ticket, in order: four look-ups, however long the course is; ``entries`` spares the
    first of them. What staff settle among themselves is left out, drafts above all, unless ``internal`` asks for it."""
    entries = audit.list_entries(session, audit.ticket_chain(ticket_id)) if entries is None else entries
    entries = [e for e in entries if internal or e.action not in INTERNAL]
    told = {e.data["message"] for e in entries if e.data.get("message")}
    texts = {m.id: m.body for m in session.scalars(select(TicketMessage).where(TicketMessage.id.in_(told)))}
    unit_ids = {e.data["unit"] for e in entries if "unit" in e.data}
    units = {u.id: u.name for u in session.scalars(select(Unit).where(Unit.id.in_(unit_ids)))}
    user_ids = {e.user_id for e in entries if e.user_id is not None}
    names = {u.id: u.name for u in session.scalars(select(User).where(User.id.in_(user_ids)))} if user_ids else {}
    steps: list[CourseStep] = []
    unit = ""
    for entry in entries:
        unit = units.get(entry.data.get("unit"), unit)
        text = texts.get(entry.data.get("message"), "")
        until = entry.data.get("until")
        given = date.fromisoformat(until) if until else None
        steps.append(CourseStep(Event(entry.action), entry.at, unit, text, names.get(entry.user_id or 0, ""), given))
    return steps


def find_delay(session: Session, entries: Sequence[audit.AuditEntry]) -> AnswerDelay | None:
    """The reason and the new date that were given for the present episode, if they were. ``entries`` are the ticket's
    history."""
    for entry in reversed(entries):
        if entry.action in (Event.DISPUTED, Event.REOPENED):
            return None
        if entry.action == Event.DELAY_EXPLAINED:
            said = session.get_one(TicketMessage, entry.data["message"])
            return AnswerDelay(said.body, date.fromisoformat(entry.data["until"]))
    return None


def list_categories(session: Session) -> Sequence[Category]:
    """What senders may choose from, in order."""
    return session.scalars(select(Category).where(Category.listed).order_by(Category.position)).all()
