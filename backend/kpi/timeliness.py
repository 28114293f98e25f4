"""Timeliness of a period under any rule and calendar, counted anew from reception and answer of each ticket.

The database groups by (day received, day answered), so that the cost here depends on days and not on tickets. Tickets
that were paused while the sender owed information are counted one by one, each by its own history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import BigInteger, ColumnElement, Date, and_, case, cast, func, literal, null, or_, select
from sqlalchemy.orm import Session

from analytics.timeliness import Timeliness
from analytics.timeliness import count_timeliness as count_groups
from backend import audit
from backend.deadlines import due_dates
from backend.errors import Invalid, _
from backend.indicators.conditions import TURNED_AWAY
from backend.tickets import projection, rulebook
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState
from backend.units.models import Unit
from backend.units.queries import unit_now_or_last
from backend.worktime import service as worktime
from backend.worktime.arithmetic import due_moment
from backend.worktime.calendar import ZONE, WorkCalendar
from backend.worktime.duration import Duration
from backend.worktime.shipped import shipped_calendar
from backend.worktime.vector import lean_on_estimate, working_days_between

Group = tuple[date, date | None, date | None, date, int | None, int]
COLUMNS = ("received", "answered", "ended", "due", "working_days", "cases")  # of a group
LONGEST = 10_000  # days of a term, and
LATEST = date(2199, 12, 31)  # last day looked at: what pandas counts in nanoseconds ends in 2262


@dataclass(frozen=True)
class TimelinessRequest:
    """The question: tickets received from ``first`` to ``last``, of a unit and those below it, or of all."""

    first: date
    last: date
    rule: Duration
    calendar: WorkCalendar
    as_of: date
    unit: Unit | None = None
    invented: bool = False  # whether tickets of the demonstration are counted too


@dataclass(frozen=True)
class TimelinessAnswer:
    """The counts with what a reader must know of them. ``leaning`` tickets have a due date that rests on days not
    announced, in the years ``estimated_years``; ``demonstration`` ones, if asked for, were made up; ``paused`` ones
    were counted with their pauses left out."""

    asked: TimelinessRequest
    figures: Timeliness
    estimated_years: tuple[int, ...]
    leaning: int
    demonstration: int
    paused: int


def calendar_called(session: Session, name: str) -> WorkCalendar:
    """``vn``: the version in force; ``weekdays``: Monday to Friday. Raises Invalid for another name."""
    if name == "weekdays":
        return shipped_calendar(name)
    if name == "vn":
        return worktime.load_calendar(session, worktime.active_id(session))
    raise Invalid(_("Không có lịch “%(name)s”. Chọn weekdays hoặc vn."), name=name)


def unit_called(session: Session, code: str) -> Unit:
    """The unit of this code, of those that had it the one valid now or last. Raises Invalid where there is none."""
    unit = unit_now_or_last(session, code)
    if unit is None:
        raise Invalid(_("Không có cơ quan nào mang mã “%(code)s”."), code=code)
    return unit


def count_timeliness(session: Session, asked: TimelinessRequest) -> TimelinessAnswer:
    """Count the period. Invalid: one that ends before it begins, a rule in hours or too long, a day too far off."""
    if asked.last < asked.first:
        raise Invalid(_("Ngày cuối kỳ phải sau ngày đầu kỳ."))
    if asked.rule.unit.minutes:
        raise Invalid(_("Chỉ số này tính theo ngày. Hãy dùng thời hạn theo ngày, ví dụ “15 working days”."))
    if asked.rule.value > LONGEST:
        raise Invalid(_("Thời hạn phải từ 1 đến %(limit)s."), limit=LONGEST)
    if asked.as_of > LATEST:
        raise Invalid(_("Không có ngày “%(text)s”."), text=asked.as_of)
    paused = _paused_groups(session, asked)
    groups = [*_plain_groups(session, asked), *paused]
    frame = _frame(groups)
    leaning, years = _estimates(asked.calendar, groups)
    in_period = select(func.count()).select_from(Ticket).where(*_period(asked), Ticket.demonstration)
    return TimelinessAnswer(
        asked=asked,
        figures=count_groups(frame, asked.as_of),
        estimated_years=years,
        leaning=leaning,
        demonstration=session.scalar(in_period) or 0,
        paused=len(paused),
    )


def _period(asked: TimelinessRequest) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Ticket.received_on.between(asked.first, asked.last)]
    if not asked.invented:
        conditions.append(~Ticket.demonstration)
    if asked.unit is not None:
        below = select(Unit.id).where(Unit.id == asked.unit.id).cte("below", recursive=True)
        below = below.union(select(Unit.id).join(below, Unit.parent_id == below.c.id))
        conditions.append(Ticket.unit_id.in_(select(below.c.id)))
    return conditions


def _chains_with_pauses() -> ColumnElement[bool]:
    chain = audit.ticket_chain_of(Ticket.id)
    return chain.in_(select(audit.AuditEntry.chain).where(audit.AuditEntry.action == Event.INFO_REQUESTED.value))


def _is_ended() -> ColumnElement[bool]:
    """Ended without an answer: refused, redirected, withdrawn, or answered with the one that it is merged into."""
    with_another = and_(Ticket.state == TicketState.MERGED, Ticket.decided_at.is_not(None))
    turned_away = Ticket.state.in_(TURNED_AWAY)
    return and_(Ticket.answered_on.is_(None), or_(turned_away, with_another))


def _ended_on() -> ColumnElement[date | None]:
    """The day of that end. Only the moment of a withdrawal stands in the history alone."""
    withdrawn = (
        select(func.max(audit.AuditEntry.at))
        .where(
            audit.AuditEntry.chain == audit.ticket_chain_of(Ticket.id),
            audit.AuditEntry.action == Event.WITHDRAWN.value,
        )
        .correlate(Ticket)
        .scalar_subquery()
    )
    moment = case((Ticket.state == TicketState.WITHDRAWN, withdrawn), else_=Ticket.decided_at)
    return case((_is_ended(), cast(func.timezone(str(ZONE), moment), Date))).label("ended_on")


def _plain_groups(session: Session, asked: TimelinessRequest) -> list[Group]:
    plain = [*_period(asked), ~_chains_with_pauses()]
    # The few that ended without an answer are asked for apart: their day costs a look at the history of each.
    counted = session.execute(
        select(Ticket.received_on, Ticket.answered_on, null(), func.count().cast(BigInteger))
        .where(*plain, ~_is_ended())
        .group_by(Ticket.received_on, Ticket.answered_on)
    ).all()
    ended = session.execute(
        select(Ticket.received_on, Ticket.answered_on, _ended_on(), literal(1)).where(*plain, _is_ended())
    ).all()
    rows = [*counted, *ended]
    dues = {day: due_moment(asked.calendar, asked.rule, _noon(day)).on for day in {row[0] for row in rows}}
    taken = _working_days(asked.calendar, rows)
    return [
        (received, answered, ended, dues[received], days if answered else None, count)
        for (received, answered, ended, count), days in zip(rows, taken, strict=True)
    ]


def _working_days(calendar: WorkCalendar, rows: Sequence[Any]) -> list[int]:
    start = np.array([row[0] for row in rows], dtype="datetime64[D]")
    end = np.array([row[1] or row[0] for row in rows], dtype="datetime64[D]")
    return [int(days) for days in working_days_between(calendar, start, end)]


def _paused_groups(session: Session, asked: TimelinessRequest) -> list[Group]:
    """One group for each ticket that was paused: due date and time taken with the pauses left out."""
    as_of = datetime.combine(asked.as_of, time.max, ZONE)
    noted = (Ticket.rule, Ticket.term, Ticket.rule_id, Ticket.calendar_id)
    moments = (Ticket.received_at, Ticket.received_on, Ticket.answered_at, Ticket.answered_on, _ended_on())
    rows = session.execute(
        select(Ticket.id, *moments, *noted).where(*_period(asked), _chains_with_pauses()).order_by(Ticket.id)
    ).all()
    groups: list[Group] = []
    calendars = rulebook.CalendarCache(session)
    for row in rows:
        history = projection.events_of(audit.list_entries(session, audit.ticket_chain(row.id)))
        course = due_dates.TicketCourse(history, rulebook.version_book(session, row, history, calendars))
        end = due_dates.due_date(asked.calendar, asked.rule, row.received_at, course, row.answered_at or as_of)
        days = (
            due_dates.days_taken(asked.calendar, row.received_at, course, row.answered_at) if row.answered_at else None
        )
        groups.append((row.received_on, row.answered_on, row.ended_on, end.on, days, 1))
    return groups


def _estimates(calendar: WorkCalendar, groups: Sequence[Group]) -> tuple[int, tuple[int, ...]]:
    """Cases whose due date rests on days not announced, and the years of those that are not announced as a whole."""
    if not groups or calendar.perpetual:
        return 0, ()
    start = np.array([group[0] for group in groups], dtype="datetime64[D]")
    end = np.array([group[3] for group in groups], dtype="datetime64[D]")
    leaning = lean_on_estimate(calendar, start, end)
    announced = {year for year, sure in calendar.years if sure}
    years = {day.year for group in groups for day in (group[0], group[3])} - announced
    return int(np.array([group[5] for group in groups])[leaning].sum()), tuple(sorted(years))


def _frame(groups: Sequence[Group]) -> pd.DataFrame:
    frame = pd.DataFrame(groups, columns=COLUMNS)
    for name in COLUMNS[:4]:
        frame[name] = pd.to_datetime(frame[name])
    return frame


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), ZONE)
