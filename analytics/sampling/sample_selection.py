"""Drawing within one group: seeded streams, simple random and systematic pps selection, allocation to strata."""

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
    """Positions taken and their inclusion probabilities, and the reserves in the order in which they step in."""

    taken: tuple[int, ...]
    probabilities: tuple[float, ...]
    reserves: tuple[int, ...]


def random_stream(seed: int, *names: str) -> np.random.PCG64:
    """The random bits of one group, by a hash of its names: what happens elsewhere does not move them.

    SHA-256 over algorithm, seed and names (each led by its length) seeds PCG64 through SeedSequence. numpy keeps both
    the same across versions, but not the methods of ``Generator`` (NEP 19); so only raw bits are used.
    """
    parts = "".join(f"{len(name)}:{name}" for name in (ALGORITHM, str(seed), *names))
    return np.random.PCG64(int.from_bytes(hashlib.sha256(parts.encode()).digest()))


def draw_uniforms(bits: np.random.PCG64, n: int) -> Floats:
    """The next ``n`` numbers of a stream, uniform on [0, 1): the upper 53 of 64 bits."""
    return (bits.random_raw(n) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def select_simple(bits: np.random.PCG64, population: int, n: int, reserves: int) -> StageSelection:
    """Simple random sampling without replacement: each unit gets a random number, the n smallest are taken.

    Every subset of n is equally likely, p = n / N (Cochran 1977, section 2.1). The reserves follow in the same order,
    so that the sample with k of its units replaced by the next k is again simple random.
    """
    order = np.argsort(draw_uniforms(bits, population), kind="stable")
    taken = sorted(order[:n].tolist())
    return StageSelection(tuple(taken), (n / population,) * n, tuple(order[n : n + reserves].tolist()))


def inclusion_probabilities(sizes: Floats, n: int) -> Floats:
    """Inclusion probabilities n x / X (N,) proportional to size; units that would pass 1 are taken with certainty and
    the rest share what is left, until none passes 1 (Särndal, Swensson, Wretman 1992, section 3.6.2). They add up to n.
    """
    p = np.zeros(len(sizes))
    sure = np.zeros(len(sizes), dtype=bool)
    while (left := n - int(sure.sum())) > 0:
        p[~sure] = left * sizes[~sure] / sizes[~sure].sum()
        if not (over := ~sure & (p >= 1 - 1e-12)).any():
            break
        sure |= over
    p[sure] = 1.0
    return p


def select_systematic(bits: np.random.PCG64, sizes: Floats, n: int, reserves: int, order: ListOrder) -> StageSelection:
    """Systematic sampling with probability proportional to size from one random start (Madow 1949).

    Units with p = 1 are taken first. The others are laid end to end, each as long as its probability, in shuffled
    order (Goodman and Kish 1950) or in that of the list; the points u, u + 1, ... take the unit they fall on. Exactly n
    units, each with its own probability. Reserves: the rest by weighted random order (Efraimidis and Spirakis 2006).
    """
    p = inclusion_probabilities(sizes, n)
    shuffle, start, spare = draw_uniforms(bits, len(p)), draw_uniforms(bits, 1)[0], draw_uniforms(bits, len(p))
    line = np.argsort(shuffle, kind="stable") if order is ListOrder.RANDOM else np.arange(len(p))
    line = line[p[line] < 1]
    points = n - int((p == 1).sum())
    hit = np.searchsorted(np.cumsum(p[line]), start + np.arange(points), side="right")
    # The last end is n only up to rounding; a point beyond it belongs to the last unit.
    chosen = line[np.minimum(hit, len(line) - 1)] if points else line[:0]
    taken = sorted([*np.flatnonzero(p == 1).tolist(), *chosen.tolist()])
    left = np.setdiff1d(np.arange(len(p)), taken)
    queue = left[np.argsort(-np.log1p(-spare[left]) / sizes[left], kind="stable")][:reserves]
    return StageSelection(tuple(taken), tuple(p[taken].tolist()), tuple(queue.tolist()))


def allocate_total(total: int, sizes: Mapping[str, float], counts: Mapping[str, int], at_least: int) -> dict[str, int]:
    """Share ``total`` among strata in proportion to size: ``at_least`` each, then one by one where size / (2n + 1) is
    largest (Webster's method), never more than there are. Ties go to the lower name. Adds up to ``total``.

    Raises ValueError if the strata together hold fewer, or if ``at_least`` each is already more.
    """
    shares = {name: min(at_least, count) for name, count in counts.items()}
    if not sum(shares.values()) <= total <= sum(counts.values()):
        raise ValueError(f"{total} cannot be shared")
    for _turn in range(total - sum(shares.values())):
        open_ones = sorted(name for name in shares if shares[name] < counts[name])
        shares[max(open_ones, key=lambda name: sizes[name] / (2 * shares[name] + 1))] += 1
    return shares
