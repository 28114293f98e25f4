"""The table of photos that were sent with a ticket, re-encoded before they are stored."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment


class Attachment(Base):
    """A photo. ``key``: chosen by the server, names the file under ``DATA_DIR/attachments``. The sender's name of the
    file is not stored."""

    __tablename__ = "attachments"
    __table_args__ = (CheckConstraint("size > 0 AND width > 0 AND height > 0", name="measures"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    size: Mapped[int] = mapped_column()
    width: Mapped[int] = mapped_column()
    height: Mapped[int] = mapped_column()
    at: Mapped[datetime] = mapped_column(Moment)
