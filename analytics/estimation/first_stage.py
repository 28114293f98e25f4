"""The first pass over the ballots: sums by first-stage unit and domain. All later steps work on these small tables.

A cell is a first-stage unit within a domain. Where every ballot is its own unit, a cell is a stratum within a domain,
and a second pass (`residuals`) adds what differs within it. Scores are centred by a constant of the item first: this
changes no result and keeps the digits.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from analytics.estimation.blocks import BLOCK, BallotBlock, BallotColumns
from analytics.estimation.design import Calibration, Flags, Floats, Ints, dense_codes, group_sums, spread_matrix


@dataclass(frozen=True, slots=True, eq=False)
class CellTables:
    """Sums by cell (K rows), with v = k + c columns, or v = 1 where no item has blanks.

    ``total`` (K x k): weight x centred score. ``weight``, ``answers`` (number of ballots with a weight above zero) and
    ``present`` (number of ballots), each K x v, are over the ballots that answered the item, or any item of the
    composite.
    """

    total: Floats
    weight: Floats
    answers: Floats
    present: Floats

    def take(self, cells: Flags) -> "CellTables":
        return CellTables(self.total[cells], self.weight[cells], self.answers[cells], self.present[cells])

    def summed(self, codes: Ints, size: int) -> "CellTables":
        add = spread_matrix(codes, size, np.ones(codes.size))
        return CellTables(add @ self.total, add @ self.weight, add @ self.answers, add @ self.present)


@dataclass(frozen=True, slots=True, eq=False)
class AuxiliarySums:
    """Sums of a calibrated design: base weight x auxiliary variable, times score (slots x q x k) or answered (.. x
    v)."""

    total: Floats
    weight: Floats


@dataclass(frozen=True, slots=True, eq=False)
class FirstStageSums:
    """The result of the first pass: tables by cell, with the ``unit`` and the ``slot`` of each cell.

    ``alone``: every ballot is a first-stage unit, and ``unit`` is then the stratum of a cell. ``weights`` (n,): scaled,
    zero outside the members. ``cell`` (n,): the cell of each ballot. ``squares``: weight x squared centred score by
    slot, with k columns, and c more where no item has blanks.
    """

    alone: bool
    weights: Floats
    cell: Ints
    unit: Ints
    slot: Ints
    centre: Floats
    blanks: bool
    tables: CellTables
    squares: Floats
    auxiliary: AuxiliarySums | None


def first_stage_sums(ballots: BallotColumns) -> FirstStageSums:
    """Pass over the ballots once and return the sums."""
    design = ballots.design
    alone = design.calibration is None and design.stratum_of_psu.size == design.n
    cell, unit, slot = _cells(ballots, alone)
    first = _FirstPass(ballots, cell, unit.size)
    total, squares, composites, *counts = first.sums()
    if not first.blanks:
        counts = [group_sums(cell, unit.size, factor[:, None]) for factor in first.factors]
    return FirstStageSums(
        alone=alone,
        weights=first.factors[0],
        cell=cell,
        unit=unit,
        slot=slot,
        centre=first.centre,
        blanks=first.blanks,
        tables=CellTables(total, counts[0], counts[1], counts[-1]),
        squares=np.hstack((squares, composites)),
        auxiliary=first.regression.sums if first.regression else None,
    )


class _FirstPass:
    """The sums over all blocks.

    They are the totals (cells x k); the squares by slot, without blanks also those of composites; and with blanks each
    factor of the ballots by cell, over the ballots that answered (cells x v).
    """

    def __init__(self, ballots: BallotColumns, cell: Ints, cells: int) -> None:
        self.ballots, self.cell, self.cells = ballots, cell, cells
        self.centre, self.blanks = ballots.centre(), ballots.blanks
        weights, counts, here = ballots.factors()
        self.factors = [weights, counts] if counts is here else [weights, counts, here]
        self.inside = (ballots.coefficients != 0).astype(np.float64)
        self.regression = self._regression()

    def _regression(self) -> "_RegressionSums | None":
        calibration = self.ballots.design.calibration
        if calibration is None:
            return None
        columns = sum(self.ballots.coefficients.shape) if self.blanks else 1
        return _RegressionSums(self.ballots, calibration, columns)

    def sums(self) -> list[Floats]:
        """Return totals, squares, squares of composites, and then the table of each factor where items have blanks."""
        (k, c), slots = self.ballots.coefficients.shape, self.ballots.domains + 1
        total, squares = np.zeros((self.cells, k)), np.zeros((slots, k))
        composites = np.zeros((slots, 0 if self.blanks else c))
        counts = [np.zeros((self.cells, k + c)) for _factor in self.factors if self.blanks]
        for block in self.ballots.blocks(self.centre, self.blanks):
            rows, scores = block.rows, block.scores
            local, cells = self._cells_of(rows)
            size = self.cells if isinstance(cells, slice) else cells.size
            answered = self._answered(block) if self.blanks else np.ones((len(scores), 1))
            for sums, factor in zip(counts, self.factors, strict=False):
                sums[cells] += group_sums(local, size, answered, factor[rows])
            if self.regression:
                self.regression.add(rows, scores, answered)
            total[cells] += group_sums(local, size, scores, self.factors[0][rows])
            of_slot = spread_matrix(self.ballots.slot[rows], slots, self.factors[0][rows])
            if not self.blanks and c:
                composites += of_slot @ np.square(scores @ self.ballots.coefficients)
            squares += of_slot @ np.square(scores, out=scores)
        return [total, squares, composites, *counts]

    def _cells_of(self, rows: slice) -> tuple[Ints, slice | Ints]:
        """Return codes of the rows, and the cells that the codes stand for: all cells where they are few."""
        if self.cells <= BLOCK // 4:
            return self.cell[rows], slice(None)
        return dense_codes(self.cell[rows])

    def _answered(self, block: BallotBlock) -> Floats:
        """Return 1 where an item, or any item of a composite, was answered, else 0 (m x (k + c))."""
        (m, k), c = block.scores.shape, self.inside.shape[1]
        answered = np.ones((m, k + c))
        answered.reshape(-1)[block.blank + block.blank // k * c] = 0.0
        answered[:, k:] = answered[:, :k] @ self.inside > 0
        return answered


def _cells(ballots: BallotColumns, alone: bool) -> tuple[Ints, Ints, Ints]:
    """Return the cell of each ballot, and the unit and slot of each cell."""
    design = ballots.design
    unit = design.stratum_of_psu[design.psu] if alone else design.psu
    slots = ballots.domains + 1
    codes, pairs = dense_codes(unit * slots + ballots.slot)
    return codes, pairs // slots, pairs % slots


class _RegressionSums:
    """The sums that the regression on the auxiliary variables of a calibrated design needs."""

    def __init__(self, ballots: BallotColumns, calibration: Calibration, wide: int) -> None:
        self.x, self.slot = calibration.x, ballots.slot
        after = calibration.weights
        trimmed = np.divide(ballots.design.weights, after, out=np.zeros_like(after), where=after > 0)
        self.base = calibration.base * trimmed * (1.0 if ballots.member is None else ballots.member)
        shape = (ballots.domains + 1, self.x.shape[1])
        self.sums = AuxiliarySums(np.zeros((*shape, len(ballots.columns))), np.zeros((*shape, wide)))

    def add(self, rows: slice, block: Floats, valid: Floats) -> None:
        x, (slots, q, _) = self.x[rows], self.sums.total.shape
        per_row = np.diff(x.indptr)
        index = np.repeat(self.slot[rows], per_row) * q + x.indices
        data = np.repeat(self.base[rows], per_row) * x.data
        add = sp.csc_matrix((data, index, x.indptr), shape=(slots * q, len(block)))
        for sums, values in ((self.sums.total, block), (self.sums.weight, valid)):
            sums += (add @ values).reshape(sums.shape)
