"""The history that nobody rewrites: append-only entries, chained by SHA-256 within a ticket or an account.

An entry holds references and hashes, never a name, an address or a text, so that a person's data can be erased without
breaking a chain. A trigger of the database refuses UPDATE, DELETE and TRUNCATE (see the first migration); another one
notes each entry for the sealer (see ``backend.history``).
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NewType

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    LargeBinary,
    SQLColumnExpression,
    String,
    UniqueConstraint,
    cast,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend import db
from backend.db import AdvisoryLock, Base, Moment, table_of

Chain = NewType("Chain", str)
_TICKET, _USER = "ticket:", "user:"
FIRST = bytes(32)
REFUSED = "refused:"  # before the actor, the chain of what that actor was refused
# Links that nobody with an account has made, their ``data`` as JSON.
COPY_LINKS = "COPY audit (chain, seq, at, actor, action, data, prev, hash) FROM STDIN"
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def ticket_chain(ticket_id: int) -> Chain:
    """Return the chain of a ticket: ``ticket:42``. Nobody else spells it."""
    return Chain(f"{_TICKET}{ticket_id}")


def ticket_chain_of(ticket_id: SQLColumnExpression[int]) -> ColumnElement[str]:
    """Return the same for a column of ids, as an expression of SQL."""
    return literal(_TICKET) + cast(ticket_id, String)


def ticket_chain_sql(ticket_id: str) -> str:
    """Return the same for statements written as text: ``ticket_id`` is the name of a column."""
    return f"'{_TICKET}' || {ticket_id}"


def is_ticket_chain_sql(chain: str) -> str:
    """Return the condition, as text, that ``chain`` (the name of a column) is the chain of a ticket."""
    return f"{chain} LIKE '{_TICKET}%'"


def ticket_id_of(chain: str) -> int | None:
    """Return the ticket that a chain is about, or None for a chain of another kind."""
    number = chain.removeprefix(_TICKET)
    return int(number) if number != chain and number.isascii() and number.isdigit() else None


def user_key(user_id: int) -> Chain:
    """Return the name of an account, as an actor and as a chain: ``user:7``."""
    return Chain(f"{_USER}{user_id}")


def user_id_in(key: str) -> int | None:
    """Return the account that an actor or a chain names, or None for the sender, the system and other chains."""
    number = key.removeprefix(_USER)
    return int(number) if number != key and number.isascii() and number.isdigit() else None


class AuditEntry(Base):
    """One thing that happened, link ``seq`` of its chain."""

    __tablename__ = "audit"
    __table_args__ = (
        UniqueConstraint("chain", "seq"),
        CheckConstraint("seq > 0", name="seq"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    chain: Mapped[str] = mapped_column(String(40), doc="ticket:42, user:7")
    seq: Mapped[int] = mapped_column()
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str] = mapped_column(String(40), doc="sender, system, user:7")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(String(40))
    data: Mapped[Any] = mapped_column(JSONB)
    prev: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


@dataclass(frozen=True)
class BrokenLink:
    """The first link of a chain that does not hold."""

    chain: str
    seq: int
    why: str


def hash_link(
    chain: str, seq: int, at: datetime, actor: str, action: str, data: Mapping[str, Any], prev: bytes
) -> bytes:
    """SHA-256 over the canonical form of an entry: JSON, keys sorted, no spaces, UTC to the microsecond."""
    form = [
        chain,
        seq,
        at.astimezone(UTC).isoformat(timespec="microseconds"),
        actor,
        action,
        data,
        prev.hex(),
    ]
    return hashlib.sha256(_CANONICAL.encode(form).encode()).digest()


def record(
    session: Session,
    chain: str,
    action: str,
    *,
    actor: str,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    first: bool = False,
) -> int:
    """Append an entry to a chain and return its ``seq``.

    The caller holds the lock of what the chain is about (the ticket's row); two appenders without it collide on the
    unique ``(chain, seq)`` instead of forking the chain. ``first`` spares the look-up when the chain is being born.
    """
    seq, prev = 1, FIRST
    if not first:
        head = session.execute(
            select(AuditEntry.seq, AuditEntry.hash)
            .where(AuditEntry.chain == chain)
            .order_by(AuditEntry.seq.desc())
            .limit(1)
        ).one_or_none()
        if head is not None:
            seq, prev = head.seq + 1, head.hash
    values = dict(data or {})
    session.execute(
        insert(table_of(AuditEntry)),
        {
            "chain": chain,
            "seq": seq,
            "at": now,
            "actor": actor,
            "user_id": user_id_of(chain, actor),
            "action": action,
            "data": values,
            "prev": prev,
            "hash": hash_link(chain, seq, now, actor, action, values, prev),
        },
    )
    return seq


def record_refusal(actor_key: str, action: str, ticket_id: int | None, reason_code: str, now: datetime) -> None:
    """Write down a refused attempt in a transaction of its own, so that the rollback of the attempt leaves it standing.

    Nobody queues: a member of staff has a chain of refusals with a lock of its own, which no other work holds; each
    refusal of a sender is a chain of one link, joined to the others by its seal. Neither refers to the account's row,
    which the refused transaction may hold.
    """
    staff = user_id_in(actor_key) is not None
    chain = REFUSED + (actor_key if staff else secrets.token_hex(16))
    with db.transaction() as session:
        if staff:
            db.hold_lock(session, AdvisoryLock.REFUSALS, chain)
        data = {"ticket": ticket_id, "why": reason_code}
        record(session, chain, action, actor=actor_key, now=now, data=data, first=not staff)


def user_id_of(chain: str, actor: str) -> int | None:
    """The account for the foreign key; of a refusal only the name is kept (see ``record_refusal``)."""
    return None if chain.startswith(REFUSED) else user_id_in(actor)


def list_entries(session: Session, chain: str) -> list[AuditEntry]:
    """A chain from its first link on."""
    return list(session.scalars(select(AuditEntry).where(AuditEntry.chain == chain).order_by(AuditEntry.seq)))


def first_break(chain: Iterable[AuditEntry]) -> BrokenLink | None:
    """The first link of one chain (given in order) that is missing, altered or forged."""
    prev = FIRST
    for expected, entry in enumerate(chain, start=1):
        if entry.seq != expected:
            return BrokenLink(entry.chain, expected, "missing")
        if entry.prev != prev:
            return BrokenLink(entry.chain, entry.seq, "does not follow the link before")
        if entry.hash != hash_link(entry.chain, entry.seq, entry.at, entry.actor, entry.action, entry.data, prev):
            return BrokenLink(entry.chain, entry.seq, "altered")
        prev = entry.hash
    return None
