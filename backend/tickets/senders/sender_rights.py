"""What the sender of a ticket may do now: the one answer for the page, for letters and for the bot.

The table of moves (``lifecycle.sender_events``) says what the state allows; for a merged ticket the state of the ticket
that it is merged into counts too. The checks of each event decide the rest, such as the window for reopening or an
answer that is already rated.
"""

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy.orm import Session

from backend.deadlines import limits
from backend.deadlines.clocks import ClockPreview
from backend.errors import Conflict, DomainError, _
from backend.tickets import service
from backend.tickets.answers.promises import closed_from
from backend.tickets.dossier import Dossier
from backend.tickets.lifecycle import JUDGEMENTS, Event, sender_events
from backend.tickets.models import Ticket
from backend.users.policy import SENDER

SenderRights = Mapping[Event, ClockPreview]


def read_sender_rights(dossier: Dossier, *, reading: bool = False) -> SenderRights:
    """Return each event that the sender may cause now, with the preview of its clocks.

    The sender judges a decision only after reading it. ``reading``: they read it in the message that is being written.
    """
    ticket = dossier.ticket
    unread = ticket.untold and not reading
    into = dossier.session.get(Ticket, ticket.merged_into_id) if ticket.merged_into_id is not None else None
    rights: dict[Event, ClockPreview] = {}
    for event in sender_events(ticket.state, into.state if into is not None else None):
        if unread and event in JUDGEMENTS:
            continue
        preview = _first_preview(dossier, event)
        if preview is not None:
            rights[event] = preview
    return rights


def reopening_end(dossier: Dossier) -> date | None:
    """Return the last day on which the sender may have the ticket handled again.

    None: nothing is decided, or promised work is owed and the window has not begun to run.
    """
    closed, clocks = closed_from(dossier.history, dossier.clocks.decided), dossier.clocks
    if closed is None:
        return None
    return limits.last_day(clocks.resolve.term.calendar, clocks.ruling.get(limits.REOPEN_WINDOW), closed)


def tell_sender(session: Session, ticket: Ticket, now: datetime) -> None:
    """Record that the decision has reached its sender, if that is not recorded yet."""
    if ticket.untold:
        service.apply(session, ticket.id, service.ActionRequest(Event.NOTIFIED), SENDER, now=now)


def check_read(ticket: Ticket, event: Event) -> None:
    """Refuse a judgement of a decision that the sender has not read. Raises Conflict."""
    if event in JUDGEMENTS and ticket.untold:
        raise Conflict(_("Xin đọc trả lời trước."))


def _first_preview(dossier: Dossier, event: Event) -> ClockPreview | None:
    """Return what the event would do to the clocks; None where every request for it is refused."""
    for request in _possible_requests(dossier, event):
        try:
            return service.preview_action(dossier, request, SENDER)
        except DomainError:
            continue
    return None


def _possible_requests(dossier: Dossier, event: Event) -> list[service.ActionRequest]:
    """Return one request for each pause that can be disputed; for any other event one request."""
    if event is not Event.PAUSE_DISPUTED:
        return [service.ActionRequest(event)]
    return [service.ActionRequest(event, pause=pause.number) for pause in dossier.clocks.breaks if not pause.disputed]
