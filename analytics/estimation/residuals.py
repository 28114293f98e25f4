"""The second pass over the ballots, for results that sums by cell cannot give.

These are the design effect of composites with blanks, and variances where every ballot is a first-stage unit. The pass
avoids tables with a row for each ballot.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.estimation.blocks import BLOCK, BallotBlock, BallotColumns
from analytics.estimation.design import Floats, Ints, group_sums
from analytics.estimation.first_stage import AuxiliarySums, FirstStageSums
from analytics.estimation.request import DomainSystem
from analytics.estimation.variance import CELLS_AT_A_TIME, mean_of_unit


@dataclass(frozen=True, slots=True, eq=False)
class LinearResiduals:
    """Linearised values: z = total * a + weight * b with a and b (domains x k) by domain, and the mixtures z @ (k x c).

    With ``keep`` the k columns of z come first in a result, and then the c mixtures; without it, only the mixtures.
    """

    a: Floats
    b: Floats
    mixtures: Floats
    keep: bool = True

    @property
    def item_columns(self) -> int:
        """How many columns of z are in a result: all k with ``keep``, else 0."""
        return int(self.mixtures.shape[0]) if self.keep else 0

    def of_cells(self, system: DomainSystem) -> Floats:
        """Return the linearised value of each cell (K x v)."""
        width, (k, c) = self.item_columns, self.mixtures.shape
        z = np.empty((system.domain.size, width + c))
        for start in range(0, len(z), CELLS_AT_A_TIME):
            rows = slice(start, start + CELLS_AT_A_TIME)
            domain = system.domain[rows]
            items = self.a[domain] * system.tables.total[rows]
            items += self.b[domain] * system.tables.weight[rows, :k]
            z[rows, :width], z[rows, width:] = items[:, :width], items @ self.mixtures
        return z

    def of_auxiliary(self, sums: AuxiliarySums) -> Floats:
        """Return the linearised values of the sums with the auxiliary variables (domains x q x v)."""
        k = self.a.shape[1]
        items = self.a[:, None] * sums.total + self.b[:, None] * sums.weight[:, :, :k]
        return np.concatenate((items[:, :, : k * self.keep], items @ self.mixtures), axis=2)


@dataclass(frozen=True, slots=True, eq=False)
class SquareSums:
    """Sums of squares of one system of domains.

    ``mixtures`` (domains x c): weight x squared mixture of a ballot. ``about_mean`` (groups x v), only where every
    ballot is a unit: the sum over all units of a group of (z - mean)^2.
    """

    mixtures: Floats
    about_mean: Floats | None


def residual_squares(
    ballots: BallotColumns,
    sums: FirstStageSums,
    systems: Sequence[DomainSystem],
    linears: Sequence[LinearResiduals],
    *,
    mixtures: bool = False,
) -> list[SquareSums | None]:
    """Return the sums of squares of each system; None, without a pass, where they are not needed.

    ``mixtures``: the squares of the mixtures are needed.
    """
    if not (sums.alone or mixtures):
        return [None] * len(systems)
    parts = [_SystemPart(ballots, sums, system, linear) for system, linear in zip(systems, linears, strict=True)]
    buffer = np.empty((2, BLOCK, len(ballots.columns)))
    for block in ballots.blocks(sums.centre, sums.blanks):
        for part in parts:
            part.add(block, sums.weights[block.rows], buffer[:, : len(block.scores)])
    return [part.squares() for part in parts]


class _SystemPart:
    """The sums of one system. Ballots outside its domains go into an extra last domain and group, dropped later."""

    def __init__(
        self, ballots: BallotColumns, sums: FirstStageSums, system: DomainSystem, linear: LinearResiduals
    ) -> None:
        self.alone, self.linear, self.cell = sums.alone, linear, sums.cell
        self.domains, groups = system.domains, system.groups
        self.mixtures = np.zeros((system.domains + 1, linear.mixtures.shape[1]))
        self.domain_of_cell = np.append(system.domain, system.domains)[system.cell_of]
        self.a, self.b = (np.vstack((part, np.zeros((1, part.shape[1])))) for part in (linear.a, linear.b))
        if sums.alone:
            self.group_of_cell = np.append(groups.of_cell, groups.size)[system.cell_of]
            mean = mean_of_unit(ballots.design, groups, linear.of_cells(system))
            self.mean = np.vstack((mean, np.zeros((1, mean.shape[1]))))
            self.about_mean = np.zeros_like(self.mean)
            ballots_of_cell = np.bincount(sums.cell)[:, None].astype(np.float64)
            ballots_in = group_sums(self.group_of_cell, groups.size + 1, ballots_of_cell)[:-1]
            self.absent = ballots.design.units[groups.stratum][:, None] - ballots_in

    def squares(self) -> SquareSums:
        if not self.alone:
            return SquareSums(self.mixtures[:-1], None)
        return SquareSums(self.mixtures[:-1], self.about_mean[:-1] + self.absent * np.square(self.mean[:-1]))

    def add(self, block: BallotBlock, weights: Floats, buffer: Floats) -> None:
        cell = self.cell[block.rows]
        domain = self.domain_of_cell[cell]
        z = self._of_ballots(block, domain, *buffer)
        mixtures = z @ self.linear.mixtures
        if self.alone:
            group, width = self.group_of_cell[cell], self.linear.item_columns
            both = np.hstack((z[:, :width], mixtures)) * weights[:, None]
            both -= self.mean[group]
            self.about_mean += group_sums(group, len(self.mean), np.square(both, out=both))
        self.mixtures += group_sums(domain, self.domains + 1, np.square(mixtures), weights)

    def _of_ballots(self, block: BallotBlock, domain: Ints, z: Floats, b: Floats) -> Floats:
        """Return z of each ballot as if its weight were 1 (m x k)."""
        if self.domains == 1 and not domain.any():
            np.multiply(block.scores, self.a[0], out=z)
            z += self.b[0]
        else:
            # All indices are valid; mode "clip" avoids a copy that the default mode makes.
            np.take(self.a, domain, axis=0, out=z, mode="clip")
            z *= block.scores
            z += np.take(self.b, domain, axis=0, out=b, mode="clip")
        z.reshape(-1)[block.blank] = 0.0
        return z
