"""Rank the units of a dashboard by on-time rate and compare each with all others together."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from analytics.difference import DifferenceVerdict
from backend.indicators.counts import HandlingDays, OpenTickets, TicketCounts
from backend.indicators.unit_comparison import SHARE_POINTS, UnitDifference, UnitTally, compare_units
from backend.kpi.figures import Figures, enough, figures_of
from backend.units.models import Unit


class Standing(StrEnum):
    """How a unit's on-time rate differs from that of all other units. FEW: too few tickets for a rate."""

    BELOW = "below"
    SAME = "same"
    ABOVE = "above"
    FEW = "few"


STANDING_OF = {DifferenceVerdict.LOWER: Standing.BELOW, DifferenceVerdict.HIGHER: Standing.ABOVE}


@dataclass(frozen=True)
class UnitRow:
    """One unit in the table. ``difference`` is None where the unit, or all others together, have too few tickets."""

    unit: Unit
    figures: Figures
    overdue_now: int
    difference: UnitDifference | None

    @property
    def standing(self) -> Standing:
        if not enough(self.figures.rate):
            return Standing.FEW
        return STANDING_OF.get(self.difference.verdict, Standing.SAME) if self.difference else Standing.SAME


def rank_units(
    units: Sequence[Unit],
    counts: Mapping[int, TicketCounts],
    days: Sequence[HandlingDays],
    waiting: Sequence[OpenTickets],
) -> list[UnitRow]:
    """Return the units that have tickets, best rate first.

    Units with too few tickets for a rate come last, in the order of ``units``.
    """
    days_of: dict[int, list[HandlingDays]] = defaultdict(list)
    for day in days:
        days_of[day.unit_id].append(day)
    late_now = _overdue_now(waiting)
    present = [unit for unit in units if unit.id in counts or late_now[unit.id]]
    figures = {
        unit.id: figures_of([counts[unit.id]] if unit.id in counts else [], days_of[unit.id]) for unit in present
    }
    differences = _differences(figures)
    rows = [UnitRow(unit, figures[unit.id], late_now[unit.id], differences.get(unit.id)) for unit in present]
    return _best_first(rows)


def _overdue_now(waiting: Sequence[OpenTickets]) -> dict[int, int]:
    """Return the open overdue tickets by unit; 0 for a unit without any."""
    late_now: dict[int, int] = defaultdict(int)
    for open_tickets in waiting:
        late_now[open_tickets.unit_id] += open_tickets.overdue
    return late_now


def _best_first(rows: Sequence[UnitRow]) -> list[UnitRow]:
    few = [row for row in rows if not enough(row.figures.rate)]
    ranked = [row for row in rows if enough(row.figures.rate)]
    return sorted(ranked, key=lambda row: (-(row.figures.rate.value or 0), row.unit.folded)) + few


def _differences(figures: dict[int, Figures]) -> dict[int, UnitDifference]:
    """Compare the on-time rates. Each ticket is 1 or 0, so the sum is also the sum of squares."""
    tallies = [UnitTally(unit_id, its.rate.n, its.rate.k, its.rate.k) for unit_id, its in figures.items()]
    return {difference.unit_id: difference for difference in compare_units(tallies, SHARE_POINTS)}
