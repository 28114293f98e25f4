"""What can be said among units: the places that chance leaves open, who differs from all others, and ratings drawn
toward the province's where a unit has few of its own. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

from analytics.estimation.estimate import Estimate
from analytics.rank import rank_units, volume_groups
from analytics.small_areas import shrink_figures
from backend.indicators.published_error import Z95
from backend.indicators.unit_comparison import SCORE_POINTS, SHARE_POINTS, UnitTally, compare_units, sum_tallies
from backend.indices.measures.sides import TicketSpan, given_by_senders, on_time_flags, score_of
from backend.indices.measures.values import GROUP, RunValue
from backend.indices.models import FigureSide, Measure

LEAST_DRAWN = 5  # ratings from which a unit's own part may enter a figure that is mostly the province's


@dataclass(frozen=True)
class RankTally:
    """A unit's numbers added up, and the span that they are of."""

    span: TicketSpan
    sums: UnitTally

    @property
    def n(self) -> int:
        return self.sums.n


def among_values(spans: Sequence[TicketSpan], seed: int, rates: Sequence[RunValue]) -> Iterator[RunValue]:
    """All of it; ``spans`` one a unit, ``rates`` their on-time rates."""
    if not spans:
        return
    scores = [_tally(span, [score_of(case, GROUP) for case in given_by_senders(span.closed)]) for span in spans]
    yield from rank_values(rates, spans[0], seed)
    yield from unit_gaps(
        [_tally(span, on_time_flags(span.held)) for span in spans], FigureSide.OPERATIONS, 2, SHARE_POINTS
    )
    yield from unit_gaps(scores, FigureSide.RATINGS, GROUP, SCORE_POINTS)
    yield from drawn_values(scores)


def rank_values(values: Sequence[RunValue], span: TicketSpan, seed: int) -> Iterator[RunValue]:
    """Places of the units by on-time rate within volume groups, with the interval that chance leaves; nobody with fewer
    than ten decided tickets has a place. Units that tie share the first of their places, which the draws keep apart:
    the interval is drawn out to it."""
    rates = [v for v in values if v.unit_id is not None and v.code == "on_time_rate" and v.value is not None]
    groups = volume_groups([v.n or 0 for v in rates])
    for group in sorted(set(groups)):
        members = [v for v, own in zip(rates, groups, strict=True) if own == group]
        errors = [((v.hi or 0) - (v.lo or 0)) / (2 * Z95) for v in members]
        names = [f"{v.unit_id:09}" for v in members]
        ranks = rank_units(names, [v.value or 0 for v in members], errors, seed=seed, digits=4)
        for v, rank in zip(members, ranks, strict=True):
            yield RunValue(
                v.unit_id, span.first, span.last, FigureSide.OPERATIONS, 2, "rank_interval", Measure.RANK, n=v.n,
                value=float(rank.rank), lo=rank.lo, hi=rank.hi,
                extra={"group": group, "of": len(members), "tied": rank.tied},
            )  # fmt: skip


def unit_gaps(tallies: Sequence[RankTally], side: FigureSide, item: int, points: float) -> Iterator[RunValue]:
    """Each unit against all others together, in points, as `compare_units` judges it."""
    span_of = {tally.sums.unit_id: tally.span for tally in tallies}
    for gap in compare_units([tally.sums for tally in tallies], points):
        yield span_of[gap.unit_id].value(
            side, item, "unit_gap", Measure.POINTS, n=gap.n, value=gap.value, se=gap.se, lo=gap.lo, hi=gap.hi,
            extra={"verdict": gap.verdict.value, "p": gap.p, "units": gap.compared},
        )  # fmt: skip


def drawn_values(tallies: Sequence[RankTally]) -> Iterator[RunValue]:
    """Ratings drawn toward the province's figure (Fay and Herriot), the more the fewer a unit has of its own. The error
    of a unit is taken from the spread within all units together: five equal scores are no exact figure."""
    whole = sum_tallies([one.sums for one in tallies])
    freedom = whole.n - sum(1 for one in tallies if one.n)
    within = sum(one.sums.about for one in tallies)
    if freedom < 10 or not within > 0:
        return
    spread = sqrt(within / freedom)
    province = Estimate(
        "ratings", "", whole.n, 20 * whole.total / whole.n, 20 * spread / sqrt(whole.n), freedom, None, None, None
    )
    held = [one for one in tallies if one.n >= LEAST_DRAWN]
    own = [
        Estimate(
            "ratings", f"{i}", one.n, 20 * one.sums.total / one.n, 20 * spread / sqrt(one.n), freedom, None, None, None
        )
        for i, one in enumerate(held)
    ]
    for one, drawn in zip(held, shrink_figures(own, province, publish_small=True), strict=True):
        if drawn.value is not None and drawn.se is not None:
            yield one.span.value(
                FigureSide.RATINGS, GROUP, "ratings_drawn", Measure.SCORE, n=one.n, value=drawn.value, se=drawn.se,
                lo=max(20.0, drawn.value - Z95 * drawn.se), hi=min(100.0, drawn.value + Z95 * drawn.se),
                extra={"weight": drawn.weight or 0.0},
            )  # fmt: skip


def _tally(span: TicketSpan, numbers: Sequence[float]) -> RankTally:
    squares = float(sum(number * number for number in numbers))
    return RankTally(span, UnitTally(span.unit_id or 0, len(numbers), float(sum(numbers)), squares))
