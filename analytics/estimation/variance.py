"""Variance of linearised totals by the ultimate cluster method, as `svyrecvar` of R's package survey 4.1 gives it.

Z has a row for each cell (first-stage unit within a domain) with the linearised value of each column. Units of the
design without a cell in a domain count as zero there. A stratum h with n_h > 1 units adds
(1 - f_h) n_h / (n_h - 1) x sum over all units of (z - mean z)^2.
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

# Where 1 - f is below this, R takes the stratum as drawn in full, and it adds nothing.
DRAWN_IN_FULL = 1e-7
# Rows of one part of a large table of cells; a part stays in the processor's cache.
CELLS_AT_A_TIME = 8192


@dataclass(frozen=True, slots=True, eq=False)
class StratumGroups:
    """Groups: the strata within domains that have cells. ``of_cell`` (K,) is the group of each cell."""

    of_cell: Ints
    domain: Ints
    stratum: Ints

    @property
    def size(self) -> int:
        return int(self.domain.size)


def groups_of(strata: Ints, unit: Ints, domain: Ints) -> StratumGroups:
    """Return the groups of cells, from the unit and domain of each cell. ``strata``: the stratum of each unit."""
    size = int(strata.max()) + 1
    codes, pairs = dense_codes(domain * size + strata[unit])
    return StratumGroups(codes, pairs // size, pairs % size)


def mean_of_unit(design: SurveyDesign, groups: StratumGroups, z: Floats) -> Floats:
    """Return the mean of z over all units of each group (groups x v); a unit without a cell counts as zero."""
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
    """Return the variance (domains x v) of the column sums of ``z`` (K x v). The array ``z`` is overwritten.

    ``present`` (groups x v or groups x 1): whether the domain has ballots in that stratum; only such strata matter to
    the treatment of single units. ``recentre`` (domains x v): the mean of a unit, needed for totals; that of means is
    zero. ``about_mean`` (groups x v): the sum over all units of (z - mean)^2, needed where a cell has several units.
    The result is not a number where "average" has no stratum with several units. Raises `DesignError` for "fail".
    """
    n = design.units[groups.stratum]
    unsampled = design.kept[groups.stratum]
    unsampled = np.where(unsampled < DRAWN_IN_FULL, 0.0, unsampled)
    single = (n == 1) & (unsampled > 0)
    _refuse_single(design, groups, single & present.any(axis=1))
    alone = np.zeros((groups.size, z.shape[1]))
    if design.single is SinglePsu.ADJUST and single.any():
        away = group_sums(groups.of_cell, groups.size, z)
        alone = np.where(single[:, None], away - (0 if recentre is None else recentre[groups.domain]), 0.0)
    squares = _squares_about_mean(design, groups, z) if about_mean is None else about_mean
    scale = unsampled * np.where(n > 1, n / np.maximum(n - 1, 1), 0.0)
    result = group_sums(groups.domain, domains, scale[:, None] * squares + unsampled[:, None] * np.square(alone))
    if design.single is SinglePsu.AVERAGE and single.any():
        result *= _average_factor(groups, single, np.broadcast_to(present, squares.shape), domains)
    return result


def _squares_about_mean(design: SurveyDesign, groups: StratumGroups, z: Floats) -> Floats:
    """Return the sum over all units of each group of (z - mean)^2; a unit without a cell has z = 0."""
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
    """Return (strata with ballots) / (those of them that have a variance), by domain and column."""
    all_strata = group_sums(groups.domain, domains, present.astype(np.float64))
    with_variance = group_sums(groups.domain, domains, (present & ~single[:, None]).astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(with_variance > 0, all_strata / with_variance, np.nan)
