"""Association of operational indicators with ratings: a proportional odds model with errors robust to clusters.

Model: P(Y <= j) = 1 / (1 + exp(-(theta_j - x beta))) (McCullagh 1980). Tickets of one unit share its people and habits.
The covariance is therefore the sandwich over units, G / (G - 1) A^-1 (sum of s_g s_g') A^-1, with t intervals on G - 1
degrees of freedom (Liang and Zeger 1986). The result says what goes together, never what causes what.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.operations import LEVEL, SMALL_N, check_level, t_quantile

LEAST_CLUSTERS = 10
MOST_STEPS = 100
SEPARATED = 15.0  # a coefficient beyond 15 (odds of e^15) means that the data separate; it has no estimate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class NoFitError(ValueError):
    """The data do not allow the model: only one score occurs, an indicator does not vary, or the data separate."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelFit:
    """A fitted model. ``inverse`` is the inverse information; ``scores`` are by observation (rows x parameters).

    Parameters stand in the order thresholds, coefficients.
    """

    levels: tuple[int, ...]
    thresholds: Floats
    coefficients: Floats
    inverse: Floats
    scores: Floats
    log_likelihood: float


@dataclass(frozen=True, slots=True)
class IndicatorEffect:
    """One indicator. One unit more of it multiplies the odds of a higher rating by ``odds``, all else equal."""

    name: str
    coefficient: float
    se: float
    odds: float
    lo: float
    hi: float
    p: float


@dataclass(frozen=True, slots=True)
class Association:
    """The effects, from ``n`` ratings in ``clusters`` units. ``left_out`` ratings belong to units with too few."""

    n: int
    clusters: int
    left_out: int
    effects: tuple[IndicatorEffect, ...]


def associate_scores(
    scores: ArrayLike,
    indicators: ArrayLike,
    names: Sequence[str],
    clusters: ArrayLike,
    *,
    counts: ArrayLike | None = None,
    level: float = LEVEL,
    least: int = SMALL_N,
    least_clusters: int = LEAST_CLUSTERS,
) -> Association | None:
    """Return the effects of the indicators (n x p) on the scores (n,).

    ``clusters`` (n,) is the unit of each rating. ``counts`` (n,) says how many ratings a row stands for; without it
    each row is one rating. Rows that are alike are fitted as one, so the work depends on the different rows alone. The
    result is None where fewer than ``least_clusters`` units have ``least`` ratings each, because robust errors of few
    clusters are far too small. Raises `NoFitError`.
    """
    check_level(level)
    y, x = np.asarray(scores, dtype=np.int64), np.asarray(indicators, dtype=np.float64).reshape(-1, len(names))
    weights = np.ones(y.size, dtype=np.int64) if counts is None else np.asarray(counts, dtype=np.int64)
    codes = np.unique(np.asarray(clusters), return_inverse=True)[1]
    enough = (np.bincount(codes, weights=weights) >= least)[codes] if codes.size else np.zeros(0, dtype=bool)
    left_out = int(weights[~enough].sum())
    y, x, weights, codes = y[enough], x[enough], weights[enough], np.unique(codes[enough], return_inverse=True)[1]
    count = int(codes.max()) + 1 if codes.size else 0
    if count < least_clusters:
        return None
    firsts, places = _distinct_rows(y, x)
    together = np.bincount(places, weights=weights)
    fit = proportional_odds(y[firsts], x[firsts], together)
    covariance = _covariance(fit, codes, fit.scores[places] * (weights / together[places])[:, None])
    first = len(fit.thresholds)
    errors = np.sqrt(np.diag(covariance))[first:]
    t = t_quantile((1 + level) / 2, count - 1)
    effects = tuple(_effect(*row, t, count - 1) for row in zip(names, fit.coefficients, errors, strict=True))
    return Association(int(weights.sum()), count, left_out, effects)


def _distinct_rows(y: Ints, x: Floats) -> tuple[Ints, Ints]:
    """Return the first place of each different row, and for each row the number of its like."""
    code = y
    for values in x.T:
        different, numbered = np.unique(values, return_inverse=True)
        code = np.unique(code * different.size + numbered, return_inverse=True)[1]
    _codes, firsts, places = np.unique(code, return_index=True, return_inverse=True)
    return firsts, places


def proportional_odds(scores: ArrayLike, indicators: ArrayLike, counts: ArrayLike | None = None) -> ModelFit:
    """Fit the model by maximum likelihood with Newton's method; the log-likelihood is concave (Pratt 1981).

    ``counts`` says how often each row occurs. Levels without a rating are left out. Raises `NoFitError`.
    """
    values, y = np.unique(np.asarray(scores, dtype=np.int64), return_inverse=True)
    x = np.asarray(indicators, dtype=np.float64).reshape(y.size, -1)
    weights = np.ones(y.size) if counts is None else np.asarray(counts, dtype=np.float64)
    if values.size < 2:
        raise NoFitError("everybody gave the same score")
    middle, spread = x.mean(axis=0), x.std(axis=0)
    if not (spread > 0).all():
        raise NoFitError("an indicator does not vary")
    z = (x - middle) / spread
    upper, lower = _designs(y, z, values.size)
    shares = np.cumsum(np.bincount(y, weights=weights))[:-1] / weights.sum()
    start = np.concatenate([np.log(shares / (1 - shares)), np.zeros(z.shape[1])])
    phi = _climb(start, upper, lower, y, weights, values.size)
    value, row_scores, information = _likelihood_at(phi, upper, lower, y, weights, values.size)
    # Return from standardised indicators to their own scale: phi = change x parameters on that scale.
    change = np.eye(phi.size)
    thresholds = values.size - 1
    change[thresholds:, thresholds:] = np.diag(1 / spread)
    change[:thresholds, thresholds:] = middle / spread
    natural = change @ phi
    inverse = change @ np.linalg.inv(information) @ change.T
    return ModelFit(
        levels=tuple(map(int, values)),
        thresholds=natural[:thresholds],
        coefficients=natural[thresholds:],
        inverse=inverse,
        scores=row_scores * weights[:, None] @ np.linalg.inv(change),
        log_likelihood=value,
    )


def cluster_covariance(fit: ModelFit, clusters: ArrayLike) -> Floats:
    """Return the sandwich covariance over clusters, thresholds first."""
    return _covariance(fit, np.unique(np.asarray(clusters), return_inverse=True)[1], fit.scores)


def _covariance(fit: ModelFit, codes: Ints, scores: Floats) -> Floats:
    """Return the same from the scores of rows and the numbers of their clusters, from 0."""
    count = int(codes.max()) + 1
    sums = np.column_stack([np.bincount(codes, weights=column, minlength=count) for column in scores.T])
    covariance: Floats = count / (count - 1) * fit.inverse @ (sums.T @ sums) @ fit.inverse
    return covariance


def _effect(name: str, coefficient: float, se: float, t: float, df: int) -> IndicatorEffect:
    from scipy.special import stdtr

    p = 2 * float(stdtr(df, -abs(coefficient / se))) if se > 0 else 0.0
    ends = (exp(coefficient - t * se), exp(coefficient + t * se))
    return IndicatorEffect(name, float(coefficient), float(se), exp(coefficient), *ends, p)


def _designs(y: Ints, x: Floats, levels: int) -> tuple[Floats, Floats]:
    """Return the derivatives of the upper and the lower linear predictor, a row for each observation."""
    identity = np.eye(levels - 1)
    zeros = np.zeros((1, levels - 1))
    return np.hstack([np.vstack([identity, zeros])[y], -x]), np.hstack([np.vstack([zeros, identity])[y], -x])


def _likelihood_at(
    phi: Floats, upper: Floats, lower: Floats, y: Ints, weights: Floats, levels: int
) -> tuple[float, Floats, Floats]:
    """Return the log-likelihood, the score of each row and the information."""
    from scipy.special import expit

    last, first = y == levels - 1, y == 0
    high = np.where(last, 1.0, expit(upper @ phi))
    low = np.where(first, 0.0, expit(lower @ phi))
    chance = np.maximum(high - low, 1e-300)
    slope_high, slope_low = high * (1 - high), low * (1 - low)
    scores = (slope_high[:, None] * upper - slope_low[:, None] * lower) / chance[:, None]
    bend_high, bend_low = slope_high * (1 - 2 * high) / chance, slope_low * (1 - 2 * low) / chance
    information = (
        (scores * weights[:, None]).T @ scores
        - (upper * (weights * bend_high)[:, None]).T @ upper
        + (lower * (weights * bend_low)[:, None]).T @ lower
    )
    return float(weights @ np.log(chance)), scores, information


def _climb(phi: Floats, upper: Floats, lower: Floats, y: Ints, weights: Floats, levels: int) -> Floats:
    """Take Newton steps from ``phi`` to the maximum; halve a step until the log-likelihood rises."""
    value, scores, information = _likelihood_at(phi, upper, lower, y, weights, levels)
    for _ in range(MOST_STEPS):
        gradient = weights @ scores
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            raise NoFitError("the indicators depend on each other") from None
        if float(gradient @ step) < 1e-18 * max(1.0, abs(value)):
            return phi
        size = 1.0
        trial = _likelihood_at(phi + step, upper, lower, y, weights, levels)
        while trial[0] < value and size > 1e-8:
            size /= 2
            trial = _likelihood_at(phi + size * step, upper, lower, y, weights, levels)
        phi, (value, scores, information) = phi + size * step, trial
        if np.abs(phi[levels - 1 :]).max() > SEPARATED:
            raise NoFitError("the data separate")
        if size * float(gradient @ step) < 1e-13 * max(1.0, abs(value)) or size <= 1e-8:
            return phi
    raise NoFitError(f"no maximum after {MOST_STEPS} steps, log-likelihood {log(abs(value) + 1):.3g}")
