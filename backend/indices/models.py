"""Figures that others published, as they printed them; and runs of our own, which nobody rewrites."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment, by_value


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
    change: Mapped[Decimal | None] = mapped_column(Numeric(6, 2), doc="on the year before, as printed")
    rank_change: Mapped[int | None] = mapped_column(doc="places won, as printed")
    source_code: Mapped[str] = mapped_column(ForeignKey("published_sources.code"))


class FigureSide(StrEnum):
    """From where a figure about the feedback group is seen."""

    PUBLISHED = "published"
    SURVEY = "survey"
    RATINGS = "ratings"
    OPERATIONS = "operations"
    BETWEEN = "between"


class Measure(StrEnum):
    """What a value is counted in. Only values of one measure are ever subtracted."""

    SCORE = "score"
    SHARE = "share"
    DAYS = "days"
    HOURS = "hours"
    POINTS = "points"
    ODDS = "odds"
    RANK = "rank"


class IndexRun(Base):
    """One calculation: the question, what it was counted from, and by which code. A trigger refuses any change."""

    __tablename__ = "index_runs"
    __table_args__ = (CheckConstraint("last_day >= first_day", name="days"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    first_day: Mapped[date] = mapped_column()
    last_day: Mapped[date] = mapped_column()
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), doc="with those below it; none: the province")
    as_of: Mapped[date] = mapped_column(doc="the day on which open tickets were judged")
    seed: Mapped[int] = mapped_column(BigInteger)
    parameters: Mapped[Any] = mapped_column(JSONB)
    inputs: Mapped[Any] = mapped_column(JSONB, doc="by part: rows and the SHA-256 of their canonical form")
    inputs_hash: Mapped[str] = mapped_column(String(64))
    code_version: Mapped[str] = mapped_column(String(40))
    code_hash: Mapped[str] = mapped_column(String(64))
    calendar_id: Mapped[int] = mapped_column(ForeignKey("calendar_versions.id"))
    methods: Mapped[Any] = mapped_column(JSONB)
    values_hash: Mapped[str] = mapped_column(String(64))
    demonstration: Mapped[int] = mapped_column(doc="tickets among the inputs that were made up")
    created_at: Mapped[datetime] = mapped_column(Moment)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class IndexInput(Base):
    """The rows a run was counted from: ids, classes, days and scores, no text and no person. Compressed."""

    __tablename__ = "index_inputs"

    run_id: Mapped[int] = mapped_column(ForeignKey("index_runs.id"), primary_key=True)
    part: Mapped[str] = mapped_column(String(20), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class IndexValue(Base):
    """One figure of a run with everything that must stand beside it. ``code`` opens its definition."""

    __tablename__ = "index_values"

    run_id: Mapped[int] = mapped_column(ForeignKey("index_runs.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    first_day: Mapped[date] = mapped_column()
    last_day: Mapped[date] = mapped_column()
    side: Mapped[FigureSide] = mapped_column(by_value(FigureSide, "index_side"))
    item: Mapped[int] = mapped_column(SmallInteger, doc="1 to 3 of the feedback group; 0 the group itself")
    code: Mapped[str] = mapped_column(String(40))
    measure: Mapped[Measure] = mapped_column(by_value(Measure, "index_measure"))
    n: Mapped[int | None] = mapped_column()
    value: Mapped[float | None] = mapped_column(Double)
    se: Mapped[float | None] = mapped_column(Double)
    lo: Mapped[float | None] = mapped_column(Double)
    hi: Mapped[float | None] = mapped_column(Double)
    about: Mapped[str] = mapped_column(String(60), default="")
    extra: Mapped[Any] = mapped_column(JSONB, default=dict)


class IndexPublication(Base):
    """Who published a run, and when."""

    __tablename__ = "index_publications"

    run_id: Mapped[int] = mapped_column(ForeignKey("index_runs.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
