"""Accounts: create, sign in, sign out, close, change passwords. Passwords are hashed with Argon2id."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from backend import audit
from backend.errors import Conflict, Invalid, NotFound, TooMany, _
from backend.files.text import EMAIL, clean_text
from backend.units.models import Unit
from backend.users.models import STAFF, Role, User, UserSession
from backend.users.policy import HANDLERS, Actor
from backend.web import rate_limits
from backend.worktime.calendar import local_time

LASTS = timedelta(hours=12)
IDLE = timedelta(hours=2)
TOUCH = timedelta(minutes=1)
PASSWORD_LEAST = 10
PASSWORD_MOST = 200
hasher = PasswordHasher()
# Hashing a password takes 64 MiB and a tenth of a second of a core. While this many are being hashed, further people
# are asked to try again. If they waited, a crowd would take all threads of the process from citizens, and it would pass
# the limits before the first failure is counted.
AT_ONCE = 6
AGAIN = 5  # seconds
_turns = BoundedSemaphore(AT_ONCE)
# Checked where there is no account, so that the answer takes as long as for a wrong password.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$RRyHcWmyVpBsEVlAKKrN2hyHG5HPlvwvzDzfLsAUoPY"


def token_hash(token: str) -> bytes:
    return hashlib.sha256(b"session:" + token.encode("utf-8", "replace")).digest()


def create_user(
    session: Session,
    *,
    email: str,
    name: str,
    password: str,
    role: Role,
    unit_id: int | None,
    now: datetime,
    by: str = "system",
) -> User:
    """Create an account. ``by`` is the key of the actor who creates it.

    Raises Invalid with every refusal at its field: ``email``, ``name``, ``password``, ``role``, ``unit``.
    """
    email = clean_text(email, limit=200, field="email").lower()
    name = clean_text(name, limit=120, field="name")
    Invalid.collect(_wrong_account(session, email, name, password, role, unit_id, now))
    user = User(
        email=email,
        name=name,
        password_hash=hasher.hash(password),
        role=role,
        unit_id=unit_id,
        created_at=now,
    )
    session.add(user)
    session.flush()
    audit.record(session, audit.user_key(user.id), "created", actor=by, now=now, data={"role": role.value}, first=True)
    return user


def _wrong_account(
    session: Session, email: str, name: str, password: str, role: Role, unit_id: int | None, now: datetime
) -> list[Invalid]:
    """Return the refusals of a new account, each at its field."""
    refusals = _wrong_password(password, "password")
    if not EMAIL.fullmatch(email):
        refusals.append(Invalid(_("Hãy nhập địa chỉ thư điện tử, như ten@laichau.gov.vn."), field="email"))
    elif session.scalar(select(User.id).where(User.email == email)) is not None:
        refusals.append(Invalid(_("Địa chỉ này đã có tài khoản."), field="email"))
    if not name:
        refusals.append(Invalid(_("Hãy nhập họ tên."), field="name"))
    if role not in STAFF:
        refusals.append(Invalid(_("Hãy chọn một vai trò."), field="role"))
    if refused_unit := wrong_unit(session, role, unit_id, now):
        refusals.append(Invalid(refused_unit, field="unit"))
    return refusals


def wrong_unit(session: Session, role: Role, unit_id: int | None, now: datetime) -> str | None:
    """Return the refusal of a unit. It must be valid today and receive feedback; other units never have a ticket."""
    if unit_id is None:
        return _("Vai trò này cần một cơ quan.") if role in HANDLERS else None
    unit = session.get(Unit, unit_id)
    if unit is None or not unit.receives or not unit.valid_on(local_time(now).date()):
        return _("Xin chọn cơ quan trong danh sách.")
    return None


def _wrong_password(password: str, field: str) -> list[Invalid]:
    """Return the refusal of a too short or too long password. Without an upper bound, hashing could overload us."""
    if len(password) < PASSWORD_LEAST:
        return [Invalid(_("Mật khẩu cần ít nhất %(least)s ký tự."), field=field, least=PASSWORD_LEAST)]
    if len(password) > PASSWORD_MOST:
        return [Invalid(_("Mật khẩu dài quá %(most)s ký tự."), field=field, most=PASSWORD_MOST)]
    return []


def sign_in(session: Session, email: str, password: str, *, address: str, now: datetime) -> tuple[User, str]:
    """Return the account and the token of a new session.

    Raises Invalid, the same for a wrong address and a wrong password, and TooMany. Failures count for the network that
    tries, so that nobody can lock out another person.
    """
    email = clean_text(email, limit=10_000).lower()[:200]
    with _turn():
        user = _check_credentials(session, email, password, rate_limits.network_of(address), now)
    token = secrets.token_urlsafe(32)
    session.add(
        UserSession(token_hash=token_hash(token), user_id=user.id, created_at=now, seen_at=now, expires_at=now + LASTS)
    )
    lock_user(session, user.id)
    audit.record(session, audit.user_key(user.id), "signed_in", actor=audit.user_key(user.id), now=now)
    return user, token


@contextmanager
def _turn() -> Iterator[None]:
    """Take one of the `AT_ONCE` turns to check a password. Raises TooMany where all are taken."""
    if not _turns.acquire(blocking=False):
        raise TooMany(_("Nhiều người đang đăng nhập cùng lúc. Xin thử lại sau ít giây."), retry_after=AGAIN)
    try:
        yield
    finally:
        _turns.release()


def _check_credentials(session: Session, email: str, password: str, prefix: str, now: datetime) -> User:
    """Return the account with this address and password. Every failure counts. Raises Invalid and TooMany."""
    rate_limits.check_limit(session, rate_limits.SIGN_IN_BY_NETWORK, prefix, now)
    rate_limits.check_limit(session, rate_limits.SIGN_IN_BY_ACCOUNT_AND_NETWORK, f"{email} {prefix}", now)
    user = session.scalar(select(User).where(User.email == email, User.active))
    if not _password_fits(user, password) or user is None:
        rate_limits.count_failure(rate_limits.SIGN_IN_BY_NETWORK, prefix, now)
        rate_limits.count_failure(rate_limits.SIGN_IN_BY_ACCOUNT_AND_NETWORK, f"{email} {prefix}", now)
        raise Invalid(_("Địa chỉ hoặc mật khẩu không đúng."), field="email")
    return user


def actor_of(session: Session, token: str | None, now: datetime, *, touch: bool = True) -> Actor | None:
    """Return the actor of a session's token.

    Return None where the session is unknown, ended or idle for too long, or its account is closed. Without ``touch``
    the look-up does not count as use: a page that asks by itself keeps no session alive.
    """
    if not token:
        return None
    user_session = session.scalar(
        select(UserSession)
        .where(UserSession.token_hash == token_hash(token), UserSession.ended_at.is_(None))
        .options(joinedload(UserSession.user))
    )
    if user_session is None or not user_session.user.active:
        return None
    if now >= user_session.expires_at or now - user_session.seen_at >= IDLE:
        return None
    if touch and now - user_session.seen_at >= TOUCH:
        session.execute(update(UserSession).where(UserSession.id == user_session.id).values(seen_at=now))
    user = user_session.user
    return Actor(user.role, user.id, user.unit_id, user.name, audit.user_key(user.id))


def sign_out(session: Session, token: str, now: datetime) -> None:
    """End one session. A second call changes nothing."""
    session.execute(
        update(UserSession)
        .where(UserSession.token_hash == token_hash(token), UserSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def revoke_sessions(
    session: Session, user_id: int, now: datetime, *, by: str = "system", keep: str | None = None
) -> int:
    """End every session of an account but that of the token ``keep``, and return how many were ended."""
    lock_user(session, user_id)
    ending = update(UserSession).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
    if keep is not None:
        ending = ending.where(UserSession.token_hash != token_hash(keep))
    ended = session.scalars(ending.values(ended_at=now).returning(UserSession.id)).all()
    audit.record(session, audit.user_key(user_id), "sessions_revoked", actor=by, now=now, data={"count": len(ended)})
    return len(ended)


def set_active(session: Session, user_id: int, active: bool, *, by: Actor | None, now: datetime) -> User:
    """Open or close an account. Closing ends its sessions at once.

    ``by`` None means the operator at the command line. Raises Conflict where people close the account they are using:
    somebody must remain who can open it again.
    """
    user = find_account(session, user_id)
    if not active and by is not None and by.user_id == user_id:
        raise Conflict(_("Bạn không thể khóa tài khoản mình đang dùng."))
    if user.active != active:
        key = by.key if by else "system"
        user.active = active
        session.flush()
        audit.record(session, audit.user_key(user_id), "opened" if active else "closed", actor=key, now=now)
        if not active:
            revoke_sessions(session, user_id, now, by=key)
    return user


def reset_password(session: Session, user_id: int, *, by: Actor, now: datetime) -> tuple[User, str]:
    """Give an account a random password and end its sessions. Return the account and the password, to display once."""
    user = find_account(session, user_id)
    password = secrets.token_urlsafe(12)
    _set_password(session, user, password, by=by.key, now=now)
    return user, password


def change_password(session: Session, user_id: int, current: str, new: str, *, token: str | None, now: datetime) -> int:
    """Replace one's own password, end every other session of the account, and return how many ended.

    Raises Invalid at ``current`` or ``new``, and TooMany after too many wrong current passwords.
    """
    rate_limits.check_limit(session, rate_limits.SIGN_IN_BY_ACCOUNT_AND_NETWORK, audit.user_key(user_id), now)
    user = find_account(session, user_id)
    if not _password_fits(user, current):
        rate_limits.count_failure(rate_limits.SIGN_IN_BY_ACCOUNT_AND_NETWORK, audit.user_key(user_id), now)
        raise Invalid(_("Mật khẩu hiện tại không đúng."), field="current")
    Invalid.collect(_wrong_password(new, "new"))
    return _set_password(session, user, new, by=audit.user_key(user_id), now=now, keep=token)


def find_account(session: Session, user_id: int) -> User:
    """Return an account, locked for a change and for an entry in its chain of the history. Raises NotFound."""
    lock_user(session, user_id)
    user = session.get(User, user_id, populate_existing=True)
    if user is None:
        raise NotFound
    return user


def _set_password(
    session: Session, user: User, password: str, *, by: str, now: datetime, keep: str | None = None
) -> int:
    user.password_hash = hasher.hash(password)
    session.flush()
    audit.record(session, audit.user_key(user.id), "password_changed", actor=by, now=now)
    return revoke_sessions(session, user.id, now, by=by, keep=keep)


def _password_fits(user: User | None, password: str) -> bool:
    if len(password) > PASSWORD_MOST:
        return False
    try:
        return hasher.verify(user.password_hash if user else NOBODY, password) and user is not None
    except (VerificationError, InvalidHashError):
        return False


def lock_user(session: Session, user_id: int) -> None:
    """Lock the row of an account. Code that appends to the account's chain in the history must hold this lock."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update())
