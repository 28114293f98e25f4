"""What pages and commands read of accounts."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from backend.users.models import User


def accounts(session: Session) -> Sequence[User]:
    """Every account with its unit: open ones first, then by address."""
    return session.scalars(select(User).options(joinedload(User.unit)).order_by(User.active.desc(), User.email)).all()


def by_email(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(User.email == email.strip().lower()))
