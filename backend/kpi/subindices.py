"""The three items of the SIPAS feedback group: as published, as senders rated after handling, and as an operational
share."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from analytics.difference import EstimateDifference, estimate_difference, judge_differences
from analytics.operations import SMALL_N, MeanIndex, ShareInterval, mean_index_of_counts, wilson_interval
from backend.indicators.counts import RatingSums, TicketCounts
from backend.indicators.published_error import published_estimate, verdict_word
from backend.indicators.unit_comparison import SCORE_POINTS, UnitTally, mean_estimate
from backend.indices.published.queries import YearComparison, latest_years
from backend.indices.published.shipped_figures import LAI_CHAU
from backend.kpi.figures import Figures

PUBLISHED_ITEMS = ("service.feedback.1", "service.feedback.2", "service.feedback.3")
PUBLISHED_GROUP = "service.feedback"


@dataclass(frozen=True)
class PublishedGap:
    """Rated minus published, in points.

    The interval counts the error of both figures, and the verdict follows from it. Where the published figure has no
    number of ballots there is no interval, and ``verdict`` says so.
    """

    value: float
    lo: float | None
    hi: float | None
    verdict: str


@dataclass(frozen=True)
class SubIndex:
    """One item of the SIPAS feedback group, seen in three ways.

    ``published`` and ``rated`` are the same quantity (mean score / 5 x 100), so only they have a ``gap``. ``operation``
    is a share of tickets.
    """

    published: YearComparison | None
    rated: MeanIndex
    operation: ShareInterval
    gap: PublishedGap | None


def published_by_code(session: Session) -> dict[str, YearComparison]:
    """Return the last two stored years of the feedback group, by code."""
    years = latest_years(session, LAI_CHAU, (*PUBLISHED_ITEMS, PUBLISHED_GROUP))
    return {change.code: change for change in years}


def subindices(
    rows: Collection[TicketCounts], whole: Figures, scores: RatingSums, published: Mapping[str, YearComparison]
) -> list[SubIndex]:
    """Return the three items, each seen in three ways. The gaps to SIPAS are judged together (Holm)."""
    operations = (
        wilson_interval(sum(row.acknowledged for row in rows), sum(row.own for row in rows)),
        whole.rate,
        wilson_interval(sum(row.told for row in rows), sum(row.notices for row in rows)),
    )
    tallies = [
        UnitTally(0, scores.n, float(total), float(squares))
        for total, squares in zip(scores.sums, scores.squares, strict=True)
    ]
    gaps = _gaps(tallies, published)
    return [
        SubIndex(
            published.get(code),
            mean_index_of_counts(tally.n, tally.total, tally.squares, suppress_below=SMALL_N),
            operation,
            gaps.get(code),
        )
        for code, tally, operation in zip(PUBLISHED_ITEMS, tallies, operations, strict=True)
    ]


def _gaps(tallies: Sequence[UnitTally], published: Mapping[str, YearComparison]) -> dict[str, PublishedGap]:
    sizes: dict[str, int | None] = {}
    differences: list[EstimateDifference] = []
    for code, tally in zip(PUBLISHED_ITEMS, tallies, strict=True):
        figure = published[code].later if code in published else None
        if figure is not None and tally.n >= SMALL_N:
            sizes[code] = figure.n
            earlier = published_estimate(float(figure.value), figure.n)
            differences.append(estimate_difference(earlier, mean_estimate(tally, SCORE_POINTS)))
    judged = judge_differences(differences)
    return {
        code: PublishedGap(gap.value or 0.0, gap.lo, gap.hi, verdict_word(gap, n))
        for (code, n), gap in zip(sizes.items(), judged, strict=True)
    }
