"""How sure a published SIPAS figure is. Pure.

Its source prints no interval, so the error is approximate. Without a known number of ballots there is no error, and no
figure is called higher or lower than it.
"""

from statistics import NormalDist
from typing import Final

from analytics.difference import DifferenceVerdict, EstimateDifference
from analytics.estimation.estimate import Estimate
from analytics.forecast import ScoreSpread
from analytics.operations import LEVEL

SAMPLING: Final = ScoreSpread()
Z95: Final = NormalDist().inv_cdf((1 + LEVEL) / 2)
SAMPLE_UNKNOWN: Final = "sample-unknown"  # verdict where a published figure has no number of ballots


def published_estimate(value: float, n: int | None) -> Estimate:
    """Return a published mean / 5 x 100 with its approximate sampling error. Without ``n`` it has no error."""
    if not n:
        return Estimate("published", "", 0, value, None, 0, None, None, None)
    return Estimate("published", "", n, value, SAMPLING.se(n), n - 1, None, None, None)


def verdict_word(outcome: EstimateDifference, *published_sizes: int | None) -> str:
    """Return the verdict as it is stored and shown. ``published_sizes``: the ballots behind each published figure
    compared.

    Where a size is unknown the verdict is `SAMPLE_UNKNOWN` instead of "no evidence".
    """
    if None in published_sizes and outcome.verdict is not DifferenceVerdict.NOT_COMPARABLE:
        return SAMPLE_UNKNOWN
    return outcome.verdict.value
