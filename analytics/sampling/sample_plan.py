"""Planning of a sample before it is drawn: margins, design effect, distinguishable ranks, cost.

The model: a score is mean + effect of its district + ... + effect of its village + rest. The variances are shares
``icc`` of sd^2. With n_s of the N_s units of stage s in the sample, a mean has the variance

    V = sd^2 (sum over s of icc_s (1/n_s - 1/N_s) + (1 - sum of icc) (1/n - 1/N))

with 1/N = 0 where N is unknown. This is the variance of multistage simple random sampling (Cochran 1977, sections 10.3
and 10.8), written in components. Without finite populations and with villages as the only stage it is
V = sd^2/n (1 + (m - 1) icc) with m ballots per village, the design effect of Kish (1965, section 5.4). Unequal weights
are a further factor (`analytics.sampling.drawing.Sample.weighting_effect`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, inf, prod, sqrt

from scipy.stats import norm, t

from analytics.sampling.sample_design import SampleDesign, SampleStage, SelectionMethod


class PlanError(ValueError):
    """An assumption is out of range. The message is the name of the assumption."""


@dataclass(frozen=True, slots=True)
class PlanAssumptions:
    """The goals and assumptions of a plan.

    ``margin`` is in index points (0..100); ``sd`` in scores of a scale up to ``scale``. ``icc`` is by level of the
    design; empty means 0.05 at the lowest units. All costs are in one currency. ``spread`` is the standard deviation of
    the true values of the ``peers`` ranked with the whole; None means the value of the design.
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
    """Number of villages and ballots for one unit, and their cost (None without costs)."""

    villages: int
    ballots: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class RankResolution:
    """How well units with this standard error can be ranked; see `rank_resolution`."""

    units: int
    spread: float
    told_apart: float
    interval: float
    interval_joint: float


@dataclass(frozen=True, slots=True)
class LevelOutlook:
    """What the design gives for one unit of a level ("" for the whole), in index points.

    ``margin`` is half the interval by the normal distribution. ``margin_t`` is half the interval by Student's t with
    ``df`` (first-stage units minus strata), which the estimate will have; it is None where df is 0. ``fpc`` is the
    factor of the finite population on the variance. ``needed`` reaches the wanted margin with the same ballots per
    village; it is None where no number of villages does. ``change_seen`` is the least observed difference of two
    independent rounds that is significant. ``change_found`` is the least true change that is significant with the
    wanted power.
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
    """Outlooks from the whole down to one village.

    ``per_village`` is the number of ballots per village with the smallest variance for the money; it is None without
    costs or without clustering.
    """

    design: SampleDesign
    assumptions: PlanAssumptions
    outlooks: tuple[LevelOutlook, ...]
    per_village: float | None


def plan_sample(design: SampleDesign, assumptions: PlanAssumptions) -> SamplePlan:
    """Return what the design gives for the whole and for one unit of each level. Raises `PlanError`."""
    _check(design, assumptions)
    outlooks = tuple(_outlook(design, at, assumptions) for at in range(len(design.stages)))
    return SamplePlan(design, assumptions, outlooks, _per_village(design, assumptions))


def rank_resolution(se: float, units: int, spread: float, level: float = 0.95) -> RankResolution:
    """Return how well ``units`` estimates with error ``se`` can be ranked.

    Their true values are normal with standard deviation ``spread``. told_apart is z sqrt(2) se, the least observed
    difference of two of them that is significant. interval is the expected number of units that a unit cannot be told
    apart from, (units - 1)(2 Phi(z se / sqrt(spread^2 + se^2)) - 1), because two estimates differ with variance
    2 (spread^2 + se^2). interval_joint is the same with z for all comparisons of the unit together (Bonferroni; Klein,
    Wright and Wieczorek 2020, JRSS C 69(3), 589-606).
    """
    z_single = float(norm.ppf((1 + level) / 2))
    z_joint = float(norm.ppf(1 - (1 - level) / (2 * (units - 1))))
    interval, interval_joint = (
        (units - 1) * float(2 * norm.cdf(z * se / sqrt(spread**2 + se**2)) - 1) for z in (z_single, z_joint)
    )
    return RankResolution(units, spread, z_single * sqrt(2) * se, interval, interval_joint)


@dataclass(frozen=True)
class _StageLayer:
    """A stage below one unit: n_s in the sample, N_s in the population (inf if unknown), share of the variance."""

    stage: SampleStage
    sampled: int
    population: float
    share: float

    @property
    def fixed(self) -> bool:
        """Whether all units are taken: their number cannot be chosen and adds nothing to the variance."""
        return self.stage.select is SelectionMethod.ALL


@dataclass(frozen=True)
class _StageTree:
    """The stages below one unit. The last layer is that of households."""

    layers: tuple[_StageLayer, ...]

    @property
    def ballots(self) -> int:
        return self.layers[-1].sampled

    @property
    def scaled(self) -> int:
        """The number that a plan changes: villages, or ballots within one village."""
        return self.layers[-2].sampled if len(self.layers) > 1 else self.ballots

    @cached_property
    def infinite(self) -> float:
        """V / sd^2 times ``scaled``, without finite populations."""
        return sum(layer.share * self.scaled / layer.sampled for layer in self.layers if not layer.fixed)

    @cached_property
    def removed(self) -> float:
        """The part of V / sd^2 that finite populations subtract; it does not depend on the size of the sample."""
        return sum(layer.share / layer.population for layer in self.layers if not layer.fixed)

    @property
    def deff(self) -> float:
        """Design effect: V without finite populations over sd^2 / n."""
        return self.infinite / self.scaled * self.ballots

    def needed(self, variance: float) -> tuple[int, int] | None:
        """Return the least villages and ballots with V / sd^2 at most ``variance``.

        Within one village the number of villages is 1. Return None where the population has fewer villages.
        """
        least = ceil(self.infinite / (variance + self.removed) - 1e-9)
        if len(self.layers) == 1:
            return 1, least
        least = max([least, *(layer.sampled for layer in self.layers[:-1] if layer.fixed)])
        if least > self.layers[-2].population:
            return None
        return least, least * (self.ballots // self.scaled)


def _tree(design: SampleDesign, at: int, icc: Mapping[str, float]) -> _StageTree:
    """Return the stages below one unit of the stage ``at`` - 1; ``at`` = 0 means the whole."""
    rest = 1 - sum(icc.get(stage.level, 0.0) for stage in design.units)
    layers, sampled, population = [], 1, 1.0
    for stage in design.stages[at:]:
        sampled *= stage.planned
        population *= stage.of or inf
        share = rest if stage is design.households else icc.get(stage.level, 0.0)
        layers.append(_StageLayer(stage, sampled, population, share))
    return _StageTree(tuple(layers))


def _outlook(design: SampleDesign, at: int, plan: PlanAssumptions) -> LevelOutlook:
    tree = _tree(design, at, _shares(design, plan))
    infinite = tree.infinite / tree.scaled
    variance = max(infinite - tree.removed, 0.0)
    se = plan.points * sqrt(variance)
    df = _freedom(tree)
    villages = tree.scaled if len(tree.layers) > 1 else 1
    needed = tree.needed((plan.margin / plan.z / plan.points) ** 2)
    return LevelOutlook(
        level=design.stages[at - 1].level if at else "",
        villages=villages,
        ballots=tree.ballots,
        deff=tree.deff,
        fpc=variance / infinite if infinite else 1.0,
        se=se,
        margin=plan.z * se,
        df=df,
        margin_t=float(t.ppf((1 + plan.level) / 2, df)) * se if df else None,
        change_seen=plan.z * sqrt(2) * se,
        change_found=(plan.z + float(norm.ppf(plan.power))) * sqrt(2) * se,
        cost=_cost(plan, villages, tree.ballots),
        needed=SampleSize(*needed, _cost(plan, *needed)) if needed else None,
        ranks=_ranks(design, at, plan, se),
    )


def _freedom(tree: _StageTree) -> int:
    """Return first-stage units minus strata. The first stage here is the first one that does not take all units."""
    above = 1
    for layer in tree.layers:
        if not layer.fixed:
            strata = above * max(1, len(layer.stage.take_by_stratum))
            return max(0, layer.sampled - strata)
        above = layer.sampled
    return 0


def _ranks(design: SampleDesign, at: int, plan: PlanAssumptions, se: float) -> RankResolution | None:
    """Return the resolution of the whole among its peers, or of a unit among all units of its level, if known."""
    units = _units_at(design, at) if at else plan.peers or design.peers
    return rank_resolution(se, units, plan.spread or design.spread, plan.level) if units > 1 else None


def _units_at(design: SampleDesign, at: int) -> int:
    """Return the number of units in the population of the stage ``at`` - 1; 0 where it is unknown."""
    return prod(stage.of or 0 for stage in design.stages[:at])


def _shares(design: SampleDesign, plan: PlanAssumptions) -> Mapping[str, float]:
    return plan.icc or {design.units[-1].level: 0.05}


def _cost(plan: PlanAssumptions, villages: int, ballots: int) -> float | None:
    if plan.cost_village is None or plan.cost_interview is None:
        return None
    return villages * plan.cost_village + ballots * plan.cost_interview


def _per_village(design: SampleDesign, plan: PlanAssumptions) -> float | None:
    """Return sqrt(cost of a village / cost of an interview x (1 - icc) / icc), at least 1.

    Source: Cochran 1977, section 10.6.
    """
    icc = _shares(design, plan).get(design.units[-1].level, 0.0)
    if not icc or not plan.cost_village or not plan.cost_interview:
        return None
    rest = 1 - sum(_shares(design, plan).values())
    return max(1.0, sqrt(plan.cost_village / plan.cost_interview * rest / icc))


def _check(design: SampleDesign, plan: PlanAssumptions) -> None:
    shares = _shares(design, plan)
    checks = {
        "margin": 0 < plan.margin < 100,
        "sd": 0 < plan.sd <= plan.scale,
        "icc": all(0 <= share < 1 for share in shares.values()) and sum(shares.values()) < 1,
        "level": 0.5 <= plan.level < 1,
        "power": 0 < plan.power < 1,
        "spread": plan.spread is None or 0 < plan.spread < 100,
        "peers": plan.peers is None or 1 < plan.peers <= 1_000_000,
        "cost": _is_cost(plan.cost_village) and _is_cost(plan.cost_interview),
        "icc level": shares.keys() <= {stage.level for stage in design.units},
        "of": all(stage.planned for stage in design.stages),
    }
    for name, fine in checks.items():
        if not fine:
            raise PlanError(name)


def _is_cost(cost: float | None) -> bool:
    return cost is None or 0 <= cost < 1e15
