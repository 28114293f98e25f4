"""The audit history: append-only entries, chained by SHA-256 within a ticket or an account. Every room writes to it.

An entry has references and hashes, but no name, address or text, so that a person's data can be erased without breaking
a chain. A trigger of the database refuses UPDATE, DELETE and TRUNCATE (see the first migration). Another trigger
registers each entry for the sealer (see ``backend.history``).
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NewType

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    SQLColumnExpression,
    String,
    UniqueConstraint,
    cast,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend import db
from backend.db import AdvisoryLock, Base, Moment, table_of

Chain = NewType("Chain", str)
_TICKET, _USER, _LOOK = "ticket:", "user:", "second_look:"
FIRST = bytes(32)
REFUSED = "refused:"  # prefix of the chain of an actor's refused actions: refused:user:7
# Entries that no account has made; their ``data`` is JSON.
COPY_LINKS = "COPY audit (chain, seq, at, actor, action, data, prev, hash) FROM STDIN"
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def ticket_chain(ticket_id: int) -> Chain:
    """Return the name of the chain of a ticket: ``ticket:42``. No other code writes this name."""
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


def look_chain(look_id: int) -> Chain:
    """Return the name of the chain of a second look: ``second_look:7``. It is not part of the ticket's chain."""
    return Chain(f"{_LOOK}{look_id}")


def user_key(user_id: int) -> Chain:
    """Return the name of an account, as an actor and as a chain: ``user:7``."""
    return Chain(f"{_USER}{user_id}")


def user_key_of(user_id: SQLColumnExpression[int]) -> ColumnElement[str]:
    """Return the same for a column of ids, as an expression of SQL."""
    return literal(_USER) + cast(user_id, String)


def user_id_in(key: str) -> int | None:
    """Return the account that an actor or a chain names, or None for the sender, the system and other chains."""
    number = key.removeprefix(_USER)
    return int(number) if number != key and number.isascii() and number.isdigit() else None


class AuditEntry(Base):
    """One event: link ``seq`` of its chain."""

    __tablename__ = "audit"
    __table_args__ = (
        UniqueConstraint("chain", "seq"),
        CheckConstraint("seq > 0", name="seq"),
        Index("ix_audit_at", "at", "id"),
        # What may wait for a decision: few entries, so that the desks need not search the history.
        Index("ix_audit_pause_disputed", "chain", postgresql_where=text("action = 'pause_disputed'")),
        Index("ix_audit_pause_judged", "chain", postgresql_where=text("action = 'pause_judged'")),
        Index("ix_audit_extension_requested", "chain", postgresql_where=text("action = 'extension_requested'")),
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
    """The first link of a chain that is missing or wrong, and why."""

    chain: str
    seq: int
    why: str


def hash_link(
    chain: str, seq: int, at: datetime, actor: str, action: str, data: Mapping[str, Any], prev: bytes
) -> bytes:
    """Return the SHA-256 of the canonical form of an entry: JSON, sorted keys, no spaces, UTC to the microsecond."""
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

    The caller must hold the lock of the chain's subject (the row of the ticket). Two writers without it collide on the
    unique ``(chain, seq)``; they cannot fork the chain. ``first`` says that the chain is new, which saves a query.
    """
    seq, prev = (1, FIRST) if first else _next_link(session, chain)
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


def _next_link(session: Session, chain: str) -> tuple[int, bytes]:
    """Return the ``seq`` of the next entry of a chain, and the hash of the entry before it."""
    head = session.execute(
        select(AuditEntry.seq, AuditEntry.hash)
        .where(AuditEntry.chain == chain)
        .order_by(AuditEntry.seq.desc())
        .limit(1)
    ).one_or_none()
    return (1, FIRST) if head is None else (head.seq + 1, head.hash)


def record_refusal(actor_key: str, action: str, ticket_id: int | None, reason_code: str, now: datetime) -> None:
    """Record a refused attempt in its own transaction, so that the rollback of the attempt does not remove it.

    Writers do not wait for each other's work: a member of staff has one chain of refusals with its own lock, which no
    other work takes; each refusal of a sender is a chain of one link, and its seal connects it to the others. Neither
    refers to the row of the account, which the refused transaction may have locked.
    """
    staff = user_id_in(actor_key) is not None
    chain = REFUSED + (actor_key if staff else secrets.token_hex(16))
    with db.transaction() as session:
        if staff:
            db.hold_lock(session, AdvisoryLock.REFUSALS, chain)
        data = {"ticket": ticket_id, "why": reason_code}
        record(session, chain, action, actor=actor_key, now=now, data=data, first=not staff)


def user_id_of(chain: str, actor: str) -> int | None:
    """Return the account of an actor for the foreign key.

    An entry about a refusal has only the actor's key, and None here (see `record_refusal`).
    """
    return None if chain.startswith(REFUSED) else user_id_in(actor)


def list_entries(session: Session, chain: str) -> list[AuditEntry]:
    """Return the entries of a chain, from its first link on."""
    return list(session.scalars(select(AuditEntry).where(AuditEntry.chain == chain).order_by(AuditEntry.seq)))
