"""Reads which tickets were picked: ticked ones with the version that the page showed, and numbers typed by hand."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from backend.deadlines.limits import GROUP_MOST
from backend.errors import Invalid, _
from backend.tickets import queries
from backend.tickets.groups.picks import TicketPick
from backend.tickets.models import Ticket
from backend.tickets.reception import receipts
from backend.users.policy import Actor, Permission
from backend.web.forms import FormReader

PICK: Final = re.compile(r"([^@\s]{1,40})@([0-9]{1,9})")
PARTS: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class PickedTickets:
    """The picked tickets that the actor may see, in the order of picking, and the numbers that led to none."""

    tickets: Sequence[Ticket]
    unknown: Sequence[str]

    def check(self) -> None:
        """Raise Invalid with the numbers that no ticket has, or none that this person may see."""
        if self.unknown:
            message = _("Không tìm thấy phản ánh có mã số %(numbers)s.")
            raise Invalid(message, field="numbers", numbers=", ".join(self.unknown[:5]))


def pick_value(ticket: Ticket) -> str:
    """Return the value of a ticket's check box: its number and its version."""
    return f"{ticket.number}@{ticket.version}"


def ticked_numbers(values: Iterable[str]) -> dict[str, int]:
    """Return the numbers of ticked boxes with their versions; what is no such value is left out."""
    matches = (PICK.fullmatch(value) for value in values)
    return {match[1]: int(match[2]) for match in matches if match}


def typed_numbers(typed: str) -> list[str]:
    """Return the numbers that were typed by hand, apart by spaces, commas or lines."""
    return [part[:40] for part in PARTS.split(typed[:4_000]) if part]


def find_tickets(session: Session, actor: Actor, numbers: Iterable[str]) -> PickedTickets:
    """Return the tickets with these numbers. Raises Invalid for more than one group can hold."""
    wanted = {receipts.read_number(number): number for number in numbers}
    if len(wanted) > GROUP_MOST:
        raise Invalid(_("Chọn nhiều nhất %(most)s phản ánh một lần."), field="pick", most=GROUP_MOST)
    statement = queries.select_visible(actor, Permission.VIEW_TICKET).where(Ticket.number.in_(wanted))
    statement = statement.options(*queries.SHOWN).execution_options(populate_existing=True)
    tickets = {ticket.number: ticket for ticket in session.scalars(statement)}
    unknown = [typed for number, typed in wanted.items() if number not in tickets]
    return PickedTickets([tickets[number] for number in wanted if number in tickets], unknown)


def read_picks(session: Session, actor: Actor, form: FormReader) -> list[TicketPick]:
    """Return the ticked tickets of a submitted form with the versions that the page showed."""
    versions = ticked_numbers(value for value in form.data.getlist("pick") if isinstance(value, str))
    picked = find_tickets(session, actor, versions)
    picked.check()
    return [TicketPick(ticket.id, versions[ticket.number]) for ticket in picked.tickets if ticket.number in versions]
