"""Tables of the stored versions of rules and of clock results.

Rows are added, never changed; the database refuses changes. A changed rule is a new row, a new result a new version.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment, by_value
from backend.deadlines.clock_states import ClockKind
from backend.deadlines.rules import RuleEvidence, TermStart
from backend.tickets.models import Verdict


class RuleVersion(Base):
    """A stored ``DeadlineRule``. Of several that fit a ticket the narrowest holds; of equally narrow the latest."""

    __tablename__ = "rules"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from", name="validity"),
        CheckConstraint("times > 0", name="times"),
        Index(None, "code"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    value: Mapped[str] = mapped_column(String(40), doc="15 working days, 20 days, 4 working hours, at once")
    basis: Mapped[str] = mapped_column(Text)
    mark: Mapped[RuleEvidence] = mapped_column(by_value(RuleEvidence, "mark"))
    starts: Mapped[TermStart] = mapped_column(by_value(TermStart, "starts"))
    case: Mapped[str] = mapped_column(String(40), default="")
    adds_to: Mapped[str] = mapped_column(String(40), default="")
    times: Mapped[int] = mapped_column(default=1)
    repeats: Mapped[bool] = mapped_column(default=False)
    valid_from: Mapped[date | None] = mapped_column()
    valid_to: Mapped[date | None] = mapped_column()
    note: Mapped[str] = mapped_column(Text, default="")
    category: Mapped[str] = mapped_column(String(40), default="", doc="only tickets of this category; empty: any")
    category_class: Mapped[str] = mapped_column(String(40), default="")
    manner: Mapped[str] = mapped_column(String(40), default="", doc="only tickets received in this manner; empty: any")
    province: Mapped[str] = mapped_column(String(40), default="", doc="the province that set it; empty: shipped")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)


class ClockVersion(Base):
    """A result of a clock: a due date that moved, or a verdict, with the versions that counted it and why."""

    __tablename__ = "ticket_clocks"
    __table_args__ = (
        CheckConstraint("version > 0 AND nth > 0 AND episode > 0", name="positive"),
        CheckConstraint("late_days >= 0 AND late_minutes >= 0", name="lateness"),
        Index("ix_ticket_clocks_judged", "clock", "ended_at", postgresql_where=text("verdict IS NOT NULL")),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    episode: Mapped[int] = mapped_column(primary_key=True)
    clock: Mapped[ClockKind] = mapped_column(by_value(ClockKind, "clock"), primary_key=True)
    nth: Mapped[int] = mapped_column(
        primary_key=True, doc="number of the clock among those of its kind in the episode, from 1"
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), doc="the unit that is judged")
    value: Mapped[str] = mapped_column(String(40))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("rules.id"))
    calendar_id: Mapped[int] = mapped_column(ForeignKey("calendar_versions.id"))
    started_at: Mapped[datetime] = mapped_column(Moment)
    due_date: Mapped[date] = mapped_column()
    due_at: Mapped[datetime] = mapped_column(Moment)
    estimated: Mapped[bool] = mapped_column(default=False)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    verdict: Mapped[Verdict | None] = mapped_column(by_value(Verdict, "clock_verdict"))
    late_days: Mapped[int] = mapped_column(default=0, doc="calendar days past the due date")
    late_minutes: Mapped[int] = mapped_column(default=0, doc="working minutes past the due moment")
    explanation: Mapped[Any] = mapped_column(JSONB)
    reason: Mapped[str] = mapped_column(String(40), doc="the event that caused it")
    computed_at: Mapped[datetime] = mapped_column(Moment)
