"""Count the timeliness of a period under any rule and calendar, from the reception and answer of each ticket.

The database groups tickets by (day received, day answered), so the cost depends on the days and not on the tickets.
Tickets that were paused while the sender owed information are counted one by one from their histories.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, NamedTuple

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

LONGEST = 10_000  # days of a term
LATEST = date(2199, 12, 31)  # pandas counts in nanoseconds, and these end in 2262


class _TicketGroup(NamedTuple):
    """Tickets with the same days, in the columns that `analytics.timeliness` reads.

    ``ended``: the day of an end without an answer. ``working_days``: None without an answer.
    """

    received: date
    answered: date | None
    ended: date | None
    due: date
    working_days: int | None
    cases: int


DAY_COLUMNS = ("received", "answered", "ended", "due")


@dataclass(frozen=True)
class TimelinessRequest:
    """What to count: tickets received from ``first`` to ``last`` by a unit and the units below it, or by all."""

    first: date
    last: date
    rule: Duration
    calendar: WorkCalendar
    as_of: date
    unit: Unit | None = None
    invented: bool = False  # also count tickets of the demonstration


@dataclass(frozen=True)
class TimelinessAnswer:
    """The counts, and what a reader must know about them.

    The due dates of ``leaning`` tickets rest on days that are not announced yet, in the years ``estimated_years``.
    ``demonstration`` tickets were made up. ``paused`` tickets were counted without their pauses.
    """

    asked: TimelinessRequest
    figures: Timeliness
    estimated_years: tuple[int, ...]
    leaning: int
    demonstration: int
    paused: int


def calendar_called(session: Session, name: str) -> WorkCalendar:
    """Return the calendar: ``vn`` is the version in force, ``weekdays`` is Monday to Friday. Raises Invalid for another
    name."""
    if name == "weekdays":
        return shipped_calendar(name)
    if name == "vn":
        return worktime.load_calendar(session, worktime.active_id(session))
    raise Invalid(_("Không có lịch “%(name)s”. Chọn weekdays hoặc vn."), name=name)


def unit_called(session: Session, code: str) -> Unit:
    """Return the unit with this code. Of several, take the one that is valid now, else the latest. Raises Invalid
    without one."""
    unit = unit_now_or_last(session, code)
    if unit is None:
        raise Invalid(_("Không có cơ quan nào mang mã “%(code)s”."), code=code)
    return unit


def count_timeliness(session: Session, request: TimelinessRequest) -> TimelinessAnswer:
    """Count the period.

    Raises Invalid for a period that ends before it begins, a rule in hours, a rule that is too long, or a day that is
    too far off.
    """
    if request.last < request.first:
        raise Invalid(_("Ngày cuối kỳ phải sau ngày đầu kỳ."))
    if request.rule.unit.minutes:
        raise Invalid(_("Chỉ số này tính theo ngày. Hãy dùng thời hạn theo ngày, ví dụ “15 working days”."))
    if request.rule.value > LONGEST:
        raise Invalid(_("Thời hạn phải từ 1 đến %(limit)s."), limit=LONGEST)
    if request.as_of > LATEST:
        raise Invalid(_("Không có ngày “%(text)s”."), text=request.as_of)
    paused = _paused_groups(session, request)
    groups = [*_plain_groups(session, request), *paused]
    frame = _frame(groups)
    leaning, years = _estimates(request.calendar, groups)
    in_period = select(func.count()).select_from(Ticket).where(*_period(request), Ticket.demonstration)
    return TimelinessAnswer(
        asked=request,
        figures=count_groups(frame, request.as_of),
        estimated_years=years,
        leaning=leaning,
        demonstration=session.scalar(in_period) or 0,
        paused=len(paused),
    )


def _period(request: TimelinessRequest) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Ticket.received_on.between(request.first, request.last)]
    if not request.invented:
        conditions.append(~Ticket.demonstration)
    if request.unit is not None:
        below = select(Unit.id).where(Unit.id == request.unit.id).cte("below", recursive=True)
        below = below.union(select(Unit.id).join(below, Unit.parent_id == below.c.id))
        conditions.append(Ticket.unit_id.in_(select(below.c.id)))
    return conditions


def _chains_with_pauses() -> ColumnElement[bool]:
    chain = audit.ticket_chain_of(Ticket.id)
    return chain.in_(select(audit.AuditEntry.chain).where(audit.AuditEntry.action == Event.INFO_REQUESTED.value))


def _is_ended() -> ColumnElement[bool]:
    """Whether a ticket ended without an answer: refused, redirected, withdrawn, or answered together with another
    ticket."""
    with_another = and_(Ticket.state == TicketState.MERGED, Ticket.decided_at.is_not(None))
    turned_away = Ticket.state.in_(TURNED_AWAY)
    return and_(Ticket.answered_on.is_(None), or_(turned_away, with_another))


def _ended_on() -> ColumnElement[date | None]:
    """Return the day of that end. A withdrawal has its moment in the history only."""
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


def _plain_groups(session: Session, request: TimelinessRequest) -> list[_TicketGroup]:
    plain = [*_period(request), ~_chains_with_pauses()]
    # The few that ended without an answer are read separately: their day needs a look at the history of each.
    counted = session.execute(
        select(Ticket.received_on, Ticket.answered_on, null(), func.count().cast(BigInteger))
        .where(*plain, ~_is_ended())
        .group_by(Ticket.received_on, Ticket.answered_on)
    ).all()
    ended = session.execute(
        select(Ticket.received_on, Ticket.answered_on, _ended_on(), literal(1)).where(*plain, _is_ended())
    ).all()
    rows = [*counted, *ended]
    dues = {day: due_moment(request.calendar, request.rule, _noon(day)).on for day in {row[0] for row in rows}}
    return [
        _TicketGroup(received, answered, ended, dues[received], days if answered else None, count)
        for (received, answered, ended, count), days in zip(rows, _working_days(request.calendar, rows), strict=True)
    ]


def _working_days(calendar: WorkCalendar, rows: Sequence[Any]) -> list[int]:
    start = np.array([row[0] for row in rows], dtype="datetime64[D]")
    end = np.array([row[1] or row[0] for row in rows], dtype="datetime64[D]")
    return [int(days) for days in working_days_between(calendar, start, end)]


def _paused_groups(session: Session, request: TimelinessRequest) -> list[_TicketGroup]:
    """Return one group per ticket that was paused. Its due date and its working days leave the pauses out."""
    as_of = datetime.combine(request.as_of, time.max, ZONE)
    noted = (Ticket.rule, Ticket.term, Ticket.rule_id, Ticket.calendar_id)
    moments = (Ticket.received_at, Ticket.received_on, Ticket.answered_at, Ticket.answered_on, _ended_on())
    rows = session.execute(
        select(Ticket.id, *moments, *noted).where(*_period(request), _chains_with_pauses()).order_by(Ticket.id)
    ).all()
    groups: list[_TicketGroup] = []
    calendars = rulebook.CalendarCache(session)
    for row in rows:
        history = projection.events_of(audit.list_entries(session, audit.ticket_chain(row.id)))
        course = due_dates.TicketCourse(history, rulebook.version_book(session, row, history, calendars))
        end = due_dates.due_date(request.calendar, request.rule, row.received_at, course, row.answered_at or as_of)
        days = (
            due_dates.days_taken(request.calendar, row.received_at, course, row.answered_at)
            if row.answered_at
            else None
        )
        groups.append(_TicketGroup(row.received_on, row.answered_on, row.ended_on, end.on, days, 1))
    return groups


def _estimates(calendar: WorkCalendar, groups: Sequence[_TicketGroup]) -> tuple[int, tuple[int, ...]]:
    """Return how many tickets have a due date that rests on days not announced, and the years not announced yet."""
    if not groups or calendar.perpetual:
        return 0, ()
    start = np.array([group.received for group in groups], dtype="datetime64[D]")
    end = np.array([group.due for group in groups], dtype="datetime64[D]")
    leaning = lean_on_estimate(calendar, start, end)
    announced = {year for year, sure in calendar.years if sure}
    years = {group.received.year for group in groups} | {group.due.year for group in groups}
    cases = np.array([group.cases for group in groups])
    return int(cases[leaning].sum()), tuple(sorted(years - announced))


def _frame(groups: Sequence[_TicketGroup]) -> pd.DataFrame:
    frame = pd.DataFrame(groups, columns=_TicketGroup._fields)
    for name in DAY_COLUMNS:
        frame[name] = pd.to_datetime(frame[name])
    return frame


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), ZONE)
