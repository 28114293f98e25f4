"""The tickets behind a figure, for whoever may read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from backend.errors import Invalid, _
from backend.indicators.counts import Scope, behind_figure, overdue, unanswered_in_time
from backend.indicators.filters import Filters, units_within
from backend.kpi.dashboard import scope_of
from backend.tickets.models import Category, CategoryClass, Ticket, Verdict, is_open
from backend.users.policy import Action, Actor

MOST = 50


class Group(StrEnum):
    """Which figure; the value stands in the address."""

    RECEIVED = "da-nhan"
    ON_TIME = "dung-han"
    LATE = "tre"
    OVERDUE = "qua-han"
    OVERDUE_NOW = "dang-qua-han"
    OPEN_NOW = "con-mo"


TITLES = {
    Group.RECEIVED: _("Phản ánh nhận trong kỳ"),
    Group.ON_TIME: _("Phản ánh nhận trong kỳ, trả lời đúng hạn"),
    Group.LATE: _("Phản ánh nhận trong kỳ, trả lời trễ"),
    Group.OVERDUE: _("Phản ánh nhận trong kỳ, còn mở và quá hạn"),
    Group.OVERDUE_NOW: _("Phản ánh đang quá hạn hôm nay"),
    Group.OPEN_NOW: _("Phản ánh còn mở hôm nay"),
}


@dataclass(frozen=True)
class Found:
    """A page of tickets, latest first; ``after`` is where the next page begins."""

    title: str
    tickets: Sequence[Ticket]
    after: int | None


def group_called(name: str) -> Group:
    """The group of an address; received when it names none. Raises Invalid for one that does not exist."""
    if name and name not in set(Group):
        raise Invalid(_("Không có nhóm phản ánh này."), field="kenh")
    return Group(name) if name else Group.RECEIVED


def behind(session: Session, filters: Filters, group: Group, actor: Actor, today: date, after: str = "") -> Found:
    """Tickets of a group that this actor may read: a complaint about the conduct of the actor's own unit stays hidden,
    so that a list may be shorter than its count."""
    units = units_within(session, filters.unit, actor, Action.VIEW_TICKET)
    scope = scope_of(session, filters, units, today)
    chosen = (
        select(Ticket)
        .join(Category, Category.code == Ticket.category_code)
        .where(*behind_figure(scope, now=group in (Group.OVERDUE_NOW, Group.OPEN_NOW)), *_of_group(group, scope))
        .options(joinedload(Ticket.unit))
        .order_by(Ticket.id.desc())
        .limit(MOST + 1)
    )
    if actor.unit_id is not None:
        conduct = Category.category_class == CategoryClass.CONDUCT
        chosen = chosen.where(~(conduct & (Ticket.about_unit_id == actor.unit_id)))
    if after.isascii() and after.isdigit() and len(after) <= 9:
        chosen = chosen.where(Ticket.id < int(after))
    rows = session.scalars(chosen).all()
    return Found(TITLES[group], rows[:MOST], rows[MOST - 1].id if len(rows) > MOST else None)


def _of_group(group: Group, scope: Scope) -> list[ColumnElement[bool]]:
    return {
        Group.RECEIVED: [],
        Group.ON_TIME: [Ticket.verdict == Verdict.ON_TIME],
        Group.LATE: [Ticket.verdict == Verdict.LATE],
        Group.OVERDUE: [unanswered_in_time(scope.today)],
        Group.OVERDUE_NOW: [overdue(scope.today)],
        Group.OPEN_NOW: [is_open()],
    }[group]
