"""The list from which a ticket was opened: its address travels with the page, so that the next ticket can follow."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from sqlalchemy.orm import Session

from backend.tickets import queries
from backend.tickets.models import OPEN_STATES, Ticket, TicketState
from backend.tickets.queries import TicketNeighbours
from backend.users.policy import Actor
from backend.web.forms import ID_MOST
from backend.web.rendering import same_site_path

INBOX: Final = "/hop-thu"
ADDRESS_MOST: Final = 600  # characters
WORDS_MOST: Final = 100


@dataclass(frozen=True)
class TicketList:
    """A list of open tickets: its address, and what of it decides which tickets follow each other."""

    address: str = INBOX
    unit_id: int | None = None
    state: TicketState | None = None
    words: str = ""

    def ticket_address(self, number: str) -> str:
        """Return the address of a ticket that was opened from this list."""
        address = f"{INBOX}/{number}"
        return address if self.address == INBOX else f"{address}?{urlencode({'list': self.address})}"


def read_list(typed: str) -> TicketList:
    """Return the list with this address. Anything but an address of the inbox is read as the whole inbox."""
    address = same_site_path(typed[: ADDRESS_MOST + 1], default=INBOX)
    parts = urlsplit(address)
    if len(address) > ADDRESS_MOST or parts.path != INBOX or parts.fragment:
        return TicketList()
    fields = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    state, unit = fields.get("state", ""), fields.get("unit", "")
    return TicketList(
        address,
        unit_id=int(unit) if unit.isascii() and unit.isdigit() and len(unit) <= 10 and int(unit) <= ID_MOST else None,
        state=TicketState(state) if state in set(OPEN_STATES) else None,
        words=" ".join(fields.get("q", "").split())[:WORDS_MOST],
    )


def find_neighbours(session: Session, actor: Actor, ticket_list: TicketList, ticket: Ticket) -> TicketNeighbours:
    """Return the tickets before and after this one in a list."""
    return queries.find_neighbours(
        session, actor, ticket, unit_id=ticket_list.unit_id, state=ticket_list.state, words=ticket_list.words
    )
