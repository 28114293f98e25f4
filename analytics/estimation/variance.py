"""Variance of linearised totals by the ultimate cluster method, as `svyrecvar` of R's package survey 4.1 gives it.

Z holds for each cell (first-stage unit within a domain) the linearised value of each column; units of the design
without a cell in a domain count as zero there. For a stratum h with n_h > 1 units:
(1 - f_h) n_h / (n_h - 1) sum over all units of (z - mean z)^2.
"""

from dataclasses import dataclass

import numpy as np

from analytics.estimation.design import (
    DesignError,
    DesignFault,
    Flags,
    Floats,
    Ints,
    SinglePsu,
    SurveyDesign,
    dense_codes,
    group_sums,
)

# R takes a stratum as drawn in full, and adds nothing for it, where 1 - f is below this.
DRAWN_IN_FULL = 1e-7
# Large tables of cells are worked on in parts that stay in the processor's cache.
CELLS_AT_A_TIME = 8192


@dataclass(frozen=True, slots=True, eq=False)
class StratumGroups:
    """Strata within domains that have cells: code by cell (K,), and by group its domain and stratum."""

    of_cell: Ints
    domain: Ints
    stratum: Ints

    @property
    def size(self) -> int:
        return int(self.domain.size)


def groups_of(strata: Ints, unit: Ints, domain: Ints) -> StratumGroups:
    """Groups of cells given by their unit and domain; ``strata``: the stratum of each unit."""
    size = int(strata.max()) + 1
    codes, found = dense_codes(domain * size + strata[unit])
    return StratumGroups(codes, found // size, found % size)


def mean_of_unit(design: SurveyDesign, groups: StratumGroups, z: Floats) -> Floats:
    """Mean of z over all units of each group, those without a cell being zero (groups x v)."""
    return group_sums(groups.of_cell, groups.size, z) / design.units[groups.stratum][:, None]


def domain_variances(
    design: SurveyDesign,
    groups: StratumGroups,
    z: Floats,
    present: Flags,
    domains: int,
    *,
    recentre: Floats | None = None,
    about_mean: Floats | None = None,
) -> Floats:
    """Variance (domains x v) of the column sums of ``z`` (K x v, overwritten).

    ``present`` (groups x v or groups x 1): the domain has ballots in that stratum; only such strata matter to the
    treatment of single units. ``recentre`` (domains x v): the mean of a unit, for totals; that of means is zero.
    ``about_mean`` (groups x v): the sum over all units of (z - mean)^2 where cells are more than a unit.
    Not a number where "average" has no stratum with several units to average over. Raises `DesignError` for "fail".
    """
    n = design.units[groups.stratum]
    kept = np.where(design.kept[groups.stratum] < DRAWN_IN_FULL, 0.0, design.kept[groups.stratum])
    single = (n == 1) & (kept > 0)
    _refuse_single(design, groups, single & present.any(axis=1))
    alone = np.zeros((groups.size, z.shape[1]))
    if design.single is SinglePsu.ADJUST and single.any():
        away = group_sums(groups.of_cell, groups.size, z)
        alone = np.where(single[:, None], away - (0 if recentre is None else recentre[groups.domain]), 0.0)
    squares = _squares_about_mean(design, groups, z) if about_mean is None else about_mean
    scale = kept * np.where(n > 1, n / np.maximum(n - 1, 1), 0.0)
    result = group_sums(groups.domain, domains, scale[:, None] * squares + kept[:, None] * np.square(alone))
    if design.single is SinglePsu.AVERAGE and single.any():
        result *= _average_factor(groups, single, np.broadcast_to(present, squares.shape), domains)
    return result


def _squares_about_mean(design: SurveyDesign, groups: StratumGroups, z: Floats) -> Floats:
    """Sum over all units of each group of (z - mean)^2; a unit without a cell has z = 0."""
    mean = mean_of_unit(design, groups, z)
    for start in range(0, len(z), CELLS_AT_A_TIME):
        rows = slice(start, start + CELLS_AT_A_TIME)
        z[rows] -= mean[groups.of_cell[rows]]
        np.square(z[rows], out=z[rows])
    absent = design.units[groups.stratum] - np.bincount(groups.of_cell, minlength=groups.size)
    return group_sums(groups.of_cell, groups.size, z) + absent[:, None] * np.square(mean)


def _refuse_single(design: SurveyDesign, groups: StratumGroups, single: Flags) -> None:
    if design.single is SinglePsu.FAIL and single.any():
        raise DesignError(DesignFault.SINGLE_PSU, str(design.strata[groups.stratum[int(np.argmax(single))]]))


def _average_factor(groups: StratumGroups, single: Flags, present: Flags, domains: int) -> Floats:
    """Strata with ballots / strata among them that have a variance, by domain and column."""
    all_strata = group_sums(groups.domain, domains, present.astype(np.float64))
    with_variance = group_sums(groups.domain, domains, (present & ~single[:, None]).astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(with_variance > 0, all_strata / with_variance, np.nan)
