"""The ballots of an estimate as columns, read block by block so that a block stays in the processor's cache."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.estimation.design import Flags, Floats, Ints, SurveyDesign

# Rows of a block. A block of about forty items stays in the processor's cache, and its product with a few composites is
# too small for the threads of a linear algebra library, which would wait for one another.
BLOCK = 4096
# Rows from which the centre of an item is taken.
HEAD = 8192
NO_BLANKS = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class BallotBlock:
    """Centred scores (m x k) of these rows, zero where blank. ``blank``: positions of the blanks in the flat array."""

    rows: slice
    scores: Floats
    blank: Ints


@dataclass(frozen=True, slots=True, eq=False)
class BallotColumns:
    """The ballots of a design with k items and c composites of them.

    ``columns``: k arrays (n,), not a number where blank. ``coefficients`` (k x c) make the composites. ``member`` (n,)
    marks the ballots to be used; None means all. ``slot`` (n,) is the domain 1..``domains`` of each ballot, 0 for none.
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
        """Return a whole number near the mean of each item, from the first ballots."""
        head = np.array([column[:HEAD] for column in self.columns], dtype=np.float64).reshape(len(self.columns), -1)
        answered = np.maximum((~np.isnan(head)).sum(axis=1), 1)
        with np.errstate(over="ignore"):
            middle = np.rint(np.nansum(head, axis=1) / answered)
        return np.where(np.isfinite(middle), middle, 0.0)

    def factors(self) -> tuple[Floats, Floats, Floats]:
        """Return three factors of each ballot: its scaled weight, 1 if its weight is above zero, 1 if it is a member.

        All are zero outside the members. The last two are one array where every member has a weight above zero.
        """
        here = np.ones(self.design.n) if self.member is None else self.member.astype(np.float64)
        weights = self.design.weights * here
        # Scaling by a power of two changes no digit and keeps sums of huge weights finite.
        weights = np.ldexp(weights, -int(np.frexp(self.design.weights.max())[1]))
        counts = weights > 0
        return weights, here if np.array_equal(counts, here) else counts.astype(np.float64), here

    def blocks(self, centre: Floats, blanks: bool) -> Iterator[BallotBlock]:
        """Yield all ballots in blocks. The array of scores is used again for the next block."""
        buffer, table = np.empty((BLOCK, len(self.columns))), _one_table(self.columns)
        for start in range(0, self.design.n, BLOCK):
            rows = slice(start, min(start + BLOCK, self.design.n))
            scores = buffer[: rows.stop - rows.start]
            if table is None:
                np.stack([column[rows] for column in self.columns], axis=1, out=scores, casting="unsafe")
            else:
                np.copyto(scores, table[:, rows].T, casting="unsafe")
            scores -= centre
            blank = np.flatnonzero(np.isnan(scores)) if blanks else NO_BLANKS
            scores.reshape(-1)[blank] = 0.0
            yield BallotBlock(rows, scores, blank)


def _one_table(columns: Sequence[NDArray[Any]]) -> NDArray[Any] | None:
    """Return the columns as one array (k x n) where they are evenly spaced rows of one array, as in a frame.

    One array is quicker to copy. Return None where they are not.
    """
    first = columns[0]
    addresses = [column.__array_interface__["data"][0] for column in columns]
    step = addresses[1] - addresses[0] if len(addresses) > 1 else 0
    even = addresses == [addresses[0] + i * step for i in range(len(addresses))]
    if first.base is None or step <= 0 or not even or not all(_alike(column, first) for column in columns):
        return None
    return np.lib.stride_tricks.as_strided(first, (len(columns), first.size), (step, first.strides[0]), writeable=False)


def _alike(column: NDArray[Any], first: NDArray[Any]) -> bool:
    """Return whether two columns lie in one array with the same type and spacing."""
    return column.base is first.base and column.dtype == first.dtype and column.strides == first.strides
