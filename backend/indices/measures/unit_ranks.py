"""Compare the units: the places that chance leaves open, who differs from all others, and ratings shrunk toward the
province's where a unit has few of its own. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

from analytics.estimation.estimate import Estimate
from analytics.rank import rank_units, volume_groups
from analytics.small_areas import shrink_figures
from backend.indicators.published_error import Z95
from backend.indicators.unit_comparison import SCORE_POINTS, SHARE_POINTS, UnitTally, compare_units, sum_tallies
from backend.indices.measures.sides import TicketSpan
from backend.indices.measures.values import GROUP, RunValue
from backend.indices.models import FigureSide, Measure

LEAST_DRAWN = 5  # a unit needs so many ratings before its own part enters a figure that is mostly the province's
LEAST_FREEDOM = 10  # degrees of freedom of the spread within all units


@dataclass(frozen=True)
class RankTally:
    """A unit's sums, and the span that they belong to."""

    span: TicketSpan
    sums: UnitTally

    @property
    def n(self) -> int:
        return self.sums.n


def among_values(spans: Sequence[TicketSpan], seed: int, rates: Sequence[RunValue]) -> Iterator[RunValue]:
    """Yield all comparisons. ``spans`` has one span per unit, ``rates`` are their on-time rates."""
    if not spans:
        return
    scores = [_rating_tally(span) for span in spans]
    yield from rank_values(rates, spans[0], seed)
    yield from unit_gaps([_rate_tally(span) for span in spans], FigureSide.OPERATIONS, 2, SHARE_POINTS)
    yield from unit_gaps(scores, FigureSide.RATINGS, GROUP, SCORE_POINTS)
    yield from drawn_values(scores)


def rank_values(values: Sequence[RunValue], span: TicketSpan, seed: int) -> Iterator[RunValue]:
    """Yield each unit's place by on-time rate within its volume group, with the interval that chance leaves.

    Units with fewer than ten decided tickets have no place. Units that tie share the first of their places; the draws
    keep tied units apart, so the interval is widened to include that place.
    """
    rates = [value for value in values if value.unit_id is not None and value.code == "on_time_rate"]
    rates = [value for value in rates if value.value is not None]
    groups = volume_groups([value.n or 0 for value in rates])
    for group in sorted(set(groups)):
        members = [value for value, own_group in zip(rates, groups, strict=True) if own_group == group]
        yield from _group_ranks(members, group, span, seed)


def _group_ranks(members: Sequence[RunValue], group: int, span: TicketSpan, seed: int) -> Iterator[RunValue]:
    errors = [((value.hi or 0) - (value.lo or 0)) / (2 * Z95) for value in members]
    names = [f"{value.unit_id:09}" for value in members]
    ranks = rank_units(names, [value.value or 0 for value in members], errors, seed=seed, digits=4)
    for value, rank in zip(members, ranks, strict=True):
        yield RunValue(
            value.unit_id, span.first, span.last, FigureSide.OPERATIONS, 2, "rank_interval", Measure.RANK, n=value.n,
            value=float(rank.rank), lo=rank.lo, hi=rank.hi,
            extra={"group": group, "of": len(members), "tied": rank.tied},
        )  # fmt: skip


def unit_gaps(tallies: Sequence[RankTally], side: FigureSide, item: int, points: float) -> Iterator[RunValue]:
    """Yield each unit against all others together, in points, as `compare_units` judges it."""
    span_of = {tally.sums.unit_id: tally.span for tally in tallies}
    for gap in compare_units([tally.sums for tally in tallies], points):
        yield span_of[gap.unit_id].value(
            side, item, "unit_gap", Measure.POINTS, n=gap.n, value=gap.value, se=gap.se, lo=gap.lo, hi=gap.hi,
            extra={"verdict": gap.verdict.value, "p": gap.p, "units": gap.compared},
        )  # fmt: skip


def drawn_values(tallies: Sequence[RankTally]) -> Iterator[RunValue]:
    """Yield the ratings shrunk toward the province's figure (Fay and Herriot): the fewer ratings, the stronger.

    The error of a unit comes from the spread within all units together, because five equal scores are no exact figure.
    """
    whole = sum_tallies([tally.sums for tally in tallies])
    freedom = whole.n - sum(1 for tally in tallies if tally.n)
    within = sum(tally.sums.about for tally in tallies)
    if freedom < LEAST_FREEDOM or not within > 0:
        return
    spread = sqrt(within / freedom)
    province = _rating_estimate("", whole, spread, freedom)
    yield from _shrunk_values([tally for tally in tallies if tally.n >= LEAST_DRAWN], province, spread, freedom)


def _shrunk_values(tallies: Sequence[RankTally], province: Estimate, spread: float, freedom: int) -> Iterator[RunValue]:
    own = [_rating_estimate(f"{i}", tally.sums, spread, freedom) for i, tally in enumerate(tallies)]
    for tally, figure in zip(tallies, shrink_figures(own, province, publish_small=True), strict=True):
        if figure.value is not None and figure.se is not None:
            yield _shrunk_value(tally, figure.value, figure.se, figure.weight or 0.0)


def _rating_estimate(domain: str, sums: UnitTally, spread: float, freedom: int) -> Estimate:
    """Return a mean rating on the scale 20..100 whose error comes from the common spread of scores."""
    mean, error = 20 * sums.total / sums.n, 20 * spread / sqrt(sums.n)
    return Estimate("ratings", domain, sums.n, mean, error, freedom, None, None, None)


def _shrunk_value(tally: RankTally, value: float, error: float, weight: float) -> RunValue:
    return tally.span.value(
        FigureSide.RATINGS, GROUP, "ratings_drawn", Measure.SCORE, n=tally.n, value=value, se=error,
        lo=max(20.0, value - Z95 * error), hi=min(100.0, value + Z95 * error), extra={"weight": weight},
    )  # fmt: skip


def _rate_tally(span: TicketSpan) -> RankTally:
    """Return the on-time rate of a unit as sums. Each ticket is 1 or 0, so the sum is also the sum of squares."""
    rate = span.sums.on_time
    return RankTally(span, UnitTally(span.unit_id or 0, rate.n, float(rate.k), float(rate.k)))


def _rating_tally(span: TicketSpan) -> RankTally:
    closed = span.sums.closed
    return RankTally(span, UnitTally(span.unit_id or 0, closed.rated, closed.total(GROUP), closed.squares(GROUP)))
