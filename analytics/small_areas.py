"""Figures of units with few ballots, moved toward the figure of their province and marked as such."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.estimation.design import Floats
from analytics.estimation.estimate import Estimate, is_publishable
from analytics.operations import SMALL_N

HALVINGS = 200


@dataclass(frozen=True, slots=True)
class ShrunkEstimate:
    """A unit's figure after shrinkage. ``weight`` 0..1 is the weight of the unit's own survey; ``shrunk`` marks it.

    ``se`` is the root of the mean squared error under the model. ``value`` is None where nothing may be published.
    """

    unit: str
    n: int
    value: float | None
    se: float | None
    weight: float | None
    shrunk: bool


def shrink_figures(
    units: Sequence[Estimate], province: Estimate, *, threshold: int = SMALL_N, publish_small: bool = False
) -> list[ShrunkEstimate]:
    """Return the units' figures moved toward the province's: w x own + (1 - w) x province, with w = A / (A + se^2).

    A is the variance between units beyond sampling error, by Fay and Herriot (1979) with the province as the common
    mean (`variance_between`). The mean squared error is w se^2 + (1 - w)^2 se(province)^2. A unit without ballots or
    standard error (one first-stage unit) gets the province's value. A unit with fewer ballots than ``threshold`` gets
    no figure, or a marked one with ``publish_small``. Raises `ValueError` where the province has no figure or no
    standard error.
    """
    if province.estimate is None or province.se is None:
        raise ValueError("shrinkage needs the province's figure and its standard error")
    own = [unit for unit in units if _usable(unit)]
    distance = np.array([unit.estimate for unit in own], dtype=np.float64) - province.estimate
    noise = np.square(np.array([unit.se for unit in own], dtype=np.float64))
    between = variance_between(distance, noise)
    return [_shrink_unit(unit, province.estimate, province.se, between, threshold, publish_small) for unit in units]


def variance_between(distance: Floats, noise: Floats) -> float:
    """Solve sum of distance^2 / (A + noise) = number of units for A by halving.

    Return 0 where the sum is at most the number of units even for A = 0.
    """
    if distance.size == 0 or float((np.square(distance) / noise).sum()) <= distance.size:
        return 0.0
    lo, hi = 0.0, float(np.square(distance).sum())
    for _step in range(HALVINGS):
        middle = (lo + hi) / 2
        too_small = float((np.square(distance) / (middle + noise)).sum()) > distance.size
        lo, hi = (middle, hi) if too_small else (lo, middle)
    return (lo + hi) / 2


def _usable(unit: Estimate) -> bool:
    """Return whether the unit's own figure has a standard error to weigh it by."""
    return unit.estimate is not None and unit.se is not None and unit.se > 0 and unit.df >= 1


def _shrink_unit(
    unit: Estimate, centre: float, centre_error: float, between: float, threshold: int, publish_small: bool
) -> ShrunkEstimate:
    if not (publish_small or is_publishable(unit.n, threshold)):
        return ShrunkEstimate(unit.domain, unit.n, None, None, None, shrunk=False)
    own, noise, weight = centre, 0.0, 0.0
    if _usable(unit) and unit.estimate is not None and unit.se is not None:
        own, noise = unit.estimate, unit.se**2
        weight = between / (between + noise)
    value = weight * own + (1 - weight) * centre
    error = weight * noise + (1 - weight) ** 2 * centre_error**2 if weight else between + centre_error**2
    return ShrunkEstimate(unit.domain, unit.n, value, float(np.sqrt(error)), weight, shrunk=True)
