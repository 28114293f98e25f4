"""The tickets beside one in a list of open tickets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from backend.desk.inbox.choices import read_reader
from backend.desk.inbox.conditions import list_conditions
from backend.desk.inbox.filters import FilterChoices, InboxFilter, read_filter
from backend.desk.inbox.rows import directed, sort_column
from backend.errors import Invalid
from backend.tickets.models import Ticket
from backend.users.policy import Actor


@dataclass(frozen=True)
class TicketNeighbours:
    """The public numbers of the tickets before and after a ticket in a list; empty at its ends."""

    previous: str = ""
    next: str = ""


def list_neighbours(
    session: Session, actor: Actor, ticket: Ticket, query: Mapping[str, str], now: datetime
) -> TicketNeighbours:
    """Return the tickets beside this one in the list of a query, with one statement.

    The ticket itself need not be in the list any more: the value that the list is sorted by says where it would stand.
    A list of ended tickets, and one that cannot be read, has no neighbours.
    """
    inbox_filter = _read(query)
    if inbox_filter is None or not inbox_filter.open_only:
        return TicketNeighbours()
    order, column = inbox_filter.order, sort_column(inbox_filter.order)
    key, here = tuple_(column, Ticket.id), (getattr(ticket, column.key), ticket.id)
    numbers = select(Ticket.number).where(*list_conditions(inbox_filter, read_reader(session, actor, now))).limit(1)
    latest_first = order.latest_first
    following = numbers.where(key < here if latest_first else key > here)
    before = numbers.where(key > here if latest_first else key < here)
    keys = (column, Ticket.id)
    following = following.order_by(*directed(keys, latest_first=latest_first))
    before = before.order_by(*directed(keys, latest_first=not latest_first))
    row = session.execute(select(before.scalar_subquery(), following.scalar_subquery())).one()
    return TicketNeighbours(row[0] or "", row[1] or "")


def _read(query: Mapping[str, str]) -> InboxFilter | None:
    """Return the filters of a list that was shown before. Its unit and category were checked then."""
    unit, category = query.get("unit", ""), query.get("category", "")
    units = {int(unit): ""} if unit.isascii() and unit.isdigit() and len(unit) <= 9 else {}
    try:
        return read_filter(query, FilterChoices(units, {category: ""}, any_handler=True))
    except Invalid:
        return None
