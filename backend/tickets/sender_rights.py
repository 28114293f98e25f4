"""What the sender of a ticket may do now: the one answer for the page, for letters and for the bot.

The table of moves (``lifecycle.sender_events``) says what a state allows, and of a merged ticket what the state of the
ticket allows that it is merged into. The checks of each event say the rest: the window, the answer already rated.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from backend.deadlines.clocks import ClockPreview
from backend.errors import Conflict, DomainError, _
from backend.tickets import service
from backend.tickets.dossier import Dossier
from backend.tickets.lifecycle import JUDGEMENTS, Event, sender_events
from backend.tickets.models import Ticket
from backend.users.policy import SENDER

SenderRights = Mapping[Event, ClockPreview]


def read_sender_rights(known: Dossier, *, reading: bool = False) -> SenderRights:
    """Return each event that the sender may cause now, with what it would do to the clocks.

    A decision is judged only after it was read. ``reading``: the sender reads it in this very message.
    """
    ticket = known.ticket
    unread = ticket.untold and not reading
    into = known.session.get(Ticket, ticket.merged_into_id) if ticket.merged_into_id is not None else None
    rights: dict[Event, ClockPreview] = {}
    for event in sender_events(ticket.state, into.state if into is not None else None):
        if unread and event in JUDGEMENTS:
            continue
        effect = _first_effect(known, event)
        if effect is not None:
            rights[event] = effect
    return rights


def tell_sender(session: Session, ticket: Ticket, now: datetime) -> None:
    """Note that the decision has reached its sender, where it had not before."""
    if ticket.untold:
        service.apply(session, ticket.id, service.ActionRequest(Event.NOTIFIED), SENDER, now=now)


def check_read(ticket: Ticket, event: Event) -> None:
    """Refuse to let a sender judge a decision that they have not read."""
    if event in JUDGEMENTS and ticket.untold:
        raise Conflict(_("Xin đọc trả lời trước."))


def _first_effect(known: Dossier, event: Event) -> ClockPreview | None:
    """What the event would do; None where a check refuses it."""
    for change in _examples(known, event):
        try:
            return service.preview_action(known, change, SENDER)
        except DomainError:
            continue
    return None


def _examples(known: Dossier, event: Event) -> list[service.ActionRequest]:
    """A pause may be disputed one by one; everything else is about the ticket."""
    if event is not Event.PAUSE_DISPUTED:
        return [service.ActionRequest(event)]
    return [service.ActionRequest(event, pause=held.number) for held in known.clocks.breaks if not held.disputed]
