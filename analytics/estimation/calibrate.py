"""Weights adjusted to known totals: post-stratification, raking, linear calibration, trimming.

As `postStratify`, `calibrate` and `trimWeights` of R's package survey 4.1. The design remembers the auxiliary variables
and the weights before, so that variances are those of calibration residuals (Deville and Särndal 1992).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from analytics.estimation.design import Calibration, DesignError, DesignFault, Floats, SurveyDesign, codes_of

Totals = Mapping[Any, float]


def post_stratify(design: SurveyDesign, groups: ArrayLike, totals: Totals) -> SurveyDesign:
    """Scale the weights of each group to its population total; ``totals``: label -> total, one for every label.

    Raises `DesignError` for a label without a positive total, a total without ballots, or weights already calibrated.
    """
    indicators, population = _indicators(design, groups, totals)
    factor = population / (indicators.T @ design.weights)
    return _calibrated_design(design, design.weights * (indicators @ factor), indicators)


def rake_weights(
    design: SurveyDesign,
    margins: Sequence[tuple[ArrayLike, Totals]],
    *,
    tolerance: float = 1e-12,
    iterations: int = 1000,
) -> SurveyDesign:
    """Scale the weights to several margins in turn until every margin fits (iterative proportional fitting).

    The weights are those of R's ``calibrate(..., calfun = "raking")``, and so is the variance. Margins whose totals
    do not add up to the same sum, or that cannot all be met, are refused with `DesignError`.
    """
    parts = [_indicators(design, groups, totals) for groups, totals in margins]
    sums = [float(population.sum()) for _, population in parts]
    if not parts or max(sums) - min(sums) > 1e-9 * max(sums):
        raise DesignError(DesignFault.CALIBRATION, "the margins add up to different sums")
    weights = design.weights.copy()
    for _ in range(iterations):
        worst = 0.0
        for indicators, population in parts:
            factor = population / (indicators.T @ weights)
            weights *= indicators @ factor
            worst = max(worst, float(np.abs(factor - 1).max()))
        if worst < tolerance:
            return _calibrated_design(design, weights, _independent([indicators for indicators, _ in parts]))
    raise DesignError(DesignFault.CALIBRATION, f"raking left a margin off by {worst:.1e} after {iterations} rounds")


def calibrate_linear(design: SurveyDesign, auxiliary: ArrayLike, totals: ArrayLike) -> SurveyDesign:
    """Weights of the regression estimator: x (n x q, with a column of ones or groups that add to one), totals (q,).

    g = 1 + x (X' W X)^-1 (totals - X' w), unbounded; weights may come out negative and are then refused.
    """
    x = np.asarray(auxiliary, dtype=np.float64)
    gap = np.asarray(totals, dtype=np.float64) - x.T @ design.weights
    try:
        slope = np.linalg.solve(x.T @ (x * design.weights[:, None]), gap)
    except np.linalg.LinAlgError:
        raise DesignError(DesignFault.CALIBRATION, "the auxiliary variables depend on each other") from None
    weights = design.weights * (1 + x @ slope)
    if (weights < 0).any():
        raise DesignError(DesignFault.WEIGHT_NEGATIVE, "weights", int(np.argmin(weights)))
    return _calibrated_design(design, weights, sp.csr_matrix(x))


def trim_weights(
    design: SurveyDesign, *, lower: float = 0.0, upper: float = np.inf, strict: bool = False
) -> SurveyDesign:
    """Bring weights within bounds and spread what was cut over the others in equal parts, so that the sum stays.

    ``strict`` repeats it until none is outside; otherwise the spread part may lift a weight over the bound, as in R.
    Raises `DesignError` when nobody is left to take the rest.
    """
    weights = design.weights
    while bool((outside := (weights < lower) | (weights > upper)).any()):
        if outside.all():
            raise DesignError(DesignFault.CALIBRATION, "every weight is outside the bounds")
        clipped = np.clip(weights, lower, upper)
        weights = np.where(outside, clipped, weights + (weights - clipped).sum() / (~outside).sum())
        if not strict:
            break
    return design.with_weights(weights, design.calibration)


def _indicators(design: SurveyDesign, groups: ArrayLike, totals: Totals) -> tuple[Any, Floats]:
    codes, labels = codes_of(groups, design.n, "groups")
    known = labels.tolist()
    for label in known:
        if not totals.get(label, 0) > 0:
            raise DesignError(DesignFault.CALIBRATION, f"{label}: no positive total")
    if absent := [label for label, total in totals.items() if total and label not in set(known)]:
        raise DesignError(DesignFault.CALIBRATION, f"{absent[0]}: no ballots")
    matrix = sp.csr_matrix((np.ones(design.n), codes, np.arange(design.n + 1)), shape=(design.n, len(known)))
    if (empty := np.asarray(matrix.T @ design.weights) <= 0).any():
        raise DesignError(DesignFault.CALIBRATION, f"{known[int(np.argmax(empty))]}: all weights are zero")
    return matrix, np.array([totals[label] for label in known], dtype=np.float64)


def _independent(indicators: Sequence[Any]) -> Any:
    """All indicators of the first margin, and of the others all but one: the margins share their sum."""
    first, *others = indicators
    return sp.csr_matrix(sp.hstack([first, *(other[:, 1:] for other in others)]))


def _calibrated_design(design: SurveyDesign, weights: Floats, x: Any) -> SurveyDesign:
    if design.calibration is not None:
        raise DesignError(DesignFault.CALIBRATION, "the weights are calibrated already")
    return design.with_weights(weights, Calibration(x, design.weights, weights))
