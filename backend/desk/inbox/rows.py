"""The tickets of a page of the inbox, and where the next page starts. What a page costs does not grow with history.

Open tickets are few; an index of open tickets serves each order. Ended tickets are listed in the order in which they
ended, from the index of their state. Where further filters leave out most of them, one page looks through at most
``LOOK_BACK`` of them and says so; the next page goes on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.desk.inbox.conditions import InboxReader, list_conditions, place_conditions
from backend.desk.inbox.filters import InboxFilter, InboxSort, ListScope
from backend.desk.inbox.models import TicketLook
from backend.tickets.due_status import DueStatus, due_statuses
from backend.tickets.models import OPEN_STATES, Channel, Ticket, TicketState, Verdict, WaitsFor
from backend.units.models import Unit
from backend.users.models import User

PAGE: Final = 50
LOOK_BACK: Final = 3_000  # ended tickets that one page looks through
# Days of reception that are few enough to look through all tickets of them: of the province, and of one unit.
DAYS_OF_ALL, DAYS_OF_UNIT = timedelta(days=31), timedelta(days=366)
ENDED_STATES: Final = tuple(state for state in TicketState if state not in OPEN_STATES)
SORT_COLUMNS: Final[dict[str, InstrumentedAttribute[Any]]] = {
    InboxSort.DUE.value: Ticket.due_date,
    InboxSort.RECEIVED.value: Ticket.received_at,
    InboxSort.CHANGED.value: Ticket.changed_at,
    InboxSort.WAITING.value: Ticket.waits_since,
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Place = tuple[Any, int]  # where a page ends: the value that it is sorted by, and the id of the ticket


class ListedTicket(NamedTuple):
    """The columns of a ticket that its row shows. A list reads these alone."""

    id: int
    number: str
    title: str
    state: TicketState
    version: int
    channel: Channel
    category_code: str
    assignee_id: int | None
    received_at: datetime
    changed_at: datetime
    waits_for: WaitsFor
    waits_since: datetime
    due_date: date
    due_estimated: bool
    paused_on: date | None
    verdict: Verdict | None


@dataclass(frozen=True)
class InboxRow:
    """A ticket of the list: how it stands today, who has it, and whether this reader has seen its last change."""

    ticket: ListedTicket
    due_status: DueStatus
    unit: str
    assignee: str
    unread: bool


@dataclass(frozen=True)
class InboxPage:
    """A page of the list. ``after`` is where the next one starts; None on the last page.

    ``looked_through``: the page ends early because so many ended tickets were looked through.
    """

    rows: Sequence[InboxRow]
    after: Place | None = None
    looked_through: bool = False


def list_rows(
    session: Session, inbox_filter: InboxFilter, reader: InboxReader, after: Place | None = None, *, limit: int = PAGE
) -> InboxPage:
    """Return a page of the tickets that the reader may see and the filters ask for."""
    walk = _walk(inbox_filter, reader, after) if _needs_bound(inbox_filter, reader) else None
    places = _places(inbox_filter, reader, after, limit + 1, walk)
    rows = _read_rows(session, places, inbox_filter.order, reader)
    key = _sort_column(inbox_filter.order).key
    if len(rows) > limit:
        last = rows[limit - 1].ticket
        return InboxPage(rows[:limit], (getattr(last, key), last.id))
    end = _end_of(session, walk) if walk is not None else None
    return InboxPage(rows, end, looked_through=end is not None)


def write_place(place: Place) -> str:
    """Return a place as it stands in an address: ``2026-11-22,12``, or microseconds for a moment."""
    value, ticket_id = place
    return f"{(value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else value.isoformat()},{ticket_id}"


def read_place(typed: str, order: InboxSort, most_id: int) -> Place | None:
    """Return the place in an address; None for the first page, and for what is no place in this order."""
    value, _comma, number = typed.partition(",")
    ticket_id = _whole_number(number)
    if ticket_id is None or ticket_id > most_id:
        return None
    try:
        if _sort_column(order) is Ticket.due_date:
            return date.fromisoformat(value), ticket_id
        microseconds = _whole_number(value)
        return (_EPOCH + microseconds * _MICROSECOND, ticket_id) if microseconds is not None else None
    except (ValueError, OverflowError):
        return None


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 17 else None


def _sort_column(order: InboxSort) -> InstrumentedAttribute[Any]:
    return SORT_COLUMNS[order.value.removeprefix("-")]


def _ordered(statement: Select[Any], order: InboxSort) -> Select[Any]:
    return statement.order_by(*_directed((_sort_column(order), Ticket.id), order))


def _directed(keys: Sequence[SQLColumnExpression[Any]], order: InboxSort) -> list[ColumnElement[Any]]:
    return [key.desc() if order.latest_first else key.asc() for key in keys]


def _beyond(after: Place | None, order: InboxSort) -> list[ColumnElement[bool]]:
    if after is None:
        return []
    key = tuple_(_sort_column(order), Ticket.id)
    return [key < after if order.latest_first else key > after]


def _needs_bound(inbox_filter: InboxFilter, reader: InboxReader) -> bool:
    """Return whether a page could read all that ever ended before it finds enough."""
    if not (inbox_filter.ended_only and inbox_filter.narrowed):
        return False
    first, last = inbox_filter.received_from, inbox_filter.received_to
    one_unit = inbox_filter.unit is not None or not reader.everywhere
    return first is None or last is None or last - first > (DAYS_OF_UNIT if one_unit else DAYS_OF_ALL)


def _walk(inbox_filter: InboxFilter, reader: InboxReader, after: Place | None) -> Select[Any]:
    """Return the next ended tickets in their order, whatever the other filters say."""
    conditions = [*place_conditions(inbox_filter, reader), *_beyond(after, inbox_filter.order)]
    return _of_each_state(inbox_filter, conditions, LOOK_BACK)


def _places(
    inbox_filter: InboxFilter, reader: InboxReader, after: Place | None, most: int, walk: Select[Any] | None
) -> Select[Any]:
    """Return the ids of the page. Only the rows that are shown are read whole."""
    if walk is not None:
        looked_at = walk.subquery("looked_at")
        statement = select(Ticket.id).join(looked_at, looked_at.c.id == Ticket.id)
        # In the order of the walk, so that it ends as soon as the page is full.
        places = _directed((looked_at.c.place, looked_at.c.id), inbox_filter.order)
        return statement.where(*list_conditions(inbox_filter, reader)).order_by(*places).limit(most)
    conditions = [*list_conditions(inbox_filter, reader), *_beyond(after, inbox_filter.order)]
    if inbox_filter.state is ListScope.ENDED:
        return _of_each_state(inbox_filter, conditions, most)
    return _ordered(select(Ticket.id).where(*conditions), inbox_filter.order).limit(most)


def _of_each_state(inbox_filter: InboxFilter, conditions: Sequence[ColumnElement[bool]], most: int) -> Select[Any]:
    """Return id and place of the first ``most`` ended tickets: of each state from its index, then of these the first.

    One statement over all states would sort all tickets that ever ended.
    """
    order, column = inbox_filter.order, _sort_column(inbox_filter.order)
    states = ENDED_STATES if inbox_filter.state is ListScope.ENDED else (inbox_filter.state,)
    branches = [
        _ordered(select(Ticket.id, column.label("place")).where(*conditions, Ticket.state == state), order).limit(most)
        for state in states
    ]
    if len(branches) == 1:
        return branches[0]
    together = union_all(*(select(branch.subquery()) for branch in branches)).subquery()
    places = _directed((together.c.place, together.c.id), order)
    return select(together.c.id, together.c.place).order_by(*places).limit(most)


def _end_of(session: Session, walk: Select[Any]) -> Place | None:
    """Return where a bounded walk ended; None where it came to the last ticket."""
    last = session.execute(walk.offset(LOOK_BACK - 1).limit(1)).one_or_none()
    return (last.place, last.id) if last is not None else None


def _read_rows(session: Session, places: Select[Any], order: InboxSort, reader: InboxReader) -> list[InboxRow]:
    page = places.subquery("page")
    seen = and_(TicketLook.ticket_id == Ticket.id, TicketLook.user_id == reader.actor.user_id)
    shown = [getattr(Ticket, name) for name in ListedTicket._fields]
    statement = (
        select(*shown, Unit.name, User.name, TicketLook.at)
        .select_from(page)
        .join(Ticket, page.c.id == Ticket.id)
        .join(Unit, Unit.id == Ticket.unit_id)
        .outerjoin(User, User.id == Ticket.assignee_id)
        .outerjoin(TicketLook, seen)
    )
    rows = session.execute(_ordered(statement, order)).all()
    tickets = [ListedTicket._make(row[: len(shown)]) for row in rows]
    statuses = due_statuses(reader.calendar, reader.today, tickets)
    return [
        InboxRow(ticket, status, unit, assignee or "", _is_unread(ticket, looked_at))
        for ticket, status, (*_columns, unit, assignee, looked_at) in zip(tickets, statuses, rows, strict=True)
    ]


def _is_unread(ticket: ListedTicket, looked_at: datetime | None) -> bool:
    return ticket.waits_for is not WaitsFor.NOTHING and (looked_at is None or looked_at < ticket.changed_at)
