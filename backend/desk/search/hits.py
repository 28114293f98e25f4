"""The hits of a search as its page shows them: each ticket with the passages in which the words stand."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.errors import _
from backend.tickets.models import Contact, Ticket, TicketMessage
from backend.tickets.queries import SHOWN
from backend.tickets.search.passages import MarkedPassage, PassageMarker
from backend.tickets.search.typed_query import TypedQuery

PASSAGES_MOST: Final = 2
CONTENT: Final = _("Nội dung")
OTHER: Final = _("Văn bản khác")
PLACES: Final[Mapping[str, str]] = {
    "question": _("Câu hỏi gửi người dân"),
    "reply": _("Người gửi bổ sung"),
    "reason": _("Lý do, ý kiến của cơ quan"),
    "answer": _("Trả lời"),
    "draft": _("Dự thảo trả lời"),
    "objection": _("Ý kiến không đồng ý"),
    "note": _("Ghi chú nội bộ"),
}


@dataclass(frozen=True)
class PlacedPassage:
    """A passage and the name of the text that it stands in."""

    place: str
    passage: MarkedPassage


@dataclass(frozen=True)
class ShownHit:
    """A ticket that was found. ``sender``: only where senders were searched."""

    ticket: Ticket
    title: MarkedPassage | None
    passages: Sequence[PlacedPassage]
    sender: Contact | None


def show_hits(
    session: Session, ticket_ids: Sequence[int], query: TypedQuery | None, *, with_senders: bool = False
) -> list[ShownHit]:
    """Return the hits in their order. There are at most three statements, however many hits there are."""
    tickets = {
        ticket.id: ticket for ticket in session.scalars(select(Ticket).where(Ticket.id.in_(ticket_ids)).options(*SHOWN))
    }
    messages = _messages(session, ticket_ids) if query is not None else {}
    senders: dict[int, Contact] = {}
    if with_senders:
        rows = session.scalars(select(Contact).where(Contact.ticket_id.in_(ticket_ids)))
        senders = {contact.ticket_id: contact for contact in rows}
    marker = PassageMarker(query) if query is not None else None
    return [
        _shown(tickets[ticket_id], messages.get(ticket_id, ()), marker, senders.get(ticket_id))
        for ticket_id in ticket_ids
        if ticket_id in tickets
    ]


def _messages(session: Session, ticket_ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """Return kinds and texts of the messages of each ticket, the latest first."""
    statement = (
        select(TicketMessage.ticket_id, TicketMessage.kind, TicketMessage.body)
        .where(TicketMessage.ticket_id.in_(ticket_ids))
        .order_by(TicketMessage.id.desc())
    )
    texts: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for ticket_id, kind, body in session.execute(statement):
        texts[ticket_id].append((kind, body))
    return texts


def _shown(
    ticket: Ticket, messages: Sequence[tuple[str, str]], marker: PassageMarker | None, sender: Contact | None
) -> ShownHit:
    if marker is None:
        return ShownHit(ticket, None, (), sender)
    title = marker.mark(ticket.title, whole=True)
    return ShownHit(ticket, title, _passages(ticket, messages, marker, title.words), sender)


def _passages(
    ticket: Ticket, messages: Sequence[tuple[str, str]], marker: PassageMarker, in_title: frozenset[int]
) -> list[PlacedPassage]:
    """Return the fewest passages that show the words which are not in the title, the text of the sender first."""
    wanted = marker.words - in_title
    texts = [(CONTENT, ticket.content), *((PLACES.get(kind, OTHER), body) for kind, body in messages)]
    passages: list[PlacedPassage] = []
    for place, body in texts:
        if not wanted or len(passages) == PASSAGES_MOST:
            break
        passage = marker.mark(body)
        if passage.words & wanted:
            passages.append(PlacedPassage(place, passage))
            wanted -= passage.words
    return passages
