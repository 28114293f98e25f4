"""Figures that others published, as they printed them."""

from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, by_value


class FigureKind(StrEnum):
    """Which of the three kinds of SIPAS question a figure answers."""

    SATISFACTION = "satisfaction"
    PERCEPTION = "perception"
    EXPECTATION = "expectation"


class PublishedSource(Base):
    """The document that printed figures."""

    __tablename__ = "published_sources"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, default="")


class PublishedFigure(Base):
    """One printed index: where, when, of what, by which method, with its rank where one was printed. ``n`` is empty
    where the source does not give it."""

    __tablename__ = "published_figures"
    __table_args__ = (
        UniqueConstraint("geography", "year", "kind", "code"),
        CheckConstraint("value BETWEEN 0 AND 200", name="value"),
        CheckConstraint("rank > 0 AND rank <= ranked", name="rank"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    geography: Mapped[str] = mapped_column(String(40), index=True)
    year: Mapped[int] = mapped_column()
    kind: Mapped[FigureKind] = mapped_column(by_value(FigureKind, "figure_kind"))
    code: Mapped[str] = mapped_column(String(80))
    parent: Mapped[str | None] = mapped_column(String(80))
    level: Mapped[str] = mapped_column(String(20))
    position: Mapped[int] = mapped_column()
    text_vi: Mapped[str] = mapped_column(Text)
    value: Mapped[Decimal] = mapped_column(Numeric(6, 2))
    rank: Mapped[int | None] = mapped_column()
    ranked: Mapped[int | None] = mapped_column(doc="number of provinces ranked")
    n: Mapped[int | None] = mapped_column()
    method: Mapped[str] = mapped_column(String(40))
    source_code: Mapped[str] = mapped_column(ForeignKey("published_sources.code"))
