"""Survey designs: strata, first-stage units (PSU), weights, sampled fraction, and the treatment of single units.

A label of a unit counts within its stratum, as in `svydesign(..., nest = TRUE)` of R's package survey.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class SinglePsu(StrEnum):
    """What a stratum with one first-stage unit adds to a variance, as ``options(survey.lonely.psu)`` of R.

    fail: the estimate is refused. certainty: nothing. adjust: its distance from the mean of the sample instead of the
    stratum. average: as much as the strata with several units add on average.
    """

    FAIL = "fail"
    ADJUST = "adjust"
    AVERAGE = "average"
    CERTAINTY = "certainty"


class DesignFault(StrEnum):
    """Why a design or a request is refused."""

    NO_ROWS = "no ballots"
    LENGTH = "columns of different length"
    LABEL_MISSING = "a label is missing"
    WEIGHT_MISSING = "a weight is missing or no finite number"
    WEIGHT_NEGATIVE = "a weight is negative"
    WEIGHTS_ZERO = "all weights are zero"
    FPC_MISSING = "a population size is missing or no number above zero"
    FPC_MIXED = "population sizes and fractions are mixed"
    FPC_VARIES = "the population size varies within a stratum"
    FPC_SMALL = "a stratum has more units in the sample than in the population"
    SINGLE_PSU = "a stratum has a single first-stage unit"
    NOT_NUMERIC = "an item is not numeric"
    NOT_FINITE = "an item holds an infinite value, or one whose square is no number"
    UNKNOWN_ITEM = "an index names an unknown item"
    NO_ITEMS = "an index has no items"
    RESERVED_DOMAIN = "a domain bears the name of the whole"
    CALIBRATION = "the calibration totals cannot be met"


class DesignError(ValueError):
    """A refusal with its `DesignFault`. ``what`` names the column, label or stratum; ``row`` counts ballots from 0."""

    def __init__(self, fault: DesignFault, what: str = "", row: int | None = None) -> None:
        self.fault, self.what, self.row = fault, what, row
        super().__init__(": ".join(filter(None, (what, fault.value))) + ("" if row is None else f" (row {row})"))


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What the variance needs about a calibration.

    ``x`` (n x q, sparse) are the auxiliary variables, ``base`` the weights before and ``weights`` those after it. The
    weights of the design differ from ``weights`` where they were trimmed later.
    """

    x: Any
    base: Floats
    weights: Floats


@dataclass(frozen=True, slots=True, eq=False)
class SurveyDesign:
    """A checked design of n ballots in P first-stage units in H strata.

    ``weights`` (n,), ``psu`` (n,) codes 0..P-1, ``stratum_of_psu`` (P,) codes 0..H-1, ``strata`` (H,) labels,
    ``units`` (H,) first-stage units in the sample, ``kept`` (H,) the share 1 - f of the units of the population
    that is not in the sample (1 for an infinite population).
    """

    weights: Floats
    psu: Ints
    stratum_of_psu: Ints
    strata: NDArray[Any]
    units: Ints
    kept: Floats
    single: SinglePsu = SinglePsu.FAIL
    calibration: Calibration | None = None

    @property
    def n(self) -> int:
        return int(self.weights.size)

    def with_weights(self, weights: Floats, calibration: Calibration | None) -> "SurveyDesign":
        return replace(self, weights=weights, calibration=calibration)


def build_design(
    n: int,
    *,
    strata: "ArrayLike | CodedColumn | None" = None,
    psu: "ArrayLike | CodedColumn | None" = None,
    weights: ArrayLike | None = None,
    fpc: ArrayLike | None = None,
    single: SinglePsu | str = SinglePsu.FAIL,
) -> SurveyDesign:
    """Check the columns of ``n`` ballots and return their `SurveyDesign`.

    Without ``strata`` there is one stratum; without ``psu`` each ballot is its own unit; without ``weights`` every
    weight is 1. ``fpc`` is, for each ballot, the number of first-stage units in the population of its stratum; where
    every value is at most 1, it is the fraction drawn. Ballots with weight zero stay in: their units count, as in R.
    Raises `DesignError`.
    """
    if n == 0:
        raise DesignError(DesignFault.NO_ROWS)
    stratum, labels = codes_of(strata, n, "strata") if strata is not None else (np.zeros(n, np.int64), np.array([""]))
    units, unit_stratum = _units(psu, stratum, n)
    in_stratum = np.bincount(unit_stratum, minlength=len(labels))
    return SurveyDesign(
        weights=_weights(weights, n),
        psu=units,
        stratum_of_psu=unit_stratum,
        strata=labels,
        units=in_stratum,
        kept=np.ones(len(labels)) if fpc is None else _unsampled_shares(fpc, stratum, in_stratum, labels),
        single=SinglePsu(single),
    )


@dataclass(frozen=True, slots=True, eq=False)
class CodedColumn:
    """A column of labels as codes 0, 1, ... (n,), -1 where the label is missing, and the label of each code."""

    codes: Ints
    labels: NDArray[Any]


def codes_of(
    labels: "ArrayLike | CodedColumn", n: int, what: str, *, optional: bool = False
) -> tuple[Ints, NDArray[Any]]:
    """Return the codes 0, 1, ... (n,) of the labels, and the label of each code.

    With ``optional`` the code of a missing label is -1. Raises `DesignError` for a missing label without ``optional``,
    and for a column of another length.
    """
    coded = labels if isinstance(labels, CodedColumn) else _code_labels(labels)
    if coded.codes.shape != (n,):
        raise DesignError(DesignFault.LENGTH, what)
    if not optional and coded.codes.min(initial=0) < 0:
        raise DesignError(DesignFault.LABEL_MISSING, what, int(np.argmin(coded.codes)))
    return coded.codes, coded.labels


def _code_labels(labels: ArrayLike) -> CodedColumn:
    column = np.asarray(labels)
    if column.dtype.kind in "iu":
        return CodedColumn(*dense_codes(column.astype(np.int64, copy=False)))
    # The import takes longer than most estimates. Whole numbers and files of ballots do not need it.
    import pandas as pd

    codes, uniques = pd.factorize(pd.Series(labels))
    return CodedColumn(codes.astype(np.int64, copy=False), np.asarray(uniques))


def dense_codes(values: Ints) -> tuple[Ints, Ints]:
    """Return the codes 0, 1, ... of whole numbers, and the distinct numbers in order.

    Numbers close to each other are coded without sorting.
    """
    least = int(values.min(initial=0))
    width = int(values.max(initial=0)) - least + 1
    if width > 4 * values.size + 1024:
        distinct, codes = np.unique(values, return_inverse=True)
        return codes.astype(np.int64, copy=False), distinct
    positions = values - least if least else values
    present = np.zeros(width, dtype=bool)
    present[positions] = True
    codes = positions if present.all() else (np.cumsum(present) - 1)[positions]
    return codes, np.flatnonzero(present) + least


def _units(psu: "ArrayLike | CodedColumn | None", stratum: Ints, n: int) -> tuple[Ints, Ints]:
    """Return the first-stage unit of each ballot (n,) and the stratum of each unit."""
    if psu is None:
        return np.arange(n), stratum
    label, names = codes_of(psu, n, "psu")
    codes, pairs = dense_codes(stratum * len(names) + label)
    return codes, pairs // len(names)


def _numbers(values: ArrayLike, n: int, fault: DesignFault, what: str) -> Floats:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DesignError(fault, what) from None
    if numbers.shape != (n,):
        raise DesignError(DesignFault.LENGTH, what)
    return numbers


def _weights(values: ArrayLike | None, n: int) -> Floats:
    if values is None:
        return np.ones(n)
    weights = _numbers(values, n, DesignFault.WEIGHT_MISSING, "weights")
    for fault, bad in ((DesignFault.WEIGHT_MISSING, ~np.isfinite(weights)), (DesignFault.WEIGHT_NEGATIVE, weights < 0)):
        if bad.any():
            raise DesignError(fault, "weights", int(np.argmax(bad)))
    if not weights.any():
        raise DesignError(DesignFault.WEIGHTS_ZERO, "weights")
    return weights


def _unsampled_shares(values: ArrayLike, stratum: Ints, units: Ints, labels: NDArray[Any]) -> Floats:
    """Return 1 - f by stratum: 1 - n/N for population sizes N, 1 - fraction for fractions."""
    fpc = _numbers(values, stratum.size, DesignFault.FPC_MISSING, "fpc")
    if (bad := ~(fpc > 0)).any():
        raise DesignError(DesignFault.FPC_MISSING, "fpc", int(np.argmax(bad)))
    sizes = bool((fpc > 1).any())
    if sizes and bool((fpc < 1).any()):
        raise DesignError(DesignFault.FPC_MIXED, "fpc", int(np.argmax(fpc < 1)))
    of_stratum = np.empty(units.size)
    of_stratum[stratum] = fpc
    if (bad := fpc != of_stratum[stratum]).any():
        raise DesignError(DesignFault.FPC_VARIES, str(labels[stratum[int(np.argmax(bad))]]))
    if sizes and (bad := of_stratum < units).any():
        raise DesignError(DesignFault.FPC_SMALL, str(labels[int(np.argmax(bad))]))
    return 1 - (units / of_stratum if sizes else of_stratum)


def spread_matrix(codes: Ints, size: int, factor: Floats) -> Any:
    """Return the sparse matrix (size x m) whose product with m rows adds them, times ``factor``, by code 0..size-1.

    The product takes one pass without sorting; the rows may be in any order.
    """
    m = codes.size
    # The matrix takes 32-bit indices as they are; it checks each index of a wider type.
    index_type = np.int32 if max(size, m) < np.iinfo(np.int32).max else np.int64
    rows, ends = codes.astype(index_type, copy=False), np.arange(m + 1, dtype=index_type)
    return sp.csc_matrix((factor, rows, ends), shape=(size, m))


def group_sums(codes: Ints, size: int, values: Floats, factor: Floats | None = None) -> Floats:
    """Return the sums (size x k) of the rows of ``values`` (m x k), times ``factor`` (m,), by code 0..size-1."""
    sums: Floats = spread_matrix(codes, size, np.ones(codes.size) if factor is None else factor) @ values
    return sums
