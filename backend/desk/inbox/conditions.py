"""The filters of the inbox as conditions in SQL, each once. Lists and counts ask here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, exists, literal_column, select

from backend.desk.inbox.filters import ME, NOBODY, WAIT_CHOICES, DueChoice, InboxFilter, VerdictChoice
from backend.desk.inbox.models import TicketLook
from backend.files.text import fold_text
from backend.tickets.due_status import due_between, overdue_on, soon_until
from backend.tickets.models import OPEN_SQL, Ticket, TicketState, is_open
from backend.tickets.queries import visible
from backend.users.policy import EVERY_UNIT, Actor, Permission
from backend.worktime.calendar import WorkCalendar

WORDS_LOOKED_FOR = 8


@dataclass(frozen=True)
class InboxReader:
    """Who reads the inbox, on which day, by which calendar."""

    actor: Actor
    today: date
    calendar: WorkCalendar

    @property
    def everywhere(self) -> bool:
        """Whether the reader sees the tickets of every unit."""
        return self.actor.role in EVERY_UNIT[Permission.VIEW_INBOX]


def list_conditions(inbox_filter: InboxFilter, reader: InboxReader) -> list[ColumnElement[bool]]:
    """Return what a ticket must be to stand in the list: visible to the reader, and as the filters say."""
    return [
        *place_conditions(inbox_filter, reader),
        *_on_ticket(inbox_filter, reader.actor),
        *_on_days(inbox_filter, reader),
        *words_conditions(inbox_filter.words),
    ]


def place_conditions(inbox_filter: InboxFilter, reader: InboxReader) -> list[ColumnElement[bool]]:
    """Return what an index serves without reading a ticket: visible to the reader, of the unit, open or ended."""
    return [*visible(reader.actor, Permission.VIEW_INBOX, inbox_filter.unit), *_in_scope(inbox_filter)]


def words_conditions(words: str) -> list[ColumnElement[bool]]:
    """Return the conditions that a ticket has all of the words, with or without tone marks."""
    folded_words = fold_text(words).split()[:WORDS_LOOKED_FOR]
    return [Ticket.title_folded.contains(word, autoescape=True) for word in folded_words]


def has_ended() -> ColumnElement[bool]:
    """Return the condition that no work is left. The partial indexes of ended tickets serve it."""
    return literal_column(f"NOT tickets.{OPEN_SQL}")


def unread_by(user_id: int | None) -> ColumnElement[bool]:
    """Return the condition that a person has not opened the ticket since something last happened to it."""
    look = select(TicketLook.ticket_id).where(
        TicketLook.user_id == user_id, TicketLook.ticket_id == Ticket.id, TicketLook.at >= Ticket.changed_at
    )
    return ~exists(look)


def _in_scope(inbox_filter: InboxFilter) -> Iterator[ColumnElement[bool]]:
    """Yield the state, and always whether the ticket is open, so that an index of open or of ended tickets serves."""
    if inbox_filter.open_only:
        yield is_open()
    elif inbox_filter.ended_only:
        yield has_ended()
    if isinstance(inbox_filter.state, TicketState):
        yield Ticket.state == inbox_filter.state


def _on_ticket(inbox_filter: InboxFilter, actor: Actor) -> Iterator[ColumnElement[bool]]:
    if inbox_filter.waits:
        yield Ticket.waits_for.in_(sorted(WAIT_CHOICES[inbox_filter.waits]))
    if inbox_filter.who:
        yield _assigned_to(inbox_filter.who, actor)
    if inbox_filter.category:
        yield Ticket.category_code == inbox_filter.category
    if inbox_filter.channel is not None:
        yield Ticket.channel == inbox_filter.channel
    if inbox_filter.verdict is not None:
        without = inbox_filter.verdict is VerdictChoice.NONE
        yield Ticket.verdict.is_(None) if without else Ticket.verdict == inbox_filter.verdict.value
    if inbox_filter.unread:
        yield unread_by(actor.user_id)


def _assigned_to(who: str, actor: Actor) -> ColumnElement[bool]:
    if who == NOBODY:
        return Ticket.assignee_id.is_(None)
    return Ticket.assignee_id == (actor.user_id if who == ME else int(who))


def _on_days(inbox_filter: InboxFilter, reader: InboxReader) -> Iterator[ColumnElement[bool]]:
    if inbox_filter.received_from is not None:
        yield Ticket.received_on >= inbox_filter.received_from
    if inbox_filter.received_to is not None:
        yield Ticket.received_on <= inbox_filter.received_to
    if inbox_filter.due_from is not None:
        yield Ticket.due_date >= inbox_filter.due_from
    if inbox_filter.due_to is not None:
        yield Ticket.due_date <= inbox_filter.due_to
    match inbox_filter.due:
        case DueChoice.OVERDUE:
            yield overdue_on(reader.today)
        case DueChoice.TODAY:
            yield due_between(reader.today, reader.today)
        case DueChoice.SOON:
            yield due_between(reader.today, soon_until(reader.calendar, reader.today))
