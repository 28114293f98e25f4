"""Limits on attempts, counted on the server by the network or account that tries, without storing an address.

A key (network prefix, account) is stored as a keyed hash. A count belongs to a window of time. Each attempt is written
in its own transaction, so that the refusal after it does not roll it back.
"""

import hashlib
import hmac
import ipaddress
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from sqlalchemy import Index, LargeBinary, String, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.db import Base, Moment, transaction
from backend.errors import TooMany, _
from backend.settings import get_settings

MUCH = _(
    "Từ mạng bạn đang dùng đã có rất nhiều phản ánh trong giờ qua. "
    "Nội dung của bạn vẫn còn nguyên: xin gửi lại sau %(minutes)s phút, hoặc dùng mạng khác."
)
log = logging.getLogger("langnghe.limits")


class FailedAttempt(Base):
    """Number of failures for one key within one window of time."""

    __tablename__ = "attempts"
    __table_args__ = (Index(None, "window"),)

    scope: Mapped[str] = mapped_column(String(20), primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    window: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    count: Mapped[int] = mapped_column()


@dataclass(frozen=True)
class AttemptLimit:
    """At most ``most`` failures of ``scope`` within ``span``; ``sentence`` is the refusal beyond it."""

    scope: str
    most: int
    span: timedelta
    sentence: str = _("Đã thử quá nhiều lần. Xin thử lại sau %(minutes)s phút.")


SECRET_BY_NETWORK = AttemptLimit("secret-net", 20, timedelta(minutes=15))
SECRET_BY_NUMBER = AttemptLimit("secret-number", 30, timedelta(minutes=15))
SECRETS_OF_ALL = AttemptLimit("secret-all", 2000, timedelta(minutes=15))
SIGN_IN_BY_NETWORK = AttemptLimit("signin-net", 30, timedelta(minutes=15))
SIGN_IN_BY_ACCOUNT_AND_NETWORK = AttemptLimit("signin-acc", 6, timedelta(minutes=15))


def network_of(address: str) -> str:
    """Return the network that one client can use: the /64 of an IPv6 address, or the IPv4 address itself.

    A chat with the bot (``telegram:...``) is its own network.
    """
    if address.startswith("telegram:"):
        return address
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def _hash(scope: str, key: str) -> bytes:
    secret = get_settings().secret_key.get_secret_value().encode()
    return hmac.digest(secret, f"{scope}:{key}".encode(), hashlib.sha256)[:16]


def _window(limit: AttemptLimit, now: datetime) -> datetime:
    seconds = int(limit.span.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, tz=UTC)


def check_limit(session: Session, limit: AttemptLimit, key: str, now: datetime) -> None:
    """Raise TooMany where the limit is used up. The refusal says how long to wait."""
    window = _window(limit, now)
    count = session.scalar(
        select(FailedAttempt.count).where(
            FailedAttempt.scope == limit.scope,
            FailedAttempt.key_hash == _hash(limit.scope, key),
            FailedAttempt.window == window,
        )
    )
    if count is not None and count >= limit.most:
        raise _too_many(limit, window, now)


def _too_many(limit: AttemptLimit, window: datetime, now: datetime) -> TooMany:
    wait = int((window + limit.span - now).total_seconds()) + 1
    return TooMany(limit.sentence, retry_after=wait, minutes=max(1, -(-wait // 60)))


def count_failure(limit: AttemptLimit, key: str, now: datetime) -> None:
    """Count a failure in its own transaction. The failure that uses the limit up is logged for the operator."""
    with transaction() as session:
        count = session.scalar(
            insert(FailedAttempt)
            .values(scope=limit.scope, key_hash=_hash(limit.scope, key), window=_window(limit, now), count=1)
            .on_conflict_do_update(
                index_elements=[FailedAttempt.scope, FailedAttempt.key_hash, FailedAttempt.window],
                set_={"count": FailedAttempt.count + 1},
            )
            .returning(FailedAttempt.count)
        )
    if count == limit.most:
        log.warning("limit reached: %s, %d failures within %s", limit.scope, limit.most, limit.span)


def count_guess(session: Session, tries: Mapping[AttemptLimit, str], now: datetime) -> None:
    """Count one failure against several limits. Raises TooMany where one of them is used up already."""
    for limit, key in tries.items():
        check_limit(session, limit, key, now)
    for limit, key in tries.items():
        count_failure(limit, key, now)


class NetworkFlow:
    """Limit on what one network sends within ``span``: at most ``most``; 0 means no limit.

    Counts are in the memory of this process, so that a flood causes no writes and no request waits for a row.
    """

    def __init__(self, most: int, span: timedelta = timedelta(hours=1)) -> None:
        self.limit = AttemptLimit("flow", most, span, MUCH)
        self._window = datetime.min.replace(tzinfo=UTC)
        self._counts: Counter[str] = Counter()
        self._turn = Lock()

    def take(self, address: str, now: datetime) -> None:
        """Count one more. Raises TooMany where the limit is used up."""
        if not self.limit.most:
            return
        with self._turn:
            if (window := _window(self.limit, now)) != self._window:
                self._window = window
                self._counts.clear()
            if self._counts[key := network_of(address)] >= self.limit.most:
                raise _too_many(self.limit, window, now)
            self._counts[key] += 1


def forget_windows(session: Session, before: datetime) -> None:
    """Remove the counts of windows that began before ``before``."""
    session.execute(delete(FailedAttempt).where(FailedAttempt.window < before))
