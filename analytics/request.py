"""What is asked of a survey: items, composites, members and domains, checked; and its non-overlapping domains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.design import Coded, Design, DesignError, Fault, Flags, Floats, Ints, codes_of, group_sums
from analytics.firststage import Auxiliary, Ballots, Sums, Tables
from analytics.variance import Groups, groups_of

OVERALL = "ALL"
# Scores above this have squares that leave the numbers once they are added up.
LARGEST = 1e100

Coefficients = Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A checked request: the ballots, the names of items and composites, the labels of the domains in order."""

    ballots: Ballots
    variables: tuple[str, ...]
    labels: tuple[str, ...]


def checked_request(
    design: Design,
    items: Mapping[str, ArrayLike],
    indices: Mapping[str, Coefficients],
    by: ArrayLike | Coded | None,
    where: ArrayLike | None,
) -> Request:
    """Raises `DesignError` for columns that are no numbers or of another length, and for faulty indices."""
    if not list(items):
        raise DesignError(Fault.NO_ITEMS)
    columns = [_column(name, values, design.n) for name, values in items.items()]
    member = None if where is None else np.asarray(where, dtype=bool)
    if member is not None and member.shape != (design.n,):
        raise DesignError(Fault.LENGTH, "where")
    slot, labels = _slots(design.n, by, member)
    ballots = Ballots(design, columns, _coefficients(list(items), indices), member, slot, len(labels))
    return Request(ballots, (*items, *indices), labels)


def _coefficients(names: list[str], indices: Mapping[str, Coefficients]) -> Floats:
    coefficients = np.zeros((len(names), len(indices)))
    place = {name: i for i, name in enumerate(names)}
    for j, (index, parts) in enumerate(indices.items()):
        if not parts:
            raise DesignError(Fault.NO_ITEMS, index)
        if unknown := [item for item in parts if item not in place]:
            raise DesignError(Fault.UNKNOWN_ITEM, f"{index}: {unknown[0]}")
        coefficients[[place[item] for item in parts], j] = list(parts.values())
    return coefficients


def _column(name: str, values: ArrayLike, n: int) -> NDArray[Any]:
    column = np.asarray(values)
    if column.dtype.kind not in "biuf":
        try:
            column = column.astype(np.float64)
        except (TypeError, ValueError):
            raise DesignError(Fault.NOT_NUMERIC, name) from None
    if column.shape != (n,):
        raise DesignError(Fault.LENGTH, name)
    if column.dtype.kind == "f":
        # The sum of squares, quicker than a look at each score, is small unless a score is not, or is a blank.
        with np.errstate(over="ignore", invalid="ignore"):
            fine = bool(np.dot(column, column) < LARGEST**2)
        if not fine and (bad := np.abs(column) > LARGEST).any():
            raise DesignError(Fault.NOT_FINITE, name, int(np.argmax(bad)))
    return column


def _slots(n: int, by: ArrayLike | Coded | None, member: Flags | None) -> tuple[Ints, tuple[str, ...]]:
    """0 without a domain, else 1.. in the order of the sorted labels of the members; these labels."""
    if by is None:
        return np.zeros(n, np.int64), ()
    codes, found = codes_of(by, n, "by", optional=True)
    if member is not None:
        codes = np.where(member, codes, -1)
    texts = [_label(value) for value in found.tolist()]
    used = np.flatnonzero(np.bincount(codes + 1, minlength=len(texts) + 1)[1:]).tolist()
    order = sorted(used, key=lambda code: _sort_key(texts[code]))
    place = np.zeros(len(texts) + 1, np.int64)  # code -1, no label, finds the last place
    place[order] = np.arange(1, len(order) + 1)
    labels = tuple(texts[code] for code in order)
    if OVERALL in labels:
        raise DesignError(Fault.RESERVED_DOMAIN, OVERALL)
    return place[codes], labels


def _label(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _sort_key(text: str) -> tuple[bool, float, str]:
    """Numbers, also those written as text, by size, before words."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    word = number != number
    return word, 0.0 if word else number, text


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """Domains that do not overlap, with their cells (K): the whole alone, or the domains of ``by``.

    ``slot`` (n,): the domain of each ballot, -1 for none. ``squares`` and ``auxiliary`` have a row for each domain.
    """

    domains: int
    slot: Ints
    psu: Ints
    domain: Ints
    groups: Groups
    tables: Tables
    squares: Floats
    auxiliary: Auxiliary | None

    def by_domain(self, values: Floats) -> Floats:
        return group_sums(self.domain, self.domains, values)


def systems(request: Request, sums: Sums) -> list[System]:
    """The whole, and the domains if there are any."""
    whole = _whole(request, sums)
    return [whole, _domains(request, sums)] if request.labels else [whole]


def _whole(request: Request, sums: Sums) -> System:
    design = request.ballots.design
    units = design.stratum_of_psu.size
    tables = sums.tables.summed(sums.psu, units) if request.ballots.domains else sums.tables
    psu, nothing = np.arange(units), np.zeros(units, np.int64)
    squares = sums.squares.sum(axis=0, keepdims=True)
    auxiliary = sums.auxiliary and Auxiliary(
        sums.auxiliary.total.sum(axis=0, keepdims=True), sums.auxiliary.weight.sum(axis=0, keepdims=True)
    )
    slot = np.zeros(design.n, np.int64)
    return System(1, slot, psu, nothing, groups_of(design, psu, nothing), tables, squares, auxiliary)


def _domains(request: Request, sums: Sums) -> System:
    ballots, inside = request.ballots, sums.slot > 0
    psu, domain, tables = sums.psu[inside], sums.slot[inside] - 1, sums.tables
    if not inside.all():
        tables = tables.take(inside)
    groups = groups_of(ballots.design, psu, domain)
    auxiliary = sums.auxiliary and Auxiliary(sums.auxiliary.total[1:], sums.auxiliary.weight[1:])
    return System(ballots.domains, ballots.slot - 1, psu, domain, groups, tables, sums.squares[1:], auxiliary)
