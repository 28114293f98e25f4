"""Ranks of units with simulated intervals for the sampling error, shared ranks for ties, and volume groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.estimation.design import Floats, Ints
from analytics.operations import LEVEL, check_level

DRAWS = 10_000
DRAWS_AT_A_TIME = 1000


@dataclass(frozen=True, slots=True)
class UnitRank:
    """Rank of a unit; 1 is the highest figure. Equal figures share a rank (1, 2, 2, 4), and ``tied`` marks them.

    The rank lies between ``lo`` and ``hi`` with the given confidence; both are None for a unit without standard error.
    """

    unit: str
    rank: int
    tied: bool
    lo: int | None
    hi: int | None


def rank_units(
    units: Sequence[str],
    estimates: Sequence[float],
    errors: Sequence[float | None],
    *,
    seed: int,
    level: float = LEVEL,
    digits: int = 2,
    draws: int = DRAWS,
) -> list[UnitRank]:
    """Return the ranks by the estimates as published (``digits`` decimals), with simulated intervals.

    Each draw adds to every estimate a normal error with the unit's standard error and ranks the units again. The
    interval holds the middle ``level`` of a unit's ranks (Goldstein and Spiegelhalter 1996; Marshall and Spiegelhalter
    1998). The same seed gives the same intervals in any order of the units. The draws do not move an estimate without a
    standard error. Raises `ValueError` for lists of different length, a unit named twice and figures that are not
    finite.
    """
    check_level(level)
    _check_lists(units, estimates, errors)
    order = sorted(range(len(units)), key=lambda i: units[i])
    value = np.array([estimates[i] for i in order], dtype=np.float64)
    error = np.array([errors[i] or 0.0 for i in order], dtype=np.float64)
    if not (np.isfinite(value).all() and np.isfinite(error).all() and (error >= 0).all()):
        raise ValueError("estimates and standard errors must be finite numbers, errors not below zero")
    ranks, ties = _shared_ranks(np.round(value, digits))
    lo, hi = _intervals(value, error, seed, level, draws)
    unit_ranks: dict[str, UnitRank] = {}
    for j, i in enumerate(order):
        ends = (None, None) if errors[i] is None else (int(lo[j]), int(hi[j]))
        unit_ranks[units[i]] = UnitRank(units[i], int(ranks[j]), bool(ties[j] > 1), *ends)
    return [unit_ranks[unit] for unit in units]


def volume_groups(volumes: Sequence[int], bounds: Sequence[int] = (30, 300)) -> list[int]:
    """Return the group 0, 1, ... of each unit by its number of cases; only units of one group are ranked together.

    ``bounds`` ascend. By (30, 300), 29 cases are in group 0, 30 in group 1 and 300 in group 2. Raises `ValueError` for
    bounds that do not ascend.
    """
    if list(bounds) != sorted(set(bounds)):
        raise ValueError("the bounds must ascend")
    return [int(group) for group in np.searchsorted(np.asarray(bounds), np.asarray(volumes), side="right")]


def _check_lists(units: Sequence[str], estimates: Sequence[float], errors: Sequence[float | None]) -> None:
    if not len(units) == len(estimates) == len(errors):
        raise ValueError("units, estimates and errors must be of one length")
    if len(set(units)) != len(units):
        raise ValueError("a unit is named twice")


def _shared_ranks(value: Floats) -> tuple[Ints, Ints]:
    """Return competition ranks (1 is the highest), and how many units share each."""
    _distinct, place, count = np.unique(-value, return_inverse=True, return_counts=True)
    before = np.cumsum(count) - count
    return (before + 1)[place], count[place]


def _intervals(value: Floats, error: Floats, seed: int, level: float, draws: int) -> tuple[Ints, Ints]:
    """Return the lowest and the highest rank of each unit over the middle ``level`` of the draws."""
    generator = np.random.default_rng(seed)
    ranks = np.empty((draws, value.size), dtype=np.int32)
    for start in range(0, draws, DRAWS_AT_A_TIME):
        stop = min(start + DRAWS_AT_A_TIME, draws)
        drawn = value + error * generator.standard_normal((stop - start, value.size))
        ranks[start:stop] = np.argsort(np.argsort(-drawn, axis=1, kind="stable"), axis=1) + 1
    lo = np.quantile(ranks, (1 - level) / 2, axis=0, method="lower")
    hi = np.quantile(ranks, (1 + level) / 2, axis=0, method="higher")
    return lo.astype(np.int64), hi.astype(np.int64)
