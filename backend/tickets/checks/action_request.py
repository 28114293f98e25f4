"""What somebody wants to happen to a ticket (``ActionRequest``), and the ticket as its checks read it (``TicketCase``).

``tickets.service`` makes the case; the checks of this folder read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from backend.deadlines.clock_reading import HistoryReading
from backend.deadlines.clock_states import TicketClocks, VersionBook
from backend.deadlines.events import TicketEvent
from backend.tickets.answers.outcomes import NO_CONTENT, NO_REFERENCE, AnswerContent, EarlierReference
from backend.tickets.lifecycle import BEGINNINGS, Event
from backend.tickets.models import CategoryClass, Ticket
from backend.users.policy import Actor, PolicySubject

Notes = dict[str, Any]  # what the history notes with an event


@dataclass(frozen=True)
class ActionRequest:
    """One event that somebody wants to happen to a ticket, with what it needs.

    - ``more`` or ``until``: an extension by a term such as ``5 working days``, or until a date. ``until`` is also the
      new date that is promised with the reason of a delay.
    - ``pause``: the number of the pause that is disputed or judged; None means the latest. ``stands``: the judgement.
    - ``procedure``: the procedure that the sender is redirected to.
    - ``ground``: the code of a ground of refusal, or of "cannot be done", from its closed list.
    - ``answer``: outcome, proof and points of an answer. ``until`` is also the date of "will be done until".
    - ``earlier``: the ticket that was answered before, for a repeat.
    - ``common``: what the history notes of the common answer.
    - ``calendar_id``: the version of the calendar that counts from now on.
    - ``message_id``: a text that is already stored: the common answer, or the reply that was passed on.
    - ``from_id``: the merged ticket whose sender replied.
    - ``group_id``: the group that the ticket is put into.
    - ``rating``: what the history keeps of a rating.
    - ``mentions``: the accounts that an internal note calls upon.
    - ``channel``: by which channel the sender wrote this, where it is known.
    - ``look_id``: the second look that is decided.
    """

    event: Event
    text: str = ""
    to_unit_id: int | None = None
    to_user_id: int | None = None
    into_id: int | None = None
    more: str = ""
    until: date | None = None
    pause: int | None = None
    stands: bool | None = None
    procedure: str = ""
    ground: str = ""
    calendar_id: int | None = None
    message_id: int | None = None
    from_id: int | None = None
    group_id: int | None = None
    rating: Mapping[str, Any] = field(default_factory=dict)
    mentions: tuple[int, ...] = ()
    channel: str = ""
    answer: AnswerContent = NO_CONTENT
    earlier: EarlierReference = NO_REFERENCE
    common: Mapping[str, Any] = field(default_factory=dict)
    look_id: int | None = None


@dataclass(frozen=True)
class TicketCase:
    """A ticket with its history, its clocks as they stand at ``at``, and the requested event.

    ``reading`` is the history as far as the clocks have read it.
    """

    session: Session
    ticket: Ticket
    request: ActionRequest
    actor: Actor
    at: datetime
    history: Sequence[TicketEvent]
    book: VersionBook
    clocks: TicketClocks
    reading: HistoryReading

    def since_beginning(self, *events: Event) -> list[TicketEvent]:
        """Return the events of these kinds in the present episode, in order."""
        start = max(index for index, ticket_event in enumerate(self.history) if ticket_event.event in BEGINNINGS)
        return [ticket_event for ticket_event in self.history[start:] if ticket_event.event in events]

    def last(self, event: Event) -> TicketEvent | None:
        """Return the latest event of a kind in the present episode."""
        events = self.since_beginning(event)
        return events[-1] if events else None

    @property
    def into(self) -> Ticket | None:
        """The ticket that this one is merged into."""
        into_id = self.ticket.merged_into_id
        return self.session.get_one(Ticket, into_id) if into_id is not None else None


def policy_subject(ticket: Ticket) -> PolicySubject:
    """Return what the policy asks about a ticket. Needs ``ticket.category`` loaded.

    A complaint about the conduct of a unit is hidden from that unit.
    """
    conduct = ticket.category.category_class is CategoryClass.CONDUCT
    return PolicySubject(ticket.unit_id, ticket.about_unit_id if conduct else None)
