"""List the tickets behind a figure, for actors who may read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from backend.errors import Invalid, _
from backend.indicators import conditions
from backend.indicators.counts import behind_figure
from backend.indicators.filters import DashboardFilters, units_within
from backend.kpi.dashboard import scope_of
from backend.tickets.models import Category, CategoryClass, Ticket
from backend.users.policy import Actor, Permission

MOST = 50


class TicketGroup(StrEnum):
    """The figure whose tickets are listed. The value stands in the address."""

    RECEIVED = "da-nhan"
    ON_TIME = "dung-han"
    LATE = "tre"
    OVERDUE = "qua-han"
    OVERDUE_NOW = "dang-qua-han"
    OPEN_NOW = "con-mo"


SHOWN = {
    TicketGroup.RECEIVED: conditions.RECEIVED,
    TicketGroup.ON_TIME: conditions.ON_TIME,
    TicketGroup.LATE: conditions.LATE,
    TicketGroup.OVERDUE: conditions.UNANSWERED_IN_TIME,
    TicketGroup.OVERDUE_NOW: conditions.OVERDUE,
    TicketGroup.OPEN_NOW: conditions.OPEN,
}
OF_TODAY = (TicketGroup.OVERDUE_NOW, TicketGroup.OPEN_NOW)  # these ignore the day of reception


@dataclass(frozen=True)
class TicketPage:
    """A page of tickets, latest first. The next page begins after ticket id ``after``."""

    title: str
    tickets: Sequence[Ticket]
    after: int | None


def group_called(name: str) -> TicketGroup:
    """Return the group of an address, RECEIVED where it names none. Raises Invalid for an unknown name."""
    if name and name not in set(TicketGroup):
        raise Invalid(_("Không có nhóm phản ánh này."), field="kenh")
    return TicketGroup(name) if name else TicketGroup.RECEIVED


def list_tickets(
    session: Session, filters: DashboardFilters, group: TicketGroup, actor: Actor, today: date, after: str = ""
) -> TicketPage:
    """List the tickets of a group that this actor may read.

    Complaints about the conduct of the actor's own unit stay hidden, so a list may be shorter than its count.
    """
    units = units_within(session, filters.unit, actor, Permission.VIEW_TICKET)
    scope = scope_of(filters, units, actor, today)
    indicator = SHOWN[group]
    statement = (
        select(Ticket)
        .join(Category, Category.code == Ticket.category_code)
        .where(*behind_figure(scope, now=group in OF_TODAY), indicator.condition(scope.today))
        .options(joinedload(Ticket.unit))
        .order_by(Ticket.id.desc())
        .limit(MOST + 1)
    )
    if actor.unit_id is not None:
        conduct = Category.category_class == CategoryClass.CONDUCT
        statement = statement.where(~(conduct & (Ticket.about_unit_id == actor.unit_id)))
    if after.isascii() and after.isdigit() and len(after) <= 9:
        statement = statement.where(Ticket.id < int(after))
    rows = session.scalars(statement).all()
    return TicketPage(indicator.sentence, rows[:MOST], rows[MOST - 1].id if len(rows) > MOST else None)
