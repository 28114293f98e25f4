"""The figures of a round: its items and indices with standard errors, by the method of its instrument.

The page of a round, index runs and the command that estimates a file ask here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from numpy.typing import ArrayLike
from sqlalchemy.orm import Session

from analytics.estimation.design import DesignError, SinglePsu, SurveyDesign, build_design
from analytics.estimation.estimate import Estimate, EstimateTable, estimate_means
from analytics.methods import BilingualText, IndexLevel, IndexMethod, LevelRule
from analytics.operations import SMALL_N
from backend.errors import Conflict, _
from backend.surveys.forms.instruments import AnswerSlot, Aspect, Instrument
from backend.surveys.models import Round
from backend.surveys.rounds import queries
from backend.surveys.rounds.queries import CountedBallots
from backend.surveys.samples import totals
from backend.surveys.samples.totals import KnownTotals, Labels, WeightAdjustment

Coefficients = dict[str, float]
WHOLE = BilingualText("Mức độ hài lòng chung (SIPAS)", "Overall satisfaction (SIPAS)")


@dataclass(frozen=True, eq=False)
class SurveyFigures:
    """Items and indices of the ballots that count. ``n``: ballots; ``units``: first-stage units. ``indices``: the codes
    of the method's tree that the instrument can give. ``finite``: whether variances use the finite population of
    first-stage units. ``brought``: how the weights were adjusted to known totals; none where they are those of the
    draw."""

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
        """Return the text of an index or item of the tree; that of the whole tree for any other code."""
        items = {slot.code: slot.text for slot in self.instrument.slots}
        return items.get(code) or self.instrument.groups.get(code) or WHOLE

    def index(self, code: str) -> Estimate:
        """Return an index, 0 to 100. Raises KeyError."""
        return self.estimates.get(code)


def indices_of(instrument: Instrument, method: IndexMethod) -> dict[str, Coefficients]:
    """Return the coefficients of the item means in each index that the instrument can give.

    Item: 100 / maximum. Index above the items: the weighted mean over all items below it, or over the nodes directly
    below it, as the method says; the instrument gives the weights of items. An index is left out where the instrument
    lacks one of its items, or where it is known only as a published figure. Example: two items of the same weight and
    a maximum of 5 give ``{"a": 10, "b": 10}`` for the index over them, so means of 4 and 5 give 90.
    """
    slots = {slot.code: slot for slot in instrument.of(Aspect.SATISFACTION)}
    indices: dict[str, Coefficients] = {}
    for code, node in reversed(list(method.nodes.items())):  # from the items up
        if node.level is not IndexLevel.ITEM:
            parts = _parts_of(code, method)
            if parts and all(part in indices for part in parts):
                indices[code] = _mean([(indices[part], _weight_of(part, slots)) for part in parts])
        elif code in slots:
            indices[code] = {code: 100 / (method.item_max or slots[code].values[-1])}
    return {code: indices[code] for code in method.nodes if code in indices}


def _parts_of(code: str, method: IndexMethod) -> Sequence[str]:
    """Return the codes whose mean is this index; none where the method does not compute it as a mean."""
    node = method.nodes[code]
    if node.as_printed is not None:
        return ()
    rule = method.aggregation[node.level]
    if rule is LevelRule.ITEMS:
        return method.leaves_below(code)
    return node.children if rule is LevelRule.CHILDREN else ()


def _weight_of(code: str, slots: Mapping[str, AnswerSlot]) -> float:
    """Return the weight of an item in the mean; every other node weighs 1."""
    return slots[code].weight if code in slots else 1.0


def estimate_round(session: Session, survey_round: Round) -> SurveyFigures:
    """Estimate all items and indices of a round. Raises Conflict where fewer than ``SMALL_N`` ballots count."""
    ballots = queries.counted_ballots(session, survey_round)
    if ballots.n < SMALL_N:
        raise Conflict(
            _("Mới có %(n)s phiếu được tính; dưới %(least)s phiếu không tính chỉ số."), n=ballots.n, least=SMALL_N
        )
    method = queries.find_method(session, ballots.instrument.method)
    indices = indices_of(ballots.instrument, method)
    design, adjustment = design_of(
        ballots.strata,
        ballots.psu,
        ballots.weights,
        ballots.populations,
        ballots.labels,
        totals.stored_totals(survey_round.totals),
    )
    return SurveyFigures(
        instrument=ballots.instrument,
        method=method,
        n=ballots.n,
        units=design.stratum_of_psu.size,
        strata=design.strata.size,
        estimates=_estimate_indices(design, ballots, indices),
        indices=tuple(indices),
        finite=bool((design.kept < 1).any()),
        brought=adjustment,
    )


def _estimate_indices(
    design: SurveyDesign, ballots: CountedBallots, indices: Mapping[str, Coefficients]
) -> EstimateTable:
    """Estimate the indices under their codes and the item means as ``mean:<code>``. The prefix is needed because an
    index may have the code of its item."""
    items = {
        slot.code: ballots.scores[:, position]
        for position, slot in enumerate(ballots.instrument.slots)
        if slot.aspect is Aspect.SATISFACTION
    }
    combinations = {f"index:{code}": coefficients for code, coefficients in indices.items()}
    estimates = estimate_means(design, items, combinations)
    names = tuple(
        name.removeprefix("index:") if name in combinations else f"mean:{name}" for name in estimates.variables
    )
    return replace(estimates, variables=names)


def design_of(
    strata: Sequence[str | None],
    psu: Sequence[str | None],
    weights: ArrayLike,
    populations: Sequence[int | None],
    labels: Labels,
    known_totals: KnownTotals | None,
) -> tuple[SurveyDesign, WeightAdjustment | None]:
    """Return the design of a survey, with its weights adjusted to known totals where there are any.

    Strata and first-stage units are used where every ballot has them, the finite population where the draw gives it. A
    stratum with a single first-stage unit is compared with the mean of all units: that overstates its variance, and
    leaving it out would hide it. Raises Conflict where the design or the totals do not fit.
    """
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
    return totals.adjust_weights(design, known_totals, labels) if known_totals else (design, None)


def _populations(column: Sequence[int | None]) -> list[float] | None:
    """Return populations of first-stage units, none where no stratum has one. A stratum whose units were drawn with
    probability proportional to size counts as infinite: it gets no finite population correction."""
    return [inf if size is None else size for size in column] if any(column) else None


def _labels(column: Sequence[str | None]) -> list[str] | None:
    """Return the labels where every ballot has one, else none."""
    labels = [label for label in column if label]
    return labels if len(labels) == len(column) else None


def _mean(parts: list[tuple[Mapping[str, float], float]]) -> Coefficients:
    total = sum(weight for _part, weight in parts)
    mean: Coefficients = {}
    for part, weight in parts:
        for item, coefficient in part.items():
            mean[item] = mean.get(item, 0.0) + coefficient * weight / total
    return mean
