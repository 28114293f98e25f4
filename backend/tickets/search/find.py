"""Finds tickets by words: those with the tones that were typed first, the newest first among these.

A common word stands in hundreds of thousands of tickets. So the ids are searched in reaches from the newest back, each
wider than the one before, until there are enough hits; the lexemes of blocks (``documents``) keep the index to a reach.
What an actor may not see is left out by the condition of the policy in the same statement, so it is not counted either.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from psycopg.errors import QueryCanceled
from sqlalchemy import ColumnElement, Select, cast, func, literal, select, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.errors import DomainError, Forbidden, _
from backend.tickets.models import Contact, Ticket
from backend.tickets.queries import select_visible
from backend.tickets.search.documents import FAR_BITS, NEAR_BITS, far_block, near_block, unit_mark
from backend.tickets.search.models import TicketSearch
from backend.tickets.search.typed_query import TypedQuery
from backend.tickets.search.typed_sender import TypedSender
from backend.users.policy import EVERY_UNIT, Actor, Permission, can

PAGE: Final = 50
RANKED_MOST: Final = 200  # hits that are counted exactly and ordered by how well they fit; more are newest first
LATEST: Final = 1_000  # ids that are looked through one by one: a very common word is found here at once
SECONDS: Final = 2.0  # for one search, altogether
ALONE: Final = text("""
    SELECT set_config('statement_timeout', :milliseconds, true),
        set_config('plan_cache_mode', 'force_custom_plan', true),
        set_config('max_parallel_workers_per_gather', '0', true)
""")
GOING_ON: Final = ":*"  # in a query: the word may go on
BACK: Final = text("SELECT set_config('statement_timeout', :before, true)")
BEFORE: Final = text("SELECT current_setting('statement_timeout')")


class SearchTooSlow(DomainError):
    """The search took longer than it may. Fewer or rarer words help."""

    status = 422

    def __init__(self) -> None:
        super().__init__(
            _("Tìm những chữ này mất quá lâu. Hãy thêm một chữ ít gặp hơn, hoặc chọn cơ quan rồi tìm lại."), field="q"
        )


@dataclass(frozen=True)
class SearchHit:
    """A ticket that was found: in which tier, 0 for the best."""

    tier: int
    ticket_id: int


@dataclass(frozen=True)
class FoundTickets:
    """A page of hits. ``total`` counts up to ``RANKED_MOST``; None where there are more. ``after``: where the next page
    begins, None on the last one."""

    ticket_ids: Sequence[int]
    total: int | None
    after: str | None


@dataclass(frozen=True)
class TicketSearchRequest:
    """What is searched, and by whom.

    ``where`` narrows the tickets as the filters of a list do. ``sender`` is searched in names and telephone numbers of
    senders; the caller records that (``record_contact_search``).
    """

    actor: Actor
    query: TypedQuery | None
    sender: TypedSender | None = None
    unit_id: int | None = None
    where: Sequence[ColumnElement[bool]] = ()

    @property
    def permission(self) -> Permission:
        return Permission.VIEW_CONTACT if self.sender else Permission.VIEW_TICKET

    @property
    def searched_unit(self) -> int | None:
        """The unit to which the policy or the filter narrows the search."""
        return self.unit_id if self.actor.role in EVERY_UNIT[self.permission] else self.actor.unit_id

    @property
    def tiers(self) -> list[str]:
        """The queries of the words, the one that fits best first: part of a number, exact tones, no tones."""
        if self.query is None:
            return [""]
        tiers = [self.query.by_number, self.query.exact if self.query.has_tones else "", self.query.folded]
        return [words for words in tiers if words]


def search_condition(query: TypedQuery) -> ColumnElement[bool]:
    """Return the condition that a ticket has the words, for lists with an order of their own."""
    words = query.by_number or query.folded
    return Ticket.id.in_(select(TicketSearch.ticket_id).where(_matches(TicketSearch.words, words)))


def find_tickets(session: Session, request: TicketSearchRequest, after: str = "", *, page: int = PAGE) -> FoundTickets:
    """Return a page of the tickets that the actor may see and that have the words.

    ``after`` is the cursor of the page before; one that nobody gave out begins at the first page. Raises SearchTooSlow,
    and Forbidden for an actor who may read no ticket.
    """
    if not can(request.actor, request.permission):
        raise Forbidden
    start = _read_cursor(after)
    with _within(session, SECONDS) as time_left:
        if start is not None and not start.ranked:
            return _newest_page(_collect(session, request, start, page + 1, time_left), page)
        hits = _collect(session, request, None, max(RANKED_MOST, page) + 1, time_left)
        if len(hits) > RANKED_MOST:
            return _newest_page(hits, page)
        return _ranked_page(_ranked(session, request, hits), start, page)


@dataclass(frozen=True)
class SearchCursor:
    """The last hit of a page. ``ranked``: of a list that is ordered by how well hits fit."""

    hit: SearchHit
    ranked: bool

    def __str__(self) -> str:
        return f"{'r' if self.ranked else 'n'}{self.hit.tier}.{self.hit.ticket_id}"


def _read_cursor(typed: str) -> SearchCursor | None:
    kind, numbers = typed[:1], typed[1:].split(".")
    if kind not in ("r", "n") or len(numbers) != 2 or len(typed) > 20:
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
    session: Session, request: TicketSearchRequest, start: SearchCursor | None, most: int, time_left: "_TimeLeft"
) -> list[SearchHit]:
    """Return at most ``most`` hits behind the start, tier by tier and from the newest back.

    Where no ticket has the words, those count that begin with the last one.
    """
    hits: list[SearchHit] = []
    tiers = request.tiers
    if start is not None and start.hit.tier >= len(tiers):
        tiers = [*tiers, *_last_resort(request)]
    for tier, words in enumerate(tiers):
        if start is not None and tier < start.hit.tier:
            continue
        newest = start.hit.ticket_id if start is not None and tier == start.hit.tier else None
        hits += _search_tier(session, request, (tier, words, tiers[:tier]), newest, most - len(hits), time_left)
        if len(hits) >= most:
            return hits
    if not hits and start is None:
        for words in _last_resort(request):
            return _search_tier(session, request, (len(tiers), words, []), None, most, time_left)
    return hits


def _last_resort(request: TicketSearchRequest) -> list[str]:
    """Return the query in which the last word may go on, where there is one."""
    return [request.query.going_on] if request.query is not None and request.query.going_on else []


def _search_tier(
    session: Session,
    request: TicketSearchRequest,
    tier: tuple[int, str, Sequence[str]],
    newest: int | None,
    most: int,
    time_left: "_TimeLeft",
) -> list[SearchHit]:
    """Return at most ``most`` hits of one tier: its number, its query and the queries before it."""
    number, words, before = tier
    hits: list[SearchHit] = []
    for reach in _reaches(session, request, words, newest):
        time_left.limit(session)
        statement = _statement(request, words, before, reach).limit(most - len(hits))
        hits += [SearchHit(number, ticket_id) for ticket_id in session.scalars(statement)]
        if len(hits) >= most:
            break
    return hits


@dataclass(frozen=True)
class IdReach:
    """A range of ids, from the newest back. ``lexemes`` keep the index to it; without ``oldest`` it has no end."""

    oldest: int | None
    newest: int
    lexemes: tuple[str, ...] = ()


def _reaches(session: Session, request: TicketSearchRequest, words: str, newest: int | None) -> Iterator[IdReach]:
    """Yield ranges of ids, each wider than the one before, until all ids are covered.

    The index gathers all words with a beginning before it narrows them, so such a query has two reaches only.
    """
    if newest is None:
        newest = (session.scalar(select(func.max(TicketSearch.ticket_id))) or 0) + 1
    latest = newest - 1
    if request.searched_unit is None or GOING_ON in words:
        yield IdReach(max(newest - LATEST, 0), newest)
        newest = max(newest - LATEST, 0)
    blocks = () if GOING_ON in words else ((NEAR_BITS, near_block), (FAR_BITS, far_block))
    for bits, block in blocks:
        oldest = max(((latest >> bits) - 1) << bits, 0)
        if oldest < newest:
            yield IdReach(oldest, newest, tuple({block(oldest), block(latest)}))
            newest = oldest
    if newest > 0:
        yield IdReach(None, newest)


def _statement(request: TicketSearchRequest, words: str, before: Sequence[str], reach: IdReach) -> Select[int]:
    """Return the ids of one reach that have the words, the newest first, without those of earlier tiers."""
    statement = select_visible(request.actor, request.permission, request.unit_id).with_only_columns(Ticket.id)
    statement = statement.join(TicketSearch, TicketSearch.ticket_id == Ticket.id).where(*request.where)
    if request.sender is None:
        driver = TicketSearch.ticket_id
        statement = statement.where(_matches(TicketSearch.words, _narrowed(request, words, reach)))
    else:
        driver = Contact.ticket_id
        senders = " & ".join([*_of_blocks(reach), request.sender.query])
        statement = statement.join(Contact, Contact.ticket_id == Ticket.id)
        statement = statement.where(_matches(Contact.sender_words, senders))
        if words:
            statement = statement.where(_matches(TicketSearch.words, words).is_(True))
    for earlier in before:
        statement = statement.where(_matches(TicketSearch.words, earlier).is_not(True))
    statement = statement.where(driver < reach.newest)
    if reach.oldest is not None:
        statement = statement.where(driver >= reach.oldest)
    return statement.order_by(driver.desc())


def _narrowed(request: TicketSearchRequest, words: str, reach: IdReach) -> str:
    """Return the query of the words, narrowed to the unit and to the blocks of a reach."""
    unit_id = request.searched_unit
    unit = [f"'{unit_mark(unit_id)}'"] if unit_id is not None else []
    return " & ".join([*unit, *_of_blocks(reach), words])


def _of_blocks(reach: IdReach) -> list[str]:
    return [f"({' | '.join(map(repr, reach.lexemes))})"] if reach.lexemes else []


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


def _matches(column: InstrumentedAttribute[str], query: str) -> ColumnElement[bool]:
    return column.bool_op("@@")(cast(literal(query), TSQUERY))


class _TimeLeft:
    """The time that the statements of one search may still take."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds

    def limit(self, session: Session) -> None:
        """Limit the next statement to what is left. Raises SearchTooSlow where nothing is."""
        milliseconds = int((self.until - time.monotonic()) * 1000)
        if milliseconds <= 0:
            raise SearchTooSlow
        session.execute(ALONE, {"milliseconds": str(milliseconds)})


@contextmanager
def _within(session: Session, seconds: float) -> Iterator[_TimeLeft]:
    """Run a search within its time, in a savepoint: the page can go on after a refusal."""
    before = session.scalar(BEFORE)
    try:
        with session.begin_nested():
            yield _TimeLeft(seconds)
            session.execute(BACK, {"before": before})
    except OperationalError as failure:
        if isinstance(failure.orig, QueryCanceled):
            raise SearchTooSlow from None
        raise
