"""The list from which a ticket was opened: its address travels with the page of the ticket.

So "back" leads to the same place and row, and the next ticket of the list can follow: without JavaScript, and in
several windows at the same time.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from sqlalchemy.orm import Session

from backend.desk.inbox.filters import FIELDS, INBOX
from backend.desk.inbox.neighbours import TicketNeighbours, list_neighbours
from backend.desk.inbox.rows import row_id
from backend.tickets.models import Ticket
from backend.users.policy import Actor
from backend.web.rendering import same_site_path

LIST_MOST: Final = 600  # characters of an address
_KNOWN: Final = frozenset({*FIELDS, "view", "after"})


@dataclass(frozen=True)
class TicketList:
    """A list of tickets by the query of its address; empty for the whole inbox."""

    query: str = ""

    @property
    def address(self) -> str:
        return f"{INBOX}?{self.query}" if self.query else INBOX

    def row_address(self, ticket_id: int) -> str:
        """Return the address of the list, at the row of a ticket."""
        return f"{self.address}#{row_id(ticket_id)}"

    def ticket_address(self, number: str) -> str:
        """Return the address of a ticket that was opened from this list."""
        return f"{INBOX}/{number}" + (f"?{urlencode({'list': self.address})}" if self.query else "")


def read_list(typed: str) -> TicketList:
    """Return the list with this address, with the parameters of a list only.

    Anything but an address of the inbox is read as the whole inbox: whoever writes another address leads nowhere else.
    """
    address = same_site_path(typed[: LIST_MOST + 1], default=INBOX)
    parts = urlsplit(address)
    if len(address) > LIST_MOST or parts.path != INBOX:
        return TicketList()
    return TicketList(urlencode([(name, value) for name, value in parse_qsl(parts.query) if name in _KNOWN]))


def find_neighbours(
    session: Session, actor: Actor, ticket_list: TicketList, ticket: Ticket, now: datetime
) -> TicketNeighbours:
    """Return the tickets before and after this one in a list of open tickets."""
    return list_neighbours(session, actor, ticket, dict(parse_qsl(ticket_list.query)), now)
