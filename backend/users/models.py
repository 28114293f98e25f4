"""Tables of staff accounts and of their sessions on the server."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.db import Base, Moment, by_value
from backend.units.models import Unit


class Role(StrEnum):
    """Role of a person. `backend.users.policy.can` says what each role may do."""

    CITIZEN = "citizen"
    OFFICER = "officer"
    LEADER = "leader"
    COORDINATOR = "coordinator"
    MANAGER = "manager"
    SURVEY = "survey_officer"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


STAFF = tuple(role for role in Role if role is not Role.CITIZEN)


class User(Base):
    """An account of a member of staff. Citizens need no account."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("role <> 'citizen'", name="staff"),
        CheckConstraint(
            "unit_id IS NOT NULL OR role IN ('coordinator', 'manager', 'survey_officer', 'administrator', 'auditor')",
            name="unit_of_role",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[Role] = mapped_column(by_value(Role, "role"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    active: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str] = mapped_column(String(2), default="vi", server_default="vi", doc="of messages to them")
    created_at: Mapped[datetime] = mapped_column(Moment)

    unit: Mapped[Unit | None] = relationship(lazy="raise")


class UserSession(Base):
    """A session of a signed-in account. It has only the SHA-256 of its token. An ended session stays, with its end."""

    __tablename__ = "user_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)

    user: Mapped[User] = relationship(lazy="raise")
