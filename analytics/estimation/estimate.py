"""Means, shares, indices, totals and ratios of a survey with Taylor-linearised standard errors, overall and by domain.

The figures equal those of R's package survey 4.1 (svymean, svyby, svytotal, svyratio, svycontrast). Sources: Woodruff
(1971); Särndal, Swensson, Wretman (1992), ch. 5; the documentation of the R package.

A domain uses the whole design: units without a ballot of the domain count as zero. An item with blanks uses the ballots
that answered it as its domain, so a blank removes a ballot from that item only.
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
    """Which part of an estimate is missing."""

    NO_ANSWERS = "no-answers"
    NO_VARIANCE = "no-variance"
    NO_INTERVAL = "no-interval"
    NO_DESIGN_EFFECT = "no-design-effect"


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure. ``n`` is the number of ballots that answered and have a weight above zero.

    ``df`` is the number of their first-stage units minus the number of strata with such units. ``domain`` is `OVERALL`
    or a label. A part that cannot be computed is None, and ``note`` names the first such part.
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
    """Figures as arrays (domains x variables); not a number where a figure cannot be computed."""

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
        """Yield the figures domain by domain, each with its variables in order."""
        for d in range(len(self.domains)):
            for v in range(len(self.variables)):
                yield self._at(d, v)

    def get(self, variable: str, domain: str = OVERALL) -> Estimate:
        """Return one figure. Raises `KeyError` for an unknown variable or domain."""
        if variable not in self.variables or domain not in self.domains:
            raise KeyError((variable, domain))
        return self._at(self.domains.index(domain), self.variables.index(variable))

    def _at(self, d: int, v: int) -> Estimate:
        value, se, lo, hi, deff = (
            _number(column[d, v]) for column in (self.estimate, self.se, self.lo, self.hi, self.deff)
        )
        return Estimate(
            variable=self.variables[v],
            domain=self.domains[d],
            n=int(self.n[d, v]),
            estimate=value,
            se=se,
            df=int(self.df[d, v]),
            lo=lo,
            hi=hi,
            deff=deff,
            note=_note(value, se, lo, deff),
        )


def index_of(items: Sequence[str], scale: float = 5) -> dict[str, float]:
    """Return the coefficients of an index: the mean of its items / scale x 100. Raises `DesignError` without items."""
    if not items:
        raise DesignError(DesignFault.NO_ITEMS)
    return {item: 100 * items.count(item) / (scale * len(items)) for item in items}


def is_publishable(n: int, threshold: int = SMALL_N) -> bool:
    """Return whether a figure about ``n`` ballots may be published: with fewer, a reader could recognise a person."""
    return n >= threshold


def share_items(answers: ArrayLike, levels: Mapping[str, Sequence[float | str]]) -> dict[str, Floats]:
    """Return indicator items whose means are shares.

    ``levels``: name of a share -> the answers that count for it. An item is 1 for such an answer, 0 for another answer,
    and blank (not a number) where the answer is blank.
    """
    column: NDArray[Any] = np.asarray(answers)
    blank = column != column  # not a number
    if column.dtype.kind == "O":
        blank = blank | np.array([answer is None for answer in column.tolist()], dtype=bool)
    return {name: np.where(blank, np.nan, np.isin(column, list(counting))) for name, counting in levels.items()}


def estimate_means(
    design: SurveyDesign,
    items: Mapping[str, ArrayLike],
    indices: Mapping[str, Coefficients] | None = None,
    *,
    by: ArrayLike | CodedColumn | None = None,
    where: ArrayLike | None = None,
    level: float = LEVEL,
) -> EstimateTable:
    """Return the means of the items and of their composites, overall and by the labels of ``by``.

    ``items``: name -> n scores, not a number where blank. ``indices``: name -> item -> coefficient (`index_of`).
    ``where``: n flags that limit every figure to a part of the ballots. The design effect is R's default: the variance
    over that of a simple random sample without replacement from a population as large as the sum of the weights. Raises
    `DesignError`.
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
    """Return the totals: sums of weight x score, where a blank adds nothing. There is no design effect.

    Raises `DesignError`.
    """
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
    """Return the ratios of two totals over the ballots that have both. There is no design effect.

    ``ratios``: name -> (numerator, denominator), n values each. Raises `DesignError`.
    """
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
    # Sums of too large scores overflow here; `check_finite` then names the score.
    with np.errstate(over="ignore", invalid="ignore"):
        sums = first_stage_sums(request.ballots)
    check_finite(request, sums)
    parts = statistic(request.ballots, sums, domain_systems(request, sums))
    n, value, variance, df, deff = (
        np.vstack([getattr(part, name) for part in parts]) for name in ("n", "estimate", "variance", "df", "deff")
    )
    se = np.sqrt(variance)
    half = t_quantiles((1 + level) / 2, df) * se
    return EstimateTable(
        variables=variables,
        domains=(OVERALL, *request.labels),
        n=n,
        estimate=value,
        se=se,
        df=df,
        lo=value - half,
        hi=value + half,
        deff=deff,
    )


def t_quantiles(p: float, df: Ints | Floats) -> Floats:
    """Return the quantiles of Student's t for each number of degrees of freedom; not a number below 1."""
    # The import takes a quarter of a second; only estimates need it.
    from scipy.special import stdtrit

    distinct, position = np.unique(df, return_inverse=True)
    quantiles = np.where(distinct > 0, stdtrit(np.maximum(distinct, 1), p), np.nan)
    return np.asarray(quantiles[position.reshape(df.shape)], dtype=np.float64)


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
