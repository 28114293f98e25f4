"""What does not add up in published tables: the figures against each other, and what the sources say about
themselves."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import chain

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.indices.models import FigureKind, PublishedFigure
from backend.indices.published import consistency
from backend.indices.published.consistency import ConsistencyFinding
from backend.indices.published.shipped_figures import LAI_CHAU
from backend.reports.content.facts import source_notes

__all__ = ["ConsistencyFinding", "list_findings"]

Figures = dict[str, PublishedFigure]


def list_findings(session: Session) -> list[ConsistencyFinding]:
    """Return every finding: the figures of each place and year, then ranks printed as 0 and statements of the
    sources."""
    surveys = session.execute(
        select(PublishedFigure.geography, PublishedFigure.year)
        .distinct()
        .order_by(PublishedFigure.geography, PublishedFigure.year.desc())
    ).all()
    by_survey = (consistency.list_findings(session, geography, year) for geography, year in surveys)
    return [*chain.from_iterable(by_survey), *_ranks(session), *_notes()]


def _ranks(session: Session) -> Iterator[ConsistencyFinding]:
    """Yield the ranks printed as 0, and the values that no table prints."""
    notes, figures = source_notes(LAI_CHAU, 2023), _figures_of(session, LAI_CHAU, 2022)
    for code in notes.rank_zero:
        computed = _two_decimals(figures[code].value) if code in figures else "không có số năm 2022"
        why = "Năm 2022 không hỏi nội dung này; hạng thấp nhất có thể có là 1."
        yield ConsistencyFinding(LAI_CHAU, 2022, code, "hạng in là 0", "0", computed, why)
    for code in notes.derived:
        why = "Không bảng nào in số năm 2022; số dùng ở đây suy ra từ mức tăng, giảm và hạng trong lời văn."
        yield ConsistencyFinding(
            LAI_CHAU, 2022, code, "giá trị không được in", "không có", _two_decimals(figures[code].value), why
        )  # fmt: skip


def _notes() -> Iterator[ConsistencyFinding]:
    """Yield the sentences of the source that its own tables do not support."""
    for statement in source_notes(LAI_CHAU, 2023).statements:
        yield ConsistencyFinding(
            LAI_CHAU, 2023, statement.code, statement.what, statement.printed, statement.computed, statement.why
        )


def _figures_of(session: Session, geography: str, year: int) -> Figures:
    rows = session.scalars(
        select(PublishedFigure).filter_by(geography=geography, year=year, kind=FigureKind.SATISFACTION)
    )
    return {row.code: row for row in rows}


def _two_decimals(value: Decimal) -> str:
    return f"{value:.2f}".replace(".", ",")
