"""Taylor linearisation of means, composites, totals and ratios over the first-stage sums of one system of domains."""

from dataclasses import dataclass

import numpy as np

from analytics.design import Calibration, Design, Flags, Floats, Ints, group_sums
from analytics.firststage import Auxiliary, Ballots, Sums, composite_squares, mixed, mixtures_of
from analytics.request import System
from analytics.variance import CELLS_AT_A_TIME, groups_of, variances

# A spread below this share of the squared scores is rounding: all answers are equal.
ROUNDING = 1e-14
# So is a variance of a mean below this share of the spread: no sample is large enough for it.
SQUARED_ROUNDING = 1e-26
# Linearised values held at once for a calibrated design, where every unit counts in every domain (64 MB).
CALIBRATED_VALUES = 8_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Figures of one system (domains x v); not a number where there is none."""

    n: Ints
    estimate: Floats
    variance: Floats
    df: Ints
    deff: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """z = total * a + weight * b, with a and b (domains x k) by domain, then its mixtures (k x c).

    ``keep``: the k come first in the result; otherwise it is the mixtures alone.
    """

    a: Floats
    b: Floats
    mixtures: Floats
    keep: bool = True

    def of_cells(self, system: System) -> Floats:
        k, c = self.mixtures.shape
        kept, mixtures = k * self.keep, mixtures_of(self.mixtures)
        z = np.empty((system.psu.size, kept + c))
        for start in range(0, len(z), CELLS_AT_A_TIME):
            rows = slice(start, start + CELLS_AT_A_TIME)
            domain = system.domain[rows]
            items = self.a[domain] * system.tables.total[rows]
            items += self.b[domain] * system.tables.weight[rows, :k]
            z[rows, :kept], z[rows, kept:] = items[:, :kept], mixed(items, mixtures)
        return z

    def of_auxiliary(self, sums: Auxiliary) -> Floats:
        """The same of the sums with the auxiliary variables: domains x q x v."""
        k = self.a.shape[1]
        items = self.a[:, None] * sums.total + self.b[:, None] * sums.weight[:, :, :k]
        return np.concatenate((items[:, :, : k * self.keep], items @ self.mixtures), axis=2)


def means(ballots: Ballots, sums: Sums, system: System) -> Figures:
    """Weighted means of the answers and composites of them: z = weight (score - mean) / sum of weights."""
    k, c = ballots.coefficients.shape
    weight = system.by_domain(system.tables.weight)
    item_weight = weight[:, :k]
    answered = np.broadcast_to(item_weight > 0, (system.domains, k))
    safe = np.where(item_weight > 0, item_weight, 1.0)
    centred = system.by_domain(system.tables.total) / safe
    mix = np.hstack((np.eye(k), ballots.coefficients))
    linear = Linear(np.broadcast_to(1 / safe, (system.domains, k)), -centred / safe, ballots.coefficients)
    missing = (~answered).astype(np.float64) @ (mix != 0) > 0
    value = np.where(missing, np.nan, (centred + sums.centre) @ mix)
    variance = _variance(ballots.design, system, linear, system.tables.present)
    spread, equal = _spread(ballots, sums, system, weight, centred)
    nothing = equal & ~np.isnan(variance) | (variance <= SQUARED_ROUNDING * spread)
    variance = np.where(missing, np.nan, np.where(nothing, 0.0, variance))
    n = np.broadcast_to(system.by_domain(system.tables.answers), (system.domains, k + c))
    deff = _design_effect(ballots.design, variance, spread, n, weight)
    df = np.broadcast_to(_degrees(system), (system.domains, k + c))
    return Figures(n.astype(np.int64), value, variance, df, deff)


def totals(ballots: Ballots, sums: Sums, system: System) -> Figures:
    """Sums of weight x score over the answers: z = weight x score."""
    k = len(ballots.columns)
    unit = np.ldexp(1.0, _exponent(ballots.design))
    ones = np.full((system.domains, k), unit)
    linear = Linear(ones, ones * sums.centre, np.empty((k, 0)))
    value = unit * (system.by_domain(system.tables.total) + sums.centre * system.by_domain(system.tables.weight))
    recentre = value / ballots.design.stratum_of_psu.size
    variance = _variance(ballots.design, system, linear, system.tables.present, recentre)
    return _figures(system, value, variance, k)


def ratios(ballots: Ballots, sums: Sums, system: System) -> Figures:
    """Ratios of the totals of neighbouring columns: z = weight (upper - ratio x lower) / total of lower."""
    total = system.by_domain(system.tables.total) + sums.centre * system.by_domain(system.tables.weight)
    upper, lower = total[:, ::2], total[:, 1::2]
    safe = np.where(lower != 0, lower, 1.0)
    ratio = upper / safe
    a = np.empty_like(total)
    a[:, ::2], a[:, 1::2] = 1 / safe, -ratio / safe
    linear = Linear(a, a * sums.centre, np.repeat(np.eye(upper.shape[1]), 2, axis=0), keep=False)
    pairs = slice(None, None, 2 if system.tables.present.shape[1] > 1 else 1)
    variance = _variance(ballots.design, system, linear, system.tables.present[:, pairs])
    bad = lower == 0
    value, variance = np.where(bad, np.nan, ratio), np.where(bad, np.nan, variance)
    return _figures(system, value, variance, upper.shape[1], pairs)


def _figures(system: System, value: Floats, variance: Floats, v: int, pick: slice = slice(None)) -> Figures:
    shape = (system.domains, v)
    n = np.broadcast_to(system.by_domain(system.tables.answers)[:, pick], shape).astype(np.int64)
    df = np.broadcast_to(_degrees(system)[:, pick], shape)
    return Figures(n, value, variance, df, np.full(shape, np.nan))


def _variance(
    design: Design, system: System, linear: Linear, present: Floats, recentre: Floats | None = None
) -> Floats:
    if design.calibration is not None and system.auxiliary is not None:
        beta = _regression(design.calibration, linear.of_auxiliary(system.auxiliary))
        return _calibrated_variance(design, design.calibration, system, linear.of_cells(system), beta, recentre)
    here: Flags = group_sums(system.groups.of_cell, system.groups.size, present) > 0
    return variances(design, system.groups, linear.of_cells(system), here, system.domains, recentre)


def _regression(calibration: Calibration, auxiliary: Floats) -> Floats:
    """beta = (X' D X)^-1 X' D e with D the weights before calibration: domains x q x v."""
    gram = (calibration.x.multiply(calibration.base[:, None]).T @ calibration.x).toarray()
    return np.asarray(np.linalg.solve(gram, auxiliary), dtype=np.float64)


def _calibrated_variance(
    design: Design, calibration: Calibration, system: System, z_cells: Floats, beta: Floats, recentre: Floats | None
) -> Floats:
    """The variance of what a regression on the auxiliary variables leaves, as R's `calibrate` and `postStratify` do.

    Z of a unit = sum of weight (e - x beta). A ballot outside the domain has e = 0 but a share of x beta, so that every
    unit counts in every domain.
    """
    scaled = np.ldexp(calibration.weights, -_exponent(design))
    units, v = design.stratum_of_psu.size, beta.shape[2]
    explained = group_sums(design.psu, units, calibration.x.multiply(scaled[:, None]).tocsr())
    result = np.empty((system.domains, v))
    step = max(1, CALIBRATED_VALUES // (units * v))
    for start in range(0, system.domains, step):
        several = slice(start, min(start + step, system.domains))
        inside = (system.domain >= several.start) & (system.domain < several.stop)
        count = several.stop - several.start
        z = -(explained @ np.moveaxis(beta[several], 0, 1).reshape(-1, count * v)).reshape(units, count, v)
        z[system.psu[inside], system.domain[inside] - start] += z_cells[inside]
        psu, domain = np.divmod(np.arange(units * count), count)
        groups = groups_of(design, psu, domain)
        centre = None if recentre is None else recentre[several]
        everywhere = np.ones((groups.size, 1), dtype=bool)
        result[several] = variances(design, groups, z.reshape(-1, v), everywhere, count, centre)
    return result


def _exponent(design: Design) -> int:
    """The power of two by which the first-stage sums were scaled down."""
    return int(np.frexp(design.weights.max())[1])


def _degrees(system: System) -> Ints:
    """First-stage units that have members minus the strata these lie in (domains x v or domains x 1)."""
    units = (system.tables.answers > 0).astype(np.float64)
    strata = (group_sums(system.groups.of_cell, system.groups.size, units) > 0).astype(np.float64)
    inside = system.by_domain(units) - group_sums(system.groups.domain, system.domains, strata)
    return inside.astype(np.int64)


def _spread(ballots: Ballots, sums: Sums, system: System, weight: Floats, centred: Floats) -> tuple[Floats, Flags]:
    """Weighted variance of the scores and of the linearised composites (divisor: sum of weights); where it is none."""
    k, c = ballots.coefficients.shape
    safe = np.where(weight > 0, weight, 1.0)
    raw = system.squares[:, :k] / safe[:, :k]
    items = raw - np.square(centred)
    size = np.square(np.sqrt(raw) @ np.abs(ballots.coefficients))
    if not sums.blanks:
        composites = system.squares[:, k:] / safe - np.square(centred @ ballots.coefficients)
    elif c:
        shares = safe[:, None, k:] / safe[:, :k, None]
        composites = composite_squares(ballots, sums.centre, centred, shares, system.slot) / safe[:, k:]
    else:
        composites = np.empty((system.domains, 0))
    spread = np.hstack((items, composites))
    equal = spread <= ROUNDING * np.hstack((raw, size))
    return np.where(equal, 0.0, spread), equal


def _design_effect(design: Design, variance: Floats, spread: Floats, n: Floats, weight: Floats) -> Floats:
    """Variance / that of a simple random sample without replacement of n from N = sum of the weights; R's default.

    None (not a number) where answers are all equal, and where the weights do not add up to more than the ballots.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        population = np.ldexp(weight, _exponent(design))
        simple = spread * (1 - n / population) / (n - 1)
        # Weights scaled to add up to the ballots leave rounding in 1 - n / N.
        known = (n > 1) & (population > n * (1 + 1e-12)) & (simple > 0)
        return np.where(known, variance / simple, np.nan)
