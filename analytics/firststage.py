"""One pass over the ballots to sums by first-stage unit and domain; everything later works on these small tables.

A cell is a first-stage unit within a domain. Scores are centred by a constant of the item first, which changes no
result and keeps the digits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from analytics.design import Calibration, Design, Flags, Floats, Ints, dense, group_sums, spread

# Rows at a time: so few that a block of some forty items stays in the processor's cache.
BLOCK = 8192

# Places of items and their coefficients.
Mixture = tuple[slice | Ints, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Ballots:
    """What is asked of the ballots of a design: k item columns, c composites, members, domains.

    ``columns``: k arrays (n,), not a number where blank. ``coefficients`` (k x c). ``member`` (n,) or None for all.
    ``slot`` (n,): 0 for ballots without a domain, else 1..``domains``.
    """

    design: Design
    columns: Sequence[NDArray[Any]]
    coefficients: Floats
    member: Flags | None
    slot: Ints
    domains: int

    @property
    def blanks(self) -> bool:
        return any(column.dtype.kind == "f" and bool(np.isnan(column).any()) for column in self.columns)

    def centre(self) -> Floats:
        """A round number near the mean of each item, from the first ballots."""
        head = np.array([column[:BLOCK] for column in self.columns], dtype=np.float64).reshape(len(self.columns), -1)
        answered = np.maximum((~np.isnan(head)).sum(axis=1), 1)
        with np.errstate(over="ignore"):
            middle = np.rint(np.nansum(head, axis=1) / answered)
        return np.where(np.isfinite(middle), middle, 0.0)

    def blocks(self, centre: Floats) -> Iterator[tuple[slice, Floats]]:
        """Centred scores of the next rows (m x k); the array is used again for the next block."""
        buffer, table = np.empty((BLOCK, len(self.columns))), _one_table(self.columns)
        for start in range(0, self.design.n, BLOCK):
            rows = slice(start, min(start + BLOCK, self.design.n))
            block = buffer[: rows.stop - rows.start]
            if table is None:
                np.stack([column[rows] for column in self.columns], axis=1, out=block, casting="unsafe")
            else:
                np.copyto(block, table[:, rows].T, casting="unsafe")
            block -= centre
            yield rows, block


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Sums by cell (K rows); v = k + c columns, or 1 where no item has blanks.

    ``total`` (K x k): weight x centred score. ``weight``, ``answers`` (ballots that count: weight above zero) and
    ``present`` (any ballot), K x v: of those that answered the item, or any item of the composite.
    """

    total: Floats
    weight: Floats
    answers: Floats
    present: Floats

    def take(self, cells: Flags) -> "Tables":
        return Tables(self.total[cells], self.weight[cells], self.answers[cells], self.present[cells])

    def summed(self, codes: Ints, size: int) -> "Tables":
        add = spread(codes, size, np.ones(codes.size))
        return Tables(add @ self.total, add @ self.weight, add @ self.answers, add @ self.present)


@dataclass(frozen=True, slots=True, eq=False)
class Auxiliary:
    """Of a calibrated design: base weight x auxiliary variable x score (slots x q x k) and x answered (.. x v)."""

    total: Floats
    weight: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What the pass over the ballots leaves: tables by cell, each in a first-stage unit and a slot.

    ``squares``: weight x centred score squared by slot, k columns, and c more where no item has blanks.
    """

    psu: Ints
    slot: Ints
    centre: Floats
    blanks: bool
    tables: Tables
    squares: Floats
    auxiliary: Auxiliary | None


def first_stage_sums(ballots: Ballots) -> Sums:
    """The only pass over the ballots (composites with blanks need a second one, for their design effect alone)."""
    cell, psu, slot = _cells(ballots)
    centre, blanks = ballots.centre(), ballots.blanks
    k, c = ballots.coefficients.shape
    slots, cells = ballots.domains + 1, psu.size
    factors = _row_factors(ballots)
    counts = [np.zeros((cells, k + c)) if blanks else _counts(cell, factor, cells) for factor in factors]
    total, squares = np.zeros((cells, k)), np.zeros((slots, k))
    composites = np.zeros((slots, 0 if blanks else c))
    calibration = ballots.design.calibration
    mixtures = mixtures_of(ballots.coefficients)
    regression = _Regression(ballots, calibration, k + c if blanks else 1) if calibration else None
    for rows, block in ballots.blocks(centre):
        local, found = dense(cell[rows])
        if blanks:
            valid = _take_out_blanks(block, mixtures)
            for sums, factor in zip(counts, factors, strict=True):
                sums[found] += group_sums(local, len(found), valid, factor[rows])
        if regression:
            regression.add(rows, block, valid if blanks else np.ones((len(block), 1)))
        total[found] += group_sums(local, len(found), block, factors[0][rows])
        of_slot = spread(ballots.slot[rows], slots, factors[0][rows])
        if not blanks and c:
            composites += of_slot @ np.square(mixed(block, mixtures))
        squares += of_slot @ np.square(block, out=block)
    tables, auxiliary = Tables(total, *counts), regression.sums if regression else None
    return Sums(psu, slot, centre, blanks, tables, np.hstack((squares, composites)), auxiliary)


def composite_squares(ballots: Ballots, centre: Floats, means: Floats, shares: Floats, slot: Ints) -> Floats:
    """Weight x squared deviation of each ballot's linearised composite, by slot (slots x c).

    ``means`` (slots x k) are centred; ``shares`` (slots x k x c) is weight of the composite / weight of the item.
    ``slot`` (n,) is -1 for ballots that do not belong.
    """
    slots, c = means.shape[0], ballots.coefficients.shape[1]
    weights = np.where(slot < 0, 0.0, _row_factors(ballots)[0])
    slot = np.maximum(slot, 0)
    squares = np.zeros((slots, c))
    pull, mixtures = shares * ballots.coefficients, mixtures_of(ballots.coefficients)
    for rows, block in ballots.blocks(centre):
        at = slot[rows]
        blank = np.isnan(block)
        block -= means[at] if slots > 1 else means
        np.copyto(block, 0.0, where=blank)
        composite = np.empty((len(block), c))
        for j, (items, _weights) in enumerate(mixtures):
            of_ballot = (
                pull[:, items, j][at] if slots > 1 else np.broadcast_to(pull[0, items, j], block[:, items].shape)
            )
            np.einsum("mk,mk->m", block[:, items], of_ballot, out=composite[:, j])
        squares += group_sums(at, slots, np.square(composite), weights[rows])
    return squares


def _one_table(columns: Sequence[NDArray[Any]]) -> NDArray[Any] | None:
    """The columns as one array (k x n), quicker to copy, where they are evenly spaced rows of one, as in a frame."""
    first = columns[0]
    places = [column.__array_interface__["data"][0] for column in columns]
    step = places[1] - places[0] if len(places) > 1 else 0
    alike = all(
        column.base is first.base and column.dtype == first.dtype and column.strides == first.strides
        for column in columns
    )
    even = places == [places[0] + i * step for i in range(len(places))]
    if first.base is None or step <= 0 or not (alike and even):
        return None
    return np.lib.stride_tricks.as_strided(first, (len(columns), first.size), (step, first.strides[0]), writeable=False)


def _row_factors(ballots: Ballots) -> tuple[Floats, Floats, Floats]:
    """Weights, 1 for ballots that count, 1 for ballots that are there; zero for those outside the members."""
    here = np.ones(ballots.design.n) if ballots.member is None else ballots.member.astype(np.float64)
    weights = ballots.design.weights * here
    # A power of two changes no digit and keeps sums of huge weights finite.
    weights = np.ldexp(weights, -int(np.frexp(ballots.design.weights.max())[1]))
    return weights, (weights > 0).astype(np.float64), here


def _counts(cell: Ints, factor: Floats, cells: int) -> Floats:
    return np.asarray(np.bincount(cell, weights=factor, minlength=cells)[:, None], dtype=np.float64)


def _cells(ballots: Ballots) -> tuple[Ints, Ints, Ints]:
    """Code of the cell of each row; first-stage unit and slot of each cell."""
    design = ballots.design
    if not ballots.domains:
        units = design.stratum_of_psu.size
        return design.psu, np.arange(units), np.zeros(units, np.int64)
    slots = ballots.domains + 1
    codes, found = dense(design.psu * slots + ballots.slot)
    return codes, found // slots, found % slots


def _take_out_blanks(block: Floats, mixtures: Sequence[Mixture]) -> Floats:
    """1 where an item, or any item of a composite, was answered (m x (k + c)); blanks become zero in place."""
    k = block.shape[1]
    answered = np.empty((len(block), k + len(mixtures)), dtype=bool)
    np.equal(block, block, out=answered[:, :k])
    for j, (items, _weights) in enumerate(mixtures):
        np.logical_or.reduce(answered[:, items], axis=1, out=answered[:, k + j])
    np.copyto(block, 0.0, where=~answered[:, :k])
    return answered.astype(np.float64)


def mixtures_of(coefficients: Floats) -> list[Mixture]:
    """For each composite (column) the places of its items, a slice where they stand together, and their weights."""
    result: list[Mixture] = []
    for column in coefficients.T:
        places = np.flatnonzero(column)
        together = places.size and places[-1] - places[0] + 1 == places.size
        items = slice(int(places[0]), int(places[-1]) + 1) if together else places
        result.append((items, column[items].copy()))
    return result


def mixed(scores: Floats, mixtures: Sequence[Mixture]) -> Floats:
    """Composites of the rows (m x c). Sums of few items: threads of a matrix product would wait for one another."""
    result = np.empty((len(scores), len(mixtures)))
    for j, (items, weights) in enumerate(mixtures):
        np.einsum("mk,k->m", scores[:, items], weights, out=result[:, j])
    return result


class _Regression:
    """Gathers what the regression on the auxiliary variables of a calibrated design needs."""

    def __init__(self, ballots: Ballots, calibration: Calibration, wide: int) -> None:
        self.x, self.slot = calibration.x, ballots.slot
        after = calibration.weights
        trimmed = np.divide(ballots.design.weights, after, out=np.zeros_like(after), where=after > 0)
        self.base = calibration.base * trimmed * (1.0 if ballots.member is None else ballots.member)
        shape = (ballots.domains + 1, self.x.shape[1])
        self.sums = Auxiliary(np.zeros((*shape, len(ballots.columns))), np.zeros((*shape, wide)))

    def add(self, rows: slice, block: Floats, valid: Floats) -> None:
        x, (slots, q, _) = self.x[rows], self.sums.total.shape
        per_row = np.diff(x.indptr)
        index = np.repeat(self.slot[rows], per_row) * q + x.indices
        data = np.repeat(self.base[rows], per_row) * x.data
        add = sp.csc_matrix((data, index, x.indptr), shape=(slots * q, len(block)))
        for sums, values in ((self.sums.total, block), (self.sums.weight, valid)):
            sums += (add @ values).reshape(sums.shape)
