"""How large a sample must be: margins, design effect, ranks that can be told apart, cost; before anything is drawn.

The model: a score is mean + effect of its district + ... + effect of its village + rest, with variances that are shares
``icc`` of sd^2. With n_s units of stage s in the sample, out of N_s, a mean has the variance

    V = sd^2 (sum over s of icc_s (1/n_s - 1/N_s) + (1 - sum of icc) (1/n - 1/N))

(1/N = 0 where unknown), which is that of multistage simple random sampling (Cochran 1977, sections 10.3 and 10.8) with
variances written as components. Without finite populations and with villages alone V = sd^2/n (1 + (m - 1) icc) with m
ballots per village: the design effect of Kish (1965, section 5.4). Unequal weights come on top
(`analytics.sampling.drawing.Sample.weighting_effect`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, inf, prod, sqrt

from scipy.stats import norm, t

from analytics.sampling.sample_design import SampleDesign, SampleStage, SelectionMethod


class PlanError(ValueError):
    """An assumption is out of range; the message is its name."""


@dataclass(frozen=True, slots=True)
class PlanAssumptions:
    """What is wanted and supposed.

    ``margin`` in index points (0..100); ``sd`` in scores of a scale up to ``scale``; ``icc`` by level of the design
    (empty: 0.05 at the lowest units); costs in any one currency; ``spread`` the standard deviation of the true values
    of the ``peers`` ranked with the whole (None: those of the design).
    """

    margin: float = 2.5
    sd: float = 0.65
    scale: int = 5
    icc: Mapping[str, float] = field(default_factory=dict)
    level: float = 0.95
    power: float = 0.8
    cost_village: float | None = None
    cost_interview: float | None = None
    spread: float | None = None
    peers: int | None = None

    @property
    def points(self) -> float:
        """Standard deviation in index points: 100 sd / scale."""
        return 100 * self.sd / self.scale

    @property
    def z(self) -> float:
        return float(norm.ppf((1 + self.level) / 2))


@dataclass(frozen=True, slots=True)
class SampleSize:
    """So many villages and ballots for one unit, and what they cost (None without costs)."""

    villages: int
    ballots: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class RankResolution:
    """How well units of this kind, each surveyed so, can be put in order; see `rank_resolution`."""

    units: int
    spread: float
    told_apart: float
    interval: float
    interval_joint: float


@dataclass(frozen=True, slots=True)
class LevelOutlook:
    """What the design gives for one unit of a level ("" for the whole), in index points.

    ``margin`` is half the interval by the normal distribution, ``margin_t`` by Student's t with ``df`` (first-stage
    units minus strata: what the estimate will be given with; None where df is 0). ``fpc`` is the factor of the finite
    population on the variance. ``needed`` reaches the wanted margin with as many ballots per village; None where no
    number of villages does. ``change_seen``: least observed difference of two independent rounds that is significant;
    ``change_found``: least true change that is found significant with the wanted power.
    """

    level: str
    villages: int
    ballots: int
    deff: float
    fpc: float
    se: float
    margin: float
    df: int
    margin_t: float | None
    change_seen: float
    change_found: float
    cost: float | None
    needed: SampleSize | None
    ranks: RankResolution | None


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """Outlooks from the whole down to one village. ``per_village`` is the number of ballots per village that gives the
    smallest variance for the money (None without costs or without clustering)."""

    design: SampleDesign
    assumptions: PlanAssumptions
    outlooks: tuple[LevelOutlook, ...]
    per_village: float | None


def plan_sample(design: SampleDesign, assumptions: PlanAssumptions) -> SamplePlan:
    """What the design gives for the whole and for one unit of each level. Raises `PlanError`."""
    _check(design, assumptions)
    outlooks = tuple(_outlook(design, at, assumptions) for at in range(len(design.stages)))
    return SamplePlan(design, assumptions, outlooks, _per_village(design, assumptions))


def rank_resolution(se: float, units: int, spread: float, level: float = 0.95) -> RankResolution:
    """Ranks of ``units`` estimates with error ``se``, whose true values are normal with standard deviation ``spread``.

    told_apart: z sqrt(2) se, the least observed difference of two of them that is significant. interval: the expected
    number of ranks a unit may hold beyond its own, i.e. of units it cannot be told apart from:
    (units - 1)(2 Phi(z se / sqrt(spread^2 + se^2)) - 1), as two estimates differ with variance 2 (spread^2 + se^2).
    interval_joint: the same with z for all the unit's comparisons together (Bonferroni; Klein, Wright and Wieczorek
    2020, JRSS C 69(3), 589-606).
    """
    one = float(norm.ppf((1 + level) / 2))
    joint = float(norm.ppf(1 - (1 - level) / (2 * (units - 1))))
    wide, wider = ((units - 1) * float(2 * norm.cdf(z * se / sqrt(spread**2 + se**2)) - 1) for z in (one, joint))
    return RankResolution(units, spread, one * sqrt(2) * se, wide, wider)


@dataclass(frozen=True)
class _StageLayer:
    """A stage below one unit: n_s in the sample, N_s in the population (inf: unknown), its share of the variance."""

    stage: SampleStage
    sampled: int
    population: float
    share: float

    @property
    def fixed(self) -> bool:
        """All of them are taken: the number is not ours to choose and adds nothing to the variance."""
        return self.stage.select is SelectionMethod.ALL


@dataclass(frozen=True)
class _StageTree:
    """The stages below one unit; the last layer is that of households."""

    layers: tuple[_StageLayer, ...]

    @property
    def ballots(self) -> int:
        return self.layers[-1].sampled

    @property
    def scaled(self) -> int:
        """What the number of ballots is changed by: villages, or ballots themselves within one village."""
        return self.layers[-2].sampled if len(self.layers) > 1 else self.ballots

    @cached_property
    def infinite(self) -> float:
        """V / sd^2 times the scaled number, without finite populations."""
        return sum(layer.share * self.scaled / layer.sampled for layer in self.layers if not layer.fixed)

    @cached_property
    def removed(self) -> float:
        """What finite populations take off V / sd^2, whatever the size of the sample."""
        return sum(layer.share / layer.population for layer in self.layers if not layer.fixed)

    @property
    def deff(self) -> float:
        """V without finite populations over sd^2 / n."""
        return self.infinite / self.scaled * self.ballots

    def needed(self, variance: float) -> tuple[int, int] | None:
        """The least villages (1 within one) and ballots with V / sd^2 at most ``variance``, if there are so many."""
        least = ceil(self.infinite / (variance + self.removed) - 1e-9)
        if len(self.layers) == 1:
            return 1, least
        least = max([least, *(layer.sampled for layer in self.layers[:-1] if layer.fixed)])
        if least > self.layers[-2].population:
            return None
        return least, least * (self.ballots // self.scaled)


def _tree(design: SampleDesign, at: int, icc: Mapping[str, float]) -> _StageTree:
    rest = 1 - sum(icc.get(stage.level, 0.0) for stage in design.units)
    layers, sampled, population = [], 1, 1.0
    for stage in design.stages[at:]:
        sampled *= stage.planned
        population *= stage.of or inf
        share = rest if stage is design.households else icc.get(stage.level, 0.0)
        layers.append(_StageLayer(stage, sampled, population, share))
    return _StageTree(tuple(layers))


def _outlook(design: SampleDesign, at: int, wanted: PlanAssumptions) -> LevelOutlook:
    tree = _tree(design, at, _shares(design, wanted))
    infinite = tree.infinite / tree.scaled
    variance = max(infinite - tree.removed, 0.0)
    se = wanted.points * sqrt(variance)
    df = _freedom(tree)
    villages = tree.scaled if len(tree.layers) > 1 else 1
    needed = tree.needed((wanted.margin / wanted.z / wanted.points) ** 2)
    return LevelOutlook(
        level=design.stages[at - 1].level if at else "",
        villages=villages,
        ballots=tree.ballots,
        deff=tree.deff,
        fpc=variance / infinite if infinite else 1.0,
        se=se,
        margin=wanted.z * se,
        df=df,
        margin_t=float(t.ppf((1 + wanted.level) / 2, df)) * se if df else None,
        change_seen=wanted.z * sqrt(2) * se,
        change_found=(wanted.z + float(norm.ppf(wanted.power))) * sqrt(2) * se,
        cost=_cost(wanted, villages, tree.ballots),
        needed=SampleSize(*needed, _cost(wanted, *needed)) if needed else None,
        ranks=_ranks(design, at, wanted, se),
    )


def _freedom(tree: _StageTree) -> int:
    """First-stage units minus strata, where the first stage that leaves units out is the first stage."""
    above = 1
    for layer in tree.layers:
        if not layer.fixed:
            strata = above * max(1, len(layer.stage.take_by_stratum))
            return max(0, layer.sampled - strata)
        above = layer.sampled
    return 0


def _ranks(design: SampleDesign, at: int, wanted: PlanAssumptions, se: float) -> RankResolution | None:
    """Of the whole among its peers; of a unit among all of its level, where their number is known."""
    spread = wanted.spread or design.spread
    known = [stage.of for stage in design.stages[:at]]
    units = prod(n for n in known if n) if all(known) else 0
    if at == 0:
        units = wanted.peers or design.peers
    return rank_resolution(se, units, spread, wanted.level) if units > 1 else None


def _shares(design: SampleDesign, wanted: PlanAssumptions) -> Mapping[str, float]:
    return wanted.icc or {design.units[-1].level: 0.05}


def _cost(wanted: PlanAssumptions, villages: int, ballots: int) -> float | None:
    if wanted.cost_village is None or wanted.cost_interview is None:
        return None
    return villages * wanted.cost_village + ballots * wanted.cost_interview


def _per_village(design: SampleDesign, wanted: PlanAssumptions) -> float | None:
    """sqrt(cost of a village / cost of an interview x (1 - icc) / icc) (Cochran 1977, section 10.6), at least 1."""
    icc = _shares(design, wanted).get(design.units[-1].level, 0.0)
    if not icc or not wanted.cost_village or not wanted.cost_interview:
        return None
    rest = 1 - sum(_shares(design, wanted).values())
    return max(1.0, sqrt(wanted.cost_village / wanted.cost_interview * rest / icc))


def _check(design: SampleDesign, wanted: PlanAssumptions) -> None:
    shares = _shares(design, wanted)
    tests = {
        "margin": 0 < wanted.margin < 100,
        "sd": 0 < wanted.sd <= wanted.scale,
        "icc": all(0 <= share < 1 for share in shares.values()) and sum(shares.values()) < 1,
        "level": 0.5 <= wanted.level < 1,
        "power": 0 < wanted.power < 1,
        "spread": wanted.spread is None or 0 < wanted.spread < 100,
        "peers": wanted.peers is None or 1 < wanted.peers <= 1_000_000,
        "cost": all(cost is None or 0 <= cost < 1e15 for cost in (wanted.cost_village, wanted.cost_interview)),
        "icc level": shares.keys() <= {stage.level for stage in design.units},
        "of": all(stage.planned for stage in design.stages),
    }
    for name, fine in tests.items():
        if not fine:
            raise PlanError(name)
