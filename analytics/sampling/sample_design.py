"""Sampling designs as data: stages, strata, number per stage, method of selection.

The shipped designs are the files in ``analytics/data/designs``; any TOML file of the same form is a design. The last
stage is that of households, which have their own list; the stages above it are units.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from math import prod
from typing import Any

from analytics.methods import BilingualText, MethodEvidence

DESIGNS = ("lai-chau-2023", "communes-all", "communes-drawn")
MOST = 1_000_000


class SampleDesignError(ValueError):
    """A part of a design is missing or wrong."""


class SelectionMethod(StrEnum):
    """How a stage is drawn.

    srswor: simple random sampling without replacement. pps: systematic with probability proportional to size. all:
    every unit, with certainty.
    """

    SRSWOR = "srswor"
    PPS = "pps"
    ALL = "all"


class ListOrder(StrEnum):
    """Order of the list before a systematic draw: shuffled, or by code (this spreads the sample over the list)."""

    RANDOM = "random"
    CODE = "code"


class ShortageRule(StrEnum):
    """What happens to a parent with fewer units than planned: the list is refused, or all its units are taken."""

    REFUSE = "refuse"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class SampleStage:
    """One stage of a design.

    The number taken in each parent is ``take``; or ``take_by_stratum`` for each stratum; or ``total``, shared among the
    strata in proportion to size (``at_least`` each); or all. ``of`` is the usual number in one parent, for plans made
    before lists exist. Only for households: a list with ``list_cap`` rows was cut at random from a village with as many
    households as its column ``list_size`` says.
    """

    level: str
    name: BilingualText
    select: SelectionMethod
    take: int | None = None
    take_by_stratum: Mapping[str, int] = field(default_factory=dict)
    total: int | None = None
    at_least: int = 1
    strata: str | None = None
    size: str | None = None
    order: ListOrder = ListOrder.RANDOM
    short: ShortageRule = ShortageRule.REFUSE
    reserves: int = 0
    of: int | None = None
    list_cap: int | None = None
    list_size: str | None = None

    @property
    def planned(self) -> int:
        """How many the design takes in one parent, over all strata."""
        if self.select is SelectionMethod.ALL:
            return self.of or 0
        return self.take or self.total or sum(self.take_by_stratum.values())


@dataclass(frozen=True, slots=True)
class SampleDesign:
    """A checked design.

    ``peers`` units are ranked with each other; ``spread`` is the standard deviation of their true values, in points.
    """

    code: str
    name: BilingualText
    year: int
    source: str
    stages: tuple[SampleStage, ...]
    peers: int
    spread: float
    evidence: Mapping[str, MethodEvidence]

    @property
    def units(self) -> tuple[SampleStage, ...]:
        """The stages of units, without that of households."""
        return self.stages[:-1]

    @property
    def households(self) -> SampleStage:
        return self.stages[-1]

    @property
    def ballots(self) -> int:
        """Ballots of the whole design; 0 where a stage takes all of an unknown number."""
        return prod(stage.planned for stage in self.stages)


@lru_cache
def load_design(code: str) -> SampleDesign:
    """Return the shipped design of this code. Raises `SampleDesignError` for an unknown code."""
    if code not in DESIGNS:
        raise SampleDesignError(f"no design {code!r}; there are {', '.join(DESIGNS)}")
    text = (files("analytics") / "data" / "designs" / f"{code}.toml").read_text(encoding="utf-8")
    return parse_design(tomllib.loads(text))


def parse_design(raw: Mapping[str, Any]) -> SampleDesign:
    """Check the parsed TOML of a design and return it. Raises `SampleDesignError` that names what is wrong."""
    try:
        design = SampleDesign(
            code=str(raw["code"]),
            name=BilingualText(raw["name_vi"], raw["name_en"]),
            year=int(raw["year"]),
            source=str(raw["source"]),
            stages=tuple(_stage(dict(stage)) for stage in raw["stage"]),
            peers=int(raw["ranking"]["units"]),
            spread=float(raw["ranking"]["spread"]),
            evidence={part: MethodEvidence(mark) for part, mark in raw["evidence"].items()},
        )
    except KeyError as error:
        raise SampleDesignError(f"the design lacks {error.args[0]!r}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise SampleDesignError(str(error)) from error
    _check(design)
    return design


def _stage(raw: dict[str, Any]) -> SampleStage:
    """Read one stage, and take its name out of ``raw``. Raises `TypeError` for an unknown or missing key."""
    name = BilingualText(raw.pop("name_vi"), raw.pop("name_en"))
    enums: dict[str, type[StrEnum]] = {"select": SelectionMethod, "order": ListOrder, "short": ShortageRule}
    values: dict[str, Any] = {key: enums[key](value) if key in enums else value for key, value in raw.items()}
    for column in {"strata", "size", "list_size"} & values.keys():
        values[column] = str(values[column]).casefold()  # the readers of lists fold their headings too
    stage = SampleStage(name=name, **values)
    _check_counts(stage)
    _check_stage(stage)
    return stage


def _check_counts(stage: SampleStage) -> None:
    counts = (stage.take, stage.total, stage.of, stage.list_cap, *stage.take_by_stratum.values())
    if any(type(n) is not int or not 0 < n <= MOST for n in counts if n is not None):
        raise SampleDesignError(f"{stage.level}: a number per stage must be a whole number above 0")
    if stage.at_least < 1 or not 0 <= stage.reserves <= MOST:
        raise SampleDesignError(f"{stage.level}: at_least or reserves is out of range")


def _check_stage(stage: SampleStage) -> None:
    ways = sum(map(bool, (stage.take, stage.take_by_stratum, stage.total, stage.select is SelectionMethod.ALL)))
    if ways != 1:
        raise SampleDesignError(f"{stage.level}: give one of take, take_by_stratum, total, or select = all")
    if bool(stage.strata) != bool(stage.take_by_stratum or stage.total):
        raise SampleDesignError(f"{stage.level}: strata go with take_by_stratum or total, and only with them")
    if (stage.select is SelectionMethod.PPS) != (stage.size is not None):
        raise SampleDesignError(f"{stage.level}: pps needs the column of sizes, and only it does")
    if bool(stage.list_cap) != bool(stage.list_size):
        raise SampleDesignError(f"{stage.level}: list_cap and list_size go together")


def _check(design: SampleDesign) -> None:
    _check_levels([stage.level for stage in design.stages])
    last = design.households
    if last.select is SelectionMethod.PPS or last.strata:
        raise SampleDesignError(f"{last.level}: households are drawn by srswor (or all of them), without strata")
    if any(stage.list_cap for stage in design.units):
        raise SampleDesignError("list_cap belongs to the last stage")
    if design.peers < 2 or design.spread <= 0:
        raise SampleDesignError("ranking needs two units or more and a spread above 0")
    if not 1 <= design.year <= 9999:
        raise SampleDesignError("the year is out of range")


def _check_levels(levels: list[str]) -> None:
    if len(levels) < 2 or len(set(levels)) < len(levels):
        raise SampleDesignError("a design needs two stages or more, each with a level of its own")
