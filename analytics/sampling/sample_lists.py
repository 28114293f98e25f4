"""The lists that a sample is drawn from, and the faults that make them unfit.

A list is checked as a whole, whatever the seed would draw: a refusal that depends on the draw would invite a second
seed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from analytics.sampling.sample_design import SampleDesign, SampleStage, SelectionMethod, ShortageRule

LONGEST_CODE = 100
WHOLE = re.compile(r"\d{1,12}", re.ASCII)


class ListFault(StrEnum):
    """Why a list cannot be drawn from."""

    NO_CODE = "a code is missing or too long"
    UNKNOWN_LEVEL = "the design has no such level"
    DUPLICATE = "the code occurs twice"
    UNKNOWN_PARENT = "the parent is not in the list"
    NO_STRATUM = "the stratum is missing"
    UNKNOWN_STRATUM = "the design has no such stratum"
    EMPTY_STRATUM = "a stratum of the design has no unit"
    NO_SIZE = "the size is missing"
    BAD_SIZE = "the size is no whole number above 0"
    TOO_FEW = "fewer units than the design takes"
    CANNOT_SHARE = "the total cannot be shared among the strata"
    LIST_TOO_LONG = "a list holds more households than the village has"
    NO_UNITS = "there is no unit of this level"


@dataclass(frozen=True, slots=True)
class ListFinding:
    """A fault with its place: line (the header is line 1; 0: no line), code, and the numbers concerned."""

    kind: ListFault
    level: str
    line: int = 0
    code: str = ""
    what: str = ""
    have: int = 0
    need: int = 0
    in_households: bool = False


class ListError(ValueError):
    """The lists cannot be drawn from. Holds all faults together."""

    def __init__(self, faults: Sequence[ListFinding]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"line {fault.line}: {fault.kind.value} {fault.code}" for fault in self.faults[:5]))


@dataclass(frozen=True, slots=True)
class ListUnit:
    """A row of the list of units. ``columns`` holds all columns, for strata and sizes."""

    line: int
    level: str
    code: str
    name: str
    parent: str
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Household:
    """A row of the list of households. Codes are unique within the village."""

    line: int
    code: str
    village: str
    name: str = ""
    address: str = ""


class UnitTree:
    """The checked tree of units: children by level and parent, in the order of their codes."""

    def __init__(self, design: SampleDesign, units: Iterable[ListUnit]) -> None:
        """Build the tree. Raises `ListError` with every fault."""
        self.design = design
        rows = list(units)
        faults = _row_faults(design, rows)
        self._children: dict[tuple[str, str], list[ListUnit]] = defaultdict(list)
        for unit in sorted(rows, key=lambda unit: unit.code):
            self._children[unit.level, "" if unit.level == design.units[0].level else unit.parent].append(unit)
        if not faults:
            faults = list(chain.from_iterable(self._groups(at, stage) for at, stage in enumerate(design.units)))
        if faults:
            raise ListError(sorted(faults, key=lambda fault: fault.line))

    def children(self, level: str, parent: str) -> Sequence[ListUnit]:
        return self._children.get((level, parent), ())

    def all_of(self, level: str) -> list[ListUnit]:
        return list(chain.from_iterable(units for (at, _parent), units in self._children.items() if at == level))

    def _groups(self, at: int, stage: SampleStage) -> Iterable[ListFinding]:
        if at == 0:
            yield from group_faults(stage, self.children(stage.level, ""), None)
            return
        for parent in self.all_of(self.design.units[at - 1].level):
            yield from group_faults(stage, self.children(stage.level, parent.code), parent)


def by_stratum(stage: SampleStage, units: Sequence[ListUnit]) -> dict[str, list[ListUnit]]:
    """Return the units of one parent by stratum; one nameless stratum where the stage has none."""
    groups: dict[str, list[ListUnit]] = defaultdict(list)
    for unit in units:
        groups[unit.columns[stage.strata] if stage.strata else ""].append(unit)
    return dict(groups)


def size_of(unit: ListUnit, column: str | None) -> float | None:
    """Return the size in the column, or None where it is empty or not a whole number above 0.

    Sizes count something, so only digits are read: a separator may mean thousands or decimals, and a size that is wrong
    by a factor of a thousand would silently spoil the draw.
    """
    digits = WHOLE.fullmatch(unit.columns.get(column or "", ""))
    return float(digits[0]) if digits and int(digits[0]) else None


def households_by_village(
    design: SampleDesign, units: UnitTree, households: Iterable[Household]
) -> dict[str, list[Household]]:
    """Return the households of each village in the order of their codes. Raises `ListError` with every fault."""
    villages = {unit.code for unit in units.all_of(design.units[-1].level)}
    rows_of: dict[str, list[Household]] = defaultdict(list)
    earlier: set[tuple[str, str]] = set()
    faults = []
    for row in households:
        kind = _household(row, villages, earlier)
        if kind:
            what = row.village if kind is ListFault.UNKNOWN_PARENT else ""
            faults.append(ListFinding(kind, design.households.level, row.line, row.code, what, in_households=True))
        earlier.add((row.village, row.code))
        rows_of[row.village].append(row)
    if faults:
        raise ListError(faults)
    return {village: sorted(rows, key=lambda row: row.code) for village, rows in rows_of.items()}


def _household(row: Household, villages: set[str], earlier: set[tuple[str, str]]) -> ListFault | None:
    if not 0 < len(row.code) <= LONGEST_CODE:
        return ListFault.NO_CODE
    if row.village not in villages:
        return ListFault.UNKNOWN_PARENT
    return ListFault.DUPLICATE if (row.village, row.code) in earlier else None


def _row_faults(design: SampleDesign, rows: Sequence[ListUnit]) -> list[ListFinding]:
    stages = {stage.level: stage for stage in design.units}
    above = {lower.level: upper.level for upper, lower in zip(design.units, design.units[1:], strict=False)}
    times = Counter((unit.level, unit.code) for unit in rows)
    first: set[tuple[str, str]] = set()
    faults = []
    for unit in rows:
        if unit.level not in stages:
            faults.append(ListFinding(ListFault.UNKNOWN_LEVEL, unit.level, unit.line, unit.code))
            continue
        if (unit.level, unit.code) in first:
            faults.append(ListFinding(ListFault.DUPLICATE, unit.level, unit.line, unit.code))
        first.add((unit.level, unit.code))
        if unit.level in above and not times[above[unit.level], unit.parent]:
            faults.append(ListFinding(ListFault.UNKNOWN_PARENT, unit.level, unit.line, unit.code, unit.parent))
        faults.extend(_values(stages[unit.level], unit))
    present = {unit.level for unit in rows}
    faults.extend(ListFinding(ListFault.NO_UNITS, level) for level in stages if level not in present)
    return faults


def _values(stage: SampleStage, unit: ListUnit) -> Iterable[ListFinding]:
    if not 0 < len(unit.code) <= LONGEST_CODE:
        yield ListFinding(ListFault.NO_CODE, unit.level, unit.line)
    if stage.strata:
        stratum = unit.columns.get(stage.strata, "")
        if not stratum:
            yield ListFinding(ListFault.NO_STRATUM, unit.level, unit.line, unit.code, stage.strata)
        elif stage.take_by_stratum and stratum not in stage.take_by_stratum:
            yield ListFinding(ListFault.UNKNOWN_STRATUM, unit.level, unit.line, unit.code, stratum)
    if stage.size and size_of(unit, stage.size) is None:
        kind = ListFault.BAD_SIZE if unit.columns.get(stage.size) else ListFault.NO_SIZE
        yield ListFinding(kind, unit.level, unit.line, unit.code, stage.size)


def group_faults(stage: SampleStage, units: Sequence[ListUnit], parent: ListUnit | None) -> Iterable[ListFinding]:
    """Yield what keeps the stage from being drawn within one parent; ``parent`` None: the first stage."""
    place = (parent.line, parent.code) if parent else (0, "")
    groups = by_stratum(stage, units)
    if stage.total:
        yield from _total_faults(stage, stage.total, groups, place)
        return
    for stratum, need in stage.take_by_stratum.items() or (("", stage.take or 1),):
        have = len(groups.get(stratum, ()))
        fault = _stratum_fault(stage, stratum, have, need)
        if fault is not None:
            yield ListFinding(fault, stage.level, *place, stratum, have, need)


def _total_faults(
    stage: SampleStage, total: int, groups: Mapping[str, Sequence[ListUnit]], place: tuple[int, str]
) -> Iterable[ListFinding]:
    """Yield a fault where the total cannot be shared among the strata, each with at least ``at_least`` units."""
    sizes = [len(group) for group in groups.values()]
    least, have = sum(min(stage.at_least, size) for size in sizes), sum(sizes)
    if not least <= total <= have:
        kind = ListFault.CANNOT_SHARE if least > total else ListFault.TOO_FEW
        yield ListFinding(kind, stage.level, *place, have=have, need=total)


def _stratum_fault(stage: SampleStage, stratum: str, have: int, need: int) -> ListFault | None:
    if not have:
        return ListFault.EMPTY_STRATUM if stratum else ListFault.TOO_FEW
    if have < need and stage.short is ShortageRule.REFUSE and stage.select is not SelectionMethod.ALL:
        return ListFault.TOO_FEW
    return None
