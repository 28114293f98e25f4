"""Compares what tickets are found by with their texts, and writes it anew. Both go through all tickets in batches."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateIndex

from backend.db import table_of
from backend.tickets.search.index import BATCH, index_tickets, read_senders, read_texts
from backend.tickets.search.models import TicketSearch

WORDS_INDEX: Final = next(index for index in table_of(TicketSearch).indexes if index.name == "ix_ticket_search_words")
ANY_ROW: Final = text("SELECT EXISTS (SELECT FROM ticket_search)")
DROP_INDEX: Final = text("DROP INDEX IF EXISTS ix_ticket_search_words")
NEXT_IDS: Final = text("SELECT id FROM tickets WHERE id > :after ORDER BY id LIMIT :most")
DIFFERENT: Final = text("""
    SELECT tickets.number, ticket_search.ticket_id IS NULL AS missing
    FROM unnest(CAST(:ids AS int[]), CAST(:words AS text[])) AS fresh (ticket_id, words)
    JOIN tickets ON tickets.id = fresh.ticket_id LEFT JOIN ticket_search ON ticket_search.ticket_id = fresh.ticket_id
    WHERE tsvector_to_array(ticket_search.words) IS DISTINCT FROM tsvector_to_array(CAST(fresh.words AS tsvector))
    ORDER BY tickets.id
""")
DIFFERENT_SENDERS: Final = text("""
    SELECT tickets.number
    FROM unnest(CAST(:ids AS int[]), CAST(:words AS text[])) AS fresh (ticket_id, words)
    JOIN tickets ON tickets.id = fresh.ticket_id JOIN ticket_contacts USING (ticket_id)
    WHERE tsvector_to_array(sender_words) IS DISTINCT FROM tsvector_to_array(CAST(fresh.words AS tsvector))
    ORDER BY tickets.id
""")


@dataclass(frozen=True)
class IndexDifference:
    """A ticket that is not found by all its words and only by these. ``what``: missing, words or sender."""

    ticket: str
    what: str


def rebuild_index(transaction: Callable[[], AbstractContextManager[Session]]) -> Iterator[int]:
    """Write anew what every ticket is found by, each batch in a transaction, and yield how many are ready.

    Tickets can be read and written meanwhile; a text that is written at the same time is not lost. Where no ticket has
    a row, as after a load, the index of words is made at the end, which takes a tenth of the time.
    """
    with transaction() as session:
        empty = not session.scalar(ANY_ROW)
        if empty:
            session.execute(DROP_INDEX)
    yield from _write_all(transaction)
    if empty:
        with transaction() as session:
            session.execute(CreateIndex(WORDS_INDEX, if_not_exists=True))


def _write_all(transaction: Callable[[], AbstractContextManager[Session]]) -> Iterator[int]:
    ready = after = 0
    while True:
        with transaction() as session:
            ids = _next_ids(session, after)
            ready += index_tickets(session, ids)
        if not ids:
            return
        after = ids[-1]
        yield ready


def check_index(session: Session) -> Iterator[IndexDifference]:
    """Yield every ticket whose words in the index are not those of its texts. Locks rows batch by batch."""
    after = 0
    while ids := _next_ids(session, after):
        yield from _differences(session, ids)
        after = ids[-1]


def _differences(session: Session, ids: Sequence[int]) -> Iterator[IndexDifference]:
    fresh = {texts.ticket_id: texts.vector() for texts in read_texts(session, ids)}
    for row in session.execute(DIFFERENT, {"ids": list(fresh), "words": list(fresh.values())}):
        yield IndexDifference(row.number, "missing" if row.missing else "words")
    senders = read_senders(session, ids)
    for row in session.execute(DIFFERENT_SENDERS, {"ids": list(senders), "words": list(senders.values())}):
        yield IndexDifference(row.number, "sender")


def _next_ids(session: Session, after: int) -> list[int]:
    return list(session.scalars(NEXT_IDS, {"after": after, "most": BATCH}))
