"""The request of an estimate: items, composites, members and domains, checked, with its systems of domains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.estimation.blocks import BallotColumns
from analytics.estimation.design import (
    CodedColumn,
    DesignError,
    DesignFault,
    Flags,
    Floats,
    Ints,
    SurveyDesign,
    codes_of,
    group_sums,
)
from analytics.estimation.first_stage import AuxiliarySums, CellTables, FirstStageSums
from analytics.estimation.variance import StratumGroups, groups_of

OVERALL = "ALL"
# The sums of the squares of larger scores could overflow.
LARGEST = 1e100

Coefficients = Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class EstimateRequest:
    """A checked request: the ballots, the names of items and composites, and the labels of the domains in order."""

    ballots: BallotColumns
    variables: tuple[str, ...]
    labels: tuple[str, ...]


def checked_request(
    design: SurveyDesign,
    items: Mapping[str, ArrayLike],
    indices: Mapping[str, Coefficients],
    by: ArrayLike | CodedColumn | None,
    where: ArrayLike | None,
) -> EstimateRequest:
    """Check a request. Raises `DesignError` for columns without numbers or of another length, and for faulty indices.

    ``indices``: name -> item -> coefficient. ``by``: n labels of domains. ``where``: n flags of the ballots to use.
    """
    if not list(items):
        raise DesignError(DesignFault.NO_ITEMS)
    columns = [_column(name, values, design.n) for name, values in items.items()]
    member = None if where is None else np.asarray(where, dtype=bool)
    if member is not None and member.shape != (design.n,):
        raise DesignError(DesignFault.LENGTH, "where")
    slot, labels = _slots(design.n, by, member)
    ballots = BallotColumns(design, columns, _coefficients(list(items), indices), member, slot, len(labels))
    return EstimateRequest(ballots, (*items, *indices), labels)


def _coefficients(names: list[str], indices: Mapping[str, Coefficients]) -> Floats:
    """Return the coefficients of the composites (items x composites)."""
    coefficients = np.zeros((len(names), len(indices)))
    position = {name: i for i, name in enumerate(names)}
    for j, (index, parts) in enumerate(indices.items()):
        if not parts:
            raise DesignError(DesignFault.NO_ITEMS, index)
        if unknown := [item for item in parts if item not in position]:
            raise DesignError(DesignFault.UNKNOWN_ITEM, f"{index}: {unknown[0]}")
        coefficients[[position[item] for item in parts], j] = list(parts.values())
    return coefficients


def _column(name: str, values: ArrayLike, n: int) -> NDArray[Any]:
    column = np.asarray(values)
    if column.dtype.kind not in "biuf":
        try:
            column = column.astype(np.float64)
        except (TypeError, ValueError):
            raise DesignError(DesignFault.NOT_NUMERIC, name) from None
    if column.shape != (n,):
        raise DesignError(DesignFault.LENGTH, name)
    return column


def check_finite(request: EstimateRequest, sums: FirstStageSums) -> None:
    """Raise `DesignError` for the largest score of an item whose sums of squares are too large or not finite."""
    items = sums.squares[:, : len(request.ballots.columns)]
    if (fine := (items < LARGEST**2).all(axis=0)).all():
        return
    worst = int(np.argmin(fine))
    column = np.abs(np.asarray(request.ballots.columns[worst], dtype=np.float64))
    raise DesignError(DesignFault.NOT_FINITE, request.variables[worst], int(np.nanargmax(column)))


def _slots(n: int, by: ArrayLike | CodedColumn | None, member: Flags | None) -> tuple[Ints, tuple[str, ...]]:
    """Return the slot of each ballot, and the sorted labels of the domains that have members.

    A slot is 0 without a domain, else 1, 2, ... in the order of the labels. Raises `DesignError` for a domain that has
    the name of the whole.
    """
    if by is None:
        return np.zeros(n, np.int64), ()
    codes, values = codes_of(by, n, "by", optional=True)
    if member is not None:
        codes = np.where(member, codes, -1)
    texts = [_label(value) for value in values.tolist()]
    used = np.flatnonzero(np.bincount(codes + 1, minlength=len(texts) + 1)[1:]).tolist()
    order = sorted(used, key=lambda code: _sort_key(texts[code]))
    slot_of_code = np.zeros(len(texts) + 1, np.int64)  # code -1 (no label) reads the last element, slot 0
    slot_of_code[order] = np.arange(1, len(order) + 1)
    labels = tuple(texts[code] for code in order)
    if OVERALL in labels:
        raise DesignError(DesignFault.RESERVED_DOMAIN, OVERALL)
    return slot_of_code[codes], labels


def _label(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _sort_key(text: str) -> tuple[bool, float, str]:
    """Return a key that puts numbers (also written as text) first, by size, and then words."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    is_word = number != number  # not a number
    return is_word, 0.0 if is_word else number, text


@dataclass(frozen=True, slots=True, eq=False)
class DomainSystem:
    """Domains that do not overlap, with their K cells: the whole as one domain, or the domains of ``by``.

    ``cell_of``: the cell here of each cell of the first pass, -1 for none. ``unit`` and ``domain`` (K,) are those of
    each cell. ``squares`` and ``auxiliary`` have a row for each domain.
    """

    domains: int
    cell_of: Ints
    unit: Ints
    domain: Ints
    groups: StratumGroups
    tables: CellTables
    squares: Floats
    auxiliary: AuxiliarySums | None

    def by_domain(self, values: Floats) -> Floats:
        return group_sums(self.domain, self.domains, values)


def domain_systems(request: EstimateRequest, sums: FirstStageSums) -> list[DomainSystem]:
    """Return the system of the whole, and the system of the domains if the request has any."""
    design = request.ballots.design
    strata = np.arange(design.units.size) if sums.alone else design.stratum_of_psu
    whole = _whole(request, sums, strata)
    return [whole, _domains(request, sums, strata)] if request.labels else [whole]


def _whole(request: EstimateRequest, sums: FirstStageSums, strata: Ints) -> DomainSystem:
    units = strata.size
    one_cell_each = sums.unit.size == units
    tables = sums.tables if one_cell_each else sums.tables.summed(sums.unit, units)
    unit, domain = np.arange(units), np.zeros(units, np.int64)
    squares = sums.squares.sum(axis=0, keepdims=True)
    auxiliary = sums.auxiliary and AuxiliarySums(
        sums.auxiliary.total.sum(axis=0, keepdims=True), sums.auxiliary.weight.sum(axis=0, keepdims=True)
    )
    return DomainSystem(
        domains=1,
        cell_of=sums.unit,
        unit=unit,
        domain=domain,
        groups=groups_of(strata, unit, domain),
        tables=tables,
        squares=squares,
        auxiliary=auxiliary,
    )


def _domains(request: EstimateRequest, sums: FirstStageSums, strata: Ints) -> DomainSystem:
    ballots, inside = request.ballots, sums.slot > 0
    unit, domain, tables = sums.unit[inside], sums.slot[inside] - 1, sums.tables
    if not inside.all():
        tables = tables.take(inside)
    return DomainSystem(
        domains=ballots.domains,
        cell_of=np.where(inside, np.cumsum(inside) - 1, -1),
        unit=unit,
        domain=domain,
        groups=groups_of(strata, unit, domain),
        tables=tables,
        squares=sums.squares[1:],
        auxiliary=sums.auxiliary and AuxiliarySums(sums.auxiliary.total[1:], sums.auxiliary.weight[1:]),
    )
