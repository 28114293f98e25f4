"""What stands against a sender's event beyond the table of moves. Pure: read from the history and from two states."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from backend.deadlines.events import TicketEvent
from backend.errors import Conflict, _
from backend.tickets.lifecycle import ANSWERS, Event, possible_at, replay_states, sender_events
from backend.tickets.models import TicketState

Notes = dict[str, Any]


def count_answers(history: Sequence[TicketEvent]) -> int:
    """Return how many answers the sender was given, alone or together with others; ratings name one by this number."""
    return sum(1 for happening in history if happening.event in ANSWERS)


def followed_answer(history: Sequence[TicketEvent], event: Event) -> bool:
    """Whether an event of this kind came after the latest answer."""
    latest = max((place for place, happening in enumerate(history) if happening.event in ANSWERS), default=0)
    return any(happening.event is event for happening in history[latest:])


def check_where_merged(event: Event, into: TicketState) -> None:
    """Refuse what the state of the ticket that this one is merged into does not allow."""
    if event is not Event.NOTIFIED and event not in sender_events(TicketState.MERGED, into):
        raise Conflict(_("Phản ánh này đang được giải quyết chung với phản ánh khác nên chưa làm được việc này."))


def check_reply_where_merged(history: Sequence[TicketEvent]) -> None:
    """Refuse a reply unless a question was open when the ticket was merged."""
    standing = replay_states((h.event, bool(h.data.get("imported"))) for h in history)
    if Event.INFO_RECEIVED not in {row.event for row in possible_at(standing)}:
        raise Conflict(_("Phản ánh này hiện không chờ bạn trả lời."))


def check_confirmation_where_merged(history: Sequence[TicketEvent]) -> None:
    """Refuse a second confirmation: the first is noted and leaves the ticket where it is."""
    if followed_answer(history, Event.CONFIRMED):
        raise Conflict(_("Bạn đã xác nhận rồi."))


def rated_answer(history: Sequence[TicketEvent], decided: datetime | None) -> int:
    """Return the number of the answer that a rating is of now. Raises Conflict without one or when it was rated."""
    answers = count_answers(history)
    if decided is None or not answers:
        raise Conflict(_("Phản ánh này chưa có trả lời để đánh giá."))
    if followed_answer(history, Event.RATED):
        raise Conflict(_("Phản ánh này đã được đánh giá. Cảm ơn bạn."))
    return answers
