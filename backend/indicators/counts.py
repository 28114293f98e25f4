"""Counts of tickets and ratings for managers, added up by the database: a handful of statements, however many tickets.

What each count means is told to readers in ``definitions.toml``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend import audit
from backend.ratings.models import Rating
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Ticket, TicketState, Verdict, is_open

AT_ONCE = timedelta(minutes=5)
AGES = (5, 15, 30, 60)  # last day of each class of age in calendar days; older ones make a class of their own
ITEMS = (Rating.ease, Rating.by_rules, Rating.timely)
# Through a timestamp without a zone: the day is Vietnam's already, whatever zone the session is set to.
MONTH = cast(func.date_trunc(literal_column("'month'"), cast(Ticket.received_on, DateTime)), Date)


@dataclass(frozen=True)
class KpiScope:
    """What is looked at: tickets held by these units, received from ``first`` to ``last`` (both counted), by one
    channel or all. ``told_by``: whoever was answered up to that day should have been told by now."""

    unit_ids: tuple[int, ...]
    first: date
    last: date
    channel: Channel | None
    today: date
    told_by: date


@dataclass(frozen=True)
class MonthCounts:
    """Tickets received by a unit in a month, by what became of them. answered = on_time + late; received = answered +
    undecided + ended without a case; undecided = overdue + not due yet. ``own`` came in by a channel of ours, so that
    reception and notice were recorded. ``official`` are those that QĐ 766 looks at: taken up, and not refused,
    redirected or withdrawn."""

    unit_id: int
    month: date
    received: int
    on_time: int
    late: int
    demonstration: int
    own: int
    acknowledged: int
    notices: int
    told: int
    official: int
    official_late: int
    undecided: int
    overdue: int = 0
    official_overdue: int = 0


@dataclass(frozen=True)
class HandlingDays:
    """Answered tickets of a unit that took so many working days."""

    unit_id: int
    days: int
    count: int


@dataclass(frozen=True)
class OpenTickets:
    """Tickets of a unit that are open today, by class of age (index into ``AGES``, one more for older)."""

    unit_id: int
    age: int
    count: int
    overdue: int


@dataclass(frozen=True)
class RatingSums:
    """Ratings of the three items: how many, and for each item the sum of scores and of their squares."""

    n: int
    sums: tuple[int, int, int]
    squares: tuple[int, int, int]


def count_tickets(session: Session, scope: KpiScope) -> list[MonthCounts]:
    """One row for each unit and month that has tickets."""
    own = Ticket.channel != Channel.IMPORT
    notice_due = and_(own, Ticket.answered_on.is_not(None))
    decided = and_(notice_due, Ticket.told_at.is_not(None) | (Ticket.answered_on <= scope.told_by))
    columns: tuple[ColumnElement[int], ...] = (
        func.count(),
        _count(Ticket.verdict == Verdict.ON_TIME),
        _count(Ticket.verdict == Verdict.LATE),
        _count(Ticket.demonstration.is_(True)),
        _count(own),
        _count(and_(own, Ticket.acknowledged_at - Ticket.received_at <= AT_ONCE)),
        _count(decided),
        _count(and_(notice_due, Ticket.told_in_time.is_(True))),
        _count(is_official()),
        _count(and_(is_official(), Ticket.verdict == Verdict.LATE)),
        _count(is_undecided()),
    )
    late = _overdue_of_period(session, scope)
    rows: list[Any] = list(
        session.execute(
            select(Ticket.unit_id, MONTH, *columns).where(*_received_in(scope)).group_by(Ticket.unit_id, MONTH)
        )
    )
    found = [MonthCounts(*row) for row in rows]
    open_late = [late.get((one.unit_id, one.month), (0, 0)) for one in found]
    return [
        replace(one, overdue=count, official_overdue=counted)
        for one, (count, counted) in zip(found, open_late, strict=True)
    ]


def _overdue_of_period(session: Session, scope: KpiScope) -> dict[tuple[int, date], tuple[int, int]]:
    """By unit and month. Asked apart from the other counts: only the few open tickets need a look at their history."""
    rows = session.execute(
        select(Ticket.unit_id, MONTH, func.count(), _count(is_official()))
        .where(*_received_in(scope), unanswered_in_time(scope.today))
        .group_by(Ticket.unit_id, MONTH)
    )
    return {(unit_id, month): (count, counted) for unit_id, month, count, counted in rows}


def days_taken(session: Session, scope: KpiScope) -> list[HandlingDays]:
    """Working days of the answered tickets, for medians of units and of all."""
    rows = session.execute(
        select(Ticket.unit_id, Ticket.working_days, func.count())
        .where(*_received_in(scope), Ticket.working_days.is_not(None))
        .group_by(Ticket.unit_id, Ticket.working_days)
    )
    return [HandlingDays(unit_id, days, count) for unit_id, days, count in rows if days is not None]


def count_backlog(session: Session, scope: KpiScope) -> list[OpenTickets]:
    """What is open today, whenever it was received: a period must not make an old ticket disappear."""
    days = literal(scope.today, Date) - Ticket.received_on
    age = case(*((days <= most, i) for i, most in enumerate(AGES)), else_=len(AGES))
    # The state is spelled out, so that the partial index of open tickets serves under any plan.
    rows = session.execute(
        select(Ticket.unit_id, cast(age, Integer).label("age"), func.count(), _count(is_overdue(scope.today)))
        .where(*behind_figure(scope, now=True))
        .group_by(Ticket.unit_id, literal_column("age"))
    )
    return [OpenTickets(*row) for row in rows]


def sum_scores(session: Session, scope: KpiScope) -> RatingSums:
    """Ratings of tickets received in the period, credited to the unit that answered; those that an officer keyed in at
    the counter are left out."""
    squares = [func.coalesce(func.sum(item * item), 0) for item in ITEMS]
    statement = select(func.count(), *(func.coalesce(func.sum(item), 0) for item in ITEMS), *squares).where(
        _held_by(Rating.unit_id, scope),
        Rating.received_on.between(scope.first, scope.last),
        Rating.channel != Channel.COUNTER,
    )
    if scope.channel is not None:
        statement = statement.join(Ticket, Ticket.id == Rating.ticket_id).where(*_by_channel(scope))
    row = tuple(session.execute(statement).one())
    return RatingSums(row[0], row[1:4], row[4:7])


def is_overdue(today: date) -> ColumnElement[bool]:
    """Open now after its due date, in whichever episode. A ticket whose sender was asked on or before that date is not:
    its clock stands still, and the due date moves when the sender answers. Asked after it, it was late and stays so."""
    return and_(is_open(), Ticket.due_date < today, not_(_is_paused()))


def is_undecided() -> ColumnElement[bool]:
    """No verdict yet, and one to come: open, or merged into another that has not been answered. What was refused,
    redirected, withdrawn or answered together with another by its due date is no case; after it, it has its verdict."""
    waits_with_another = and_(Ticket.merged_into_id.is_not(None), Ticket.decided_at.is_(None))
    return and_(Ticket.verdict.is_(None), or_(is_open(), waits_with_another))


def unanswered_in_time(today: date) -> ColumnElement[bool]:
    """Undecided after its due date, which is as late as an answer that came late: merging a ticket takes back no
    lateness. One that was reopened has its verdict and is not counted twice."""
    return and_(is_undecided(), Ticket.due_date < today, not_(_is_paused()))


def _is_paused() -> ColumnElement[bool]:
    asked = (
        select(cast(func.timezone("Asia/Ho_Chi_Minh", func.max(audit.AuditEntry.at)), Date))
        .where(
            audit.AuditEntry.chain == literal("ticket:") + cast(Ticket.id, String),
            audit.AuditEntry.action == Event.INFO_REQUESTED.value,
        )
        .correlate(Ticket)
        .scalar_subquery()
    )
    return and_(Ticket.state == TicketState.AWAITING_SENDER, func.coalesce(asked <= Ticket.due_date, True))


def is_official() -> ColumnElement[bool]:
    """Within the unit's authority and taken up at least once: what the ratios of QĐ 766 are about."""
    outside = (TicketState.REFUSED, TicketState.REDIRECTED, TicketState.WITHDRAWN)
    return and_(Ticket.state.not_in(outside), or_(Ticket.accepted_at.is_not(None), Ticket.state != TicketState.NEW))


def behind_figure(scope: KpiScope, *, now: bool) -> list[ColumnElement[bool]]:
    """Which tickets a figure looks at: those of the period, or those open today whenever they came."""
    return [_held_by(Ticket.unit_id, scope), is_open(), *_by_channel(scope)] if now else _received_in(scope)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


def _received_in(scope: KpiScope) -> list[ColumnElement[bool]]:
    period = Ticket.received_on.between(scope.first, scope.last)
    return [_held_by(Ticket.unit_id, scope), period, *_by_channel(scope)]


def _held_by(column: InstrumentedAttribute[int], scope: KpiScope) -> ColumnElement[bool]:
    """The ids stand in the statement itself: PostgreSQL hashes a list of constants, but walks through a list of
    parameters for every row once it plans without knowing them (a hundred thousand tickets: 0.6 s instead of 0.1 s)."""
    ids: BindParameter[Sequence[int]] = bindparam("units", list(scope.unit_ids), expanding=True, literal_execute=True)
    return column.in_(ids)


def _by_channel(scope: KpiScope) -> list[ColumnElement[bool]]:
    return [] if scope.channel is None else [Ticket.channel == scope.channel]
