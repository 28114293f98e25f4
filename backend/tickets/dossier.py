"""A ticket with everything that is asked of it again and again, read once: its history, what that is read by, and how
its clocks stand at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from backend import audit
from backend.deadlines.clock_states import TicketClocks, VersionBook
from backend.deadlines.clocks import state_of_clocks
from backend.deadlines.events import TicketEvent
from backend.deadlines.unit_shares import Ledger, share_time
from backend.tickets import projection, rulebook
from backend.tickets.models import Ticket


@dataclass(frozen=True)
class TicketTiming:
    """How a ticket's clocks stand, and what each unit used of its time."""

    clocks: TicketClocks
    ledger: Ledger


@dataclass(frozen=True)
class Dossier:
    """``now`` is the moment it was opened at, ``at`` the same but never before the last event: that another machine
    wrote down, whose clock may be a little ahead."""

    session: Session
    ticket: Ticket
    now: datetime
    at: datetime
    entries: Sequence[audit.AuditEntry]
    history: Sequence[TicketEvent]
    book: VersionBook
    clocks: TicketClocks

    def timing(self) -> TicketTiming:
        return self._timing(self.clocks, self.at)

    def timing_then(self) -> TicketTiming:
        """As of the last event, which is what the ticket's row says."""
        last = self.history[-1].at
        return self._timing(state_of_clocks(self.history, self.book, last), last)

    def _timing(self, clocks: TicketClocks, at: datetime) -> TicketTiming:
        return TicketTiming(clocks, share_time(clocks, self.book.calendars[clocks.calendar_id], at))


def read_dossier(session: Session, ticket: Ticket, now: datetime) -> Dossier:
    """Three look-ups, however long the history is. Needs ``ticket.category`` loaded for what is asked of it later."""
    entries = audit.list_entries(session, audit.ticket_chain(ticket.id))
    history = projection.events_of(entries)
    at = max(now, history[-1].at)
    book = rulebook.version_book(session, ticket, history)
    return Dossier(session, ticket, now, at, entries, history, book, state_of_clocks(history, book, at))
