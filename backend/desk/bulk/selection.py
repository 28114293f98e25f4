"""Which tickets were ticked: those that the person sees, with the version that the page showed, and all other numbers.

A ticket that must not be seen and a number that nobody has are the same here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from backend.deadlines.limits import BULK_MOST
from backend.desk.groups.picks_form import PICK, find_tickets
from backend.errors import Invalid, _
from backend.tickets.models import Ticket
from backend.users.policy import Actor

NUMBER_MOST = 40  # characters


@dataclass(frozen=True)
class BulkSelection:
    """The ticked tickets in the order of ticking, their versions by number, and the numbers that led to none."""

    tickets: Sequence[Ticket]
    versions: Mapping[str, int]
    unknown: Sequence[str]

    def version_of(self, ticket: Ticket) -> int | None:
        """Return the version that the page showed; None where the box held none."""
        return self.versions.get(ticket.number)


def read_selection(session: Session, actor: Actor, values: Sequence[str]) -> BulkSelection:
    """Read the values of ticked boxes (``number@version``). Raises Invalid for none, and for more than one step takes.

    A value of another shape is taken for a number.
    """
    typed = list(dict.fromkeys(value for value in values if value.strip()))
    if not typed:
        raise Invalid(_("Xin chọn ít nhất một phản ánh."), field="pick")
    if len(typed) > BULK_MOST:
        raise Invalid(_("Chọn nhiều nhất %(most)s phản ánh một lần."), field="pick", most=BULK_MOST)
    matches = {value: PICK.fullmatch(value) for value in typed}
    numbers = [match[1] if match else value[:NUMBER_MOST] for value, match in matches.items()]
    versions = {match[1]: int(match[2]) for match in matches.values() if match}
    tickets = find_tickets(session, actor, numbers)
    return BulkSelection(tickets.tickets, versions, tickets.unknown)
