"""Ratings after handling, adjusted from those who rated to all closed tickets; and what silence could hide. Pure.

Post-stratification with Taylor-linearised standard errors, from counts by cell alone: the figures of R's `postStratify`
and `svymean` (package survey 4.1) where each rating is its own first-stage unit and no finite population correction is
taken. It adjusts for who rated as far as channel, category and verdict tell; the bounds assume nothing at all.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from analytics.operations import LEVEL, SMALL_N, check_level, t_quantile

LEAST_IN_CELL = 5


@dataclass(frozen=True, slots=True)
class RatingCell:
    """Closed tickets that share a key, coarsest part first, and the ``n`` ratings among them: sum of scores and of
    their squares."""

    key: tuple[str, ...]
    closed: int
    n: int
    total: float
    squares: float


@dataclass(frozen=True, slots=True)
class AdjustedIndex:
    """Mean score / highest score x 100 over ``closed`` tickets; None where fewer ratings than the threshold.

    ``cells`` were used after pooling; ``pooled`` of the original cells had too few ratings to stand alone. ``se`` is on
    the same scale as the value; the t interval has n - 1 degrees of freedom.
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
    """The figure if every closed ticket without a rating had got the lowest score, and if the highest."""

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
    """Sum over cells of closed share x mean score of the cell.

    Variance n / (n - 1) x sum of (N_g / (N n_g))^2 x squares about the cell's mean (Valliant 1993). Cells with fewer
    than ``least`` ratings are pooled first (`pool`). Raises `ValueError` for a cell with more ratings than tickets.
    """
    check_level(level)
    if any(not 0 <= cell.n <= cell.closed for cell in cells):
        raise ValueError("a cell has more ratings than closed tickets")
    n, closed = sum(cell.n for cell in cells), sum(cell.closed for cell in cells)
    used = pool_cells(cells, least)
    merged = sum(1 for cell in cells if cell.closed) - sum(1 for cell in used if cell in cells)
    if n < max(suppress_below, 2):
        return AdjustedIndex(n, closed, None, None, None, None, len(used), merged)
    factor = 100 / scale
    mean = sum(cell.closed / closed * cell.total / cell.n for cell in used)
    spread = sum(
        (cell.closed / (closed * cell.n)) ** 2 * max(0.0, cell.squares - cell.total**2 / cell.n) for cell in used
    )
    se = sqrt(n / (n - 1) * spread)
    half = t_quantile((1 + level) / 2, n - 1) * se
    lo, hi = max(1.0, mean - half), min(float(scale), mean + half)
    return AdjustedIndex(n, closed, mean * factor, se * factor, lo * factor, hi * factor, len(used), merged)


def pool_cells(cells: Sequence[RatingCell], least: int = LEAST_IN_CELL) -> list[RatingCell]:
    """Cells with at least ``least`` ratings each (or one cell of all), in the order of their keys.

    Cells with too few under the same key but for its last part are put together. Where that is still too few, they join
    the cell with the fewest ratings (the first by key of several) under that shorter key, or go up further if none is.
    """
    standing: list[RatingCell] = []
    waiting = _merge_cells([cell for cell in cells if cell.closed])
    for depth in range(max((len(cell.key) for cell in waiting), default=0), -1, -1):
        deep = [cell for cell in waiting if len(cell.key) == depth]
        waiting = [cell for cell in waiting if len(cell.key) < depth]
        below = list(standing)
        standing += [cell for cell in deep if cell.n >= least]
        for cell in (cell for cell in deep if cell.n < least):
            hosts = [one for one in below if one.key[:depth] == cell.key]
            if hosts:
                standing, below = (_absorb_cell(kept, hosts, cell) for kept in (standing, below))
            elif depth:
                waiting = _merge_cells([*waiting, _move_cell(cell, cell.key[:-1])])
            else:
                standing.append(cell)
    return sorted(standing, key=lambda cell: cell.key)


def worst_case(n: int, total: float, closed: int, scale: int = 5) -> NonresponseBounds | None:
    """Manski's (1989) bounds of the mean over all closed tickets; None without closed tickets."""
    if closed == 0:
        return None
    silent = closed - n
    if silent < 0:
        raise ValueError("more ratings than closed tickets")
    return NonresponseBounds(100 / scale * (total + silent) / closed, 100 / scale * (total + silent * scale) / closed)


def _absorb_cell(kept: Sequence[RatingCell], hosts: Sequence[RatingCell], cell: RatingCell) -> list[RatingCell]:
    """The cell within the thinnest of its hosts, among those kept."""
    host = min(hosts, key=lambda one: (one.n, one.key))
    return [*(one for one in kept if one is not host), *_merge_cells([host, _move_cell(cell, host.key)])]


def _merge_cells(cells: Sequence[RatingCell]) -> list[RatingCell]:
    """One cell for each key."""
    sums: dict[tuple[str, ...], list[float]] = defaultdict(lambda: [0, 0, 0.0, 0.0])
    for cell in cells:
        held = sums[cell.key]
        for i, number in enumerate((cell.closed, cell.n, cell.total, cell.squares)):
            held[i] += number
    return [RatingCell(key, int(held[0]), int(held[1]), held[2], held[3]) for key, held in sorted(sums.items())]


def _move_cell(cell: RatingCell, key: tuple[str, ...]) -> RatingCell:
    return RatingCell(key, cell.closed, cell.n, cell.total, cell.squares)
