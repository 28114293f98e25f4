"""What pages and commands read of accounts."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from backend.users.models import User
from backend.users.policy import HANDLERS


def list_accounts(session: Session) -> Sequence[User]:
    """Every account with its unit: open ones first, then by address."""
    return session.scalars(select(User).options(joinedload(User.unit)).order_by(User.active.desc(), User.email)).all()


def by_email(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def list_handlers(session: Session, unit_id: int) -> Sequence[User]:
    """Who can be given a ticket of a unit: its officers and its leaders."""
    return session.scalars(
        select(User).where(User.unit_id == unit_id, User.active, User.role.in_(HANDLERS)).order_by(User.name, User.id)
    ).all()
