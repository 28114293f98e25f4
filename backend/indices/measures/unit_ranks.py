"""What can be said among units: the places that chance leaves open, who differs from all others, and ratings drawn
toward the province's where a unit has few of its own. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

from analytics.difference import EstimateDifference, estimate_difference, judge_differences
from analytics.estimation.estimate import Estimate
from analytics.operations import SMALL_N
from analytics.rank import rank_units, volume_groups
from analytics.small_areas import shrink_figures
from backend.indices.measures.sides import TicketSpan, given_by_senders, on_time_flags, score_of
from backend.indices.measures.values import GROUP, RunValue
from backend.indices.models import FigureSide, Measure

Z95 = 1.959963984540054
LEAST_DRAWN = 5  # ratings from which a unit's own part may enter a figure that is mostly the province's


@dataclass(frozen=True)
class RankTally:
    """A unit's numbers added up: how many, their sum, the sum of their squares."""

    span: TicketSpan
    n: int
    total: float
    squares: float

    @property
    def about(self) -> float:
        """Squares about the unit's own mean."""
        return max(0.0, self.squares - self.total**2 / self.n) if self.n else 0.0


def among_values(spans: Sequence[TicketSpan], seed: int, rates: Sequence[RunValue]) -> Iterator[RunValue]:
    """All of it; ``spans`` one a unit, ``rates`` their on-time rates."""
    if not spans:
        return
    scores = [_tally(span, [score_of(case, GROUP) for case in given_by_senders(span.closed)]) for span in spans]
    yield from rank_values(rates, spans[0], seed)
    yield from unit_gaps([_tally(span, on_time_flags(span.held)) for span in spans], FigureSide.OPERATIONS, 2, 100)
    yield from unit_gaps(scores, FigureSide.RATINGS, GROUP, 20)
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


def unit_gaps(tallies: Sequence[RankTally], side: FigureSide, item: int, factor: float) -> Iterator[RunValue]:
    """Each unit against all others together, in points; verdicts adjusted for all units looked at (Holm).

    ``factor`` turns a mean into points: 100 a share, 20 a score. The difference is the plain one; its interval, that of
    the shares with a case added, is drawn out to it and cut at what is possible.
    """
    most = factor * (1 if factor == 100 else 4)
    whole = _sum(tallies)
    found: list[tuple[RankTally, float, EstimateDifference]] = []
    for one in tallies:
        others = RankTally(one.span, whole.n - one.n, whole.total - one.total, whole.squares - one.squares)
        if min(one.n, others.n) >= SMALL_N:
            plain = factor * (one.total / one.n - others.total / others.n)
            found.append((one, plain, estimate_difference(_mean(others, factor), _mean(one, factor))))
    for (one, plain, _single), judged in zip(found, judge_differences([row[2] for row in found]), strict=True):
        lo, hi = plain if judged.lo is None else judged.lo, plain if judged.hi is None else judged.hi
        extra = {"verdict": judged.verdict.value, "p": judged.p, "units": len(found)}
        yield one.span.value(
            side, item, "unit_gap", Measure.POINTS, n=one.n, value=plain, se=judged.se,
            lo=max(-most, min(lo, plain)), hi=min(most, max(hi, plain)), extra=extra,
        )  # fmt: skip


def drawn_values(tallies: Sequence[RankTally]) -> Iterator[RunValue]:
    """Ratings drawn toward the province's figure (Fay and Herriot), the more the fewer a unit has of its own. The error
    of a unit is taken from the spread within all units together: five equal scores are no exact figure."""
    whole = _sum(tallies)
    freedom = whole.n - sum(1 for one in tallies if one.n)
    within = sum(one.about for one in tallies)
    if freedom < 10 or not within > 0:
        return
    spread = sqrt(within / freedom)
    province = Estimate(
        "ratings", "", whole.n, 20 * whole.total / whole.n, 20 * spread / sqrt(whole.n), freedom, None, None, None
    )
    held = [one for one in tallies if one.n >= LEAST_DRAWN]
    own = [
        Estimate("ratings", f"{i}", one.n, 20 * one.total / one.n, 20 * spread / sqrt(one.n), freedom, None, None, None)
        for i, one in enumerate(held)
    ]
    for one, drawn in zip(held, shrink_figures(own, province, publish_small=True), strict=True):
        if drawn.value is not None and drawn.se is not None:
            yield one.span.value(
                FigureSide.RATINGS, GROUP, "ratings_drawn", Measure.SCORE, n=one.n, value=drawn.value, se=drawn.se,
                lo=max(20.0, drawn.value - Z95 * drawn.se), hi=min(100.0, drawn.value + Z95 * drawn.se),
                extra={"weight": drawn.weight or 0.0},
            )  # fmt: skip


def share_of(k: int, n: int) -> Estimate:
    """A share in percent, to be compared with another: one case of either kind is added (Agresti and Caffo 2000, Am.
    Stat. 54, 280-288), so that a unit with nothing late does not look certain."""
    p = (k + 1) / (n + 2)
    return Estimate("", "", n, 100 * p, 100 * sqrt(p * (1 - p) / (n + 2)), n + 1, None, None, None)


def _tally(span: TicketSpan, numbers: Sequence[float]) -> RankTally:
    return RankTally(span, len(numbers), float(sum(numbers)), float(sum(number * number for number in numbers)))


def _sum(tallies: Sequence[RankTally]) -> RankTally:
    sums = [sum(column) for column in zip(*((one.n, one.total, one.squares) for one in tallies), strict=True)]
    return RankTally(tallies[0].span, int(sums[0]), float(sums[1]), float(sums[2]))


def _mean(one: RankTally, factor: float) -> Estimate:
    if factor == 100:
        return share_of(int(one.total), one.n)
    return Estimate(
        "", "", one.n, factor * one.total / one.n, factor * sqrt(one.about / (one.n - 1) / one.n), one.n - 1,
        None, None, None,
    )  # fmt: skip
