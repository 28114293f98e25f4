"""Where the marks of a chart stand. Pure; the macros of ``ui`` draw them as SVG.

Positions across are percentages of the chart's width, heights are pixels: text keeps its size on a phone, and no
inline style is needed. Every chart is drawn together with the table of its values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

NICE = (1, 2, 2.5, 5, 10)
AXIS = 10.0
SMALLEST = 1e-6


@dataclass(frozen=True)
class DotRow:
    """One row of a dot plot: a value with its interval and the number of observations behind it. Rows of one ``group``
    stand under its name; a ``series`` has a mark and a colour of its own."""

    label: str
    value: float
    lo: float | None = None
    hi: float | None = None
    n: int | None = None
    href: str | None = None
    group: str = ""
    series: int = 1


@dataclass(frozen=True)
class ChartPoint:
    """One period or category of a column or line chart; ``value`` None where there is none."""

    label: str
    value: float | None
    n: int | None = None


@dataclass(frozen=True)
class LineSeries:
    """One line of a line chart, over the same labels as the other lines."""

    name: str
    points: Sequence[ChartPoint]


@dataclass(frozen=True)
class MapArea:
    """One area of a map: ``path`` in the coordinates of the map's view box, ``value`` None where there is none."""

    label: str
    path: str
    value: float | None
    href: str | None = None


@dataclass(frozen=True)
class AxisScale:
    """A straight axis from ``low`` to ``high`` with round ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Share of the axis, 0..1; values outside stand at its end."""
        share = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, share))

    def across(self, value: float) -> str:
        """Position as a percentage of the width."""
        return f"{self.at(value) * 100:.2f}%"


def scale(
    values: Sequence[float], *, zero: bool = False, most: float | None = None, steps: int = 5, whole: bool = False
) -> AxisScale:
    """Axis over the values with about ``steps`` round ticks; ``zero`` starts at 0, ``most`` is the natural end, with
    ``whole`` ticks are whole numbers."""
    low = 0.0 if zero or not values else min(values)
    high = max(values, default=1.0)
    if high - low < SMALLEST:
        high = low + 1
    step = _step((high - low) / steps, whole=whole)
    first, last = floor(low / step), ceil(high / step - 1e-9)
    ticks = [round(i * step, 10) for i in range(first, last + 1)]
    if most is not None:
        ticks = [tick for tick in ticks if tick <= most] or [0.0, most]
    return AxisScale(ticks[0], max(ticks[-1], ticks[0] + step if len(ticks) == 1 else ticks[-1]), tuple(ticks))


def _step(rough: float, *, whole: bool) -> float:
    """The round distance of ticks next above a rough one."""
    if whole:
        rough = max(rough, 1.0)
    power = 10.0 ** floor(log10(rough))
    steps = (n * power for n in NICE if n * power >= rough * 0.999)
    return next(step for step in steps if not whole or float(step).is_integer())


def dot_scale(dots: Sequence[DotRow], most: float | None = 100.0) -> AxisScale:
    """Axis that holds every value and the ends of every interval."""
    ends = [end for dot in dots for end in (dot.value, dot.lo, dot.hi) if end is not None]
    return scale(ends, most=most)


def point_scale(series: Sequence[LineSeries], unit: str = "") -> AxisScale:
    """Axis from zero over all points: columns lie about sizes when they do not start there. Percentages that are all 0
    stand on the axis that percentages have, not on one from 0 to 1%."""
    values = [value for line in series for value in _values_of(line)]
    if unit == "%" and not any(values):
        values = [100.0]
    counts = not unit and all(float(value).is_integer() for value in values)
    return scale(values, zero=True, whole=counts)


def has_values(series: Sequence[LineSeries]) -> bool:
    """Whether there is anything to draw: an axis without a mark tells nothing."""
    return any(_values_of(line) for line in series)


def _values_of(line: LineSeries) -> list[float]:
    return [point.value for point in line.points if point.value is not None]


def every(count: int, room: int = 6) -> int:
    """Label each how-many-eth point so that at most ``room`` labels are drawn."""
    return max(1, ceil(count / room))


def middle(index: int, count: int) -> float:
    """Middle of the ``index``-th of ``count`` equal places, as a percentage of the width; the axis takes the first."""
    return AXIS + (index + 0.5) * (100 - AXIS) / count


def breaks(values: Sequence[float], classes: int = 5) -> tuple[float, ...]:
    """Upper ends of at most ``classes`` classes with about equally many values each (quantiles by rank)."""
    ordered = sorted(values)
    if not ordered:
        return ()
    ends = [ordered[ceil(len(ordered) * k / classes) - 1] for k in range(1, classes + 1)]
    return tuple(dict.fromkeys(ends))


def class_of(value: float | None, ends: Sequence[float]) -> int:
    """1..len(ends), the first class whose end is not below the value; 0 for no value."""
    if value is None or not ends:
        return 0
    return next((i for i, end in enumerate(ends, 1) if value <= end), len(ends))
