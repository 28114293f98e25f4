"""The figures of a round: its items and indices with standard errors, by the method of its instrument."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from numpy.typing import ArrayLike
from sqlalchemy.orm import Session

from analytics.estimation.design import DesignError, SinglePsu, SurveyDesign, build_design
from analytics.estimation.estimate import Estimate, EstimateTable, estimate_means
from analytics.methods import BilingualText, IndexLevel, IndexMethod, LevelRule
from analytics.operations import SMALL_N
from backend.errors import Conflict, _
from backend.surveys.forms.instruments import Aspect, Instrument
from backend.surveys.models import Round
from backend.surveys.rounds import queries
from backend.surveys.samples import totals
from backend.surveys.samples.totals import KnownTotals, Labels, WeightAdjustment

Coefficients = dict[str, float]
WHOLE = BilingualText("Mức độ hài lòng chung (SIPAS)", "Overall satisfaction (SIPAS)")


@dataclass(frozen=True, eq=False)
class SurveyFigures:
    """Items and indices of the ballots that count. ``indices``: codes of the method's tree that the form can give.
    ``finite``: whether the finite population of first-stage units is taken into account. ``brought``: how the weights
    were brought to known totals, none where they are those of the draw."""

    instrument: Instrument
    method: IndexMethod
    n: int
    units: int
    strata: int
    estimates: EstimateTable
    indices: tuple[str, ...]
    finite: bool
    brought: WeightAdjustment | None

    def name(self, code: str) -> BilingualText:
        """What an index of the tree is about."""
        items = {slot.code: slot.text for slot in self.instrument.slots}
        return items.get(code) or self.instrument.groups.get(code) or WHOLE

    def index(self, code: str) -> Estimate:
        """An index out of 100. Raises KeyError."""
        return self.estimates.get(code)


def indices_of(instrument: Instrument, method: IndexMethod) -> dict[str, Coefficients]:
    """Coefficients of the item means in each index that the form can give, from the items up.

    Item: 100 / maximum. Above: over all items below, or over the nodes directly below, as the method says; items weigh
    as the instrument says. An index with an item that the form lacks, or that is only known as printed, is left out.
    """
    slots = {slot.code: slot for slot in instrument.of(Aspect.SATISFACTION)}
    found: dict[str, Coefficients] = {}
    for code, node in reversed(list(method.nodes.items())):
        if node.level is IndexLevel.ITEM:
            if code in slots:
                found[code] = {code: 100 / (method.item_max or slots[code].values[-1])}
        elif method.aggregation[node.level] in (LevelRule.ITEMS, LevelRule.CHILDREN) and node.as_printed is None:
            by_items = method.aggregation[node.level] is LevelRule.ITEMS
            parts = method.leaves_below(code) if by_items else node.children
            if parts and all(part in found for part in parts):
                weights = {part: slots[part].weight if part in slots else 1.0 for part in parts}
                found[code] = _mean([(found[part], weights[part]) for part in parts])
    return {code: found[code] for code in method.nodes if code in found}


def estimate_round(session: Session, found: Round) -> SurveyFigures:
    """Estimate everything that the round's ballots give. Raises Conflict where there are too few to say anything."""
    ballots = queries.counted_ballots(session, found)
    if ballots.n < SMALL_N:
        raise Conflict(
            _("Mới có %(n)s phiếu được tính; dưới %(least)s phiếu không tính chỉ số."), n=ballots.n, least=SMALL_N
        )
    method = queries.find_method(session, ballots.instrument.method)
    indices = indices_of(ballots.instrument, method)
    items = {
        slot.code: ballots.scores[:, place]
        for place, slot in enumerate(ballots.instrument.slots)
        if slot.aspect is Aspect.SATISFACTION
    }
    known = totals.stored_totals(found.totals)
    drawn = (ballots.strata, ballots.psu, ballots.weights, ballots.populations)
    design, brought = design_of(*drawn, ballots.labels, known)
    # An index may be named like its item, whose mean it is out of 100.
    named = {f"index:{code}": parts for code, parts in indices.items()}
    estimates = estimate_means(design, items, named)
    renamed = tuple(name.removeprefix("index:") if name in named else f"mean:{name}" for name in estimates.variables)
    return SurveyFigures(
        instrument=ballots.instrument,
        method=method,
        n=ballots.n,
        units=design.stratum_of_psu.size,
        strata=design.strata.size,
        estimates=EstimateTable(renamed, *(getattr(estimates, name) for name in REST)),
        indices=tuple(indices),
        finite=bool((design.kept < 1).any()),
        brought=brought,
    )


REST = ("domains", "n", "estimate", "se", "df", "lo", "hi", "deff")


def design_of(
    strata: Sequence[str | None],
    psu: Sequence[str | None],
    weights: ArrayLike,
    populations: Sequence[int | None],
    labels: Labels,
    known: KnownTotals | None,
) -> tuple[SurveyDesign, WeightAdjustment | None]:
    """Strata and first-stage units count where every ballot has them, the finite population where the draw knows it. A
    stratum with a single unit is set against the mean of all units, which overstates its variance rather than hides
    it. Raises Conflict."""
    try:
        design = build_design(
            len(psu),
            strata=_labels(strata),
            psu=_labels(psu),
            weights=weights,
            fpc=_populations(populations),
            single=SinglePsu.ADJUST,
        )
    except DesignError as refusal:
        raise Conflict(_("Thiết kế mẫu của đợt này chưa dùng được: %(why)s."), why=str(refusal)) from None
    return totals.adjust_weights(design, known, labels) if known else (design, None)


def _populations(column: Sequence[int | None]) -> list[float] | None:
    """A stratum whose first-stage units were drawn by size stands for unboundedly many: no correction."""
    return [inf if size is None else size for size in column] if any(column) else None


def _labels(column: Sequence[str | None]) -> list[str] | None:
    """The labels where every ballot has one, else none."""
    labels = [label for label in column if label]
    return labels if len(labels) == len(column) else None


def _mean(parts: list[tuple[Mapping[str, float], float]]) -> Coefficients:
    total = sum(weight for _part, weight in parts)
    mean: Coefficients = {}
    for part, weight in parts:
        for item, coefficient in part.items():
            mean[item] = mean.get(item, 0.0) + coefficient * weight / total
    return mean
