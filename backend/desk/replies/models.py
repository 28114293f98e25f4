"""Tables of reply templates: each template as it is now, and every version of it as it was written."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment, by_value


class ReplyKind(StrEnum):
    """What a template is written for."""

    ANSWER = "answer"
    QUESTION = "question"
    REFUSAL = "refusal"


class ReplyTemplate(Base):
    """A template of a unit, or of the province where there is no unit: the values of its newest version."""

    __tablename__ = "reply_templates"
    __table_args__ = (
        Index("uq_reply_templates_owner", text("coalesce(unit_id, 0)"), "name", unique=True),
        CheckConstraint("version > 0", name="version"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    version: Mapped[int] = mapped_column()
    kind: Mapped[ReplyKind] = mapped_column(by_value(ReplyKind, "reply_kind"))
    name: Mapped[str] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(Text)
    in_use: Mapped[bool] = mapped_column(doc="offered on the page of a ticket")
    folded: Mapped[str] = mapped_column(Text, doc="name and body in their search form")


class ReplyVersion(Base):
    """One version of a template. A trigger refuses UPDATE, DELETE and TRUNCATE."""

    __tablename__ = "reply_template_versions"

    template_id: Mapped[int] = mapped_column(ForeignKey("reply_templates.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ReplyKind] = mapped_column(by_value(ReplyKind, "reply_version_kind"))
    name: Mapped[str] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(Text)
    in_use: Mapped[bool] = mapped_column()
    written_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    written_at: Mapped[datetime] = mapped_column(Moment)
