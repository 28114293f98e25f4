"""Tables of units: province, centre, departments, communes and wards, and former units with their successors."""

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, by_value


class UnitKind(StrEnum):
    """Kind of a unit. ``district`` is only for the past: districts ended on 30/6/2025."""

    PROVINCE = "province"
    CENTRE = "centre"
    DEPARTMENT = "department"
    DISTRICT = "district"
    COMMUNE = "commune"
    WARD = "ward"
    TOWNSHIP = "township"
    OFFICE = "office"


class Unit(Base):
    """An administrative unit with its dates of validity.

    Names and official codes are reused over time, so tables refer to a unit by ``id``, never by name. ``code`` is
    unique among units that are valid from the same day.
    """

    __tablename__ = "units"
    __table_args__ = (
        UniqueConstraint("code", "valid_from"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="validity"),
        Index(None, "parent_id", "folded"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    folded: Mapped[str] = mapped_column(String(200), doc="name without tone marks, lower case: for finding and sorting")
    kind: Mapped[UnitKind] = mapped_column(by_value(UnitKind, "unit_kind"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    receives: Mapped[bool] = mapped_column(default=False, doc="senders may choose it for feedback")
    conduct_desk_id: Mapped[int | None] = mapped_column(
        ForeignKey("units.id"), doc="unit that handles complaints about its conduct; never the unit itself"
    )
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date | None] = mapped_column(doc="last day of validity; NULL while it is valid")
    source: Mapped[str] = mapped_column(Text, default="")
    border: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True), deferred=True, doc="GeoJSON geometry, WGS 84")

    def valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class Succession(Base):
    """The successor of a former unit or a part of it, with the day and the decision."""

    __tablename__ = "unit_successions"

    former_id: Mapped[int] = mapped_column(ForeignKey("units.id"), primary_key=True)
    successor_id: Mapped[int] = mapped_column(ForeignKey("units.id"), primary_key=True, index=True)
    on: Mapped[date] = mapped_column("on_day")
    basis: Mapped[str] = mapped_column(Text)
