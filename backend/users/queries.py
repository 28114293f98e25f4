"""Queries for accounts, for pages and commands."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, joinedload

from backend.users.models import User
from backend.users.policy import HANDLERS, PROVINCE


def list_accounts(session: Session) -> Sequence[User]:
    """Return every account with its unit: open accounts first, then by e-mail address."""
    return session.scalars(select(User).options(joinedload(User.unit)).order_by(User.active.desc(), User.email)).all()


def by_email(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def list_handlers(session: Session, unit_id: int) -> Sequence[User]:
    """Return the accounts that a ticket of a unit can be assigned to: its officers and leaders."""
    return session.scalars(
        select(User).where(User.unit_id == unit_id, User.active, User.role.in_(HANDLERS)).order_by(User.name, User.id)
    ).all()


def list_colleagues(session: Session, unit_id: int) -> Sequence[User]:
    """Return the open accounts of those who work on the tickets of a unit: its handlers, and the coordinators."""
    handles = and_(User.unit_id == unit_id, User.role.in_(HANDLERS))
    working = or_(handles, User.role.in_(PROVINCE))
    return session.scalars(select(User).where(User.active, working).order_by(User.name, User.id)).all()
