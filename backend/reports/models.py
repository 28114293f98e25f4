"""Tables of reports: the latest files of each, and the author's own texts, which stay when the files are written
anew."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment


class StoredReport(Base):
    """A report by its subject. ``inputs_hash``: SHA-256 of the values and texts in its files; none before the first
    files."""

    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("geography", "year", "against"),
        CheckConstraint("against < year", name="years"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    geography: Mapped[str] = mapped_column(String(40))
    year: Mapped[int] = mapped_column()
    against: Mapped[int] = mapped_column()
    made_at: Mapped[datetime | None] = mapped_column(Moment)
    inputs_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))


class ReportFile(Base):
    """One of the latest files of a report."""

    __tablename__ = "report_files"

    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(100))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class ReportText(Base):
    """The author's text in one place of a report."""

    __tablename__ = "report_texts"

    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), primary_key=True)
    place: Mapped[str] = mapped_column(String(40), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    updated_at: Mapped[datetime] = mapped_column(Moment)
