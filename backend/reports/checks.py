"""What does not add up in published tables: each case a row of what is printed, what follows, and why."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.index import rounded
from analytics.methods import METHODS, load_method
from backend.indices.models import FigureKind, PublishedFigure
from backend.indices.published import LAI_CHAU
from backend.indices.service import TOLERANCE, recompute_published
from backend.reports.facts import source_notes

Figures = dict[str, PublishedFigure]
TABLE = "sipas_lai_chau_satisfaction.csv"


@dataclass(frozen=True)
class Finding:
    """One case. ``code`` is the index concerned; ``printed`` and ``computed`` are as shown to a reader."""

    geography: str
    year: int
    code: str
    what: str
    printed: str
    computed: str
    why: str


def findings(session: Session) -> list[Finding]:
    """Every case found, in the order of the checks: aggregates, groups, changes, ranks, sums, statements."""
    return [
        *_aggregates(session),
        *_groups_without_items(session),
        *_changes(),
        *_ranks(session),
        *_single_choice(session),
        *_notes(),
    ]


def _aggregates(session: Session) -> Iterator[Finding]:
    """Aggregates further from their recomputation than rounding explains."""
    for code in METHODS:
        method = load_method(code)
        if not method.computable:
            continue
        result = recompute_published(session, code)
        for row in result.rows:
            if row.off:
                yield Finding(
                    result.geography, result.year, row.code, "chỉ số tổng hợp không bằng số tính lại",
                    _two(row.published), _two(row.recomputed),
                    f"Lệch {_two(row.difference)} điểm, quá mức làm tròn {_two(TOLERANCE)}.",
                )  # fmt: skip


def _groups_without_items(session: Session) -> Iterator[Finding]:
    """Groups that do not follow from the items printed below them, and why."""
    for code in METHODS:
        method = load_method(code)
        held = [node for node in method.nodes.values() if node.as_printed]
        if not held:
            continue
        result = recompute_published(session, code)
        figures = _of(session, result.geography, result.year)
        for node in held:
            items = [one.value for one in figures.values() if one.parent == node.code]
            mean = _two(rounded(sum(items, Decimal(0)) / len(items))) if items else "không có nội dung nào"
            yield Finding(
                result.geography, result.year, node.code, "nhóm không suy ra được từ các nội dung được in",
                _two(figures[node.code].value), f"{mean} (từ {len(items)} nội dung)",
                _sentence(node.as_printed.vi if node.as_printed else ""),
            )  # fmt: skip


def _changes() -> Iterator[Finding]:
    """Printed changes that are not the difference of the printed values, or of the printed ranks."""
    text = (files("backend.indices") / "data" / TABLE).read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        yield from _change(row, "y2023", "y2022", "delta", "mức tăng, giảm không bằng hiệu hai năm", 1)
        yield from _change(row, "rank2023", "rank2022", "rank_change", "mức đổi hạng không bằng hiệu hai hạng", -1)


def _change(row: dict[str, str], later: str, earlier: str, change: str, what: str, sign: int) -> Iterator[Finding]:
    if not (row[later] and row[earlier] and row[change]):
        return
    computed = sign * (Decimal(row[later]) - Decimal(row[earlier]))
    if computed != Decimal(row[change]):
        why = f"{row[later]} so với {row[earlier]}."
        yield Finding(LAI_CHAU, 2023, row["code"], what, row[change], str(computed), why)


def _ranks(session: Session) -> Iterator[Finding]:
    """Ranks printed as 0, and values that no table prints."""
    notes, figures = source_notes(LAI_CHAU, 2023), _of(session, LAI_CHAU, 2022)
    for code in notes.rank_zero:
        known = _two(figures[code].value) if code in figures else "không có số năm 2022"
        why = "Năm 2022 không hỏi nội dung này; hạng thấp nhất có thể có là 1."
        yield Finding(LAI_CHAU, 2022, code, "hạng in là 0", "0", known, why)
    for code in notes.derived:
        why = "Không bảng nào in số năm 2022; số dùng ở đây suy ra từ mức tăng, giảm và hạng trong lời văn."
        yield Finding(
            LAI_CHAU, 2022, code, "giá trị không được in", "không có", _two(figures[code].value), why
        )  # fmt: skip


def _single_choice(session: Session) -> Iterator[Finding]:
    """Questions with one answer each whose shares do not add to 100."""
    found: dict[tuple[str, int, str], list[Decimal]] = defaultdict(list)
    rows = session.scalars(
        select(PublishedFigure).filter_by(kind=FigureKind.PERCEPTION, level="single").order_by(PublishedFigure.id)
    )
    for row in rows:
        found[row.geography, row.year, row.parent or ""].append(row.value)
    for (geography, year, question), values in found.items():
        total = sum(values, Decimal(0))
        if abs(total - 100) > TOLERANCE * len(values):
            why = "Mỗi người chỉ chọn một câu trả lời nên các tỷ lệ phải cộng lại bằng 100."
            yield Finding(geography, year, question, "tỷ lệ không cộng lại bằng 100", _two(total), "100,00", why)


def _notes() -> Iterator[Finding]:
    """Sentences of the source that its own tables do not bear out."""
    for one in source_notes(LAI_CHAU, 2023).statements:
        yield Finding(LAI_CHAU, 2023, one.code, one.what, one.printed, one.computed, one.why)


def _of(session: Session, geography: str, year: int) -> Figures:
    rows = session.scalars(
        select(PublishedFigure).filter_by(geography=geography, year=year, kind=FigureKind.SATISFACTION)
    )
    return {row.code: row for row in rows}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _two(value: Decimal) -> str:
    return f"{value:.2f}".replace(".", ",")
