"""Finds tickets by words: those with the tones that were typed first, the newest first among these.

Few hits are ordered by how well they fit. What an actor may not see is left out by the condition of the policy in the
same statement, so it is neither found nor counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, cast, func, literal, select
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from backend.errors import Forbidden
from backend.tickets.models import Ticket
from backend.tickets.search.models import TicketSearch
from backend.tickets.search.reaches import SearchTier, matches, search_statement
from backend.tickets.search.search_request import TicketSearchRequest
from backend.tickets.search.time_limit import TimeLeft, within
from backend.tickets.search.typed_query import TypedQuery
from backend.users.policy import can

PAGE: Final = 50
RANKED_MOST: Final = 200  # hits that are counted exactly and ordered by how well they fit; more are newest first
SECONDS: Final = 2.0  # for one search, altogether
CURSOR_MOST: Final = 20  # characters


@dataclass(frozen=True)
class SearchHit:
    """A ticket that was found: in which tier, 0 for the best."""

    tier: int
    ticket_id: int


@dataclass(frozen=True)
class FoundTickets:
    """A page of hits. ``total`` counts up to ``RANKED_MOST``; None where there are more, and on further pages of these.

    ``after``: where the next page begins, None on the last one.
    """

    ticket_ids: Sequence[int]
    total: int | None
    after: str | None


@dataclass(frozen=True)
class SearchCursor:
    """The last hit of a page. ``ranked``: of a list that is ordered by how well hits fit."""

    hit: SearchHit
    ranked: bool

    def __str__(self) -> str:
        return f"{'r' if self.ranked else 'n'}{self.hit.tier}.{self.hit.ticket_id}"


def search_condition(query: TypedQuery) -> ColumnElement[bool]:
    """Return the condition that a ticket has the words, for lists with an order of their own."""
    words = query.by_number or query.folded
    return Ticket.id.in_(select(TicketSearch.ticket_id).where(matches(TicketSearch.words, words)))


def find_tickets(session: Session, request: TicketSearchRequest, after: str = "", *, page: int = PAGE) -> FoundTickets:
    """Return a page of the tickets that the actor may see and that have the words.

    ``after`` is the cursor of the page before; one that nobody gave out begins at the first page. Raises SearchTooSlow,
    and Forbidden for an actor who may read no ticket.
    """
    if not can(request.actor, request.permission):
        raise Forbidden
    start = _read_cursor(after)
    with within(session, SECONDS) as time_left:
        if start is not None and not start.ranked:
            return _newest_page(_collect(session, request, start.hit, page + 1, time_left), page)
        hits = _collect(session, request, None, max(RANKED_MOST, page) + 1, time_left)
        if len(hits) > RANKED_MOST:
            return _newest_page(hits, page)
        return _ranked_page(_ranked(session, request, hits), start, page)


def _read_cursor(typed: str) -> SearchCursor | None:
    kind, numbers = typed[:1], typed[1:].split(".")
    if kind not in ("r", "n") or len(numbers) != 2 or len(typed) > CURSOR_MOST:
        return None
    if not all(number.isascii() and number.isdigit() for number in numbers):
        return None
    return SearchCursor(SearchHit(int(numbers[0]), int(numbers[1])), kind == "r")


def _newest_page(hits: Sequence[SearchHit], page: int) -> FoundTickets:
    rows = hits[:page]
    after = str(SearchCursor(rows[-1], ranked=False)) if len(hits) > page else None
    return FoundTickets([hit.ticket_id for hit in rows], None, after)


def _ranked_page(hits: Sequence[SearchHit], start: SearchCursor | None, page: int) -> FoundTickets:
    ids = [hit.ticket_id for hit in hits]
    begin = ids.index(start.hit.ticket_id) + 1 if start and start.hit.ticket_id in ids else 0
    rows = hits[begin : begin + page]
    after = str(SearchCursor(rows[-1], ranked=True)) if len(hits) > begin + page else None
    return FoundTickets([hit.ticket_id for hit in rows], len(hits), after)


def _collect(
    session: Session, request: TicketSearchRequest, start: SearchHit | None, most: int, time_left: TimeLeft
) -> list[SearchHit]:
    """Return at most ``most`` hits behind the start, tier by tier and from the newest back.

    Where no ticket has the words, those count that begin with the last one.
    """
    top = (session.scalar(select(func.max(TicketSearch.ticket_id))) or 0) + 1
    usual = request.tiers
    last = len(usual)
    tiers = [SearchTier(number, words, usual[:number], top) for number, words in enumerate(usual)]
    resort = [SearchTier(last, request.last_resort, (), top)] if request.last_resort else []
    if start is not None:
        return _run(session, request, _behind(start, resort if start.tier == last else tiers), most, time_left)
    return _run(session, request, tiers, most, time_left) or _run(session, request, resort, most, time_left)


def _behind(start: SearchHit, tiers: Sequence[SearchTier]) -> list[SearchTier]:
    """Return the tiers from the start on; that of the start begins below its id."""
    return [
        SearchTier(tier.number, tier.words, tier.before, min(tier.below, start.ticket_id))
        if tier.number == start.tier
        else tier
        for tier in tiers
        if tier.number >= start.tier
    ]


def _run(
    session: Session, request: TicketSearchRequest, tiers: Sequence[SearchTier], most: int, time_left: TimeLeft
) -> list[SearchHit]:
    if not tiers:
        return []
    time_left.limit()
    statement = search_statement(request, tiers, most)
    return [SearchHit(row.tier, row.ticket_id) for row in session.execute(statement)]


def _ranked(session: Session, request: TicketSearchRequest, hits: Sequence[SearchHit]) -> list[SearchHit]:
    """Order few hits: by tier, then by how near the words stand to each other and where, then the newest first."""
    if request.query is None or len(hits) < 2:
        return list(hits)
    query = cast(literal(request.query.folded), TSQUERY)
    statement = select(TicketSearch.ticket_id, func.ts_rank_cd(TicketSearch.words, query)).where(
        TicketSearch.ticket_id.in_([hit.ticket_id for hit in hits])
    )
    fits = {ticket_id: float(fit) for ticket_id, fit in session.execute(statement)}
    return sorted(hits, key=lambda hit: (hit.tier, -fits.get(hit.ticket_id, 0.0), -hit.ticket_id))
