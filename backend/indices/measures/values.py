"""One figure about the feedback group, with everything that must stand beside it."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from backend.indices.models import FigureSide, Measure

ITEMS = (1, 2, 3)
GROUP = 0


@dataclass(frozen=True)
class RunValue:
    """One figure.

    ``unit_id`` None: all units of the question together. Scores are 20..100, shares 0..1. ``extra`` holds counts and
    other facts that stand beside the figure.
    """

    unit_id: int | None
    first: date
    last: date
    side: FigureSide
    item: int
    code: str
    measure: Measure
    n: int | None = None
    value: float | None = None
    se: float | None = None
    lo: float | None = None
    hi: float | None = None
    about: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def split_quarters(first: date, last: date) -> list[tuple[date, date]]:
    """Return the calendar quarters that the period touches, cut to the period."""
    quarters, start = [], first
    while start <= last:
        month = (start.month - 1) // 3 * 3 + 4
        end = date(start.year + month // 13, month if month < 13 else 1, 1) - timedelta(days=1)
        quarters.append((start, min(end, last)))
        start = end + timedelta(days=1)
    return quarters
