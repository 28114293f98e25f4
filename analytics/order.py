"""A median with an interval from order statistics, valid for any distribution."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.operations import LEVEL, check_level, weighted_quantile


@dataclass(frozen=True, slots=True)
class MedianEstimate:
    """Median of ``n`` values. The interval is None where there are too few values for the level."""

    n: int
    value: float | None
    lo: float | None
    hi: float | None


def median_interval(values: Sequence[float], level: float = LEVEL) -> MedianEstimate:
    """Return the median and the order statistics between which it lies with at least ``level`` confidence.

    These are the j-th smallest and the j-th largest value, for the largest j with P(B(n, 1/2) < j) <= (1 - level) / 2
    (exact, by the binomial distribution; Conover 1999, section 3.2).
    """
    check_level(level)
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = int(ordered.size)
    if n == 0:
        return MedianEstimate(0, None, None, None)
    value = weighted_quantile(ordered, np.ones(n, dtype=np.int64), 0.5)
    j = _rank(n, (1 - level) / 2)
    if j == 0:
        return MedianEstimate(n, value, None, None)
    return MedianEstimate(n, value, float(ordered[j - 1]), float(ordered[n - j]))


def _rank(n: int, tail: float) -> int:
    """Return the largest j with P(B(n, 1/2) <= j - 1) <= tail."""
    from scipy.special import bdtr

    ranks = np.arange(1, n // 2 + 1)
    return int((bdtr(ranks - 1, n, 0.5) <= tail).sum())
