"""Ranks of units with the interval that the sampling error leaves them, ties as ties, volume groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.estimation.design import Floats, Ints
from analytics.operations import LEVEL, check_level

DRAWS = 10_000
DRAWS_AT_A_TIME = 1000


@dataclass(frozen=True, slots=True)
class UnitRank:
    """1 is the highest figure. ``rank`` is shared by ties (1, 2, 2, 4), ``tied`` says so.

    ``lo`` and ``hi``: where the rank lies with the given confidence; None for a unit without a standard error.
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
    """Ranks by the estimates as published (``digits`` decimals), with simulated intervals.

    Each draw adds to every estimate a normal error of its own standard error and ranks the units again; the interval
    holds the middle ``level`` of a unit's ranks (Goldstein and Spiegelhalter 1996; Marshall and Spiegelhalter 1998).
    The same seed gives the same intervals whatever the order of the units. A unit without an error stays where it is.
    """
    check_level(level)
    if not len(units) == len(estimates) == len(errors):
        raise ValueError("units, estimates and errors must be of one length")
    if len(set(units)) != len(units):
        raise ValueError("a unit is named twice")
    order = sorted(range(len(units)), key=lambda i: units[i])
    value = np.array([estimates[i] for i in order], dtype=np.float64)
    error = np.array([errors[i] or 0.0 for i in order], dtype=np.float64)
    if not (np.isfinite(value).all() and np.isfinite(error).all() and (error >= 0).all()):
        raise ValueError("estimates and standard errors must be finite numbers, errors not below zero")
    ranks, ties = _shared_ranks(np.round(value, digits))
    lo, hi = _intervals(value, error, seed, level, draws)
    result = {
        units[i]: UnitRank(
            units[i], int(ranks[j]), bool(ties[j] > 1), *((int(lo[j]), int(hi[j])) if known else (None, None))
        )
        for j, i in enumerate(order)
        for known in [errors[i] is not None]
    }
    return [result[unit] for unit in units]


def volume_groups(volumes: Sequence[int], bounds: Sequence[int] = (30, 300)) -> list[int]:
    """Group 0.. of each unit by the number of its cases, so that only units of like volume are ranked together.

    ``bounds`` ascend: below the first is group 0, from the last on the last group.
    """
    if list(bounds) != sorted(set(bounds)):
        raise ValueError("the bounds must ascend")
    return [int(group) for group in np.searchsorted(np.asarray(bounds), np.asarray(volumes), side="right")]


def _shared_ranks(value: Floats) -> tuple[Ints, Ints]:
    """Competition ranks, 1 the highest, and how many share each."""
    _distinct, place, count = np.unique(-value, return_inverse=True, return_counts=True)
    before = np.cumsum(count) - count
    return (before + 1)[place], count[place]


def _intervals(value: Floats, error: Floats, seed: int, level: float, draws: int) -> tuple[Ints, Ints]:
    generator = np.random.default_rng(seed)
    ranks = np.empty((draws, value.size), dtype=np.int32)
    for start in range(0, draws, DRAWS_AT_A_TIME):
        stop = min(start + DRAWS_AT_A_TIME, draws)
        drawn = value + error * generator.standard_normal((stop - start, value.size))
        ranks[start:stop] = np.argsort(np.argsort(-drawn, axis=1, kind="stable"), axis=1) + 1
    lo = np.quantile(ranks, (1 - level) / 2, axis=0, method="lower")
    hi = np.quantile(ranks, (1 + level) / 2, axis=0, method="higher")
    return lo.astype(np.int64), hi.astype(np.int64)
