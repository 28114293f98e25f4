"""Read the packed numbers of cells into arrays, without an object of Python for each."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, FromClause, func

from backend.indicators.rollups.kinds import COUNT_BITS, DAY_BITS, FLAG_BITS, SCORE_BITS

Ints = NDArray[np.int64]

# PostgreSQL's binary form of an array of one dimension (``array_send``): five numbers of four bytes, then each element
# with its length before it, in network order.
HEAD = 20
ELEMENT = np.dtype([("length", ">i4"), ("number", ">i8")])
RATING_PARTS = (*(SCORE_BITS,) * 3, *(FLAG_BITS,) * 4, DAY_BITS)  # from the last


def as_bytes(cells: FromClause) -> ColumnElement[Any]:
    """Return the numbers of a cell in PostgreSQL's binary form."""
    return func.array_send(cells.c.numbers)


def read_numbers(sent: bytes) -> Ints:
    """Return the numbers of an array in its binary form."""
    return np.frombuffer(sent, ELEMENT, offset=HEAD)["number"].astype(np.int64)


def split_counts(packed: Ints) -> tuple[Ints, Ints]:
    """Return the values and how often each occurs."""
    return packed >> COUNT_BITS, packed & ((1 << COUNT_BITS) - 1)


def split_ratings(values: Ints) -> list[Ints]:
    """Return the parts of packed ratings: unit, days, late, told, at once, taken up in time, and the three scores."""
    parts = []
    for bits in RATING_PARTS:
        parts.append(values & ((1 << bits) - 1))
        values = values >> bits
    return [values, *reversed(parts)]
