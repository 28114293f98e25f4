"""Tables for finding similar tickets: the word pairs of recent tickets. They can be made again from the tickets."""

from datetime import date

from sqlalchemy import Index, Integer
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base


class SimilarText(Base):
    """The word pairs of a recent ticket, as numbers, and the unit under which they are listed."""

    __tablename__ = "similar_texts"
    __table_args__ = (Index(None, "received_on"),)

    ticket_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    unit_id: Mapped[int] = mapped_column()
    received_on: Mapped[date] = mapped_column()
    pairs: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class SimilarPair(Base):
    """One word pair of a recent ticket of a unit. The key is the search: unit and pair, latest ticket first."""

    __tablename__ = "similar_pairs"

    unit_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    pair: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ticket_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
