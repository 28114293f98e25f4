"""The two sides of a unit and a period as one look: values by their place, units in quadrants, quarters in a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.difference import DifferenceVerdict
from analytics.operations import SMALL_N
from backend.indicators.filters import DashboardFilters
from backend.indices.measures import inputs
from backend.indices.measures.sides import split_quarters
from backend.indices.measures.values import GROUP, ITEMS, RunValue
from backend.indices.runs import service as runs
from backend.units.models import Unit
from backend.users.policy import Actor
from backend.web.charts import AxisScale, scale

HEIGHT = 340
EDGE = 12
LABEL_LINE, LABEL_BASE = 24, 18  # the line of labels under the plane, and the baseline of its text
TEXT_GAP = 4


class Quadrant(StrEnum):
    """Where a unit stands against all other units, on both axes at once; ``BETWEEN``: of one axis or both
    there is no evidence that it differs from the other units."""

    FAST_SATISFIED = "fast-satisfied"
    FAST_DISSATISFIED = "fast-dissatisfied"
    SLOW_SATISFIED = "slow-satisfied"
    SLOW_DISSATISFIED = "slow-dissatisfied"
    BETWEEN = "between"
    FEW = "few"


@dataclass(frozen=True)
class UnitPosition:
    """A unit with both figures, and its number in the picture (0: too few cases to be drawn)."""

    unit: Unit
    rate: RunValue
    rated: RunValue
    quadrant: Quadrant
    number: int


@dataclass(frozen=True)
class ComparisonRow:
    """What can be said of a unit among the others; ``group`` of volume, -1 where it has too few cases for a place."""

    unit: Unit
    rank: RunValue | None
    speed: RunValue | None
    rating: RunValue | None
    drawn: RunValue | None

    @property
    def group(self) -> int:
        return int(self.rank.extra["group"]) if self.rank else -1


@dataclass(frozen=True)
class ComparisonPlane:
    """The picture: on-time rate across, mean rating up, both with the lines of all."""

    x: AxisScale
    y: AxisScale
    rate: float
    rated: float

    def up(self, value: float) -> float:
        """Pixels from the top."""
        return round(EDGE + (1 - self.y.at(value)) * (HEIGHT - 2 * EDGE), 1)

    @property
    def height(self) -> int:
        return HEIGHT

    @property
    def full_height(self) -> int:
        """Return the height with the line of tick labels under the plane."""
        return HEIGHT + LABEL_LINE

    @property
    def label_base(self) -> int:
        """Return the baseline of the tick labels under the plane."""
        return HEIGHT + LABEL_BASE

    def above_line(self, value: float) -> float:
        """Return the baseline of a text that stands just above the line of a value."""
        return self.up(value) - TEXT_GAP

    def centred(self, value: float) -> float:
        """Return the baseline of a number that stands in the middle of a mark."""
        return self.up(value) + TEXT_GAP


@dataclass(frozen=True)
class UnitComparison:
    """Everything on the page, from values alone, so that a stored run shows the same."""

    first: date
    last: date
    values: Sequence[RunValue]
    demonstration: int
    tickets: int

    def get(self, code: str, item: int = GROUP, span: tuple[date, date] | None = None) -> RunValue | None:
        """The figure of all units looked at, in the whole period or a quarter of it."""
        when = span or (self.first, self.last)
        held = (v for v in self.values if (v.code, v.item, v.unit_id) == (code, item, None))
        return next((v for v in held if (v.first, v.last) == when), None)

    def latest(self, code: str, item: int) -> RunValue | None:
        """The last figure of a side that has years of its own: published, or own survey."""
        held = [v for v in self.values if (v.code, v.item) == (code, item)]
        return max(held, key=lambda v: v.last, default=None)

    def all(self, code: str, item: int | None = None) -> list[RunValue]:
        return [v for v in self.values if v.code == code and item in (None, v.item) and v.unit_id is None]

    @property
    def quarters(self) -> list[tuple[date, date]]:
        """The quarters, where the period has several."""
        found = split_quarters(self.first, self.last)
        return found if len(found) > 1 else []

    @property
    def items(self) -> tuple[int, ...]:
        return (*ITEMS, GROUP)


def compare_units(session: Session, filters: DashboardFilters, actor: Actor, today: date) -> UnitComparison:
    """Count the question of the address as of today, without storing it."""
    asked = runs.prepare_request(session, filters.unit, filters.first, filters.last, actor, today)
    rows = inputs.read_inputs(session, asked)
    values = runs.compute_values(rows, asked, runs.SEED)
    return UnitComparison(filters.first, filters.last, values, rows.demonstration, len(rows.cases))


def place_units(session: Session, board: UnitComparison) -> list[UnitPosition]:
    """Units by name, never by figure; those with too few cases are named without figures."""
    held = {(v.code, v.item, v.unit_id): v for v in board.values if v.unit_id is not None}
    both = {unit for code, _item, unit in held if code == "on_time_rate"}
    both &= {unit for code, _item, unit in held if code == "ratings"}
    units = session.scalars(select(Unit).where(Unit.id.in_(both)).order_by(Unit.folded, Unit.id)).all()
    found, number = [], 0
    for unit in units:
        rate, rated = held["on_time_rate", 2, unit.id], held["ratings", GROUP, unit.id]
        gaps = [held.get(("unit_gap", item, unit.id)) for item in (2, GROUP)]
        quadrant = Quadrant.FEW if min(rate.n or 0, rated.n or 0) < SMALL_N else _quadrant(*gaps)
        number += quadrant is not Quadrant.FEW
        shown = number if quadrant is not Quadrant.FEW else 0
        found.append(UnitPosition(unit, rate, rated, quadrant, shown))
    return found


def comparison_rows(session: Session, board: UnitComparison) -> list[ComparisonRow]:
    """Units by name, each with its place, how it differs from all others, and its rating drawn toward the province."""
    held = {(v.code, v.item, v.unit_id): v for v in board.values if v.unit_id is not None}
    keys = [("rank_interval", 2), ("unit_gap", 2), ("unit_gap", GROUP), ("ratings_drawn", GROUP)]
    ids = {v.unit_id for v in board.values if v.code in ("rank_interval", "unit_gap", "ratings_drawn")}
    units = session.scalars(select(Unit).where(Unit.id.in_(ids)).order_by(Unit.folded, Unit.id)).all()
    return [ComparisonRow(unit, *(held.get((*key, unit.id)) for key in keys)) for unit in units]


def draw_plane(drawn: Sequence[UnitPosition], board: UnitComparison) -> ComparisonPlane | None:
    """The axes that hold every interval; None where nothing is to be drawn."""
    drawn = [place for place in drawn if place.number]
    rate, rated = board.get("on_time_rate", 2), board.get("ratings", GROUP)
    if not drawn or rate is None or rated is None or rate.value is None or rated.value is None:
        return None
    x = [end * 100 for place in drawn for end in (place.rate.lo, place.rate.hi) if end is not None]
    y = [end for place in drawn for end in (place.rated.lo, place.rated.hi) if end is not None]
    return ComparisonPlane(
        scale([*x, rate.value * 100], most=100), scale([*y, rated.value], most=100), rate.value, rated.value
    )


def _quadrant(speed: RunValue | None, rating: RunValue | None) -> Quadrant:
    """Where a unit stands by the two verdicts of its differences from all other units."""
    fast, satisfied = _above(speed), _above(rating)
    if fast is None or satisfied is None:
        return Quadrant.BETWEEN
    if fast:
        return Quadrant.FAST_SATISFIED if satisfied else Quadrant.FAST_DISSATISFIED
    return Quadrant.SLOW_SATISFIED if satisfied else Quadrant.SLOW_DISSATISFIED


def _above(gap: RunValue | None) -> bool | None:
    """Above or below all others; None where there is no evidence of either."""
    verdict = gap.extra["verdict"] if gap else None
    return (
        {DifferenceVerdict.HIGHER.value: True, DifferenceVerdict.LOWER.value: False}.get(verdict) if verdict else None
    )
