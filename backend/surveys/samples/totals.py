"""Known totals of the population, to which the weights of a round's ballots are adjusted. Pure.

One variable: post-stratification. Several variables: raking. Weights far above the median may be trimmed first. The
totals come as rows ``variable; value; total``, for example ``gioi_tinh; nữ; 15200``: typed, pasted from a table, or in
a file. The page and the command of a round's weights ask here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from analytics.estimation.calibrate import post_stratify, rake_weights, trim_weights
from analytics.estimation.design import DesignError, SurveyDesign
from backend.errors import Conflict, Invalid, _
from backend.files.text import clean_text
from backend.files.texts import SEPARATOR_LINE
from backend.surveys.ballot_files.ballot_rules import shipped_rules
from backend.surveys.ballot_files.layout import AGE, BANDS, ETHNICITY, SEX, STRATUM, UNIT
from backend.surveys.ballot_files.particulars import NUMERIC

NAMES: Final = {
    STRATUM: _("Tầng"),
    UNIT: _("Đơn vị"),
    AGE: _("Nhóm tuổi"),
    SEX: _("Giới tính"),
    ETHNICITY: _("Dân tộc"),
}
HEADER: Final = ("bien", "gia_tri", "tong")
BLANK: Final = ""  # the value of ballots that leave the variable blank
CLOSE: Final = 1e-9  # as a share: sums that differ by less are equal
MOST_VALUES: Final = 500
MOST_FAULTS: Final = 100  # as many as a page lists
MOST_TRIM: Final = 100.0

Labels = Mapping[str, Sequence[str | None]]


@dataclass(frozen=True)
class KnownTotals:
    """``margins``: for each column of a ballot, the total of each value. ``trim``: weights above so many times the
    median are cut to that, and what was cut is spread in equal parts over the other ballots; none: no trimming."""

    source: str
    margins: Mapping[str, Mapping[str, float]]
    trim: float | None = None

    @property
    def document(self) -> dict[str, Any]:
        return {"source": self.source, "margins": self.margins, "trim": self.trim}

    @property
    def text(self) -> str:
        """The rows as they can be typed again."""
        rows: list[str] = []
        for by, values in self.margins.items():
            rows += [f"{by}; {value}; {total:.15g}" for value, total in values.items()]
        return "\n".join(rows)


@dataclass(frozen=True)
class WeightAdjustment:
    """The result of adjusting weights to totals. ``least``, ``most``: the smallest and the largest weight after it.
    ``effect_before``, ``effect``: how unequal weights raise the variance (1 + cv^2), before and after. ``trimmed``: how
    many weights were cut. ``untold``: for each variable, how many ballots leave it blank."""

    totals: KnownTotals
    least: float
    most: float
    effect_before: float
    effect: float
    trimmed: int
    untold: Mapping[str, int]


def read_totals(text: str, source: str, trim_at: float | None) -> KnownTotals:
    """Read totals as they were typed. Raises Invalid with a sentence for each fault."""
    source = clean_text(source, limit=200, field="source")
    faults: list[Invalid] = []
    margins: dict[str, dict[str, float]] = {}
    for line, cells in _rows(text):
        sentence = _fault(cells, margins)
        if sentence:
            faults.append(Invalid(sentence, field="totals", line=line, value=" ; ".join(cells)[:60]))
            continue
        by, value, total = cells
        margins.setdefault(by, {})[_value(by, value)] = float(total)
    if not source.strip():
        faults.append(Invalid(_("Hãy ghi nguồn của các tổng."), field="source"))
    if trim_at is not None and not 1 < trim_at <= MOST_TRIM:
        faults.append(Invalid(_("Mức cắt trọng số phải lớn hơn 1 và không quá 100 lần trung vị."), field="trim"))
    Invalid.collect(faults[:MOST_FAULTS] or list(_uneven(margins)))
    return KnownTotals(source, margins, trim_at)


def stored_totals(document: Mapping[str, Any] | None) -> KnownTotals | None:
    return None if document is None else KnownTotals(document["source"], document["margins"], document["trim"])


def adjust_weights(design: SurveyDesign, totals: KnownTotals, labels: Labels) -> tuple[SurveyDesign, WeightAdjustment]:
    """Return the design with its weights adjusted to the totals. ``labels``: for each column, the value of each ballot.

    Ballots that leave a variable blank keep their share of the whole weight, and the totals apply to the others. So no
    ballot is left out, and no value is guessed. Raises Conflict where ballots and totals do not fit together.
    """
    before = design.weights
    upper = (totals.trim or np.inf) * float(np.median(before))
    cut = trim_weights(design, upper=upper, strict=True) if totals.trim else design
    margins = [_margin(cut, by, values, labels[by]) for by, values in totals.margins.items()]
    after = cut
    try:
        if len(margins) == 1:
            after = post_stratify(cut, *margins[0])
        elif margins:
            after = rake_weights(cut, margins)
    except DesignError as refusal:
        raise Conflict(_("Không đưa được trọng số về các tổng đã biết: %(why)s."), why=str(refusal)) from None
    return after, WeightAdjustment(
        totals=totals,
        least=float(after.weights.min()),
        most=float(after.weights.max()),
        effect_before=weighting_effect(before),
        effect=weighting_effect(after.weights),
        trimmed=int((before > upper).sum()),
        untold={by: sum(1 for label in labels[by] if not label) for by in totals.margins},
    )


def weighting_effect(weights: Any) -> float:
    """Return n sum(w^2) / sum(w)^2 (Kish 1992)."""
    return float(len(weights) * (weights**2).sum() / weights.sum() ** 2)


def _margin(
    design: SurveyDesign, by: str, values: Mapping[str, float], answers: Sequence[str | None]
) -> tuple[list[str], dict[str, float]]:
    """Return the label of each ballot and the total of each label, blank ballots with their own share."""
    labels = [label or BLANK for label in answers]
    labels_given = {*labels} - {BLANK}
    if strange := sorted(labels_given - values.keys()):
        raise Conflict(_("Có phiếu mang %(by)s “%(value)s” mà các tổng không có giá trị đó."), by=by, value=strange[0])
    if absent := sorted(values.keys() - labels_given):
        raise Conflict(_("Có tổng của %(by)s “%(value)s” mà không có phiếu nào như vậy."), by=by, value=absent[0])
    untold = np.array([not label for label in labels])
    share = float(design.weights[untold].sum() / design.weights.sum())
    totals = {value: total * (1 - share) for value, total in values.items()}
    return labels, totals | ({BLANK: sum(values.values()) * share} if share else {})


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of each row. Cells stand between tabs, semicolons or commas. Empty lines, a ``sep=``
    line and the heading are skipped."""
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        mark = next((mark for mark in ("\t", ";", ",") if mark in line), ";")
        cells = [cell.strip().strip('"') for cell in line.split(mark)]
        if any(cells) and tuple(cells[:3]) != HEADER and not SEPARATOR_LINE.fullmatch(line):
            yield number, cells


def _fault(cells: Sequence[str], margins: Mapping[str, Mapping[str, float]]) -> str | None:
    """Return the sentence for the first thing that is wrong with a row; none where the row is fine."""
    if len(cells) != 3:
        return _("Dòng %(line)s (%(value)s): cần ba ô: biến; giá trị; tổng.")
    by, value, total = cells
    if by not in NAMES:
        return _("Dòng %(line)s (%(value)s): biến phải là tang, don_vi, nhom_tuoi, gioi_tinh hoặc dan_toc.")
    if not _value(by, value) or not _is_band(by, _value(by, value)):
        return _("Dòng %(line)s (%(value)s): phiếu không có giá trị này.")
    if not NUMERIC.fullmatch(total) or not 0 < float(total) < 1e12:
        return _("Dòng %(line)s (%(value)s): tổng phải là số lớn hơn 0, không có dấu phân cách hàng nghìn.")
    if _value(by, value) in margins.get(by, ()):
        return _("Dòng %(line)s (%(value)s): giá trị này đã có ở một dòng trước.")
    return _("Dòng %(line)s (%(value)s): quá nhiều giá trị.") if len(margins.get(by, ())) >= MOST_VALUES else None


def _value(by: str, text: str) -> str:
    return text.lower() if by in BANDS.values() else text


def _is_band(by: str, value: str) -> bool:
    bands = {column: shipped_rules().bands[name] for name, column in BANDS.items()}
    return by not in bands or value in bands[by]


def _uneven(margins: Mapping[str, Mapping[str, float]]) -> Iterator[Invalid]:
    """Yield a refusal where the totals of the variables differ: all of them divide the same population."""
    sums = {by: sum(values.values()) for by, values in margins.items()}
    if sums and max(sums.values()) - min(sums.values()) > CLOSE * max(sums.values()):
        listing = "; ".join(f"{by} {total:.15g}" for by, total in sums.items())
        sentence = _("Các biến phải có cùng một tổng chung, nhưng đang là: %(sums)s.")
        yield Invalid(sentence, field="totals", sums=listing)
