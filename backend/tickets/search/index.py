"""Writes what tickets are found by, in the transaction of the text itself.

Reception calls ``index_received``. A text of a ticket, a change of its unit and a sender are noted by themselves when
they are written through the session (the listeners below). Loads that write rows in bulk call ``index_tickets`` with
the ids.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.orm import Mapper, Session

from backend.tickets.models import Contact, MessageKind, Ticket, TicketMessage
from backend.tickets.search.documents import (
    LEXEMES_MOST,
    SearchedText,
    TextWeight,
    ticket_marks,
    unit_marks,
    write_vector,
)
from backend.tickets.search.typed_sender import sender_vector

BATCH: Final = 1_000
READ_BY_SENDERS: Final = frozenset({MessageKind.ANSWER, MessageKind.QUESTION, MessageKind.REPLY})

INSERT: Final = text("INSERT INTO ticket_search (ticket_id, words) VALUES (:ticket_id, CAST(:words AS tsvector))")
APPEND: Final = text("""
    UPDATE ticket_search SET words = words || CAST(:words AS tsvector)
    WHERE ticket_id = :ticket_id AND length(words) < :most
""")
MOVE: Final = text("""
    UPDATE ticket_search
    SET words = ts_delete(words, ARRAY(
        SELECT lexeme FROM unnest(tsvector_to_array(words)) AS lexeme WHERE starts_with(lexeme, '~u')
    )) || CAST(:words AS tsvector)
    WHERE ticket_id = :ticket_id
""")
# A row that is locked here cannot take another text until the batch ends, and a text that was written before the lock
# is committed and read.
LOCK: Final = text("SELECT ticket_id FROM ticket_search WHERE ticket_id = ANY(:ids) ORDER BY ticket_id FOR UPDATE")
TICKETS: Final = text("SELECT id, number, unit_id, title, content FROM tickets WHERE id = ANY(:ids)")
MESSAGES: Final = text("SELECT ticket_id, kind, body FROM ticket_messages WHERE ticket_id = ANY(:ids) ORDER BY id")
STORE: Final = text("""
    INSERT INTO ticket_search (ticket_id, words)
    SELECT ticket_id, CAST(words AS tsvector)
    FROM unnest(CAST(:ids AS int[]), CAST(:words AS text[])) AS fresh (ticket_id, words)
    ON CONFLICT (ticket_id) DO UPDATE SET words = excluded.words
""")
SENDERS: Final = text("SELECT ticket_id, name, phone FROM ticket_contacts WHERE ticket_id = ANY(:ids)")
STORE_SENDERS: Final = text("""
    UPDATE ticket_contacts SET sender_words = CAST(fresh.words AS tsvector)
    FROM unnest(CAST(:ids AS int[]), CAST(:words AS text[])) AS fresh (ticket_id, words)
    WHERE ticket_contacts.ticket_id = fresh.ticket_id AND sender_words IS DISTINCT FROM CAST(fresh.words AS tsvector)
""")


@dataclass(frozen=True)
class TicketTexts:
    """All that a ticket is found by."""

    ticket_id: int
    number: str
    unit_id: int
    title: str
    content: str
    messages: Sequence[tuple[str, str]] = field(default=())

    def vector(self) -> str:
        """Return the vector of the ticket: its marks, title, content and messages in the order of writing."""
        texts = [SearchedText(self.title, TextWeight.TITLE), SearchedText(self.content, TextWeight.CONTENT)]
        texts += [SearchedText(body, weight_of(kind)) for kind, body in self.messages]
        return write_vector(texts, ticket_marks(self.ticket_id, self.number, self.unit_id))


def weight_of(kind: str) -> TextWeight:
    """Return how much a message of a kind counts: what senders read or wrote before the notes of staff."""
    return TextWeight.MESSAGE if kind in READ_BY_SENDERS else TextWeight.OTHER


def index_received(session: Session, received: TicketTexts) -> None:
    """Store what a new ticket is found by."""
    session.execute(INSERT, {"ticket_id": received.ticket_id, "words": received.vector()})


def index_text(connection: Connection | Session, ticket_id: int, body: str, weight: TextWeight) -> None:
    """Add a text of a ticket, such as a message or the name of a file, to what the ticket is found by."""
    words = write_vector([SearchedText(body, weight)])
    if words:
        connection.execute(APPEND, {"ticket_id": ticket_id, "words": words, "most": LEXEMES_MOST})


def index_tickets(connection: Connection | Session, ticket_ids: Iterable[int]) -> int:
    """Write anew what tickets are found by, from their stored texts; return how many there are."""
    count, remaining = 0, iter(ticket_ids)
    while ids := list(islice(remaining, BATCH)):
        fresh = {texts.ticket_id: texts.vector() for texts in read_texts(connection, ids)}
        connection.execute(STORE, {"ids": list(fresh), "words": list(fresh.values())})
        senders = read_senders(connection, ids)
        connection.execute(STORE_SENDERS, {"ids": list(senders), "words": list(senders.values())})
        count += len(fresh)
    return count


def read_texts(connection: Connection | Session, ticket_ids: Sequence[int]) -> Iterator[TicketTexts]:
    """Lock what tickets are found by, then yield their texts, by rising id."""
    ids = {"ids": list(ticket_ids)}
    connection.execute(LOCK, ids)
    messages: Mapping[int, list[tuple[str, str]]] = defaultdict(list)
    for message in connection.execute(MESSAGES, ids):
        messages[message.ticket_id].append((message.kind, message.body))
    for row in sorted(connection.execute(TICKETS, ids), key=lambda ticket: ticket.id):
        yield TicketTexts(row.id, row.number, row.unit_id, row.title, row.content, messages.get(row.id, ()))


def read_senders(connection: Connection | Session, ticket_ids: Sequence[int]) -> dict[int, str | None]:
    """Return by ticket what each sender is found by."""
    rows = connection.execute(SENDERS, {"ids": list(ticket_ids)})
    return {row.ticket_id: sender_vector(row.ticket_id, row.name, row.phone) or None for row in rows}


@event.listens_for(TicketMessage, "after_insert")
def _note_message(_mapper: Mapper[Any], connection: Connection, message: TicketMessage) -> None:
    """A text that is written can be found from its transaction on."""
    index_text(connection, message.ticket_id, message.body, weight_of(message.kind))


@event.listens_for(Ticket, "after_update")
def _note_unit(_mapper: Mapper[Any], connection: Connection, ticket: Ticket) -> None:
    """A ticket that goes to another unit is found there."""
    if inspect(ticket).attrs.unit_id.history.has_changes():
        marks = write_vector([], unit_marks(ticket.unit_id, ticket.id))
        connection.execute(MOVE, {"ticket_id": ticket.id, "words": marks})


@event.listens_for(Contact, "before_insert")
@event.listens_for(Contact, "before_update")
def _note_sender(_mapper: Mapper[Any], _connection: Connection, contact: Contact) -> None:
    """A sender is found by what is stored of them now; what was erased finds nobody."""
    contact.sender_words = sender_vector(contact.ticket_id, contact.name, contact.phone) or None
