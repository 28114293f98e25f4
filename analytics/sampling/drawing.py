"""Drawing a sample: units stage by stage, then households, with probabilities, weights and reserves.

The design weight of a household is 1 / the product of the probabilities with which its units and the household itself
were drawn (Horvitz and Thompson 1952). The same lists, in any order of rows, give the same sample with the same seed.
Each group (stage, parents, stratum) has its own random numbers, so a changed list does not change other groups.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from analytics.sampling.sample_design import SampleDesign, SampleStage, SelectionMethod, ShortageRule
from analytics.sampling.sample_lists import (
    Household,
    ListError,
    ListFault,
    ListFinding,
    ListUnit,
    UnitTree,
    by_stratum,
    households_by_village,
    size_of,
)
from analytics.sampling.sample_selection import (
    Floats,
    StageSelection,
    allocate_total,
    random_stream,
    select_simple,
    select_systematic,
)


@dataclass(frozen=True, slots=True)
class SampleBranch:
    """A chain of drawn units, from the top down, with their probabilities.

    ``stratum`` and ``psu`` are those of the ultimate-cluster variance. Units drawn with certainty are strata; the first
    unit that could have been left out is the first-stage unit. ``population`` is the number of first-stage units in its
    stratum. It is None for pps, which has no finite population correction.
    """

    chain: tuple[ListUnit, ...] = ()
    probabilities: tuple[float, ...] = ()
    stratum: tuple[str, ...] = ()
    psu: str | None = None
    population: int | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(unit.code for unit in self.chain)


@dataclass(frozen=True, slots=True)
class SampleBallot:
    """One household of the sample; ``number`` counts from 1.

    The probabilities are those of the units, of the listing (see `SampleStage.list_cap`) and of the household in its
    list.
    """

    number: int
    branch: SampleBranch
    household: Household
    probabilities: tuple[float, ...]
    psu: str
    population: int | None

    @property
    def probability(self) -> float:
        return prod(self.probabilities)

    @property
    def weight(self) -> float:
        return 1 / self.probability


@dataclass(frozen=True, slots=True)
class SampleReserve:
    """The ``rank``-th replacement (from 1): a unit for another of its group, or a household for one of its village."""

    level: str
    parents: tuple[str, ...]
    stratum: str
    rank: int
    unit: ListUnit | None = None
    household: Household | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A drawn sample. ``villages`` are the units of the last stage above households.

    ``ballots`` is empty where no list of households was given. ``unknown_listing`` names villages whose list was cut
    from an unknown number of households.
    """

    design: SampleDesign
    seed: int
    villages: tuple[SampleBranch, ...]
    ballots: tuple[SampleBallot, ...]
    reserves: tuple[SampleReserve, ...]
    unknown_listing: tuple[str, ...] = ()

    @property
    def households(self) -> float:
        """Estimated households of the population: the sum of the weights."""
        return float(sum(ballot.weight for ballot in self.ballots))

    @property
    def weighting_effect(self) -> float:
        """Factor of the variance due to unequal weights: n sum(w^2) / sum(w)^2 = 1 + cv^2 (Kish 1992); 1 if equal."""
        weights = np.array([ballot.weight for ballot in self.ballots])
        return float(len(weights) * (weights**2).sum() / weights.sum() ** 2)

    @property
    def lonely_strata(self) -> tuple[str, ...]:
        """Strata with a single first-stage unit, which have no variance within the stratum (`design.SinglePsu`)."""
        units: dict[tuple[str, ...], set[str]] = {}
        for ballot in self.ballots:
            units.setdefault(ballot.branch.stratum, set()).add(ballot.psu)
        return tuple("/".join(stratum) for stratum, psus in units.items() if len(psus) == 1)


def draw_sample(
    design: SampleDesign, units: Iterable[ListUnit], households: Iterable[Household] | None, seed: int
) -> Sample:
    """Draw a sample. Without ``households`` only the units are drawn, so that lists are needed for these villages only.

    A second draw with the lists and the same seed gives the same villages. Raises `ListError` for faulty or short
    lists.
    """
    tree = UnitTree(design, units)
    reserves: list[SampleReserve] = []
    branches = [SampleBranch()]
    for stage in design.units:
        branches = _draw_stage(stage, tree, branches, seed, reserves)
    if households is None:
        return Sample(design, seed, villages=tuple(branches), ballots=(), reserves=tuple(reserves))
    lists = households_by_village(design, tree, households)
    _refuse_short_lists(design, branches, lists)
    ballots: list[SampleBallot] = []
    for branch in branches:
        ballots += _households(design.households, branch, lists[branch.codes[-1]], seed, len(ballots), reserves)
    unknown = [branch.codes[-1] for branch in branches if _listing(design.households, branch, lists) is None]
    return Sample(
        design,
        seed,
        villages=tuple(branches),
        ballots=tuple(ballots),
        reserves=tuple(reserves),
        unknown_listing=tuple(unknown),
    )


def _draw_stage(
    stage: SampleStage, tree: UnitTree, branches: list[SampleBranch], seed: int, reserves: list[SampleReserve]
) -> list[SampleBranch]:
    """Return the branches of one stage below all branches of the stage above."""
    longer: list[SampleBranch] = []
    for above in branches:
        longer += _units(stage, tree, above, seed, reserves)
    return longer


def _units(
    stage: SampleStage, tree: UnitTree, above: SampleBranch, seed: int, reserves: list[SampleReserve]
) -> Iterator[SampleBranch]:
    """Yield the units drawn below one branch, in the order of their codes. Reserves are appended to ``reserves``."""
    groups = by_stratum(stage, tree.children(stage.level, above.codes[-1] if above.chain else ""))
    counts = _planned_counts(stage, groups)
    for stratum, group in sorted(groups.items()):
        names = (stage.level, *above.codes, *((stratum,) if stratum else ()))
        selection = _select(stage, group, counts[stratum], seed, names)
        ranks = enumerate(selection.reserves, 1)
        reserves += [SampleReserve(stage.level, above.codes, stratum, rank, unit=group[at]) for rank, at in ranks]
        for at, p in zip(selection.positions, selection.probabilities, strict=True):
            yield _grow_branch(stage, above, stratum, group, at, p)


def _planned_counts(stage: SampleStage, groups: dict[str, list[ListUnit]]) -> dict[str, int]:
    """Return how many units are drawn in each stratum of a group."""
    counts = {stratum: len(group) for stratum, group in groups.items()}
    if stage.select is SelectionMethod.ALL:
        return counts
    if stage.total:
        sizes = {stratum: _stratum_size(stage, group) for stratum, group in groups.items()}
        return allocate_total(stage.total, sizes, counts, stage.at_least)
    return {s: min(stage.take_by_stratum.get(s, stage.take or 0), count) for s, count in counts.items()}


def _stratum_size(stage: SampleStage, group: Sequence[ListUnit]) -> float:
    """Return the sum of the sizes; a unit without a size counts 1."""
    return sum(size_of(unit, stage.size) or 1.0 for unit in group)


def _select(stage: SampleStage, group: Sequence[ListUnit], n: int, seed: int, names: tuple[str, ...]) -> StageSelection:
    if stage.select is not SelectionMethod.PPS:
        return select_simple(random_stream(seed, *names), len(group), n, stage.reserves)
    return select_systematic(random_stream(seed, *names), _sizes(stage, group), n, stage.reserves, stage.order)


def _sizes(stage: SampleStage, group: Sequence[ListUnit]) -> Floats:
    return np.array([size_of(unit, stage.size) for unit in group], dtype=np.float64)


def _grow_branch(
    stage: SampleStage, above: SampleBranch, stratum: str, group: Sequence[ListUnit], at: int, p: float
) -> SampleBranch:
    """Return the branch with the unit ``group[at]`` added. The docstring of `SampleBranch` says what it carries."""
    unit = group[at]
    chain, probabilities = (*above.chain, unit), (*above.probabilities, p)
    if above.psu is not None:
        return SampleBranch(chain, probabilities, above.stratum, above.psu, above.population)
    inside = (*above.stratum, *((stratum,) if stratum else ()))
    if p < 1:
        population = len(group) if stage.select is SelectionMethod.SRSWOR else None
        return SampleBranch(chain, probabilities, inside, unit.code, population)
    return SampleBranch(chain, probabilities, (*inside, unit.code))


def _refuse_short_lists(
    design: SampleDesign, branches: Sequence[SampleBranch], lists: dict[str, list[Household]]
) -> None:
    findings: list[ListFinding] = []
    for branch in branches:
        findings += _short_lists(design, branch, lists)
    if findings:
        raise ListError(findings)


def _short_lists(
    design: SampleDesign, branch: SampleBranch, lists: dict[str, list[Household]]
) -> Iterator[ListFinding]:
    """Yield a finding where a village has too few households on its list, or fewer than its cut list has."""
    stage, village = design.households, branch.chain[-1]
    have = len(lists.get(village.code, ()))
    need = 1 if stage.short is ShortageRule.ALL or stage.select is SelectionMethod.ALL else stage.planned
    if have < need:
        yield ListFinding(ListFault.TOO_FEW, stage.level, village.line, village.code, have=have, need=need)
    size = size_of(village, stage.list_size)
    if stage.list_cap and size is not None and have == stage.list_cap and size < have:
        yield ListFinding(ListFault.LIST_TOO_LONG, stage.level, village.line, village.code, have=have, need=round(size))


def _listing(stage: SampleStage, branch: SampleBranch, lists: dict[str, list[Household]]) -> float | None:
    """Return the share of the village's households on its list: 1 for a list that was not cut, None if unknown."""
    village = branch.chain[-1]
    listed = len(lists[village.code])
    if listed != stage.list_cap:
        return 1.0
    size = size_of(village, stage.list_size)
    return None if size is None else listed / size


def _households(
    stage: SampleStage,
    branch: SampleBranch,
    listed: list[Household],
    seed: int,
    before: int,
    reserves: list[SampleReserve],
) -> Iterator[SampleBallot]:
    """Yield the ballots of one village, numbered from ``before`` + 1. Reserves are appended to ``reserves``."""
    n = len(listed) if stage.select is SelectionMethod.ALL else min(stage.planned, len(listed))
    selection = select_simple(random_stream(seed, stage.level, *branch.codes), len(listed), n, stage.reserves)
    share = _listing(stage, branch, {branch.codes[-1]: listed}) or 1.0
    ranks = enumerate(selection.reserves, 1)
    reserves += [SampleReserve(stage.level, branch.codes, "", rank, household=listed[at]) for rank, at in ranks]
    # Where every unit above is certain, the households themselves are the first-stage units.
    is_first_stage = branch.psu is None
    for number, at in enumerate(selection.positions, before + 1):
        household = listed[at]
        yield SampleBallot(
            number=number,
            branch=branch,
            household=household,
            probabilities=(*branch.probabilities, share, selection.probabilities[0]),
            psu=household.code if is_first_stage else str(branch.psu),
            population=round(len(listed) / share) if is_first_stage else branch.population,
        )
