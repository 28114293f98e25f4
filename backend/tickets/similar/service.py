"""Keep the word pairs of recent tickets, outside of reception: a sweep adds new ones and removes old ones."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import CursorResult, delete, exists, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.db import table_of, transaction
from backend.tickets.models import Ticket
from backend.tickets.similar.models import SimilarText
from backend.tickets.similar.scoring import DAYS_MOST
from backend.tickets.similar.word_pairs import read_pairs
from backend.worktime.calendar import local_time

BATCH: Final = 500
RECENT: Final = timedelta(days=1)  # what the frequent sweep looks at; the hourly one looks at everything

MOVE_PAIRS: Final = text("""
    UPDATE similar_pairs SET unit_id = :unit_id
    FROM similar_texts
    WHERE similar_texts.ticket_id = :ticket_id AND similar_pairs.unit_id = similar_texts.unit_id
        AND similar_pairs.pair = ANY(similar_texts.pairs) AND similar_pairs.ticket_id = :ticket_id
""")
MOVE_TEXT: Final = text("UPDATE similar_texts SET unit_id = :unit_id WHERE ticket_id = :ticket_id")
STORE_PAIRS: Final = text("""
    INSERT INTO similar_pairs (unit_id, pair, ticket_id)
    SELECT unit_id, unnest(pairs), ticket_id FROM similar_texts WHERE ticket_id = ANY(CAST(:ids AS integer[]))
    ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING
""")
REMOVE_PAIRS: Final = text("""
    DELETE FROM similar_pairs USING similar_texts, unnest(similar_texts.pairs) AS own(pair)
    WHERE similar_texts.ticket_id = ANY(CAST(:ids AS integer[])) AND similar_pairs.unit_id = similar_texts.unit_id
        AND similar_pairs.pair = own.pair AND similar_pairs.ticket_id = similar_texts.ticket_id
""")


def follow_unit(session: Session, ticket: Ticket) -> None:
    """List the pairs of a forwarded ticket under the unit that has it now."""
    values = {"unit_id": ticket.unit_id, "ticket_id": ticket.id}
    session.execute(MOVE_PAIRS, values)
    session.execute(MOVE_TEXT, values)


def list_new_texts(now: datetime, *, everything: bool = False) -> int:
    """Store the pairs of tickets that have none yet, in transactions of ``BATCH`` tickets; return how many there were.

    ``everything``: also of tickets older than a day, such as those that were imported.
    """
    since = local_time(now).date() - (timedelta(days=DAYS_MOST) if everything else RECENT)
    total, after = 0, 0
    while True:
        with transaction() as session:
            tickets = _without_pairs(session, since, after)
            store_pairs(session, tickets)
        total += len(tickets)
        if len(tickets) < BATCH:
            return total
        after = tickets[-1].id


def _without_pairs(session: Session, since: date, after: int) -> Sequence[Ticket]:
    """Return recent tickets without pairs. Those that somebody works on right now are left for the next run."""
    stored = exists().where(SimilarText.ticket_id == Ticket.id)
    recent = select(Ticket).where(Ticket.received_on >= since, Ticket.id > after, ~stored)
    statement = recent.order_by(Ticket.id).limit(BATCH)
    return session.scalars(statement.with_for_update(read=True, skip_locked=True)).all()


def store_pairs(session: Session, tickets: Sequence[Ticket]) -> None:
    """Store the pairs of tickets, once for each. A ticket without any pair gets an empty row."""
    if not tickets:
        return
    numbers = {ticket.id: list(read_pairs(ticket.title, ticket.content)) for ticket in tickets}
    texts = [
        {
            "ticket_id": ticket.id,
            "unit_id": ticket.unit_id,
            "received_on": ticket.received_on,
            "pairs": numbers[ticket.id],
        }
        for ticket in tickets
    ]
    session.execute(insert(table_of(SimilarText)).on_conflict_do_nothing(), texts)
    session.execute(STORE_PAIRS, {"ids": list(numbers)})


def remove_old_texts(now: datetime) -> int:
    """Remove the pairs of tickets that are too old to be similar to a new one; return how many tickets there were."""
    until = local_time(now).date() - timedelta(days=DAYS_MOST)
    total = 0
    while True:
        with transaction() as session:
            removed = _remove_batch(session, until)
        total += removed
        if removed < BATCH:
            return total


def _remove_batch(session: Session, until: date) -> int:
    old = select(SimilarText.ticket_id).where(SimilarText.received_on < until).order_by(SimilarText.received_on)
    ids = list(session.scalars(old.limit(BATCH).with_for_update(skip_locked=True)))
    session.execute(REMOVE_PAIRS, {"ids": ids})
    result = session.execute(delete(SimilarText).where(SimilarText.ticket_id.in_(ids)))
    return result.rowcount if isinstance(result, CursorResult) else 0
