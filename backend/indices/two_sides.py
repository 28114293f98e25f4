"""The two sides of a unit and a period: values by their place, units in quadrants, quarters in a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.difference import DifferenceVerdict
from analytics.operations import SMALL_N
from backend.indicators.filters import DashboardFilters
from backend.indicators.rollups import service as rollups
from backend.indicators.rollups.recent_answers import RecentAnswers
from backend.indices.measures import inputs
from backend.indices.measures.rolled_up import read_sums
from backend.indices.measures.values import GROUP, ITEMS, RunValue, split_quarters
from backend.indices.runs import service as runs
from backend.units.models import Unit
from backend.users.policy import Actor
from backend.web.charts import AxisScale, scale

ValueKey = tuple[str, int, int]  # code, item, unit
SIDES = {DifferenceVerdict.HIGHER.value: True, DifferenceVerdict.LOWER.value: False}
HEIGHT = 340
EDGE = 12
LABEL_LINE, LABEL_BASE = 24, 18  # the line of labels under the plane, and the baseline of its text
TEXT_GAP = 4


class Quadrant(StrEnum):
    """Where a unit stands against all other units on both axes.

    ``BETWEEN``: on at least one axis there is no evidence that it differs from the others. ``FEW``: too few cases.
    """

    FAST_SATISFIED = "fast-satisfied"
    FAST_DISSATISFIED = "fast-dissatisfied"
    SLOW_SATISFIED = "slow-satisfied"
    SLOW_DISSATISFIED = "slow-dissatisfied"
    BETWEEN = "between"
    FEW = "few"


@dataclass(frozen=True)
class UnitPosition:
    """A unit with both figures, and its number in the picture. Number 0: too few cases to be drawn."""

    unit: Unit
    rate: RunValue
    rated: RunValue
    quadrant: Quadrant
    number: int


@dataclass(frozen=True)
class ComparisonRow:
    """What is known of a unit among the others."""

    unit: Unit
    rank: RunValue | None
    speed: RunValue | None
    rating: RunValue | None
    drawn: RunValue | None

    @property
    def group(self) -> int:
        """Return the volume group; -1 where the unit has too few cases for a place."""
        return int(self.rank.extra["group"]) if self.rank else -1


@dataclass(frozen=True)
class ComparisonPlane:
    """The picture: on-time rate across, mean rating up, each with the line of all units together."""

    x: AxisScale
    y: AxisScale
    rate: float
    rated: float

    def up(self, value: float) -> float:
        """Return the distance from the top in pixels."""
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
        """Return the figure of all units together, for the whole period or a quarter of it."""
        first, last = span or (self.first, self.last)
        key = (code, item, None, first, last)
        return next((v for v in self.values if (v.code, v.item, v.unit_id, v.first, v.last) == key), None)

    def latest(self, code: str, item: int) -> RunValue | None:
        """Return the last figure of a side that has years of its own: published, or own survey."""
        figures = [v for v in self.values if (v.code, v.item) == (code, item)]
        return max(figures, key=lambda v: v.last, default=None)

    def all(self, code: str, item: int | None = None) -> list[RunValue]:
        return [v for v in self.values if v.code == code and item in (None, v.item) and v.unit_id is None]

    @property
    def quarters(self) -> list[tuple[date, date]]:
        """Return the quarters of the period, where it has several."""
        quarters = split_quarters(self.first, self.last)
        return quarters if len(quarters) > 1 else []

    @property
    def items(self) -> tuple[int, ...]:
        return (*ITEMS, GROUP)


def compare_units(session: Session, filters: DashboardFilters, actor: Actor, today: date) -> UnitComparison:
    """Count the question of the address as of today, without storing it."""
    question = runs.prepare_request(session, filters.unit, filters.first, filters.last, actor, today)
    mark = rollups.bring_up_to_date(today)
    others = inputs.read_others(session, question)
    sees_conduct = actor.unit_id is None
    return _COMPARED.get_or_count(
        (mark, question, sees_conduct, others), lambda: _compare(session, question, sees_conduct, others)
    )


_COMPARED: RecentAnswers[UnitComparison] = RecentAnswers()


def _compare(
    session: Session, question: inputs.RunRequest, sees_conduct: bool, others: inputs.RunInputs
) -> UnitComparison:
    sums = read_sums(session, question, sees_conduct=sees_conduct)
    values = runs.values_of_sums(others, sums, question, runs.SEED)
    return UnitComparison(question.first, question.last, values, sums.demonstration, sums.tickets)


def place_units(session: Session, board: UnitComparison) -> list[UnitPosition]:
    """Return the units by name, never by figure. Units with too few cases are named without figures."""
    value_of = {(v.code, v.item, v.unit_id): v for v in board.values if v.unit_id is not None}
    both = _units_with(value_of, "on_time_rate") & _units_with(value_of, "ratings")
    units = session.scalars(select(Unit).where(Unit.id.in_(both)).order_by(Unit.folded, Unit.id)).all()
    positions, number = [], 0
    for unit in units:
        rate, rated = value_of["on_time_rate", 2, unit.id], value_of["ratings", GROUP, unit.id]
        enough = min(rate.n or 0, rated.n or 0) >= SMALL_N
        gaps = (value_of.get(("unit_gap", item, unit.id)) for item in (2, GROUP))
        number += enough
        quadrant = _quadrant(*gaps) if enough else Quadrant.FEW
        positions.append(UnitPosition(unit, rate, rated, quadrant, number if enough else 0))
    return positions


def _units_with(value_of: Mapping[ValueKey, RunValue], code: str) -> set[int]:
    return {unit_id for value_code, _item, unit_id in value_of if value_code == code}


def comparison_rows(session: Session, board: UnitComparison) -> list[ComparisonRow]:
    """Return the units by name, each with its place, how it differs from all others, and its shrunk rating."""
    value_of = {(v.code, v.item, v.unit_id): v for v in board.values if v.unit_id is not None}
    keys = [("rank_interval", 2), ("unit_gap", 2), ("unit_gap", GROUP), ("ratings_drawn", GROUP)]
    ids = {v.unit_id for v in board.values if v.code in ("rank_interval", "unit_gap", "ratings_drawn")}
    units = session.scalars(select(Unit).where(Unit.id.in_(ids)).order_by(Unit.folded, Unit.id)).all()
    return [ComparisonRow(unit, *(value_of.get((*key, unit.id)) for key in keys)) for unit in units]


def draw_plane(drawn: Sequence[UnitPosition], board: UnitComparison) -> ComparisonPlane | None:
    """Return the axes that hold every interval; None where there is nothing to draw."""
    drawn = [place for place in drawn if place.number]
    rate, rated = board.get("on_time_rate", 2), board.get("ratings", GROUP)
    if not drawn or rate is None or rated is None or rate.value is None or rated.value is None:
        return None
    across = [end * 100 for end in _ends([place.rate for place in drawn])]
    up = _ends([place.rated for place in drawn])
    x, y = scale([*across, rate.value * 100], most=100), scale([*up, rated.value], most=100)
    return ComparisonPlane(x, y, rate.value, rated.value)


def _ends(values: Sequence[RunValue]) -> list[float]:
    """Return the ends of the intervals that there are."""
    ends = [*(value.lo for value in values), *(value.hi for value in values)]
    return [end for end in ends if end is not None]


def _quadrant(speed: RunValue | None, rating: RunValue | None) -> Quadrant:
    """Return the quadrant of a unit from the verdicts of its two differences from all other units."""
    fast, satisfied = _above(speed), _above(rating)
    if fast is None or satisfied is None:
        return Quadrant.BETWEEN
    if fast:
        return Quadrant.FAST_SATISFIED if satisfied else Quadrant.FAST_DISSATISFIED
    return Quadrant.SLOW_SATISFIED if satisfied else Quadrant.SLOW_DISSATISFIED


def _above(gap: RunValue | None) -> bool | None:
    """Whether a unit lies above all others (True) or below (False); None where there is no evidence of either."""
    return None if gap is None else SIDES.get(gap.extra["verdict"])
