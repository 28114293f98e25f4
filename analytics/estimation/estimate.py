"""Means, shares, indices, totals and ratios of a survey with Taylor-linearised standard errors, overall and by domain.

Agrees with R's package survey 4.1 (svymean, svyby, svytotal, svyratio, svycontrast). Sources: Woodruff (1971); Särndal,
Swensson, Wretman (1992), ch. 5; the documentation of the R package.

A domain keeps the whole design: units where it has nobody count as zero. A blank answer makes the ballots that
answered the domain of that item, so that an item with blanks costs no other item its ballots.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.estimation import linearise
from analytics.estimation.blocks import BallotColumns
from analytics.estimation.design import CodedColumn, DesignError, DesignFault, Floats, Ints, SurveyDesign
from analytics.estimation.first_stage import FirstStageSums, first_stage_sums
from analytics.estimation.linearise import SystemFigures
from analytics.estimation.request import (
    OVERALL,
    Coefficients,
    DomainSystem,
    EstimateRequest,
    check_finite,
    checked_request,
    domain_systems,
)
from analytics.operations import LEVEL, SMALL_N, check_level


class EstimateNote(StrEnum):
    """Why a part of an estimate is missing."""

    NO_ANSWERS = "no-answers"
    NO_VARIANCE = "no-variance"
    NO_INTERVAL = "no-interval"
    NO_DESIGN_EFFECT = "no-design-effect"


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure. ``n`` ballots that answered and count; ``df`` their first-stage units minus the strata these lie in.

    ``domain`` is `OVERALL` or a label. What cannot be had is None, and ``note`` says the first reason.
    """

    variable: str
    domain: str
    n: int
    estimate: float | None
    se: float | None
    df: int
    lo: float | None
    hi: float | None
    deff: float | None
    note: EstimateNote | None = None


@dataclass(frozen=True, slots=True, eq=False)
class EstimateTable:
    """Figures as arrays (domains x variables); not a number where a figure cannot be had."""

    variables: tuple[str, ...]
    domains: tuple[str, ...]
    n: Ints
    estimate: Floats
    se: Floats
    df: Ints
    lo: Floats
    hi: Floats
    deff: Floats

    def __iter__(self) -> Iterator[Estimate]:
        """Domain by domain, each with its variables in order."""
        for d in range(len(self.domains)):
            for v in range(len(self.variables)):
                yield self._at(d, v)

    def get(self, variable: str, domain: str = OVERALL) -> Estimate:
        """One figure. Raises `KeyError`."""
        if variable not in self.variables or domain not in self.domains:
            raise KeyError((variable, domain))
        return self._at(self.domains.index(domain), self.variables.index(variable))

    def _at(self, d: int, v: int) -> Estimate:
        value, se, lo, hi, deff = (
            _number(column[d, v]) for column in (self.estimate, self.se, self.lo, self.hi, self.deff)
        )
        note = _note(value, se, lo, deff)
        n, df = int(self.n[d, v]), int(self.df[d, v])
        return Estimate(self.variables[v], self.domains[d], n, value, se, df, lo, hi, deff, note)


def index_of(items: Sequence[str], scale: float = 5) -> dict[str, float]:
    """Coefficients of an index: the mean of its items / scale x 100."""
    if not items:
        raise DesignError(DesignFault.NO_ITEMS)
    return {item: 100 * items.count(item) / (scale * len(items)) for item in items}


def is_publishable(n: int, threshold: int = SMALL_N) -> bool:
    """Whether a figure about ``n`` ballots may be published: not below the threshold, so that nobody is recognised."""
    return n >= threshold


def share_items(answers: ArrayLike, levels: Mapping[str, Sequence[float | str]]) -> dict[str, Floats]:
    """Indicator items whose means are shares: 1 where the answer is one of the levels, 0 if another, blank if blank."""
    column: NDArray[Any] = np.asarray(answers)
    blank = column != column  # not a number
    if column.dtype.kind == "O":
        blank = blank | np.array([answer is None for answer in column.tolist()], dtype=bool)
    return {name: np.where(blank, np.nan, np.isin(column, list(chosen))) for name, chosen in levels.items()}


def estimate_means(
    design: SurveyDesign,
    items: Mapping[str, ArrayLike],
    indices: Mapping[str, Coefficients] | None = None,
    *,
    by: ArrayLike | CodedColumn | None = None,
    where: ArrayLike | None = None,
    level: float = LEVEL,
) -> EstimateTable:
    """Means of the items and of composites of their means, overall and by the labels of ``by``.

    ``items``: name -> n scores, not a number where blank. ``indices``: name -> item -> coefficient (`index_of`).
    ``where``: n flags; the domain everything is about. The design effect is R's default: the variance over that of a
    simple random sample without replacement from a population of the sum of the weights. Raises `DesignError`.
    """
    request = checked_request(design, items, indices or {}, by, where)
    return _estimate(request, linearise.linearise_means, request.variables, level)


def estimate_totals(
    design: SurveyDesign,
    items: Mapping[str, ArrayLike],
    *,
    by: ArrayLike | CodedColumn | None = None,
    where: ArrayLike | None = None,
    level: float = LEVEL,
) -> EstimateTable:
    """Totals: sums of weight x score, a blank adding nothing. No design effect is given."""
    request = checked_request(design, items, {}, by, where)
    return _estimate(request, linearise.linearise_totals, request.variables, level)


def estimate_ratios(
    design: SurveyDesign,
    ratios: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    by: ArrayLike | CodedColumn | None = None,
    where: ArrayLike | None = None,
    level: float = LEVEL,
) -> EstimateTable:
    """Ratios of two totals, name -> (numerator, denominator), over the ballots that have both. No design effect."""
    both: dict[str, ArrayLike] = {}
    for name, pair in ratios.items():
        upper, lower = (np.asarray(part, dtype=np.float64) for part in pair)
        if upper.shape != lower.shape:
            raise DesignError(DesignFault.LENGTH, name)
        blank = np.isnan(upper) | np.isnan(lower)
        both |= {f"{name}: upper": np.where(blank, np.nan, upper), f"{name}: lower": np.where(blank, np.nan, lower)}
    return _estimate(checked_request(design, both, {}, by, where), linearise.linearise_ratios, tuple(ratios), level)


def _estimate(
    request: EstimateRequest,
    statistic: Callable[[BallotColumns, FirstStageSums, Sequence[DomainSystem]], list[SystemFigures]],
    variables: tuple[str, ...],
    level: float,
) -> EstimateTable:
    check_level(level)
    # Scores too large for numbers are found where they have been added up.
    with np.errstate(over="ignore", invalid="ignore"):
        sums = first_stage_sums(request.ballots)
    check_finite(request, sums)
    parts = statistic(request.ballots, sums, domain_systems(request, sums))
    n, value, variance, df, deff = (
        np.vstack([getattr(part, name) for part in parts]) for name in ("n", "estimate", "variance", "df", "deff")
    )
    se = np.sqrt(variance)
    half = t_quantiles((1 + level) / 2, df) * se
    return EstimateTable(variables, (OVERALL, *request.labels), n, value, se, df, value - half, value + half, deff)


def t_quantiles(p: float, df: Ints | Floats) -> Floats:
    """Quantiles of Student's t for each degree of freedom; not a number below 1."""
    # Only those who estimate pay for the import (a quarter of a second).
    from scipy.special import stdtrit

    distinct, place = np.unique(df, return_inverse=True)
    quantiles = np.where(distinct > 0, stdtrit(np.maximum(distinct, 1), p), np.nan)
    return np.asarray(quantiles[place.reshape(df.shape)], dtype=np.float64)


def _number(value: float) -> float | None:
    return None if value != value else float(value)


def _note(value: float | None, se: float | None, lo: float | None, deff: float | None) -> EstimateNote | None:
    reasons = (
        (value, EstimateNote.NO_ANSWERS),
        (se, EstimateNote.NO_VARIANCE),
        (lo, EstimateNote.NO_INTERVAL),
        (deff, EstimateNote.NO_DESIGN_EFFECT),
    )
    return next((note for number, note in reasons if number is None), None)
