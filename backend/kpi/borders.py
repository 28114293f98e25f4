"""Borders of units as paths of a drawing: projected, thinned to what a screen shows, kept while the process lives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.units.models import Unit

WIDTH = 640.0
FINEST = 0.8  # of a unit of the drawing: what is nearer to the line is left out

Position = tuple[float, float]
_drawn: dict[tuple[int, ...], "UnitOutlines"] = {}


@dataclass(frozen=True)
class UnitOutlines:
    """``paths`` by unit id, in the coordinates of ``view_box``."""

    paths: dict[int, str]
    view_box: str


def outline_units(session: Session, unit_ids: Sequence[int]) -> UnitOutlines:
    """Paths of the units that have a border. Equirectangular about their middle: at the size of a province its error is
    far below a pixel. A border changes with the unit itself, so each set of units is drawn once a process."""
    key = tuple(sorted(unit_ids))
    if key not in _drawn:
        rows = session.execute(select(Unit.id, Unit.border).where(Unit.id.in_(key), Unit.border.is_not(None)))
        if len(_drawn) > 50:
            _drawn.clear()
        _drawn[key] = draw_outlines(dict(rows.all()))
    return _drawn[key]


def draw_outlines(borders: dict[int, Any]) -> UnitOutlines:
    """GeoJSON polygons (longitude, latitude) as SVG paths, north up."""
    rings = {unit_id: list(_rings(border)) for unit_id, border in borders.items()}
    every = [point for of_unit in rings.values() for ring in of_unit for point in ring]
    if not every:
        return UnitOutlines({}, f"0 0 {WIDTH:.0f} 1")
    west, east = min(x for x, _y in every), max(x for x, _y in every)
    south, north = min(y for _x, y in every), max(y for _x, y in every)
    narrowing = cos(radians((south + north) / 2))
    scale = WIDTH / ((east - west) * narrowing)
    paths = {
        unit_id: "".join(
            _path(thin_line([((x - west) * narrowing * scale, (north - y) * scale) for x, y in ring], FINEST))
            for ring in of_unit
        )
        for unit_id, of_unit in rings.items()
    }
    return UnitOutlines(paths, f"-2 -2 {WIDTH + 4:.0f} {(north - south) * scale + 4:.0f}")


def thin_line(line: Sequence[Position], tolerance: float) -> list[Position]:
    """The line without the points that lie nearer than ``tolerance`` to it (Douglas and Peucker, 1973)."""
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
    """From a point to a stretch; start and end of a closed line are the same point."""
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
