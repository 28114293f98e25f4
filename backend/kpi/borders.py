"""Turn the borders of units into SVG paths: projected, simplified to what a screen shows, and cached in the process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import cos, radians
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.units.models import Unit

WIDTH = 640.0
FINEST = 0.8  # in units of the drawing; points that lie nearer to the line are dropped

Position = tuple[float, float]
_cache: dict[tuple[int, ...], "UnitOutlines"] = {}


@dataclass(frozen=True)
class UnitOutlines:
    """SVG paths by unit id (``paths``), in the coordinates of ``view_box``."""

    paths: dict[int, str]
    view_box: str


def outline_units(session: Session, unit_ids: Sequence[int]) -> UnitOutlines:
    """Return the paths of the units that have a border.

    A border never changes without a new unit, so each set of units is drawn once per process.
    """
    key = tuple(sorted(unit_ids))
    if key not in _cache:
        rows = session.execute(select(Unit.id, Unit.border).where(Unit.id.in_(key), Unit.border.is_not(None)))
        if len(_cache) > 50:
            _cache.clear()
        _cache[key] = draw_outlines(dict(rows.all()))
    return _cache[key]


@dataclass(frozen=True)
class _MapProjection:
    """Equirectangular projection about the middle of the borders, north up.

    At the size of a province its error is far below one pixel.
    """

    west: float
    north: float
    narrowing: float
    scale: float

    def point(self, longitude: float, latitude: float) -> Position:
        return (longitude - self.west) * self.narrowing * self.scale, (self.north - latitude) * self.scale


def draw_outlines(borders: dict[int, Any]) -> UnitOutlines:
    """Draw GeoJSON polygons (longitude, latitude) as SVG paths, north up."""
    rings = {unit_id: list(_rings(border)) for unit_id, border in borders.items()}
    points = list(chain.from_iterable(chain.from_iterable(rings.values())))
    if not points:
        return UnitOutlines({}, f"0 0 {WIDTH:.0f} 1")
    longitudes, latitudes = [x for x, _y in points], [y for _x, y in points]
    west, east, south, north = min(longitudes), max(longitudes), min(latitudes), max(latitudes)
    narrowing = cos(radians((south + north) / 2))
    projection = _MapProjection(west, north, narrowing, WIDTH / ((east - west) * narrowing))
    paths = {unit_id: _unit_path(unit_rings, projection) for unit_id, unit_rings in rings.items()}
    return UnitOutlines(paths, f"-2 -2 {WIDTH + 4:.0f} {(north - south) * projection.scale + 4:.0f}")


def _unit_path(rings: Sequence[Sequence[Position]], projection: _MapProjection) -> str:
    lines = ([projection.point(x, y) for x, y in ring] for ring in rings)
    return "".join(_path(thin_line(line, FINEST)) for line in lines)


def thin_line(line: Sequence[Position], tolerance: float) -> list[Position]:
    """Return the line without the points that lie nearer than ``tolerance`` to it (Douglas and Peucker, 1973)."""
    keep = {0, len(line) - 1}
    spans = [(0, len(line) - 1)]
    while spans:
        first, last = spans.pop()
        far, at = 0.0, 0
        for i in range(first + 1, last):
            distance = _distance(line[i], line[first], line[last])
            if distance > far:
                far, at = distance, i
        if far > tolerance:
            keep.add(at)
            spans += [(first, at), (at, last)]
    return [line[i] for i in sorted(keep)]


def _distance(point: Position, start: Position, end: Position) -> float:
    """Return the distance from a point to a segment. The start and end of a closed line are the same point."""
    (x, y), (ax, ay), (bx, by) = point, start, end
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    along = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / length)) if length else 0.0
    return float(((x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2) ** 0.5)


def _rings(border: Any) -> Iterator[list[Position]]:
    polygons = border["coordinates"] if border["type"] == "MultiPolygon" else [border["coordinates"]]
    for polygon in polygons:
        for ring in polygon:
            yield [(float(point[0]), float(point[1])) for point in ring]


def _path(line: Sequence[Position]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line) + "Z" if len(line) > 3 else ""
