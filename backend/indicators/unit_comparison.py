"""Compare each unit with all others together, with one control of false alarms for every page. Pure.

The managers' page and the two sides ask here, so a unit is never worse on one page and no different on another. Each
verdict comes with its interval: the interval leaves out zero exactly where there is a verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from analytics.difference import DifferenceVerdict, EstimateDifference, estimate_difference, judge_differences
from analytics.estimation.estimate import Estimate
from analytics.operations import SMALL_N

SHARE_POINTS = 100.0  # a share 0..1 in points
SCORE_POINTS = 20.0  # a score 1..5 in points of the scale 20..100


@dataclass(frozen=True)
class UnitTally:
    """The sums of a unit's numbers: how many there are, their total, and the total of their squares."""

    unit_id: int
    n: int
    total: float
    squares: float

    @property
    def about(self) -> float:
        """Return the sum of squares about the unit's own mean."""
        return max(0.0, self.squares - self.total**2 / self.n) if self.n else 0.0


@dataclass(frozen=True)
class UnitDifference:
    """A unit minus all others, in points.

    ``lo`` and ``hi`` are the interval that the verdict was read from. ``p`` is adjusted for the ``compared`` units of
    the table.
    """

    unit_id: int
    n: int
    value: float
    se: float | None
    lo: float
    hi: float
    p: float | None
    verdict: DifferenceVerdict
    compared: int


def compare_units(tallies: Sequence[UnitTally], points: float) -> list[UnitDifference]:
    """Compare every unit that has ten tickets or more with all others together.

    ``points`` turns a mean into points: `SHARE_POINTS` or `SCORE_POINTS`. Verdicts are adjusted for all units of the
    table (Holm). ``value`` is the plain difference. The interval belongs to the shares with one case added (Agresti and
    Caffo); it is widened to include the plain difference and cut at what is possible.
    """
    most = points if points == SHARE_POINTS else 4 * points
    whole = sum_tallies(tallies)
    compared = [(tally, _others(tally, whole)) for tally in tallies if tally.n >= SMALL_N]
    compared = [(tally, others) for tally, others in compared if min(tally.n, others.n) >= SMALL_N]
    judged = judge_differences(
        [estimate_difference(mean_estimate(others, points), mean_estimate(tally, points)) for tally, others in compared]
    )
    return [
        _named(tally, points * (tally.total / tally.n - others.total / others.n), outcome, most, len(compared))
        for (tally, others), outcome in zip(compared, judged, strict=True)
    ]


def share_estimate(k: int, n: int) -> Estimate:
    """Return a share in percent, ready to be compared with another.

    One case of either kind is added (Agresti and Caffo 2000, Am. Stat. 54, 280-288), so that a unit with nothing late
    does not look certain.
    """
    p = (k + 1) / (n + 2)
    return Estimate("", "", n, 100 * p, 100 * sqrt(p * (1 - p) / (n + 2)), n + 1, None, None, None)


def mean_estimate(tally: UnitTally, points: float) -> Estimate:
    """Return a unit's mean in points with its error, ready to be compared with another. Needs at least two cases."""
    if points == SHARE_POINTS:
        return share_estimate(round(tally.total), tally.n)
    error = points * sqrt(tally.about / (tally.n - 1) / tally.n)
    return Estimate("", "", tally.n, points * tally.total / tally.n, error, tally.n - 1, None, None, None)


def sum_tallies(tallies: Sequence[UnitTally]) -> UnitTally:
    """Add the units up. The sum has unit id 0."""
    return UnitTally(
        0,
        sum(tally.n for tally in tallies),
        sum(tally.total for tally in tallies),
        sum(tally.squares for tally in tallies),
    )


def _others(tally: UnitTally, whole: UnitTally) -> UnitTally:
    return UnitTally(0, whole.n - tally.n, whole.total - tally.total, whole.squares - tally.squares)


def _named(tally: UnitTally, plain: float, outcome: EstimateDifference, most: float, compared: int) -> UnitDifference:
    lo, hi = (plain if end is None else end for end in (outcome.lo, outcome.hi))
    return UnitDifference(
        unit_id=tally.unit_id,
        n=tally.n,
        value=plain,
        se=outcome.se,
        lo=max(-most, min(lo, plain)),
        hi=min(most, max(hi, plain)),
        p=outcome.p,
        verdict=outcome.verdict,
        compared=compared,
    )
