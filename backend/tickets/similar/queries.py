"""Find tickets that are similar to one: candidates by word pairs, scored, and only what the reader may see.

The cost is bounded whatever the history: each pair gives at most ``LATEST`` tickets of each unit, and only the best
``SCORED`` of them are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from backend.tickets import queries
from backend.tickets.models import Ticket
from backend.tickets.similar.models import SimilarText
from backend.tickets.similar.scoring import (
    DAYS_MOST,
    PAIRS_LEAST,
    SimilarityScore,
    SimilarSubject,
    score_similarity,
)
from backend.tickets.similar.word_pairs import read_pairs
from backend.units.neighbours import list_neighbours
from backend.users.policy import EVERY_UNIT, Actor, Permission

LATEST: Final = 40  # tickets of one unit that a pair leads to, the latest first
SCORED: Final = 40  # candidates that are read, those with the most pairs in common
SIMILAR_MOST: Final = 8  # on a page

CANDIDATES: Final = text("""
    SELECT found.ticket_id
    FROM unnest(CAST(:pairs AS integer[])) AS own(pair)
    CROSS JOIN unnest(CAST(:units AS integer[])) AS place(unit_id)
    CROSS JOIN LATERAL (
        SELECT ticket_id FROM similar_pairs
        WHERE similar_pairs.unit_id = place.unit_id AND similar_pairs.pair = own.pair
        ORDER BY ticket_id DESC LIMIT :latest
    ) AS found
    WHERE found.ticket_id <> :own_id
    GROUP BY found.ticket_id
    HAVING count(*) >= :least
    ORDER BY count(*) DESC, found.ticket_id DESC
    LIMIT :scored
""")


@dataclass(frozen=True)
class SimilarTicket:
    """A ticket that is similar to another one, with the score that says why."""

    ticket: Ticket
    score: SimilarityScore


def list_similar(session: Session, ticket: Ticket, actor: Actor, today: date) -> list[SimilarTicket]:
    """Return the tickets most similar to this one that ``actor`` may see, the most similar first.

    They were received within ``DAYS_MOST`` days before today. A ticket is found from about a minute after it came in.
    """
    pairs = read_pairs(ticket.title, ticket.content)
    neighbours = list_neighbours(session, ticket.about_unit_id)
    scores: dict[int, SimilarityScore] = {}
    for row in _candidates(session, ticket, actor, list(pairs), _places(ticket, actor, neighbours), today):
        other = SimilarSubject(row.about_unit_id, row.category_code, row.received_on)
        score = score_similarity(subject_of(ticket), pairs, other, row.pairs, neighbours)
        if score.is_similar:
            scores[row.id] = score
    best = sorted(scores, key=lambda ticket_id: (-scores[ticket_id].points, -ticket_id))[:SIMILAR_MOST]
    tickets = session.scalars(select(Ticket).where(Ticket.id.in_(best)).options(*queries.SHOWN))
    similar = {row.id: SimilarTicket(row, scores[row.id]) for row in tickets}
    return [similar[ticket_id] for ticket_id in best]


def subject_of(ticket: Ticket) -> SimilarSubject:
    """Return what a ticket is compared by."""
    return SimilarSubject(ticket.about_unit_id, ticket.category_code, ticket.received_on)


def _places(ticket: Ticket, actor: Actor, neighbours: frozenset[int]) -> list[int]:
    """Return the units whose tickets are looked at: where it lies, and for the whole province also around it."""
    if actor.role not in EVERY_UNIT[Permission.VIEW_TICKET]:
        return [ticket.unit_id]
    return sorted({ticket.unit_id, ticket.about_unit_id} | neighbours)


def _candidates(
    session: Session, ticket: Ticket, actor: Actor, pairs: Sequence[int], units: Sequence[int], today: date
) -> Sequence[Row[int, int, str, date, list[int]]]:
    """Return what the tickets with the most pairs in common are compared by, of those that ``actor`` may see."""
    values = {"pairs": list(pairs), "units": list(units), "own_id": ticket.id}
    bounds = {"latest": LATEST, "scored": SCORED, "least": PAIRS_LEAST}
    ids = session.scalars(CANDIDATES, values | bounds).all()
    statement = (
        queries.select_visible(actor, Permission.VIEW_TICKET)
        .join(SimilarText, SimilarText.ticket_id == Ticket.id)
        .where(Ticket.id.in_(ids), Ticket.received_on >= today - timedelta(days=DAYS_MOST))
        .with_only_columns(Ticket.id, Ticket.about_unit_id, Ticket.category_code, Ticket.received_on, SimilarText.pairs)
    )
    return session.execute(statement).all()
