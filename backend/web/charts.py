"""Data and positions of charts. The macros of ``ui`` draw them as SVG, each with the table of its values.

Horizontal positions are percentages of the chart's width, heights are pixels. So text keeps its size on a phone, and
no inline style is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

NICE = (1, 2, 2.5, 5, 10)
AXIS = 10.0
SMALLEST = 1e-6


@dataclass(frozen=True)
class DotRow:
    """One row of a dot plot: a value with its interval and its number of observations.

    Rows of one ``group`` are under its name; each ``series`` has its own mark and colour.
    """

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
    """One period or category of a column or line chart. ``value`` is None where there is no figure."""

    label: str
    value: float | None
    n: int | None = None


@dataclass(frozen=True)
class LineSeries:
    """One line of a line chart. All lines of a chart have the same labels."""

    name: str
    points: Sequence[ChartPoint]


@dataclass(frozen=True)
class MapArea:
    """One area of a map: ``path`` in the coordinates of the map's view box. ``value`` is None without a figure."""

    label: str
    path: str
    value: float | None
    href: str | None = None


@dataclass(frozen=True)
class AxisScale:
    """A linear axis from ``low`` to ``high`` with round ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Return the share 0..1 of the axis up to a value; a value outside is at the nearer end."""
        share = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, share))

    def across(self, value: float) -> str:
        """Return the position of a value as a percentage of the width: "37.50%"."""
        return f"{self.at(value) * 100:.2f}%"


def scale(
    values: Sequence[float], *, zero: bool = False, most: float | None = None, steps: int = 5, whole: bool = False
) -> AxisScale:
    """Return an axis over the values with about ``steps`` round ticks.

    With ``zero`` it starts at 0. ``most`` is the natural end of the values, such as 100: no tick is beyond it. With
    ``whole`` all ticks are whole numbers.
    """
    low = 0.0 if zero or not values else min(values)
    high = max(values, default=1.0)
    if high - low < SMALLEST:
        high = low + 1
    step = _round_step((high - low) / steps, whole=whole)
    first, last = floor(low / step), ceil(high / step - 1e-9)
    ticks = [round(i * step, 10) for i in range(first, last + 1)]
    if most is not None:
        ticks = [tick for tick in ticks if tick <= most] or [0.0, most]
    end = ticks[0] + step if len(ticks) == 1 else ticks[-1]
    return AxisScale(ticks[0], end, tuple(ticks))


def _round_step(rough: float, *, whole: bool) -> float:
    """Return the least round number (1, 2, 2.5 or 5 times a power of ten) that is not below ``rough``.

    With ``whole`` it is a whole number.
    """
    if whole:
        rough = max(rough, 1.0)
    power = 10.0 ** floor(log10(rough))
    steps = (n * power for n in NICE if n * power >= rough * 0.999)
    return next(step for step in steps if not whole or float(step).is_integer())


def dot_scale(dots: Sequence[DotRow], most: float | None = 100.0) -> AxisScale:
    """Return an axis that covers every value and both ends of every interval."""
    ends: list[float] = []
    for dot in dots:
        ends += [end for end in (dot.value, dot.lo, dot.hi) if end is not None]
    return scale(ends, most=most)


def point_scale(series: Sequence[LineSeries], unit: str = "") -> AxisScale:
    """Return an axis from zero over all points. Columns that do not start at zero misrepresent sizes.

    Without a unit, whole numbers are counts and get whole ticks. Percentages that are all 0 get an axis up to 100%, not
    to 1%.
    """
    values: list[float] = []
    for line in series:
        values += _values_of(line)
    if unit == "%" and not any(values):
        values = [100.0]
    counts = not unit and all(float(value).is_integer() for value in values)
    return scale(values, zero=True, whole=counts)


def has_values(series: Sequence[LineSeries]) -> bool:
    """Return whether there is a value to draw; an axis without one says nothing."""
    return any(_values_of(line) for line in series)


def _values_of(line: LineSeries) -> list[float]:
    return [point.value for point in line.points if point.value is not None]


def every(count: int, room: int = 6) -> int:
    """Return n so that a label at every n-th of ``count`` points gives at most ``room`` labels."""
    return max(1, ceil(count / room))


def middle(index: int, count: int) -> float:
    """Return the middle of the ``index``-th of ``count`` equal columns, as a percentage of the width.

    The labels of the axis take the first `AXIS` percent.
    """
    return AXIS + (index + 0.5) * (100 - AXIS) / count


def breaks(values: Sequence[float], classes: int = 5) -> tuple[float, ...]:
    """Return the upper ends of at most ``classes`` classes with about equal numbers of values (quantiles by rank)."""
    ordered = sorted(values)
    if not ordered:
        return ()
    ends = [ordered[ceil(len(ordered) * k / classes) - 1] for k in range(1, classes + 1)]
    return tuple(dict.fromkeys(ends))


def class_of(value: float | None, ends: Sequence[float]) -> int:
    """Return the first class 1..len(ends) whose end is not below the value; 0 without a value."""
    if value is None or not ends:
        return 0
    return next((i for i, end in enumerate(ends, 1) if value <= end), len(ends))
