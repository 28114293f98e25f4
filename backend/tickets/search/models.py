"""The table of the search: the words of each ticket, folded and with tones, under one index."""

from typing import Final

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base

# New entries of the index wait in a list that every search reads through. A short list costs a search less than a
# millisecond; without one, a new ticket would cost a descent of the index for each of its words.
PENDING_LIST_KB: Final = 512
INDEX_OPTIONS: Final = {"fastupdate": "on", "gin_pending_list_limit": str(PENDING_LIST_KB)}


class TicketSearch(Base):
    """What a ticket is found by. ``documents`` says what the words are; ``index_checks`` compares them with the texts.

    A row follows from the texts of its ticket alone, so it can be made again at any time.
    """

    __tablename__ = "ticket_search"
    __table_args__ = (Index("ix_ticket_search_words", "words", postgresql_using="gin", postgresql_with=INDEX_OPTIONS),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    words: Mapped[str] = mapped_column(TSVECTOR)
