"""Ballots as columns, read block by block, so that each stays in the processor's cache."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.estimation.design import Flags, Floats, Ints, SurveyDesign

# Rows at a time: so few that a block of some forty items stays in the processor's cache, and that a product with a few
# composites is not worth the threads of a linear algebra library, which would wait for one another.
BLOCK = 4096
# Rows that show near which number the scores of an item lie.
HEAD = 8192
NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class BallotBlock:
    """Centred scores (m x k) of these rows, zero where blank; ``blank``: flat places of the blanks."""

    rows: slice
    scores: Floats
    blank: Ints


@dataclass(frozen=True, slots=True, eq=False)
class BallotColumns:
    """What is asked of the ballots of a design: k item columns, c composites, members, domains.

    ``columns``: k arrays (n,), not a number where blank. ``coefficients`` (k x c). ``member`` (n,) or None for all.
    ``slot`` (n,): 0 for ballots without a domain, else 1..``domains``.
    """

    design: SurveyDesign
    columns: Sequence[NDArray[Any]]
    coefficients: Floats
    member: Flags | None
    slot: Ints
    domains: int

    @property
    def blanks(self) -> bool:
        return any(column.dtype.kind == "f" and bool(np.isnan(column).any()) for column in self.columns)

    def centre(self) -> Floats:
        """A round number near the mean of each item, from the first ballots."""
        head = np.array([column[:HEAD] for column in self.columns], dtype=np.float64).reshape(len(self.columns), -1)
        answered = np.maximum((~np.isnan(head)).sum(axis=1), 1)
        with np.errstate(over="ignore"):
            middle = np.rint(np.nansum(head, axis=1) / answered)
        return np.where(np.isfinite(middle), middle, 0.0)

    def factors(self) -> tuple[Floats, Floats, Floats]:
        """Weights, 1 for ballots that count, 1 for ballots that are there; zero for those outside the members.

        The last two are one array where every ballot that is there counts.
        """
        here = np.ones(self.design.n) if self.member is None else self.member.astype(np.float64)
        weights = self.design.weights * here
        # A power of two changes no digit and keeps sums of huge weights finite.
        weights = np.ldexp(weights, -int(np.frexp(self.design.weights.max())[1]))
        counts = weights > 0
        return weights, here if np.array_equal(counts, here) else counts.astype(np.float64), here

    def blocks(self, centre: Floats, blanks: bool) -> Iterator[BallotBlock]:
        """All ballots in turn; the array of scores is used again for the next block."""
        buffer, table = np.empty((BLOCK, len(self.columns))), _one_table(self.columns)
        for start in range(0, self.design.n, BLOCK):
            rows = slice(start, min(start + BLOCK, self.design.n))
            scores = buffer[: rows.stop - rows.start]
            if table is None:
                np.stack([column[rows] for column in self.columns], axis=1, out=scores, casting="unsafe")
            else:
                np.copyto(scores, table[:, rows].T, casting="unsafe")
            scores -= centre
            blank = np.flatnonzero(np.isnan(scores)) if blanks else NONE
            scores.reshape(-1)[blank] = 0.0
            yield BallotBlock(rows, scores, blank)


def _one_table(columns: Sequence[NDArray[Any]]) -> NDArray[Any] | None:
    """The columns as one array (k x n), quicker to copy, where they are evenly spaced rows of one, as in a frame."""
    first = columns[0]
    places = [column.__array_interface__["data"][0] for column in columns]
    step = places[1] - places[0] if len(places) > 1 else 0
    alike = all(
        column.base is first.base and column.dtype == first.dtype and column.strides == first.strides
        for column in columns
    )
    even = places == [places[0] + i * step for i in range(len(places))]
    if first.base is None or step <= 0 or not (alike and even):
        return None
    return np.lib.stride_tricks.as_strided(first, (len(columns), first.size), (step, first.strides[0]), writeable=False)
