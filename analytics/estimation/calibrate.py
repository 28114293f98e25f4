"""Weights adjusted to known totals: post-stratification, raking, linear calibration, trimming.

The results equal `postStratify`, `calibrate` and `trimWeights` of R's package survey 4.1. The design keeps the
auxiliary variables and the earlier weights, so that variances are those of calibration residuals (Deville and Särndal
1992).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike

from analytics.estimation.design import Calibration, DesignError, DesignFault, Floats, SurveyDesign, codes_of

Totals = Mapping[Any, float]


def post_stratify(design: SurveyDesign, groups: ArrayLike, totals: Totals) -> SurveyDesign:
    """Scale the weights of each group to its population total. ``totals`` maps every label to its total.

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
    """Scale the weights to each margin in turn until every margin fits (iterative proportional fitting).

    Weights and variance are those of R's ``calibrate(..., calfun = "raking")``. Raises `DesignError` for margins whose
    totals do not add up to one sum, and for margins that cannot all be met.
    """
    parts = [_indicators(design, groups, totals) for groups, totals in margins]
    sums = [float(population.sum()) for _, population in parts]
    if not parts or max(sums) - min(sums) > 1e-9 * max(sums):
        raise DesignError(DesignFault.CALIBRATION, "the margins add up to different sums")
    weights = design.weights.copy()
    for _ in range(iterations):
        worst = _fit_margins(weights, parts)
        if worst < tolerance:
            return _calibrated_design(design, weights, _independent([indicators for indicators, _ in parts]))
    raise DesignError(DesignFault.CALIBRATION, f"raking left a margin off by {worst:.1e} after {iterations} rounds")


def _fit_margins(weights: Floats, parts: Sequence[tuple[Any, Floats]]) -> float:
    """Scale the weights in place to each margin once, and return the largest relative change."""
    worst = 0.0
    for indicators, population in parts:
        factor = population / (indicators.T @ weights)
        weights *= indicators @ factor
        worst = max(worst, float(np.abs(factor - 1).max()))
    return worst


def calibrate_linear(design: SurveyDesign, auxiliary: ArrayLike, totals: ArrayLike) -> SurveyDesign:
    """Return the design with the weights of the regression estimator.

    ``auxiliary`` is x (n x q), with a column of ones or with groups that add up to one; ``totals`` is (q,). Each weight
    is multiplied by g = 1 + x (X' W X)^-1 (totals - X' w), which has no bounds. Raises `DesignError` where a weight
    would be negative, and where the auxiliary variables depend on each other.
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
    """Cut weights to the bounds and spread the difference over the others in equal parts, so that the sum stays.

    Without ``strict`` the added part may lift a weight over the bound, as in R; ``strict`` repeats the step until no
    weight is outside. Raises `DesignError` where every weight is outside the bounds.
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
    """Return the indicators of the groups (n x g, sparse) and their population totals (g,)."""
    codes, column_labels = codes_of(groups, design.n, "groups")
    labels = column_labels.tolist()
    _check_totals(labels, totals)
    matrix = sp.csr_matrix((np.ones(design.n), codes, np.arange(design.n + 1)), shape=(design.n, len(labels)))
    if (empty := np.asarray(matrix.T @ design.weights) <= 0).any():
        raise DesignError(DesignFault.CALIBRATION, f"{labels[int(np.argmax(empty))]}: all weights are zero")
    return matrix, np.array([totals[label] for label in labels], dtype=np.float64)


def _check_totals(labels: Sequence[Any], totals: Totals) -> None:
    for label in labels:
        if not totals.get(label, 0) > 0:
            raise DesignError(DesignFault.CALIBRATION, f"{label}: no positive total")
    if absent := [label for label, total in totals.items() if total and label not in set(labels)]:
        raise DesignError(DesignFault.CALIBRATION, f"{absent[0]}: no ballots")


def _independent(indicators: Sequence[Any]) -> Any:
    """Return all indicators of the first margin and all but one of each other: the margins share their sum."""
    first, *others = indicators
    return sp.csr_matrix(sp.hstack([first, *(other[:, 1:] for other in others)]))


def _calibrated_design(design: SurveyDesign, weights: Floats, x: Any) -> SurveyDesign:
    if design.calibration is not None:
        raise DesignError(DesignFault.CALIBRATION, "the weights are calibrated already")
    return design.with_weights(weights, Calibration(x, design.weights, weights))
