"""Differences between years or units with standard errors, and a verdict that holds for many comparisons at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt

import numpy as np

from analytics.compare import Comparability, ComparabilityMark
from analytics.estimation.estimate import Estimate, t_quantiles
from analytics.operations import LEVEL, check_level


class DifferenceVerdict(StrEnum):
    """What a difference says. NO_EVIDENCE does not say that the figures are equal."""

    HIGHER = "higher"
    LOWER = "lower"
    NO_EVIDENCE = "no-evidence"
    NOT_COMPARABLE = "not-comparable"


class ErrorControl(StrEnum):
    """How false alarms among many comparisons are controlled.

    holm: limits the probability of even one false alarm among all (Holm 1979). benjamini-hochberg: limits the share of
    false alarms among the reported differences (Benjamini and Hochberg 1995). none: each comparison stands alone.
    """

    HOLM = "holm"
    BENJAMINI_HOCHBERG = "benjamini-hochberg"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class EstimateDifference:
    """``later`` minus ``earlier``. ``p`` is adjusted for the comparisons made together; ``reason`` says why there is no
    number."""

    variable: str
    value: float | None
    se: float | None
    df: float | None
    lo: float | None
    hi: float | None
    p: float | None
    verdict: DifferenceVerdict
    reason: Comparability | None = None


def estimate_difference(
    earlier: Estimate,
    later: Estimate,
    *,
    covariance: float = 0.0,
    comparability: Comparability | None = None,
    level: float = LEVEL,
) -> EstimateDifference:
    """Return the difference of two estimates by Student's t with the degrees of freedom of Welch and Satterthwaite.

    ``covariance`` of the two is 0 for different years and for units that share no first-stage unit. ``comparability``
    is the verdict on the methods: any mark but comparable gives no number. Without two standard errors that leave a
    degree of freedom there is a value but no evidence.
    """
    check_level(level)
    if comparability is not None and comparability.mark is not ComparabilityMark.COMPARABLE:
        return EstimateDifference(
            later.variable, None, None, None, None, None, None, DifferenceVerdict.NOT_COMPARABLE, reason=comparability
        )
    if earlier.estimate is None or later.estimate is None:
        return EstimateDifference(later.variable, None, None, None, None, None, None, DifferenceVerdict.NO_EVIDENCE)
    value = later.estimate - earlier.estimate
    no_evidence = EstimateDifference(later.variable, value, None, None, None, None, None, DifferenceVerdict.NO_EVIDENCE)
    if earlier.se is None or later.se is None or earlier.df < 1 or later.df < 1:
        return no_evidence
    parts = earlier.se**2, later.se**2
    variance = sum(parts) - 2 * covariance
    if not variance > 0:
        return no_evidence
    df = sum(parts) ** 2 / (parts[0] ** 2 / earlier.df + parts[1] ** 2 / later.df)
    se = sqrt(variance)
    half = float(t_quantiles((1 + level) / 2, np.array([df]))[0]) * se
    unjudged = EstimateDifference(
        later.variable, value, se, df, value - half, value + half, _p(value / se, df), DifferenceVerdict.HIGHER
    )
    return replace(unjudged, verdict=_verdict(unjudged, 1 - level))


def judge_differences(
    differences: Sequence[EstimateDifference], *, level: float = LEVEL, control: ErrorControl = ErrorControl.HOLM
) -> list[EstimateDifference]:
    """Return the differences with p, interval and verdict adjusted for all comparisons made together.

    Each interval is widened as its own test becomes stricter: where p is multiplied by c, the interval has the level 1
    - (1 - level) / c. It leaves out zero exactly where the verdict is higher or lower.
    """
    check_level(level)
    tested = [i for i, difference in enumerate(differences) if difference.p is not None]
    factors = multipliers([differences[i].p or 0.0 for i in tested], control)
    result = list(differences)
    for i, factor in zip(tested, factors, strict=True):
        result[i] = _widened(result[i], factor, 1 - level)
    return result


def adjust_probabilities(p_values: Sequence[float], control: ErrorControl = ErrorControl.HOLM) -> list[float]:
    """Return adjusted p values, as R's ``p.adjust`` does."""
    factors = multipliers(p_values, control)
    return [min(1.0, p * factor) for p, factor in zip(p_values, factors, strict=True)]


def multipliers(p_values: Sequence[float], control: ErrorControl = ErrorControl.HOLM) -> list[float]:
    """Return the factor by which each p value is multiplied before it is cut at 1. Never below 1."""
    p = np.maximum(np.asarray(p_values, dtype=np.float64), np.finfo(np.float64).tiny)
    m = p.size
    if control is ErrorControl.NONE or m < 2:
        return [1.0] * m
    order = np.argsort(p, kind="stable")
    if control is ErrorControl.HOLM:
        ranked = np.maximum.accumulate(p[order] * (m - np.arange(m)))
    else:
        ranked = np.minimum.accumulate((p[order] * m / np.arange(1, m + 1))[::-1])[::-1]
    result = np.empty(m)
    result[order] = np.maximum(ranked / p[order], 1.0)
    return [float(factor) for factor in result]


def _widened(difference: EstimateDifference, factor: float, error: float) -> EstimateDifference:
    """Return the difference judged at the stricter level of its own step."""
    if difference.p is None or difference.value is None or difference.se is None or difference.df is None:
        return difference
    half = float(t_quantiles(1 - error / factor / 2, np.array([difference.df]))[0]) * difference.se
    adjusted = replace(
        difference, p=min(1.0, difference.p * factor), lo=difference.value - half, hi=difference.value + half
    )
    return replace(adjusted, verdict=_verdict(adjusted, error))


def _verdict(difference: EstimateDifference, error: float) -> DifferenceVerdict:
    if difference.p is None or difference.value is None or difference.p > error:
        return DifferenceVerdict.NO_EVIDENCE
    return DifferenceVerdict.HIGHER if difference.value > 0 else DifferenceVerdict.LOWER


def _p(t: float, df: float) -> float:
    # Imported here: scipy is slow to load, and only comparisons need it.
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(t)))
