"""Tables of surveys: versions of instruments and methods, rounds, batches, ballots, held rows, ballot slips, second
entries.

A ballot stores nothing about its respondent except bands: its key is random, its day has no time, and nothing shows the
order of ballots.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.db import Base, Moment, by_value
from backend.units.models import Unit
from backend.users.models import User


class BallotSource(StrEnum):
    """The way by which ballots came in."""

    FILE = "file"
    ENTRY = "entry"
    RESPONDENT = "respondent"


class RepeatReason(StrEnum):
    """Why a ballot was filled in a second time: typed again by somebody else (nhập lại), or the respondent asked again
    (phúc tra)."""

    ENTRY = "entry"
    RECHECK = "recheck"


class InstrumentVersion(Base):
    """A published version of an instrument. A trigger refuses to change or remove it."""

    __tablename__ = "survey_instruments"
    __table_args__ = (UniqueConstraint("code", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    version: Mapped[str] = mapped_column(String(20))
    checksum: Mapped[str] = mapped_column(String(64))
    document: Mapped[Any] = mapped_column(JSONB)
    published_at: Mapped[datetime] = mapped_column(Moment)


class MethodVersion(Base):
    """A published method of computing indices. A trigger refuses to change or remove it."""

    __tablename__ = "survey_methods"
    __table_args__ = (UniqueConstraint("code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    checksum: Mapped[str] = mapped_column(String(64))
    document: Mapped[Any] = mapped_column(JSONB)
    published_at: Mapped[datetime] = mapped_column(Moment)


class Round(Base):
    """One survey: an instrument asked in a unit (with all units below it) within a year.

    ``draw``: the account of how its sample was drawn, none without a sample; the drawn ballots are in `IssuedBallot`.
    ``totals``: known totals to which the weights are adjusted (`backend.surveys.samples.totals`), none without.
    """

    __tablename__ = "survey_rounds"
    __table_args__ = (
        CheckConstraint("planned_n > 0", name="planned"),
        CheckConstraint("last_day >= first_day", name="days"),
        CheckConstraint("second_share BETWEEN 0 AND 1", name="second_share"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    instrument_id: Mapped[int] = mapped_column(ForeignKey("survey_instruments.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    year: Mapped[int] = mapped_column(SmallInteger)
    first_day: Mapped[date] = mapped_column()
    last_day: Mapped[date] = mapped_column()
    planned_n: Mapped[int] = mapped_column()
    second_share: Mapped[float] = mapped_column(Double, doc="share of ballots drawn for a second entry")
    draw: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    totals: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(Moment)

    instrument: Mapped[InstrumentVersion] = relationship(lazy="raise")
    unit: Mapped[Unit] = relationship(lazy="raise")


class BallotBatch(Base):
    """Ballots that came in together: a file, or what one person entered on one day. The sum of the four counts is the
    number of rows read.

    A withdrawn batch keeps its rows; they do not count.
    """

    __tablename__ = "survey_batches"
    __table_args__ = (
        CheckConstraint("accepted >= 0 AND invalid >= 0 AND held >= 0 AND already >= 0", name="counts"),
        Index(
            "uq_survey_batches_one_file",
            "round_id",
            "sha256",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL AND sha256 IS NOT NULL"),
        ),
        Index(None, "round_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("survey_rounds.id"))
    source: Mapped[BallotSource] = mapped_column(by_value(BallotSource, "survey_source"))
    file_name: Mapped[str] = mapped_column(String(120), default="")
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    header: Mapped[Any] = mapped_column(JSONB, default=list)
    accepted: Mapped[int] = mapped_column(default=0, doc="stored and counted")
    invalid: Mapped[int] = mapped_column(default=0, doc="stored, not counted: a rule of validity")
    held: Mapped[int] = mapped_column(default=0)
    already: Mapped[int] = mapped_column(default=0, doc="the round had the same ballot already")
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    created_at: Mapped[datetime] = mapped_column(Moment)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    reason: Mapped[str] = mapped_column(Text, default="")

    round: Mapped[Round] = relationship(lazy="raise")


class Ballot(Base):
    """One ballot (phiếu). ``answers``: in the order of the instrument's slots; NULL where blank; bits where several
    options may be ticked (the first option is the lowest bit)."""

    __tablename__ = "survey_ballots"
    __table_args__ = (
        CheckConstraint("weight > 0", name="weight"),
        Index("uq_survey_ballots_number", "round_id", "number", unique=True, postgresql_where=text("NOT withdrawn")),
        Index(None, "batch_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    round_id: Mapped[int] = mapped_column(ForeignKey("survey_rounds.id"))
    batch_id: Mapped[int] = mapped_column(ForeignKey("survey_batches.id"))
    number: Mapped[str] = mapped_column(String(40))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    stratum: Mapped[str | None] = mapped_column(String(60))
    psu: Mapped[str | None] = mapped_column(String(60))
    weight: Mapped[float] = mapped_column(Double)
    answers: Mapped[list[int | None]] = mapped_column(ARRAY(SmallInteger))
    valid: Mapped[bool] = mapped_column()
    marks: Mapped[list[str]] = mapped_column(ARRAY(String(40)), doc="codes of the ballot rules that it meets")
    age: Mapped[str | None] = mapped_column(String(20))
    sex: Mapped[str | None] = mapped_column(String(20))
    ethnicity: Mapped[str | None] = mapped_column(String(20))
    entered_on: Mapped[date] = mapped_column()
    withdrawn: Mapped[bool] = mapped_column(server_default=text("false"))


class HeldRow(Base):
    """A row in quarantine. ``cells``: as they stood in the file. ``findings``: ``[column, fault, params]`` for every
    reason."""

    __tablename__ = "survey_held_rows"
    __table_args__ = (UniqueConstraint("batch_id", "line"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("survey_batches.id"))
    line: Mapped[int] = mapped_column()
    findings: Mapped[Any] = mapped_column(JSONB)
    cells: Mapped[Any] = mapped_column(JSONB)


class IssuedBallot(Base):
    """A ballot slip: a drawn ballot with its place in the sample.

    ``population``: first-stage units in the population of its stratum; none where they were drawn with probability
    proportional to size. ``code_hash``: hash of the code with which the respondent may answer without an officer; none
    where no code was printed. ``used_on``: the day on which the respondent answered.
    """

    __tablename__ = "survey_issued_ballots"
    __table_args__ = (
        UniqueConstraint("round_id", "number"),
        CheckConstraint("weight > 0", name="weight"),
        CheckConstraint("population > 0", name="population"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("survey_rounds.id"))
    number: Mapped[str] = mapped_column(String(40))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    stratum: Mapped[str | None] = mapped_column(String(60))
    psu: Mapped[str | None] = mapped_column(String(60))
    weight: Mapped[float] = mapped_column(Double)
    population: Mapped[int | None] = mapped_column()
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    used_on: Mapped[date | None] = mapped_column()


class RepeatBallot(Base):
    """A ballot that was filled in a second time. It never replaces the first; it is only compared with it."""

    __tablename__ = "survey_again_ballots"
    __table_args__ = (UniqueConstraint("round_id", "number", "why"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("survey_rounds.id"))
    number: Mapped[str] = mapped_column(String(40))
    why: Mapped[RepeatReason] = mapped_column(by_value(RepeatReason, "survey_again"))
    answers: Mapped[list[int | None]] = mapped_column(ARRAY(SmallInteger))
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    entered_on: Mapped[date] = mapped_column()
