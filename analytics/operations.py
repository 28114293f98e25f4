"""Statistics of operational indicators: shares with Wilson intervals, mean scores with t intervals, medians of days.

Every figure has its n, and an interval where one exists. ``level`` is always a confidence level such as 0.95, never an
error probability: 0.05 is refused, because it would give intervals that are far too narrow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

SMALL_N = 10
LEVEL = 0.95  # confidence level of every interval where the caller names no other


@dataclass(frozen=True, slots=True)
class ShareInterval:
    """``k`` of ``n`` as a proportion 0..1 with its Wilson interval. Value and interval are None for n = 0."""

    k: int
    n: int
    value: float | None
    lo: float | None
    hi: float | None
    level: float


@dataclass(frozen=True, slots=True)
class MeanIndex:
    """Mean score / highest score x 100 with a t interval.

    ``value`` is None where nobody answered, and where it is ``suppressed``: with fewer answers than the threshold, the
    figure could point to single people. ``lo`` and ``hi`` are also None where n < 2.
    """

    n: int
    value: float | None
    lo: float | None
    hi: float | None
    level: float
    scale: int
    suppressed: bool = False


def wilson_interval(k: int, n: int, level: float = LEVEL) -> ShareInterval:
    """Return the share k/n with the score interval of Wilson (1927), without continuity correction.

    lo, hi = (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), as R's ``prop.test(k, n, correct = FALSE)``.
    Raises `ValueError` unless 0 <= k <= n, and for a level outside [0.5, 1).
    """
    check_level(level)
    if not 0 <= k <= n:
        raise ValueError(f"a share of {k} in {n} is no share: 0 <= k <= n is needed")
    if n == 0:
        return ShareInterval(0, 0, None, None, None, level)
    p, z2 = k / n, NormalDist().inv_cdf((1 + level) / 2) ** 2
    centre = p + z2 / (2 * n)
    half = sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n)))
    lo, hi = (centre - half) / (1 + z2 / n), (centre + half) / (1 + z2 / n)
    # For k = 0 and k = n the formula gives exactly 0 and 1; floating point misses them by one part in 10^16.
    return ShareInterval(k, n, p, 0.0 if k == 0 else lo, 1.0 if k == n else hi, level)


def mean_index(scores: ArrayLike, scale: int = 5, level: float = LEVEL, suppress_below: int = 0) -> MeanIndex:
    """Return the index of raw scores 1..scale: mean / scale x 100, with the interval mean -+ t(n-1) s / sqrt(n).

    The interval is clipped to the possible values. The caller leaves out blanks. n < 2 gives no interval. Where all
    answers are equal, s is 0 and the interval is one point: nobody differed, but the figure is not exact. Fewer answers
    than ``suppress_below`` (usually `SMALL_N`) give no figure. Raises `ValueError` for a score outside the scale.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.size and not bool(((values >= 1) & (values <= scale)).all()):
        raise ValueError(f"a score lies outside 1..{scale}")
    return mean_index_of_counts(*_moments(values), scale=scale, level=level, suppress_below=suppress_below)


def mean_index_of_counts(
    n: int, total: float, squares: float, *, scale: int = 5, level: float = LEVEL, suppress_below: int = 0
) -> MeanIndex:
    """Return the same as `mean_index`, from n, the sum of the scores and the sum of their squares."""
    check_level(level)
    if n == 0 or n < suppress_below:
        return MeanIndex(n, None, None, None, level, scale, suppressed=n > 0)
    factor, mean = 100 / scale, total / n
    if n < 2:
        return MeanIndex(n, mean * factor, None, None, level, scale)
    variance = max(0.0, (squares - total * mean) / (n - 1))
    half = t_quantile((1 + level) / 2, n - 1) * sqrt(variance / n)
    lo, hi = max(1.0, mean - half), min(float(scale), mean + half)
    return MeanIndex(n, mean * factor, lo * factor, hi * factor, level, scale)


def weighted_quantile(values: ArrayLike, counts: ArrayLike, q: float) -> float | None:
    """Return the quantile of ``values``, each repeated ``counts`` times; None without cases.

    It is interpolated as in `numpy.quantile` (R's type 7). It works on the counts, so a million cases cost no more than
    their distinct values. Raises `ValueError` unless 0 <= q <= 1.
    """
    if not 0 <= q <= 1:
        raise ValueError(f"{q} is no quantile: 0 <= q <= 1 is needed")
    order = np.argsort(np.asarray(values, dtype=np.float64), kind="stable")
    ordered: NDArray[np.float64] = np.asarray(values, dtype=np.float64)[order]
    ends = np.cumsum(np.asarray(counts, dtype=np.int64)[order])
    if not ends.size or ends[-1] == 0:
        return None
    position = q * (int(ends[-1]) - 1)
    below = int(np.floor(position))
    low, high = ordered[np.searchsorted(ends, [below, int(np.ceil(position))], side="right")]
    return float(low + (high - low) * (position - below))


def median_days(days: Sequence[float]) -> float | None:
    """Return the median of working days, one value for each case; None without cases."""
    return weighted_quantile(days, np.ones(len(days), dtype=np.int64), 0.5)


def check_level(level: float) -> None:
    """Raise `ValueError` unless ``level`` is a confidence level such as 0.95; 0.05 is an error probability."""
    if not 0.5 <= level < 1:
        raise ValueError(f"{level} is no confidence level: 0.5 <= level < 1 is needed, usually 0.95")


def t_quantile(p: float, df: float) -> float:
    """Return the quantile of Student's t with ``df`` degrees of freedom."""
    # The import takes a quarter of a second; only intervals of means need it.
    from scipy.special import stdtrit

    return float(stdtrit(df, p))


def _moments(values: NDArray[np.float64]) -> tuple[int, float, float]:
    return int(values.size), float(values.sum()), float(np.square(values).sum())
