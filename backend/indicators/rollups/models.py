"""Tables of the roll-ups: their cells, when each unit and month was counted, and what has changed since."""

from datetime import date
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Date, Identity, Index, Integer, String, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, by_value
from backend.tickets.models import Channel

EVERY_UNIT = 0  # stands for all units together; no unit has this id
EVERY_MONTH = date.min  # stands for all months together, in the cells of open tickets


class RollupKind(StrEnum):
    """What the numbers of a cell are. The kinds are counted in `backend.indicators.rollups.kinds`."""

    HELD = "held"  # the indicators, and the sums of ratings
    OPEN = "open"  # open tickets by age
    STANDING = "standing"  # by outcome, for the ratios of QĐ 766
    CLOSED = "closed"  # answered tickets and their ratings by outcome and category
    DAYS = "days"  # values with their counts: working days until the answer
    TOLD = "told"  # the same: seconds from the decision to the notice
    RATED = "rated"  # the same: what is known of a rated ticket, packed


# Kinds whose numbers are values with their counts; the numbers of the others are sums, each in its place.
TALLIES = (RollupKind.DAYS, RollupKind.TOLD, RollupKind.RATED)


class RollupCell(Base):
    """The numbers of the tickets that share a key.

    ``unit_id``: the unit that holds the tickets, or `EVERY_UNIT`. ``credited_id``: the unit to which their ratings
    count. ``hidden``: complaints about the conduct of that unit, which it does not see.
    """

    __tablename__ = "rollup_cells"
    __table_args__ = (
        Index("ix_rollup_cells_credited", "credited_id", "month", postgresql_where=text("credited_id <> unit_id")),
    )

    kind: Mapped[RollupKind] = mapped_column(by_value(RollupKind, "rollup_kind"), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True, doc="first day of the month of reception")
    unit_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    credited_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[Channel] = mapped_column(by_value(Channel, "rollup_channel"), primary_key=True)
    hidden: Mapped[bool] = mapped_column(primary_key=True)
    detail: Mapped[str] = mapped_column(String(80), primary_key=True, default="")
    numbers: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class CountedMonth(Base):
    """When the tickets of a unit and month were counted, and until when the passing of time changes nothing."""

    __tablename__ = "rollup_months"

    unit_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(primary_key=True)
    counted_on: Mapped[date] = mapped_column()
    holds_until: Mapped[date] = mapped_column()
    terms: Mapped[str] = mapped_column(String(64), doc="hash of the days by which the tickets had to be taken up")


class RollupState(Base):
    """One row: a mark that is new after each count, and the versions by which was counted."""

    __tablename__ = "rollup_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mark: Mapped[str] = mapped_column(Text)
    versions: Mapped[str] = mapped_column(Text, doc="calendar and last rule")


# Months of units that have changed. Triggers on tickets and ratings add a row in the transaction of the change. Nobody
# waits for anybody: a row is only ever added by a writer and removed by the one who counts.
changes = Table(
    "rollup_changes",
    Base.metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("unit_id", Integer, nullable=False),
    Column("month", Date, nullable=False),
)
