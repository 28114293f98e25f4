"""Ratings after handling: the three SIPAS feedback items, once for each answer."""

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment, by_value
from backend.tickets.models import Channel

RATING_FORM = "sipas-feedback-3"


class Rating(Base):
    """Scores 1 (very dissatisfied) to 5 (very satisfied) on ease of reception, handling as the rules say, timely
    notice. The unit that gave the answer is frozen here, so that a later move credits nobody else.

    An episode of handling brings one answer, so this is one rating for each episode. A ticket that was answered
    together with another and then goes its own way is answered once more, and that answer can be rated too."""

    __tablename__ = "ratings"
    __table_args__ = (
        CheckConstraint("ease BETWEEN 1 AND 5", name="ease"),
        CheckConstraint("by_rules BETWEEN 1 AND 5", name="by_rules"),
        CheckConstraint("timely BETWEEN 1 AND 5", name="timely"),
        CheckConstraint("answer >= 1", name="answer"),
        Index(None, "unit_id", "received_on"),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    answer: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, default=1, server_default="1", doc="which answer of the ticket, from 1"
    )
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), doc="the unit that gave the answer")
    received_on: Mapped[date] = mapped_column(doc="the ticket's day of reception: the period it is counted in")
    ease: Mapped[int] = mapped_column()
    by_rules: Mapped[int] = mapped_column()
    timely: Mapped[int] = mapped_column()
    remark: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[Channel] = mapped_column(by_value(Channel, "rating_channel"))
    method: Mapped[str] = mapped_column(String(40), default=RATING_FORM)
    at: Mapped[datetime] = mapped_column(Moment)


def rating_notes(scores: Sequence[int], remark: str) -> dict[str, object]:
    """What the history keeps of a rating, so that a later change of it would show: scores, and the hash of a remark."""
    noted: dict[str, object] = {"scores": list(scores)}
    return noted | {"remark": sha256(remark.encode()).hexdigest()} if remark else noted
