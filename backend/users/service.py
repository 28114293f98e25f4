"""Accounts: sign in, sign out, revoke. Passwords stretched with Argon2id, sessions kept on the server."""

import hashlib
import secrets
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from backend import audit, limits
from backend.errors import Invalid, _
from backend.text import clean
from backend.users.models import Role, User, UserSession
from backend.users.policy import Actor

LASTS = timedelta(hours=12)
IDLE = timedelta(hours=2)
TOUCH = timedelta(minutes=1)
PASSWORD_LEAST = 10
hasher = PasswordHasher()
# Verified when no account is found, so that the answer takes as long as for a wrong password.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$RRyHcWmyVpBsEVlAKKrN2hyHG5HPlvwvzDzfLsAUoPY"


def token_hash(token: str) -> bytes:
    return hashlib.sha256(b"session:" + token.encode("utf-8", "replace")).digest()


def create_user(
    session: Session, *, email: str, name: str, password: str, role: Role, unit_id: int | None, now: datetime
) -> User:
    """A new account. Raises Invalid for a short password or an address already taken."""
    email = clean(email, limit=200, field="email").lower()
    if len(password) < PASSWORD_LEAST:
        raise Invalid(_("Mật khẩu cần ít nhất %(least)s ký tự."), field="password", least=PASSWORD_LEAST)
    if session.scalar(select(User.id).where(User.email == email)) is not None:
        raise Invalid(_("Địa chỉ này đã có tài khoản."), field="email")
    user = User(
        email=email,
        name=clean(name, limit=120, field="name"),
        password_hash=hasher.hash(password),
        role=role,
        unit_id=unit_id,
        created_at=now,
    )
    session.add(user)
    session.flush()
    audit.record(session, f"user:{user.id}", "created", actor="system", now=now, data={"role": role.value}, first=True)
    return user


def sign_in(session: Session, email: str, password: str, *, address: str, now: datetime) -> tuple[User, str]:
    """The account and a new session's token. Raises Invalid (the same for a wrong address and a wrong password) and
    TooMany; limits count on the side of whoever tries, so that nobody can lock another out."""
    email = clean(email, limit=10_000).lower()[:200]
    prefix = limits.network(address)
    limits.check(session, limits.SIGN_IN_BY_NETWORK, prefix, now)
    limits.check(session, limits.SIGN_IN_BY_ACCOUNT_AND_NETWORK, f"{email} {prefix}", now)
    user = session.scalar(select(User).where(User.email == email, User.active))
    if not _verified(user, password) or user is None:
        limits.failed(limits.SIGN_IN_BY_NETWORK, prefix, now)
        limits.failed(limits.SIGN_IN_BY_ACCOUNT_AND_NETWORK, f"{email} {prefix}", now)
        raise Invalid(_("Địa chỉ hoặc mật khẩu không đúng."), field="email")
    token = secrets.token_urlsafe(32)
    session.add(
        UserSession(token_hash=token_hash(token), user_id=user.id, created_at=now, seen_at=now, expires_at=now + LASTS)
    )
    lock(session, user.id)
    audit.record(session, f"user:{user.id}", "signed_in", actor=f"user:{user.id}", now=now)
    return user, token


def actor_of(session: Session, token: str | None, now: datetime) -> Actor | None:
    """Who a session's token stands for; None when it is unknown, ended, idle for too long, or its account closed."""
    if not token:
        return None
    held = session.scalar(
        select(UserSession)
        .where(UserSession.token_hash == token_hash(token), UserSession.ended_at.is_(None))
        .options(joinedload(UserSession.user))
    )
    if held is None or not held.user.active or now >= held.expires_at or now - held.seen_at >= IDLE:
        return None
    if now - held.seen_at >= TOUCH:
        session.execute(update(UserSession).where(UserSession.id == held.id).values(seen_at=now))
    user = held.user
    return Actor(user.role, user.id, user.unit_id, user.name, f"user:{user.id}")


def sign_out(session: Session, token: str, now: datetime) -> None:
    """End one session; ending it twice is the same as once."""
    session.execute(
        update(UserSession)
        .where(UserSession.token_hash == token_hash(token), UserSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def revoke(session: Session, user_id: int, now: datetime) -> int:
    """End every session of an account, at once; returns how many were ended."""
    ended = session.scalars(
        update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
        .values(ended_at=now)
        .returning(UserSession.id)
    ).all()
    lock(session, user_id)
    audit.record(session, f"user:{user_id}", "sessions_revoked", actor="system", now=now, data={"count": len(ended)})
    return len(ended)


def _verified(user: User | None, password: str) -> bool:
    try:
        return hasher.verify(user.password_hash if user else NOBODY, password) and user is not None
    except (VerificationError, InvalidHashError):
        return False


def lock(session: Session, user_id: int) -> None:
    """Whoever writes into an account's chain holds its row."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update())
