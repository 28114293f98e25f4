"""What forbids an event of the sender beyond the table of moves. Pure: the history and two states decide."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from backend.deadlines.events import TicketEvent
from backend.errors import Conflict, _
from backend.tickets.lifecycle import ANSWERS, CLOSURES, TURNED_AWAY, Event, possible_at, replay_states, sender_events
from backend.tickets.models import TicketState

Notes = dict[str, Any]
DECISIONS = ANSWERS | TURNED_AWAY
ANSWERS_MOST = 1_000  # refusals and redirections are numbered from here on, so that the numbers of answers stay


def decision_number(history: Sequence[TicketEvent]) -> int:
    """Return the number by which a rating names the latest decision; 0 before there is one.

    Answers are numbered from 1, refusals and redirections from ``ANSWERS_MOST`` + 1.
    """
    decisions = [ticket_event.event for ticket_event in history if ticket_event.event in DECISIONS]
    if not decisions:
        return 0
    turned_away = decisions[-1] in TURNED_AWAY
    number = sum(1 for event in decisions if (event in TURNED_AWAY) == turned_away)
    return number + ANSWERS_MOST if turned_away else number


def followed_by(history: Sequence[TicketEvent], event: Event, closing: frozenset[Event]) -> bool:
    """Tell whether an event of this kind came after the latest of the ``closing`` events."""
    latest = max((index for index, ticket_event in enumerate(history) if ticket_event.event in closing), default=0)
    return any(ticket_event.event is event for ticket_event in history[latest:])


def check_where_merged(event: Event, into: TicketState) -> None:
    """Refuse an event that the state of the ticket which this one is merged into does not allow."""
    if event is not Event.NOTIFIED and event not in sender_events(TicketState.MERGED, into):
        raise Conflict(_("Phản ánh này đang được giải quyết chung với phản ánh khác nên chưa làm được việc này."))


def check_reply_where_merged(history: Sequence[TicketEvent]) -> None:
    """Refuse a reply unless a question was open when the ticket was merged."""
    path = replay_states((ticket_event.event, bool(ticket_event.data.get("imported"))) for ticket_event in history)
    if Event.INFO_RECEIVED not in {move.event for move in possible_at(path)}:
        raise Conflict(_("Phản ánh này hiện không chờ bạn trả lời."))


def check_confirmed_once(history: Sequence[TicketEvent]) -> None:
    """Refuse a second confirmation of one closure. Where the first leaves the state as it is, only this refuses."""
    if followed_by(history, Event.CONFIRMED, CLOSURES):
        raise Conflict(_("Bạn đã xác nhận rồi."))


def rated_decision(history: Sequence[TicketEvent], decided: datetime | None) -> int:
    """Return the number of the decision that can be rated now. Raises Conflict without one or after a rating."""
    number = decision_number(history)
    if decided is None or not number:
        raise Conflict(_("Phản ánh này chưa có trả lời để đánh giá."))
    if followed_by(history, Event.RATED, DECISIONS):
        raise Conflict(_("Phản ánh này đã được đánh giá. Cảm ơn bạn."))
    return number
