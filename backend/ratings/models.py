"""The table of ratings: the three SIPAS items about feedback, once for each answer."""

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment, by_value
from backend.tickets.models import Channel

RATING_FORM = "sipas-feedback-3"


class Rating(Base):
    """Scores from 1 (very dissatisfied) to 5 (very satisfied): ease of reception, handling by the rules, timely notice.

    ``unit_id`` is the unit that gave the answer. It does not change when the ticket moves later.

    An episode has one answer, so there is one rating for each episode. A ticket that was answered together with another
    and then separated gets one more answer, which can be rated too.
    """

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
        primary_key=True,
        autoincrement=False,
        default=1,
        server_default="1",
        doc="number of the answer of the ticket, from 1",
    )
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), doc="the unit that gave the answer")
    received_on: Mapped[date] = mapped_column(doc="day of reception of the ticket, which decides the period")
    ease: Mapped[int] = mapped_column()
    by_rules: Mapped[int] = mapped_column()
    timely: Mapped[int] = mapped_column()
    remark: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[Channel] = mapped_column(by_value(Channel, "rating_channel"))
    method: Mapped[str] = mapped_column(String(40), default=RATING_FORM)
    at: Mapped[datetime] = mapped_column(Moment)


def rating_notes(scores: Sequence[int], remark: str) -> dict[str, object]:
    """Return what the history keeps of a rating, so that a later change would show: scores, hash of the remark."""
    notes: dict[str, object] = {"scores": list(scores)}
    return notes | {"remark": sha256(remark.encode()).hexdigest()} if remark else notes
