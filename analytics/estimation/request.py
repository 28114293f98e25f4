"""What is asked of a survey: items, composites, members and domains, checked; and its non-overlapping domains."""

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
# Scores above this have squares that leave the numbers once they are added up.
LARGEST = 1e100

Coefficients = Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class EstimateRequest:
    """A checked request: the ballots, the names of items and composites, the labels of the domains in order."""

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
    """Raises `DesignError` for columns that are no numbers or of another length, and for faulty indices."""
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
    coefficients = np.zeros((len(names), len(indices)))
    place = {name: i for i, name in enumerate(names)}
    for j, (index, parts) in enumerate(indices.items()):
        if not parts:
            raise DesignError(DesignFault.NO_ITEMS, index)
        if unknown := [item for item in parts if item not in place]:
            raise DesignError(DesignFault.UNKNOWN_ITEM, f"{index}: {unknown[0]}")
        coefficients[[place[item] for item in parts], j] = list(parts.values())
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
    """Raises `DesignError` for the score that made the sums leave the numbers."""
    items = sums.squares[:, : len(request.ballots.columns)]
    if (fine := (items < LARGEST**2).all(axis=0)).all():
        return
    worst = int(np.argmin(fine))
    column = np.abs(np.asarray(request.ballots.columns[worst], dtype=np.float64))
    raise DesignError(DesignFault.NOT_FINITE, request.variables[worst], int(np.nanargmax(column)))


def _slots(n: int, by: ArrayLike | CodedColumn | None, member: Flags | None) -> tuple[Ints, tuple[str, ...]]:
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
        raise DesignError(DesignFault.RESERVED_DOMAIN, OVERALL)
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
class DomainSystem:
    """Domains that do not overlap, with their cells (K): the whole alone, or the domains of ``by``.

    ``cell_of``: the cell of each cell of the first pass, -1 for none. ``squares`` and ``auxiliary`` have a row for each
    domain.
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
    """The whole, and the domains if there are any."""
    design = request.ballots.design
    strata = np.arange(design.units.size) if sums.alone else design.stratum_of_psu
    whole = _whole(request, sums, strata)
    return [whole, _domains(request, sums, strata)] if request.labels else [whole]


def _whole(request: EstimateRequest, sums: FirstStageSums, strata: Ints) -> DomainSystem:
    units = strata.size
    same = sums.unit.size == units
    tables = sums.tables if same else sums.tables.summed(sums.unit, units)
    unit, nothing = np.arange(units), np.zeros(units, np.int64)
    squares = sums.squares.sum(axis=0, keepdims=True)
    auxiliary = sums.auxiliary and AuxiliarySums(
        sums.auxiliary.total.sum(axis=0, keepdims=True), sums.auxiliary.weight.sum(axis=0, keepdims=True)
    )
    groups = groups_of(strata, unit, nothing)
    return DomainSystem(1, sums.unit, unit, nothing, groups, tables, squares, auxiliary)


def _domains(request: EstimateRequest, sums: FirstStageSums, strata: Ints) -> DomainSystem:
    ballots, inside = request.ballots, sums.slot > 0
    unit, domain, tables = sums.unit[inside], sums.slot[inside] - 1, sums.tables
    if not inside.all():
        tables = tables.take(inside)
    cell_of = np.where(inside, np.cumsum(inside) - 1, -1)
    groups = groups_of(strata, unit, domain)
    auxiliary = sums.auxiliary and AuxiliarySums(sums.auxiliary.total[1:], sums.auxiliary.weight[1:])
    return DomainSystem(ballots.domains, cell_of, unit, domain, groups, tables, sums.squares[1:], auxiliary)
