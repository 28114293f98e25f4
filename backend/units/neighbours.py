"""Which units lie next to each other, from the borders on the map."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.units.models import Unit

POINTS_LEAST: Final = 2  # points that two borders share; at one point units only touch

Point = tuple[float, float]
_cache: dict[str, tuple[int, dict[int, frozenset[int]]]] = {}  # by database: the last unit, and the neighbours of all


def list_neighbours(session: Session, unit_id: int) -> frozenset[int]:
    """Return the units whose border runs along the border of this one; none for a unit without a border.

    A border never changes without a new unit. So a process reads the borders again only when a unit was added.
    """
    last_id = session.scalar(select(func.max(Unit.id))) or 0
    database = str(session.get_bind().engine.url.database)
    if _cache.get(database, (-1, {}))[0] != last_id:
        borders = select(Unit.id, Unit.border).where(Unit.border.is_not(None), Unit.valid_to.is_(None))
        rows = {row.id: row.border for row in session.execute(borders)}
        _cache[database] = (last_id, find_neighbours(rows))
    return _cache[database][1].get(unit_id, frozenset())


def find_neighbours(borders: Mapping[int, Any]) -> dict[int, frozenset[int]]:
    """Return for each unit the units that share at least ``POINTS_LEAST`` points of their GeoJSON borders with it."""
    points = {unit_id: set(_points(border)) for unit_id, border in borders.items()}
    near: dict[int, set[int]] = defaultdict(set)
    for unit_id, own in points.items():
        for other_id, others in points.items():
            if unit_id < other_id and len(own & others) >= POINTS_LEAST:
                near[unit_id].add(other_id)
                near[other_id].add(unit_id)
    return {unit_id: frozenset(units) for unit_id, units in near.items()}


def _points(border: Any) -> Iterator[Point]:
    polygons = border["coordinates"] if border["type"] == "MultiPolygon" else [border["coordinates"]]
    for polygon in polygons:
        for ring in polygon:
            yield from ((float(x), float(y)) for x, y, *_height in ring)
