"""The table of files that lists were exported to."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment, by_value


class ExportFormat(StrEnum):
    """The kind of a file; also its suffix."""

    CSV = "csv"
    XLSX = "xlsx"


class ListExport(Base):
    """A list that somebody exported, as they could see it then.

    ``role`` and ``unit_id`` are those of the account when it asked: the file is for them alone. ``file_key``, chosen by
    the server, names the file under ``DATA_DIR/exports``. Once the file is removed, the filters are forgotten too,
    because they may hold words that somebody typed.
    """

    __tablename__ = "list_exports"
    __table_args__ = (
        CheckConstraint("(ready_at IS NULL) = (row_count IS NULL)", name="ready"),
        Index("ix_list_exports_user", "user_id", "id"),
        Index("ix_list_exports_kept", "expires_at", postgresql_where=text("removed_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    role: Mapped[str] = mapped_column(String(32))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    list_key: Mapped[str] = mapped_column(String(40))
    file_format: Mapped[ExportFormat] = mapped_column(by_value(ExportFormat, "file_format"))
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    language: Mapped[str] = mapped_column(String(2))
    file_key: Mapped[str] = mapped_column(String(64), unique=True)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    ready_at: Mapped[datetime | None] = mapped_column(Moment)
    row_count: Mapped[int | None] = mapped_column()
    refusal: Mapped[str] = mapped_column(Text, default="", doc="why there is no file: a message of the catalogue")
    expires_at: Mapped[datetime] = mapped_column(Moment)
    removed_at: Mapped[datetime | None] = mapped_column(Moment)

    @property
    def under_way(self) -> bool:
        return self.ready_at is None and self.removed_at is None

    def is_offered(self, now: datetime) -> bool:
        """Return whether the file can be downloaded."""
        return self.ready_at is not None and self.removed_at is None and now < self.expires_at
