"""Known totals of the population, to which the weights of a round's ballots are brought. Pure.

One variable: post-stratification; several: raking. Weights far above the median may be trimmed before. The totals come
as rows ``variable; value; total``, typed, pasted from a table or in a file.
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
BLANK: Final = ""  # ballots that do not tell
CLOSE: Final = 1e-9
MOST_VALUES: Final = 500
MOST_FAULTS: Final = 100  # that a page lists; more of them nobody reads
MOST_TRIM: Final = 100.0

Labels = Mapping[str, Sequence[str | None]]


@dataclass(frozen=True)
class KnownTotals:
    """``margins``: by column of a ballot, the total of each value. ``trim``: weights above so many times the median are
    cut down to that and the rest spread evenly; none without."""

    source: str
    margins: Mapping[str, Mapping[str, float]]
    trim: float | None = None

    @property
    def document(self) -> dict[str, Any]:
        return {"source": self.source, "margins": self.margins, "trim": self.trim}

    @property
    def text(self) -> str:
        """The rows as they can be typed again."""
        rows = (
            f"{by}; {value}; {total:.15g}" for by, values in self.margins.items() for value, total in values.items()
        )
        return "\n".join(rows)


@dataclass(frozen=True)
class WeightAdjustment:
    """What bringing the weights to totals came to: their range, what unequal weights cost in variance (1 + cv^2) before
    and after, and how many ballots did not tell a variable."""

    totals: KnownTotals
    least: float
    most: float
    effect_before: float
    effect: float
    trimmed: int
    untold: Mapping[str, int]


def read_totals(text: str, source: str, trim_at: float | None) -> KnownTotals:
    """Totals as typed. Raises Invalid with a sentence for each fault."""
    source = clean_text(source, limit=200, field="source")
    wrong: list[Invalid] = []
    margins: dict[str, dict[str, float]] = {}
    for line, cells in _rows(text):
        said = _fault(cells, margins)
        if said:
            wrong.append(Invalid(said, field="totals", line=line, value=" ; ".join(cells)[:60]))
            continue
        by, value, total = cells
        margins.setdefault(by, {})[_value(by, value)] = float(total)
    if not source.strip():
        wrong.append(Invalid(_("Hãy ghi nguồn của các tổng."), field="source"))
    if trim_at is not None and not 1 < trim_at <= MOST_TRIM:
        wrong.append(Invalid(_("Mức cắt trọng số phải lớn hơn 1 và không quá 100 lần trung vị."), field="trim"))
    Invalid.collect(wrong[:MOST_FAULTS] or list(_uneven(margins)))
    return KnownTotals(source, margins, trim_at)


def stored_totals(document: Mapping[str, Any] | None) -> KnownTotals | None:
    return None if document is None else KnownTotals(document["source"], document["margins"], document["trim"])


def adjust_weights(design: SurveyDesign, totals: KnownTotals, labels: Labels) -> tuple[SurveyDesign, WeightAdjustment]:
    """The design with its weights brought to the totals. ``labels``: by column, what each ballot says.

    Ballots that do not tell a variable keep their share of the whole weight, and the totals hold for the others: nobody
    is left out, and nothing is guessed of them. Raises Conflict where ballots and totals do not fit together.
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
    """n sum(w^2) / sum(w)^2 (Kish 1992)."""
    return float(len(weights) * (weights**2).sum() / weights.sum() ** 2)


def _margin(
    design: SurveyDesign, by: str, values: Mapping[str, float], told: Sequence[str | None]
) -> tuple[list[str], dict[str, float]]:
    labels = [label or BLANK for label in told]
    known = {*labels} - {BLANK}
    if strange := sorted(known - values.keys()):
        raise Conflict(_("Có phiếu mang %(by)s “%(value)s” mà các tổng không có giá trị đó."), by=by, value=strange[0])
    if absent := sorted(values.keys() - known):
        raise Conflict(_("Có tổng của %(by)s “%(value)s” mà không có phiếu nào như vậy."), by=by, value=absent[0])
    untold = np.array([not label for label in labels])
    share = float(design.weights[untold].sum() / design.weights.sum())
    totals = {value: total * (1 - share) for value, total in values.items()}
    return labels, totals | ({BLANK: sum(values.values()) * share} if share else {})


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Cells between semicolons, tabs or commas; an empty line, a ``sep=`` line and the heading are passed over."""
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        mark = next((mark for mark in ("\t", ";", ",") if mark in line), ";")
        cells = [cell.strip().strip('"') for cell in line.split(mark)]
        if any(cells) and tuple(cells[:3]) != HEADER and not SEPARATOR_LINE.fullmatch(line):
            yield number, cells


def _fault(cells: Sequence[str], margins: Mapping[str, Mapping[str, float]]) -> str | None:
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
    """All variables divide the same population."""
    sums = {by: sum(values.values()) for by, values in margins.items()}
    if sums and max(sums.values()) - min(sums.values()) > CLOSE * max(sums.values()):
        told = "; ".join(f"{by} {total:.15g}" for by, total in sums.items())
        said = _("Các biến phải có cùng một tổng chung, nhưng đang là: %(sums)s.")
        yield Invalid(said, field="totals", sums=told)
