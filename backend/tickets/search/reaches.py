"""The statement of a search: its queries in their order, each in ranges of ids from the newest back.

A common word stands in hundreds of thousands of tickets, and all of them would be read to find the newest ones. So each
query is asked for the latest thousand ids first, then for wider and wider reaches. The lexemes of blocks
(``documents``) keep the index to a reach. PostgreSQL runs the parts of a UNION ALL one after the other and ends with
the LIMIT.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import ColumnElement, CompoundSelect, Select, cast, literal, union_all
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import InstrumentedAttribute

from backend.tickets.models import Contact, Ticket
from backend.tickets.queries import select_visible
from backend.tickets.search.documents import FAR_BITS, NEAR_BITS, far_block, near_block, unit_block, unit_mark
from backend.tickets.search.models import TicketSearch
from backend.tickets.search.search_request import TicketSearchRequest

LATEST: Final = 1_000  # ids that are looked through one by one: a very common word is found here at once
GOING_ON: Final = ":*"  # in a query: the word may go on


@dataclass(frozen=True)
class SearchTier:
    """One query: its place in the order, the queries before it, and the ids below which it begins."""

    number: int
    words: str
    before: Sequence[str]
    below: int


@dataclass(frozen=True)
class IdReach:
    """A range of ids, from the newest back; without ``oldest`` it has no end.

    ``lexemes`` keep the index of words to it. ``by_key``: its rows are looked through one by one.
    """

    oldest: int | None
    below: int
    lexemes: tuple[str, ...] = ()
    by_key: bool = False


def matches(column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None], query: str) -> ColumnElement[bool]:
    """Return the condition that a vector has the words of a query."""
    return column.bool_op("@@")(cast(literal(query), TSQUERY))


def search_statement(request: TicketSearchRequest, tiers: Sequence[SearchTier], most: int) -> CompoundSelect[int, int]:
    """Return tier and id of at most ``most`` tickets, the best tier first and the newest first within it."""
    parts = [_part(request, tier, reach).limit(most) for tier in tiers for reach in _reaches(request, tier)]
    return union_all(*parts).limit(most)


def _reaches(request: TicketSearchRequest, tier: SearchTier) -> Iterator[IdReach]:
    """Yield ranges of ids, each wider than the one before, until all ids are covered."""
    below, latest = tier.below, tier.below - 1
    if request.searched_unit is None:
        yield IdReach(below - LATEST, below, by_key=True)
        below -= LATEST
    for bits, block in _blocks(request, tier.words):
        oldest = max(((latest >> bits) - 1) << bits, 0)
        if oldest < below:
            yield IdReach(oldest, below, tuple(sorted({block(oldest), block(latest)})))
            below = oldest
    yield IdReach(None, below)


def _blocks(request: TicketSearchRequest, words: str) -> list[tuple[int, Callable[[int], str]]]:
    """Return the sizes of blocks, in bits of an id, each with its lexeme.

    The index gathers all words with a beginning before it narrows them. So blocks save nothing where a word may go on
    and all units are searched; in one unit such a word is looked up in the rows that the other lexemes leave. A unit
    has few tickets in a block of ids, so the large ones are enough. Senders are not kept by unit.
    """
    unit_id = request.searched_unit
    if request.sender is None and unit_id is not None:
        return [(FAR_BITS, partial(unit_block, unit_id))]
    if request.sender is None and _goes_on(words):
        return []
    return [(NEAR_BITS, near_block), (FAR_BITS, far_block)]


def _part(request: TicketSearchRequest, tier: SearchTier, reach: IdReach) -> Select[int, int]:
    """Return the hits of one tier in one reach, without those of earlier tiers."""
    driver = Contact.ticket_id if request.sender else TicketSearch.ticket_id
    visible = select_visible(request.actor, request.permission, request.unit_id)
    statement = visible.with_only_columns(literal(tier.number).label("tier"), Ticket.id.label("ticket_id"))
    statement = statement.join(TicketSearch, TicketSearch.ticket_id == Ticket.id).where(*request.where)
    if request.sender is not None:
        statement = statement.join(Contact, Contact.ticket_id == Ticket.id)
    statement = statement.where(*_word_conditions(request, tier.words, reach))
    for earlier in tier.before:
        statement = statement.where(matches(TicketSearch.words, earlier).is_not(True))
    # The key as an expression: the planner must neither walk it backwards through all tickets until it meets enough
    # hits, nor read all keys of a reach beside its lexemes.
    key = driver + 0
    return statement.where(*_range_conditions(driver, reach)).order_by(key.desc())


def _range_conditions(driver: InstrumentedAttribute[int], reach: IdReach) -> list[ColumnElement[bool]]:
    """Return the range of ids of a reach. The index of ids serves it only where the rows are looked through."""
    if reach.by_key and reach.oldest is not None:
        return [driver >= reach.oldest, driver < reach.below]
    oldest = [driver + 0 >= reach.oldest] if reach.oldest is not None else []
    return [*oldest, driver + 0 < reach.below]


def _word_conditions(request: TicketSearchRequest, words: str, reach: IdReach) -> list[ColumnElement[bool]]:
    """Return the conditions on words and sender. ``IS TRUE`` keeps the index out: the rows are looked through."""
    if request.sender is not None:
        senders = matches(Contact.sender_words, " & ".join([*_of_blocks(reach), request.sender.query]))
        in_words = [matches(TicketSearch.words, words).is_(True)] if words else []
        return [senders.is_(True) if reach.by_key else senders, *in_words]
    if reach.by_key:
        return [matches(TicketSearch.words, words).is_(True)]
    narrow = _of_blocks(reach) or _of_unit(request)
    if request.searched_unit is not None and _goes_on(words):
        fixed = [part for part in words.split(" & ") if GOING_ON not in part]
        return [
            matches(TicketSearch.words, " & ".join([*narrow, *fixed])),
            matches(TicketSearch.words, words).is_(True),
        ]
    return [matches(TicketSearch.words, " & ".join([*narrow, words]))]


def _goes_on(words: str) -> bool:
    """Return whether a word of a query may go on. Parts of a number may too, but begin few lexemes."""
    return GOING_ON in words and not words.startswith("'#")


def _of_unit(request: TicketSearchRequest) -> list[str]:
    unit_id = request.searched_unit
    return [f"'{unit_mark(unit_id)}'"] if unit_id is not None else []


def _of_blocks(reach: IdReach) -> list[str]:
    return [f"({' | '.join(map(repr, reach.lexemes))})"] if reach.lexemes else []
