"""What one person did with many tickets at once, kept for some days: to tell it row by row, and to take it back."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment

KEY_MOST = 32  # characters


class BulkStep(Base):
    """One action on many ticked tickets, with its result for each of them.

    - ``key``: comes with the form, so that a form that is sent twice acts once.
    - ``results``: a list of objects, one for each ticked row: ``number``, ``ticket`` (its id; missing where the person
      sees no such ticket), and for a refused row ``why`` (the message) and ``params``. A row that was assigned has
      ``version`` (after it) and ``before`` (who had it).
    - ``fields``: what was typed, for another try with the refused rows. Empty where no row was refused.
    - ``list_query``: the query of the list that the rows were ticked in.
    """

    __tablename__ = "bulk_steps"
    __table_args__ = (UniqueConstraint("user_id", "key"), Index(None, "user_id", "at"))

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    key: Mapped[str] = mapped_column(String(KEY_MOST))
    event: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(Moment)
    list_query: Mapped[str] = mapped_column(String(600))
    fields: Mapped[Any] = mapped_column(JSONB)
    results: Mapped[Any] = mapped_column(JSONB)
    undone_at: Mapped[datetime | None] = mapped_column(Moment)
