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
# The drawing area of a column or line chart, in pixels from the top: its upper edge, its base line, its whole height.
TOP, BASE, HEIGHT = 20, 204, 230
LABEL_DROP = 18  # from the base line down to the labels
TEXT_GAP = 4  # from a gridline up to its number
COLUMNS_WIDTH = 64.0  # all columns together, as a percentage of the chart's width


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
class GridLine:
    """A tick of an upright axis: its value, the height of its line, and the baseline of the number above it."""

    value: float
    line_y: float
    text_y: float


@dataclass(frozen=True)
class PlaceLabel:
    """The label under a place of a chart; a ``spare`` one is left out where the page is narrow."""

    text: str
    x: str
    y: int
    spare: bool


@dataclass(frozen=True)
class ColumnBar:
    """One column: its point, and its rectangle."""

    point: ChartPoint
    x: str
    width: str
    y: float
    height: float


@dataclass(frozen=True)
class LineMark:
    """One mark of a line, and the mark that the line goes on to; ``onward`` is None before a gap and at the end."""

    x: str
    y: float
    onward: tuple[str, float] | None = None


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

    def across_share(self, share: float) -> str:
        """Position of a share 0..1 on an axis of percentages."""
        return self.across(share * 100)

    def down(self, value: float) -> float:
        """Pixels from the top in the area of a column or line chart."""
        return BASE - self.at(value) * (BASE - TOP)

    @property
    def gridlines(self) -> list[GridLine]:
        """The ticks of an upright axis."""
        return [GridLine(tick, round(self.down(tick), 1), round(self.down(tick) - TEXT_GAP, 1)) for tick in self.ticks]


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


def draw_columns(points: Sequence[ChartPoint], axis: AxisScale) -> list[ColumnBar]:
    """Return the columns of the points that have a value, each in the middle of its place."""
    width = COLUMNS_WIDTH / max(1, len(points))
    bars = []
    for index, point in enumerate(points):
        if point.value is not None:
            y = axis.down(point.value)
            left = middle(index, len(points)) - width / 2
            bars.append(ColumnBar(point, _percent(left), _percent(width), round(y, 1), round(BASE - y, 1)))
    return bars


def draw_line(line: LineSeries, axis: AxisScale) -> list[LineMark]:
    """Return the marks of a line from left to right; the line breaks at a point without a value."""
    places = [_mark_place(point, index, len(line.points), axis) for index, point in enumerate(line.points)]
    followers = [*places[1:], None]
    return [LineMark(*place, onward) for place, onward in zip(places, followers, strict=False) if place is not None]


def _mark_place(point: ChartPoint, index: int, count: int, axis: AxisScale) -> tuple[str, float] | None:
    return None if point.value is None else (_percent(middle(index, count)), round(axis.down(point.value), 1))


def place_labels(points: Sequence[ChartPoint], room: int = 6) -> list[PlaceLabel]:
    """Return the labels under a chart, at most ``room`` of them at equal distances; every other one is spare."""
    step = max(1, ceil(len(points) / room))
    count = len(points)
    return [
        PlaceLabel(points[index].label, _percent(middle(index, count)), BASE + LABEL_DROP, number % 2 == 1)
        for number, index in enumerate(range(0, count, step))
    ]


def table_rows(series: Sequence[LineSeries]) -> list[tuple[str, list[ChartPoint]]]:
    """Return the table of the lines: each label with the point of every line there."""
    labels = [point.label for point in series[0].points] if series else []
    return [(label, [line.points[index] for line in series]) for index, label in enumerate(labels)]


def text_anchor(index: int, count: int) -> str:
    """Return how the label of a tick is anchored, so that the first and the last stay inside the chart."""
    return "start" if index == 0 else "end" if index == count - 1 else "middle"


def middle(index: int, count: int) -> float:
    """Return the middle of the ``index``-th of ``count`` equal columns, as a percentage of the width.

    The labels of the axis take the first `AXIS` percent.
    """
    return AXIS + (index + 0.5) * (100 - AXIS) / count


def share_of(value: float, whole: float) -> float:
    """Return the share of a whole; 0 where the whole is 0."""
    return value / whole if whole else 0.0


def _percent(position: float) -> str:
    return f"{round(position, 2)}%"


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
