"""The index of ratings, adjusted from those who rated to all closed tickets, with bounds for those who did not rate.

The method is post-stratification with Taylor-linearised standard errors, computed from counts by cell. The figures
equal those of R's `postStratify` and `svymean` (package survey 4.1) where each rating is its own first-stage unit,
without finite population correction. The adjustment corrects for who rated only as far as channel, category and verdict
tell. The bounds (`worst_case`) assume nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from analytics.operations import LEVEL, SMALL_N, check_level, t_quantile

LEAST_IN_CELL = 5


@dataclass(frozen=True, slots=True)
class RatingCell:
    """The closed tickets that share a key, and the ``n`` ratings among them.

    ``key`` has its coarsest part first, for example ("web", "environment", "late"). ``total`` is the sum of the scores
    and ``squares`` the sum of their squares.
    """

    key: tuple[str, ...]
    closed: int
    n: int
    total: float
    squares: float


@dataclass(frozen=True, slots=True)
class AdjustedIndex:
    """Mean score / highest score x 100 over ``closed`` tickets; None where there are fewer ratings than the threshold.

    ``cells`` is the number of cells after pooling; ``pooled`` is how many original cells had too few ratings to stand
    alone. ``se`` is on the scale of the value. The t interval has n - 1 degrees of freedom.
    """

    n: int
    closed: int
    value: float | None
    se: float | None
    lo: float | None
    hi: float | None
    cells: int
    pooled: int


@dataclass(frozen=True, slots=True)
class NonresponseBounds:
    """The index if every closed ticket without a rating had the lowest score (``lo``) or the highest (``hi``)."""

    lo: float
    hi: float


def post_stratified(
    cells: Sequence[RatingCell],
    *,
    scale: int = 5,
    level: float = LEVEL,
    least: int = LEAST_IN_CELL,
    suppress_below: int = SMALL_N,
) -> AdjustedIndex:
    """Return the sum over cells of (share of the closed tickets) x (mean score of the cell), as an index.

    Variance: n / (n - 1) x sum of (N_g / (N n_g))^2 x squares about the cell's mean (Valliant 1993). Cells with fewer
    than ``least`` ratings are pooled first (`pool_cells`). Raises `ValueError` for a cell with more ratings than closed
    tickets, and for a bad ``level``.
    """
    check_level(level)
    if any(not 0 <= cell.n <= cell.closed for cell in cells):
        raise ValueError("a cell has more ratings than closed tickets")
    n, closed = sum(cell.n for cell in cells), sum(cell.closed for cell in cells)
    used = pool_cells(cells, least)
    unchanged = set(cells) & set(used)
    pooled = sum(1 for cell in cells if cell.closed) - len(unchanged)
    if n < max(suppress_below, 2):
        return AdjustedIndex(n, closed, value=None, se=None, lo=None, hi=None, cells=len(used), pooled=pooled)
    factor = 100 / scale
    mean = sum(cell.closed / closed * cell.total / cell.n for cell in used)
    se = sqrt(n / (n - 1) * _weighted_squares(used, closed))
    half = t_quantile((1 + level) / 2, n - 1) * se
    lo, hi = max(1.0, mean - half), min(float(scale), mean + half)
    return AdjustedIndex(
        n=n,
        closed=closed,
        value=mean * factor,
        se=se * factor,
        lo=lo * factor,
        hi=hi * factor,
        cells=len(used),
        pooled=pooled,
    )


def pool_cells(cells: Sequence[RatingCell], least: int = LEAST_IN_CELL) -> list[RatingCell]:
    """Return cells with at least ``least`` ratings each (or one cell of all), in the order of their keys.

    Thin cells that share a key but for its last part are put together. If the result is still thin, it joins the cell
    with the fewest ratings below that shorter key (of several, the first by key). If there is none, it moves up again.
    """
    settled: list[RatingCell] = []
    waiting = _merge_cells([cell for cell in cells if cell.closed])
    longest = max((len(cell.key) for cell in waiting), default=0)
    for depth in range(longest, -1, -1):
        level = [cell for cell in waiting if len(cell.key) == depth]
        shorter = [cell for cell in waiting if len(cell.key) < depth]
        settled, moved_up = _settle_level(settled, level, least)
        waiting = _merge_cells([*shorter, *moved_up])
    return sorted(settled, key=lambda cell: cell.key)


def worst_case(n: int, total: float, closed: int, scale: int = 5) -> NonresponseBounds | None:
    """Return Manski's (1989) bounds of the mean over all closed tickets; None without closed tickets."""
    if closed == 0:
        return None
    silent = closed - n
    if silent < 0:
        raise ValueError("more ratings than closed tickets")
    return NonresponseBounds(100 / scale * (total + silent) / closed, 100 / scale * (total + silent * scale) / closed)


def _weighted_squares(cells: Sequence[RatingCell], closed: int) -> float:
    """Return the sum of (N_g / (N n_g))^2 x squares about the cell's mean."""
    return sum(
        (cell.closed / (closed * cell.n)) ** 2 * max(0.0, cell.squares - cell.total**2 / cell.n) for cell in cells
    )


def _settle_level(
    deeper: Sequence[RatingCell], level: Sequence[RatingCell], least: int
) -> tuple[list[RatingCell], list[RatingCell]]:
    """Return the settled cells after this level, and the thin cells that move up to a shorter key.

    All keys of ``level`` have one length and differ, so each deeper cell can host only one cell of the level.
    """
    settled = [*deeper, *(cell for cell in level if cell.n >= least)]
    moved_up: list[RatingCell] = []
    for cell in level:
        if cell.n >= least:
            continue
        host = _thinnest_host(deeper, cell)
        if host is not None:
            settled = _absorb_cell(settled, host, cell)
        elif cell.key:
            moved_up.append(_move_cell(cell, cell.key[:-1]))
        else:
            settled.append(cell)
    return settled, moved_up


def _thinnest_host(cells: Sequence[RatingCell], cell: RatingCell) -> RatingCell | None:
    """Return the cell with the fewest ratings below the key of ``cell``."""
    hosts = [host for host in cells if host.key[: len(cell.key)] == cell.key]
    return min(hosts, key=lambda host: (host.n, host.key), default=None)


def _absorb_cell(cells: Sequence[RatingCell], host: RatingCell, cell: RatingCell) -> list[RatingCell]:
    others = [other for other in cells if other is not host]
    return [*others, *_merge_cells([host, _move_cell(cell, host.key)])]


def _merge_cells(cells: Sequence[RatingCell]) -> list[RatingCell]:
    """Return one cell for each key, in the order of the keys."""
    sums: dict[tuple[str, ...], list[float]] = defaultdict(lambda: [0, 0, 0.0, 0.0])
    for cell in cells:
        row = sums[cell.key]
        for i, number in enumerate((cell.closed, cell.n, cell.total, cell.squares)):
            row[i] += number
    return [
        RatingCell(key, int(closed), int(n), total, squares)
        for key, (closed, n, total, squares) in sorted(sums.items())
    ]


def _move_cell(cell: RatingCell, key: tuple[str, ...]) -> RatingCell:
    return RatingCell(key, cell.closed, cell.n, cell.total, cell.squares)
