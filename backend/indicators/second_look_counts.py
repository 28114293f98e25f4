"""Second looks by the unit that answered: asked for, upheld, corrected, sent back, late."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from backend.indicators.filters import DashboardFilters, units_within
from backend.tickets.models import Ticket, Verdict
from backend.tickets.second_looks.models import LookResult, SecondLook
from backend.units.models import Unit
from backend.users.policy import Actor


@dataclass(frozen=True)
class LookCounts:
    """Second looks at the answers of one unit, asked for in the period.

    asked = upheld + corrected + sent_back + those that are still open. ``late``: decided after the due date.
    """

    unit: Unit
    asked: int
    upheld: int
    corrected: int
    sent_back: int
    late: int

    @property
    def decided(self) -> int:
        return self.upheld + self.corrected + self.sent_back


@dataclass(frozen=True)
class LookFigures:
    """The counts of all units in view, the most first. ``only_decided``: open ones are not told to this reader."""

    rows: Sequence[LookCounts]
    only_decided: bool

    @property
    def asked(self) -> int:
        return sum(row.asked for row in self.rows)

    @property
    def decided(self) -> int:
        return sum(row.decided for row in self.rows)


def count_second_looks(session: Session, filters: DashboardFilters, actor: Actor) -> LookFigures:
    """Return the second looks asked for in the period, by unit, in one statement.

    A reader who belongs to a unit gets decided ones alone: a unit must not know that its answer is looked at.
    """
    units = {unit.id: unit for unit in units_within(session, filters.unit, actor)}
    only_decided = actor.unit_id is not None
    statement = (
        select(
            SecondLook.unit_id,
            func.count(),
            *(_counted(SecondLook.result == result) for result in LookResult),
            _counted(SecondLook.verdict == Verdict.LATE),
        )
        .where(SecondLook.unit_id.in_(units), SecondLook.asked_on.between(filters.first, filters.last))
        .group_by(SecondLook.unit_id)
    )
    if only_decided:
        statement = statement.where(SecondLook.decided_at.is_not(None))
    if filters.channel is not None:
        statement = statement.join(Ticket, Ticket.id == SecondLook.ticket_id).where(Ticket.channel == filters.channel)
    rows = [LookCounts(units[unit_id], *counts) for unit_id, *counts in session.execute(statement)]
    return LookFigures(sorted(rows, key=lambda row: (-row.asked, row.unit.folded)), only_decided)


def _counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)
