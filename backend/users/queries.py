"""Queries for accounts, for pages and commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import String, and_, func, literal_column, or_, select, tuple_
from sqlalchemy.orm import Session, joinedload

from backend.files.text import fold_text, folded_sql
from backend.users.models import Role, User
from backend.users.policy import HANDLERS, PROVINCE

ACCOUNTS_PAGE: Final = 50
WORDS_MOST: Final = 8
FOLDED_NAME: Final = literal_column(folded_sql("users.name"), String())


@dataclass(frozen=True)
class AccountFilter:
    """What to look for among the accounts: words of name or address, role, unit, open or closed. Empty: all."""

    words: str = ""
    role: Role | None = None
    unit_id: int | None = None
    active: bool | None = None


@dataclass(frozen=True)
class AccountPage:
    """A page of accounts, how many there are in all, and the id after which the next page begins."""

    accounts: Sequence[User]
    count: int
    after: int | None


def search_accounts(
    session: Session, wanted: AccountFilter, *, after: int | None = None, limit: int = ACCOUNTS_PAGE
) -> AccountPage:
    """Return a page of the accounts that fit: open accounts first, then by e-mail address.

    A word fits a part of the address or of the name, with or without tone marks. ``after`` is the id of the last
    account of the page before, so that no address of a person stands in the address of a page.
    """
    statement = select(User)
    for word in fold_text(wanted.words).split()[:WORDS_MOST]:
        statement = statement.where(
            or_(User.email.contains(word, autoescape=True), FOLDED_NAME.contains(word, autoescape=True))
        )
    statement = statement if wanted.role is None else statement.where(User.role == wanted.role)
    statement = statement if wanted.unit_id is None else statement.where(User.unit_id == wanted.unit_id)
    statement = statement if wanted.active is None else statement.where(User.active == wanted.active)
    count = session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    if after is not None:
        last = select(~User.active, User.email).where(User.id == after)
        statement = statement.where(tuple_(~User.active, User.email) > last.scalar_subquery())
    order = (~User.active, User.email)
    rows = session.scalars(statement.options(joinedload(User.unit)).order_by(*order).limit(limit + 1)).all()
    return AccountPage(rows[:limit], count, rows[limit - 1].id if len(rows) > limit else None)


def find_account_with_unit(session: Session, user_id: int) -> User | None:
    """Return an account with its unit, for its page."""
    return session.scalar(select(User).where(User.id == user_id).options(joinedload(User.unit)))


def names_of(session: Session, user_ids: set[int]) -> dict[int, str]:
    """Return the names of accounts by their ids."""
    if not user_ids:
        return {}
    rows = session.execute(select(User.id, User.name).where(User.id.in_(user_ids)))
    return {row.id: row.name for row in rows}


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
