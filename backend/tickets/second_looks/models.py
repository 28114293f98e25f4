"""The table of second looks: a sender asks once for a review of an answer or a refusal by the level above.

A second look has its own chain in the history (``audit.look_chain``). Nothing of it stands in the chain or the row of
the ticket until it is decided. So whatever shows a ticket cannot show the answering unit that a second look goes on.
"""

import hashlib
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from backend.db import Base, Moment, by_value
from backend.tickets.models import Ticket, Verdict
from backend.units.models import Unit
from backend.users.models import User


class LookStage(StrEnum):
    """How far a second look is: asked for, taken by a reviewer, decided."""

    ASKED = "asked"
    TAKEN = "taken"
    DECIDED = "decided"


class LookResult(StrEnum):
    """What the reviewer decided: the answer stands, the letter answers in its place, the unit handles it again."""

    UPHELD = "upheld"
    CORRECTED = "corrected"
    SENT_BACK = "sent_back"


OPEN_LOOK = "stage <> 'decided'"


class SecondLook(Base):
    """One second look. ``reason`` is the sender's own text; the history has only its hash.

    - ``unit_id``: the unit that gave the answer. ``hidden_unit_id``: the unit that a complaint about conduct is about.
    - ``due_date`` is counted by ``term`` and ``calendar_id`` from ``asked_at`` on. Nothing stops this clock.
    - ``remind_at``: when to look at it next for reminders. It follows from the clock and is not part of the history.
    """

    __tablename__ = "second_looks"
    __table_args__ = (
        CheckConstraint(
            "(stage = 'decided') = (decided_at IS NOT NULL AND result IS NOT NULL AND verdict IS NOT NULL "
            "AND message_id IS NOT NULL)",
            name="decided",
        ),
        CheckConstraint("(stage = 'asked') = (reviewer_id IS NULL)", name="reviewer"),
        CheckConstraint("(reviewer_id IS NULL) = (taken_at IS NULL)", name="taken"),
        CheckConstraint("late_days >= 0", name="lateness"),
        Index("ix_second_looks_open", "due_date", "id", postgresql_where=text(OPEN_LOOK)),
        Index("ix_second_looks_remind", "remind_at", postgresql_where=text(OPEN_LOOK)),
        Index(None, "unit_id", "asked_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), unique=True, doc="a sender asks once")
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    hidden_unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    stage: Mapped[LookStage] = mapped_column(by_value(LookStage, "look_stage"))
    reason: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    asked_on: Mapped[date] = mapped_column(doc="day of the request in Asia/Ho_Chi_Minh")
    term: Mapped[str] = mapped_column(String(40), doc="value of the rule at that time, such as 20 working days")
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("rules.id"))
    calendar_id: Mapped[int] = mapped_column(ForeignKey("calendar_versions.id"))
    due_date: Mapped[date] = mapped_column()
    due_estimated: Mapped[bool] = mapped_column(default=False)
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    taken_at: Mapped[datetime | None] = mapped_column(Moment)
    result: Mapped[LookResult | None] = mapped_column(by_value(LookResult, "look_result"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("ticket_messages.id"), doc="the letter to the sender")
    verdict: Mapped[Verdict | None] = mapped_column(by_value(Verdict, "look_verdict"))
    late_days: Mapped[int] = mapped_column(default=0, doc="calendar days past the due date")
    remind_at: Mapped[datetime | None] = mapped_column(Moment)

    ticket: Mapped[Ticket] = relationship(lazy="raise")
    unit: Mapped[Unit] = relationship(lazy="raise", foreign_keys=[unit_id])
    reviewer: Mapped[User | None] = relationship(lazy="raise")

    @property
    def open(self) -> bool:
        return self.stage is not LookStage.DECIDED


def find_look(session: Session, ticket_id: int) -> SecondLook | None:
    """Return the second look of a ticket. The caller decides who may know of it."""
    return session.scalar(select(SecondLook).where(SecondLook.ticket_id == ticket_id))


def text_digest(body: str) -> str:
    """Return the hash that the history keeps of a text: SHA-256 in hexadecimal."""
    return hashlib.sha256(body.encode()).hexdigest()
