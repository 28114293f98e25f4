"""What the figures know of each ticket, as one statement: every indicator by its condition, and its rating.

Index runs store these rows; the roll-ups count them.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    extract,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeEngine

from backend.indicators import conditions
from backend.indicators.conditions import TicketIndicator, answer_of
from backend.indicators.rollups.given_rows import rows_as_table
from backend.indicators.rollups.takeup_terms import TakeUpTerms
from backend.ratings.models import Rating
from backend.ratings.queries import of_latest_answer
from backend.tickets.models import Category, CategoryClass, Channel, Ticket
from backend.worktime.calendar import ZONE

# Cast to a timestamp without a zone: the day is Vietnam's already, whatever the time zone of the session.
MONTH = cast(func.date_trunc(literal_column("'month'"), cast(Ticket.received_on, DateTime)), Date)
AGES = (5, 15, 30, 60)  # last day of each age class, in calendar days; older tickets make one more class

# The indicators that roll-ups count, each as "of how many" and "how many".
COUNTED: dict[str, TicketIndicator] = {
    "on_time": conditions.ON_TIME,
    "late": conditions.LATE,
    "overdue": conditions.UNANSWERED_IN_TIME,
    "undecided": conditions.UNDECIDED,
    "acknowledged": conditions.ACKNOWLEDGED,
    "told": conditions.TOLD,
    "reopened": conditions.REOPENED,
    "official": conditions.OFFICIAL,
    "official_missed": conditions.OFFICIAL_MISSED,
    "open_now": conditions.OPEN,
    "overdue_now": conditions.OVERDUE,
}


def take_up_limits(terms: TakeUpTerms, days: Sequence[date]) -> FromClause:
    """Return the last days for tickets of these days, as rows that a statement can join."""
    columns: dict[str, TypeEngine[Any]] = {
        "received_on": Date(),
        "category_code": String(),
        "channel": String(),
        "last_day": Date(),
    }
    return rows_as_table("limits", columns, terms.rows(days))


def ticket_facts(today: date, limits: FromClause) -> Select[Any]:
    """Return the statement: one row for each ticket, as of a day. The caller adds which tickets and which columns."""
    return (
        select(*fact_columns(today, limits))
        .join(Category, Category.code == Ticket.category_code)
        .join(
            limits,
            and_(
                limits.c.received_on == Ticket.received_on,
                limits.c.category_code == Ticket.category_code,
                limits.c.channel == Ticket.channel,
            ),
        )
        .outerjoin(Rating, of_latest_answer())
    )


def fact_columns(today: date, limits: FromClause) -> list[ColumnElement[Any]]:
    """Return what is known of each ticket, by name."""
    columns: dict[str, ColumnElement[Any] | InstrumentedAttribute[Any]] = {
        "id": Ticket.id,
        "unit_id": Ticket.unit_id,
        "credited_id": func.coalesce(Rating.unit_id, Ticket.unit_id),
        "received_on": Ticket.received_on,
        "month": MONTH,
        "channel": Ticket.channel,
        "category": Ticket.category_code,
        "hidden": _hidden(),
        "standing": conditions.outcome_on(today),
        "outside": conditions.answer_of(conditions.TURNED_AWAY_ONES, today),
        "answered": conditions.answer_of(conditions.ANSWERED, today),
        "again": conditions.REOPENED.condition(today),
        "taken_up": conditions.answer_of(conditions.TAKEN_UP, today),
        "in_two_days": _taken_up_in_time(today, limits),
        "days": Ticket.working_days,
        "told_after": case((conditions.OURS.condition(today), _seconds(Ticket.told_at - Ticket.decided_at))),
        "demonstration": Ticket.demonstration,
        "rated_unit": Rating.unit_id,
        "ease": Rating.ease,
        "by_rules": Rating.by_rules,
        "timely": Rating.timely,
        "rated_by": Rating.channel,
        "age": _age(today),
        "turns_on": _turns_on(today, limits),
    }
    counted: dict[str, ColumnElement[Any]] = {
        f"is_{name}": answer_of(indicator, today) for name, indicator in COUNTED.items()
    }
    return [expression.label(name) for name, expression in {**columns, **counted}.items()]


def _hidden() -> ColumnElement[bool]:
    """Whether a ticket is a complaint about the conduct of the unit that has it, or to which it is credited."""
    own = or_(Ticket.about_unit_id == Ticket.unit_id, Ticket.about_unit_id == func.coalesce(Rating.unit_id, 0))
    return and_(Category.category_class == CategoryClass.CONDUCT, own)


def _taken_up_in_time(today: date, limits: FromClause) -> ColumnElement[bool | None]:
    """Whether a ticket was accepted within the term in which its unit may refuse it.

    NULL: not accepted yet and still within the term, or an imported ticket, of which it is not known.
    """
    accepted_on = cast(func.timezone(str(ZONE), Ticket.accepted_at), Date)
    in_time = func.coalesce(accepted_on, literal(today, Date)) <= limits.c.last_day
    is_decided = and_(Ticket.channel != Channel.IMPORT, or_(accepted_on.is_not(None), ~in_time))
    return case((is_decided, in_time))


def _seconds(length: ColumnElement[Any]) -> ColumnElement[int | None]:
    return cast(func.floor(extract("epoch", length)), Integer)


def _age(today: date) -> ColumnElement[int]:
    """Return the age class of a ticket: an index into `AGES`, one more for older tickets."""
    days = literal(today, Date) - Ticket.received_on
    return cast(case(*((days <= most, nth) for nth, most in enumerate(AGES)), else_=len(AGES)), Integer)


def _turns_on(today: date, limits: FromClause) -> ColumnElement[date | None]:
    """Return the last day on which all that is said of a ticket today still holds, if nothing happens to it.

    NULL: for ever. A day too early only means that a ticket is counted once more.
    """
    day = literal(today, Date)
    turning: list[Any] = [*conditions.TURNING_DAYS, limits.c.last_day]
    ages = [case((conditions.OPEN.condition(today), Ticket.received_on + most)) for most in AGES]
    return func.least(*(case((turn >= day, turn)) for turn in (*turning, *ages)))
