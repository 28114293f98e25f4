"""How sure a figure is that was printed without an interval: approximate, under assumptions that are always named.
Pure.

A published mean gives neither the spread of the scores nor the clusters, so both are assumed. The standard deviation of
a mean over several items is at most that of a single item, so the interval of a group is the widest possible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from math import sqrt
from statistics import NormalDist

from analytics.operations import LEVEL
from backend.indicators.published_error import SAMPLING

CENT = Decimal("0.01")
# So many ballots may have left a question blank. The shares of the source need at most two.
BLANKS = 5


@dataclass(frozen=True)
class IntervalAssumptions:
    """The assumptions behind approximate intervals.

    ``sd``: standard deviation of a score, in points of its scale. ``deff``: design effect of drawing whole villages.
    ``level``: of the interval. Shipped: sd 0.65, the middle of 0.6 to 0.7; deff 2, which clusters of 31 ballots reach
    at an intra-village correlation of 0.033.
    """

    sd: float = SAMPLING.sd
    deff: float = SAMPLING.deff
    level: float = LEVEL

    @property
    def z(self) -> float:
        return NormalDist().inv_cdf((1 + self.level) / 2)


@dataclass(frozen=True)
class ApproximateInterval:
    """An approximate interval from ``lo`` to ``hi`` on the scale 0..100."""

    lo: Decimal
    hi: Decimal


class YearVerdict(StrEnum):
    """What the data allow to be said about a difference between two years."""

    HIGHER = "higher"
    LOWER = "lower"
    NO_EVIDENCE = "no evidence"
    NOT_COMPARABLE = "not comparable"


def mean_margin(n: int, scale: int, assumed: IntervalAssumptions, deff: float | None = None) -> float:
    """Return half the width of the interval of mean / scale x 100: z sd / scale x 100 x sqrt(deff / n)."""
    return assumed.z * assumed.sd / scale * 100 * sqrt((assumed.deff if deff is None else deff) / n)


def mean_interval(value: Decimal, n: int, scale: int, assumed: IntervalAssumptions) -> ApproximateInterval:
    """Return the interval around a published mean, clipped to the scale."""
    half = mean_margin(n, scale, assumed)
    return ApproximateInterval(_cents(max(100 / scale, float(value) - half)), _cents(min(100.0, float(value) + half)))


def share_interval(value: Decimal, n: int, assumed: IntervalAssumptions) -> ApproximateInterval:
    """Return Wilson's interval of a share in percent, with n / deff in place of n."""
    p, effective, z2 = float(value) / 100, n / assumed.deff, assumed.z**2
    centre = p + z2 / (2 * effective)
    half = sqrt(z2 * (p * (1 - p) / effective + z2 / (4 * effective**2)))
    total = 1 + z2 / effective
    return ApproximateInterval(
        _cents(100 * max(0.0, (centre - half) / total)), _cents(100 * min(1.0, (centre + half) / total))
    )


def difference_margin(n: int, scale: int, assumed: IntervalAssumptions) -> float:
    """Return the margin of the difference of two surveys of this size: sqrt(2) times that of one.

    It is also the least change that would be visible.
    """
    return sqrt(2) * mean_margin(n, scale, assumed)


def verdict_of(difference: Decimal, margin: float) -> YearVerdict:
    """Return higher or lower only beyond the margin."""
    if abs(float(difference)) <= margin:
        return YearVerdict.NO_EVIDENCE
    return YearVerdict.HIGHER if difference > 0 else YearVerdict.LOWER


def answers_behind(shares: Sequence[Decimal], ballots: int) -> int | None:
    """Return the largest n up to ``ballots`` for which every printed share is some k/n to two decimals.

    A blank removes the answer, so a question may have fewer answers than there are ballots. Return None where the last
    `BLANKS` values of n all fail.
    """
    for n in range(ballots, max(0, ballots - BLANKS), -1):
        if all(_is_share_of(share, n) for share in shares):
            return n
    return None


def count_behind(share: Decimal, n: int) -> int:
    """Return k of k/n."""
    return int((share * n / 100).quantize(Decimal(1), ROUND_HALF_UP))


def _is_share_of(share: Decimal, n: int) -> bool:
    return (Decimal(100) * count_behind(share, n) / n).quantize(CENT, ROUND_HALF_UP) == share


def _cents(value: float) -> Decimal:
    return Decimal(str(value)).quantize(CENT, ROUND_HALF_UP)
