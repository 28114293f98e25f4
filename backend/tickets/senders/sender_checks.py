"""What forbids an event of the sender beyond the table of moves. Pure: the history and two states decide."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from backend.deadlines.events import TicketEvent
from backend.errors import Conflict, _
from backend.tickets.lifecycle import ANSWERS, Event, possible_at, replay_states, sender_events
from backend.tickets.models import TicketState

Notes = dict[str, Any]


def count_answers(history: Sequence[TicketEvent]) -> int:
    """Return how many answers the sender got, alone or with others. A rating names its answer by this number."""
    return sum(1 for ticket_event in history if ticket_event.event in ANSWERS)


def followed_answer(history: Sequence[TicketEvent], event: Event) -> bool:
    """Tell whether an event of this kind came after the latest answer."""
    latest = max((index for index, ticket_event in enumerate(history) if ticket_event.event in ANSWERS), default=0)
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


def check_confirmation_where_merged(history: Sequence[TicketEvent]) -> None:
    """Refuse a second confirmation. The first one is recorded and leaves the state of a merged ticket as it is."""
    if followed_answer(history, Event.CONFIRMED):
        raise Conflict(_("Bạn đã xác nhận rồi."))


def rated_answer(history: Sequence[TicketEvent], decided: datetime | None) -> int:
    """Return the number of the answer that can be rated now. Raises Conflict without an answer or after a rating."""
    answers = count_answers(history)
    if decided is None or not answers:
        raise Conflict(_("Phản ánh này chưa có trả lời để đánh giá."))
    if followed_answer(history, Event.RATED):
        raise Conflict(_("Phản ánh này đã được đánh giá. Cảm ơn bạn."))
    return answers
