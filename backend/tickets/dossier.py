"""A ticket with its history, the versions that apply to it, and its clocks at one moment, all read once.

Pages, messages and ``tickets.service`` read a dossier first and then ask it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from backend import audit
from backend.deadlines.clock_states import TicketClocks, VersionBook
from backend.deadlines.clocks import HistoryReading, read_history, state_of_clocks
from backend.deadlines.events import TicketEvent
from backend.deadlines.unit_shares import Ledger, share_time
from backend.tickets import projection, rulebook
from backend.tickets.models import Ticket


@dataclass(frozen=True)
class TicketTiming:
    """The clocks of a ticket, and the time that each unit used."""

    clocks: TicketClocks
    ledger: Ledger


@dataclass(frozen=True)
class Dossier:
    """A ticket and all that was read with it.

    ``now`` is the moment of reading. ``at`` is the same moment, but never before the last event: another machine may
    have recorded that event with a clock that is a little ahead.
    """

    session: Session
    ticket: Ticket
    now: datetime
    at: datetime
    entries: Sequence[audit.AuditEntry]
    history: Sequence[TicketEvent]
    book: VersionBook
    reading: HistoryReading
    clocks: TicketClocks

    def timing(self) -> TicketTiming:
        return self._timing(self.clocks, self.at)

    def timing_then(self) -> TicketTiming:
        """Return the timing as of the last event, to which the ticket's row belongs."""
        last = self.history[-1].at
        return self._timing(state_of_clocks(self.history, self.book, last), last)

    def _timing(self, clocks: TicketClocks, at: datetime) -> TicketTiming:
        return TicketTiming(clocks, share_time(clocks, self.book.calendars[clocks.calendar_id], at))


def read_dossier(session: Session, ticket: Ticket, now: datetime) -> Dossier:
    """Read a ticket with at most three statements, however long its history is.

    Needs ``ticket.category`` loaded where the policy is asked later.
    """
    entries = audit.list_entries(session, audit.ticket_chain(ticket.id))
    history = projection.events_of(entries)
    at = max(now, history[-1].at)
    book = rulebook.version_book(session, ticket, history)
    reading = read_history(history, book, at)
    return Dossier(session, ticket, now, at, entries, history, book, reading, reading.clocks(at))
