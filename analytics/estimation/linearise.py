"""Taylor linearisation of means, composites, totals and ratios over the first-stage sums of one system of domains."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.estimation.blocks import BallotColumns
from analytics.estimation.design import Calibration, Flags, Floats, Ints, SurveyDesign, group_sums
from analytics.estimation.first_stage import FirstStageSums
from analytics.estimation.request import DomainSystem
from analytics.estimation.residuals import LinearResiduals, SquareSums, residual_squares
from analytics.estimation.variance import domain_variances, groups_of

# A spread below this share of the squared scores is rounding: all answers are equal.
ROUNDING = 1e-14
# A variance of a mean below this share of the spread is rounding too: no sample is large enough for it.
SQUARED_ROUNDING = 1e-26
# The most linearised values in memory at a time for a calibrated design, where every unit counts in every domain (64
# MB).
CALIBRATED_VALUES = 8_000_000


@dataclass(frozen=True, slots=True, eq=False)
class SystemFigures:
    """Figures of one system of domains (domains x v); not a number where a figure cannot be computed."""

    n: Ints
    estimate: Floats
    variance: Floats
    df: Ints
    deff: Floats


def linearise_means(
    ballots: BallotColumns, sums: FirstStageSums, systems: Sequence[DomainSystem]
) -> list[SystemFigures]:
    """Return weighted means of the answers and their composites, with z = weight (score - mean) / sum of weights."""
    linears = [_of_means(ballots, system) for system in systems]
    blanks = sums.blanks and ballots.coefficients.shape[1] > 0
    squares = residual_squares(ballots, sums, systems, linears, mixtures=blanks)
    return [_means(ballots, sums, *parts) for parts in zip(systems, linears, squares, strict=True)]


def _of_means(ballots: BallotColumns, system: DomainSystem) -> LinearResiduals:
    k = len(ballots.columns)
    weight = system.by_domain(system.tables.weight[:, :k])
    safe = np.where(weight > 0, weight, 1.0)
    centred = system.by_domain(system.tables.total) / safe
    return LinearResiduals(np.broadcast_to(1 / safe, centred.shape), -centred / safe, ballots.coefficients)


def _means(
    ballots: BallotColumns,
    sums: FirstStageSums,
    system: DomainSystem,
    linear: LinearResiduals,
    squares: SquareSums | None,
) -> SystemFigures:
    k, c = ballots.coefficients.shape
    weight = system.by_domain(system.tables.weight)
    answered = np.broadcast_to(weight[:, :k] > 0, (system.domains, k))
    # One division only, so that the mean of equal answers is their value to the last digit.
    centred = system.by_domain(system.tables.total) / np.where(answered, weight[:, :k], 1.0)
    mix = np.hstack((np.eye(k), ballots.coefficients))
    missing = (~answered).astype(np.float64) @ (mix != 0) > 0
    value = np.where(missing, np.nan, (centred + sums.centre) @ mix)
    variance = _variance(ballots.design, sums, system, linear, squares, system.tables.present)
    spread, equal = _spread(ballots, sums, system, weight, centred, squares)
    nothing = equal & ~np.isnan(variance) | (variance <= SQUARED_ROUNDING * spread)
    variance = np.where(missing, np.nan, np.where(nothing, 0.0, variance))
    n = np.broadcast_to(system.by_domain(system.tables.answers), (system.domains, k + c))
    deff = _design_effect(ballots.design, variance, spread, n, weight)
    df = np.broadcast_to(_degrees(sums, system), (system.domains, k + c))
    return SystemFigures(n.astype(np.int64), value, variance, df, deff)


def linearise_totals(
    ballots: BallotColumns, sums: FirstStageSums, systems: Sequence[DomainSystem]
) -> list[SystemFigures]:
    """Return the sums of weight x score over the answers, with z = weight x score."""
    k, scale = len(ballots.columns), np.ldexp(1.0, _exponent(ballots.design))
    factors = [np.full((system.domains, k), scale) for system in systems]
    linears = [LinearResiduals(factor, factor * sums.centre, np.empty((k, 0))) for factor in factors]
    squares = residual_squares(ballots, sums, systems, linears)
    return [_totals(ballots, sums, *parts) for parts in zip(systems, linears, squares, strict=True)]


def _totals(
    ballots: BallotColumns,
    sums: FirstStageSums,
    system: DomainSystem,
    linear: LinearResiduals,
    squares: SquareSums | None,
) -> SystemFigures:
    k, design, present = len(ballots.columns), ballots.design, system.tables.present
    value = linear.a * system.by_domain(system.tables.total) + linear.b * system.by_domain(system.tables.weight)
    recentre = value / design.stratum_of_psu.size
    variance = _variance(design, sums, system, linear, squares, present, recentre)
    return _figures(sums, system, value, variance, k)


def linearise_ratios(
    ballots: BallotColumns, sums: FirstStageSums, systems: Sequence[DomainSystem]
) -> list[SystemFigures]:
    """Return ratios of the totals of neighbouring columns, with z = weight (upper - ratio x lower) / total of lower."""
    pairs = len(ballots.columns) // 2
    values, linears = [], []
    for system in systems:
        total = system.by_domain(system.tables.total) + sums.centre * system.by_domain(system.tables.weight)
        upper, lower = total[:, ::2], total[:, 1::2]
        safe = np.where(lower != 0, lower, 1.0)
        a = np.empty_like(total)
        a[:, ::2], a[:, 1::2] = 1 / safe, -upper / safe / safe
        values.append(np.where(lower == 0, np.nan, upper / safe))
        linears.append(LinearResiduals(a, a * sums.centre, np.repeat(np.eye(pairs), 2, axis=0), keep=False))
    squares = residual_squares(ballots, sums, systems, linears)
    return [_ratios(ballots, sums, *parts) for parts in zip(systems, linears, squares, values, strict=True)]


def _ratios(
    ballots: BallotColumns,
    sums: FirstStageSums,
    system: DomainSystem,
    linear: LinearResiduals,
    squares: SquareSums | None,
    value: Floats,
) -> SystemFigures:
    pairs = slice(None, None, 2 if system.tables.present.shape[1] > 1 else 1)
    variance = _variance(ballots.design, sums, system, linear, squares, system.tables.present[:, pairs])
    return _figures(sums, system, value, np.where(np.isnan(value), np.nan, variance), value.shape[1], pairs)


def _figures(
    sums: FirstStageSums, system: DomainSystem, value: Floats, variance: Floats, v: int, pick: slice = slice(None)
) -> SystemFigures:
    shape = (system.domains, v)
    n = np.broadcast_to(system.by_domain(system.tables.answers)[:, pick], shape).astype(np.int64)
    df = np.broadcast_to(_degrees(sums, system)[:, pick], shape)
    return SystemFigures(n, value, variance, df, np.full(shape, np.nan))


def _variance(
    design: SurveyDesign,
    sums: FirstStageSums,
    system: DomainSystem,
    linear: LinearResiduals,
    squares: SquareSums | None,
    present: Floats,
    recentre: Floats | None = None,
) -> Floats:
    z = linear.of_cells(system)
    if design.calibration is not None and system.auxiliary is not None:
        beta = _regression(design.calibration, linear.of_auxiliary(system.auxiliary))
        return _calibrated_variance(design, design.calibration, system, z, beta, recentre)
    here: Flags = group_sums(system.groups.of_cell, system.groups.size, present) > 0
    about_mean = squares.about_mean if squares else None
    return domain_variances(design, system.groups, z, here, system.domains, recentre=recentre, about_mean=about_mean)


def _regression(calibration: Calibration, auxiliary: Floats) -> Floats:
    """Return beta = (X' D X)^-1 X' D e with D the weights before calibration (domains x q x v)."""
    gram = (calibration.x.multiply(calibration.base[:, None]).T @ calibration.x).toarray()
    return np.asarray(np.linalg.solve(gram, auxiliary), dtype=np.float64)


def _calibrated_variance(
    design: SurveyDesign,
    calibration: Calibration,
    system: DomainSystem,
    z_cells: Floats,
    beta: Floats,
    recentre: Floats | None,
) -> Floats:
    """Return the variance of the residuals of the regression on the auxiliary variables.

    This is the variance of R's `calibrate` and `postStratify`. Z of a unit is the sum of weight (e - x beta). A ballot
    outside the domain has e = 0 but also x beta, so every unit counts in every domain.
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
        z[system.unit[inside], system.domain[inside] - start] += z_cells[inside]
        psu, domain = np.divmod(np.arange(units * count), count)
        groups = groups_of(design.stratum_of_psu, psu, domain)
        centre = None if recentre is None else recentre[several]
        everywhere = np.ones((groups.size, 1), dtype=bool)
        result[several] = domain_variances(design, groups, z.reshape(-1, v), everywhere, count, recentre=centre)
    return result


def _exponent(design: SurveyDesign) -> int:
    """Return the power of two by which the first-stage sums were scaled down."""
    return int(np.frexp(design.weights.max())[1])


def _degrees(sums: FirstStageSums, system: DomainSystem) -> Ints:
    """Return first-stage units that have members minus the strata of these units (domains x v or domains x 1)."""
    answers = system.tables.answers
    units = answers if sums.alone else (answers > 0).astype(np.float64)
    strata = (group_sums(system.groups.of_cell, system.groups.size, units) > 0).astype(np.float64)
    inside = system.by_domain(units) - group_sums(system.groups.domain, system.domains, strata)
    return inside.astype(np.int64)


def _spread(
    ballots: BallotColumns,
    sums: FirstStageSums,
    system: DomainSystem,
    weight: Floats,
    centred: Floats,
    squares: SquareSums | None,
) -> tuple[Floats, Flags]:
    """Return the weighted variance of the scores and of the linearised composites, and flags where it is zero.

    The divisor is the sum of the weights.
    """
    k = len(ballots.columns)
    safe = np.where(weight > 0, weight, 1.0)
    raw = system.squares[:, :k] / safe[:, :k]
    items = raw - np.square(centred)
    size = np.square(np.sqrt(raw) @ np.abs(ballots.coefficients))
    if not sums.blanks:
        composites = system.squares[:, k:] / safe - np.square(centred @ ballots.coefficients)
    elif squares:
        composites = squares.mixtures * weight[:, k:]
    else:
        composites = np.empty((system.domains, 0))
    spread = np.hstack((items, composites))
    equal = spread <= ROUNDING * np.hstack((raw, size))
    return np.where(equal, 0.0, spread), equal


def _design_effect(design: SurveyDesign, variance: Floats, spread: Floats, n: Floats, weight: Floats) -> Floats:
    """Return the variance over that of a simple random sample without replacement of n from N = sum of the weights.

    This is R's default. The result is not a number where all answers are equal, and where the weights do not add up to
    more than the number of ballots.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        population = np.ldexp(weight, _exponent(design))
        simple = spread * (1 - n / population) / (n - 1)
        # Where weights are scaled to add up to the number of ballots, 1 - n / N is only rounding.
        computable = (n > 1) & (population > n * (1 + 1e-12)) & (simple > 0)
        return np.where(computable, variance / simple, np.nan)
