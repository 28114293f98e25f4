"""Selection within one group: seeded random streams, simple random and systematic pps selection, and allocation."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.sampling.sample_design import ListOrder

Floats = NDArray[np.float64]
ALGORITHM = "langnghe-sample-1"


@dataclass(frozen=True, slots=True)
class StageSelection:
    """The drawn positions with their inclusion probabilities, and the positions of the reserves in their order."""

    positions: tuple[int, ...]
    probabilities: tuple[float, ...]
    reserves: tuple[int, ...]


def random_stream(seed: int, *names: str) -> np.random.PCG64:
    """Return the random bits of one group. They depend on the seed and the group's names only, not on other groups.

    SHA-256 over algorithm, seed and names (each after its length) seeds PCG64 through SeedSequence. numpy keeps both
    the same across versions, but not the methods of ``Generator`` (NEP 19), so only raw bits are used.
    """
    parts = "".join(f"{len(name)}:{name}" for name in (ALGORITHM, str(seed), *names))
    return np.random.PCG64(int.from_bytes(hashlib.sha256(parts.encode()).digest()))


def draw_uniforms(bits: np.random.PCG64, n: int) -> Floats:
    """Return the next ``n`` numbers of a stream, uniform on [0, 1), from the upper 53 of 64 bits."""
    return (bits.random_raw(n) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def select_simple(bits: np.random.PCG64, population: int, n: int, reserves: int) -> StageSelection:
    """Draw a simple random sample without replacement: each unit gets a random number, and the n smallest are drawn.

    Every subset of n is equally likely, p = n / N (Cochran 1977, section 2.1). The reserves follow in the same order,
    so a sample with k units replaced by the next k is a simple random sample again.
    """
    order = np.argsort(draw_uniforms(bits, population), kind="stable")
    positions = sorted(order[:n].tolist())
    return StageSelection(tuple(positions), (n / population,) * n, tuple(order[n : n + reserves].tolist()))


def inclusion_probabilities(sizes: Floats, n: int) -> Floats:
    """Return inclusion probabilities n x / X (N,) proportional to size x; they add up to n.

    Units whose probability would reach 1 are drawn with certainty, and the others share the remaining number, until
    none reaches 1 (Särndal, Swensson, Wretman 1992, section 3.6.2).
    """
    p = np.zeros(len(sizes))
    certain = np.zeros(len(sizes), dtype=bool)
    while (remaining := n - int(certain.sum())) > 0:
        p[~certain] = remaining * sizes[~certain] / sizes[~certain].sum()
        if not (over := ~certain & (p >= 1 - 1e-12)).any():
            break
        certain |= over
    p[certain] = 1.0
    return p


def select_systematic(bits: np.random.PCG64, sizes: Floats, n: int, reserves: int, order: ListOrder) -> StageSelection:
    """Draw systematically with probability proportional to size from one random start (Madow 1949).

    Units with p = 1 are drawn first. The others lie end to end, each as long as its probability, in shuffled order
    (Goodman and Kish 1950) or in the order of the list. The points u, u + 1, ... draw the unit that they fall on. This
    gives exactly n units, each with its own probability. Reserves are the other units in weighted random order
    (Efraimidis and Spirakis 2006).
    """
    p = inclusion_probabilities(sizes, n)
    shuffle, start, spare = draw_uniforms(bits, len(p)), draw_uniforms(bits, 1)[0], draw_uniforms(bits, len(p))
    line = np.argsort(shuffle, kind="stable") if order is ListOrder.RANDOM else np.arange(len(p))
    line = line[p[line] < 1]
    points = n - int((p == 1).sum())
    hit = np.searchsorted(np.cumsum(p[line]), start + np.arange(points), side="right")
    # The end of the last unit is n only up to rounding; a point beyond it draws the last unit.
    random_units = line[np.minimum(hit, len(line) - 1)] if points else line[:0]
    positions = sorted([*np.flatnonzero(p == 1).tolist(), *random_units.tolist()])
    others = np.setdiff1d(np.arange(len(p)), positions)
    queue = others[np.argsort(-np.log1p(-spare[others]) / sizes[others], kind="stable")][:reserves]
    return StageSelection(tuple(positions), tuple(p[positions].tolist()), tuple(queue.tolist()))


def allocate_total(total: int, sizes: Mapping[str, float], counts: Mapping[str, int], at_least: int) -> dict[str, int]:
    """Share ``total`` among strata in proportion to size; the shares add up to ``total``.

    Each stratum gets ``at_least``; then each further unit goes where size / (2n + 1) is largest (Webster's method), but
    never more than the stratum has. Ties go to the lower name. Raises `ValueError` where the strata together have fewer
    than ``total``, or where ``at_least`` each is already more.
    """
    shares = {name: min(at_least, count) for name, count in counts.items()}
    if not sum(shares.values()) <= total <= sum(counts.values()):
        raise ValueError(f"{total} cannot be shared")
    for _turn in range(total - sum(shares.values())):
        open_strata = sorted(name for name in shares if shares[name] < counts[name])
        shares[max(open_strata, key=lambda name: sizes[name] / (2 * shares[name] + 1))] += 1
    return shares
