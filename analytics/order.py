"""A median with an interval from order statistics, valid for any distribution."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analytics.operations import LEVEL, check_level, weighted_quantile


@dataclass(frozen=True, slots=True)
class MedianEstimate:
    """Median of ``n`` values. The interval is None where there are too few values for the level."""

    n: int
    value: float | None
    lo: float | None
    hi: float | None


def median_interval(values: ArrayLike, counts: ArrayLike | None = None, level: float = LEVEL) -> MedianEstimate:
    """Return the median and the order statistics between which it lies with at least ``level`` confidence.

    ``counts``: how often each value occurs; without them each occurs once. The order statistics are the j-th smallest
    and the j-th largest value, for the largest j with P(B(n, 1/2) < j) <= (1 - level) / 2 (exact, by the binomial
    distribution; Conover 1999, section 3.2).
    """
    check_level(level)
    numbers = np.asarray(values, dtype=np.float64)
    repeated = np.ones(numbers.size, dtype=np.int64) if counts is None else np.asarray(counts, dtype=np.int64)
    n = int(repeated.sum())
    if n == 0:
        return MedianEstimate(0, None, None, None)
    value = weighted_quantile(numbers, repeated, 0.5)
    j = _rank(n, (1 - level) / 2)
    if j == 0:
        return MedianEstimate(n, value, None, None)
    order = np.argsort(numbers, kind="stable")
    places = np.searchsorted(np.cumsum(repeated[order]), [j - 1, n - j], side="right")
    lo, hi = numbers[order][places]
    return MedianEstimate(n, value, float(lo), float(hi))


def _rank(n: int, tail: float) -> int:
    """Return the largest j with P(B(n, 1/2) <= j - 1) <= tail, found by halving."""
    from scipy.special import bdtr

    low, high = 0, n // 2
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if bdtr(middle - 1, n, 0.5) <= tail else (low, middle - 1)
    return low
