"""Tables of published figures, as their documents print them, and of our own index runs, which never change."""

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
    """The three kinds of SIPAS questions."""

    SATISFACTION = "satisfaction"
    PERCEPTION = "perception"
    EXPECTATION = "expectation"


class PublishedSource(Base):
    """A document that published figures."""

    __tablename__ = "published_sources"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, default="")


class PublishedFigure(Base):
    """One figure as a document published it. ``rank``, ``ranked``: the rank among so many provinces, where it was
    published. ``n``: number of ballots, none where the source does not give it."""

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
    change: Mapped[Decimal | None] = mapped_column(Numeric(6, 2), doc="against the year before, as published")
    rank_change: Mapped[int | None] = mapped_column(doc="ranks gained, as published")
    source_code: Mapped[str] = mapped_column(ForeignKey("published_sources.code"))


class FigureSide(StrEnum):
    """The side from which a figure describes the feedback group."""

    PUBLISHED = "published"
    SURVEY = "survey"
    RATINGS = "ratings"
    OPERATIONS = "operations"
    BETWEEN = "between"


class Measure(StrEnum):
    """The measure of a value. Only values of the same measure are subtracted."""

    SCORE = "score"
    SHARE = "share"
    DAYS = "days"
    HOURS = "hours"
    POINTS = "points"
    ODDS = "odds"
    RANK = "rank"


class IndexRun(Base):
    """One calculation: its request, its inputs and its code. A trigger refuses every change."""

    __tablename__ = "index_runs"
    __table_args__ = (CheckConstraint("last_day >= first_day", name="days"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    first_day: Mapped[date] = mapped_column()
    last_day: Mapped[date] = mapped_column()
    unit_id: Mapped[int | None] = mapped_column(
        ForeignKey("units.id"), doc="with all units below it; none: the province"
    )
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
    """The input rows of a run, compressed: ids, classes, days and scores; no text and nothing about a person."""

    __tablename__ = "index_inputs"

    run_id: Mapped[int] = mapped_column(ForeignKey("index_runs.id"), primary_key=True)
    part: Mapped[str] = mapped_column(String(20), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class IndexValue(Base):
    """One figure of a run with everything that is shown beside it. ``code``: the key of its definition."""

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
    """The publication of a run: who and when."""

    __tablename__ = "index_publications"

    run_id: Mapped[int] = mapped_column(ForeignKey("index_runs.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
