"""The sealer: adds the new heads of all chains to the global chain. Sealer and writers never wait for each other."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Self

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from backend import db
from backend.audit import FIRST
from backend.db import AdvisoryLock, table_of
from backend.history.models import Seal, SealedHead

MOST = 10_000  # the most entries under one seal; more of them wait for the next seal

TAKE = text("""
    DELETE FROM audit_unsealed WHERE audit_id IN (SELECT audit_id FROM audit_unsealed ORDER BY audit_id LIMIT :most)
    RETURNING audit_id
""")
# A statement separate from the deletion. In one statement the planner expects ``MOST`` rows where there are few, and
# reads the whole history.
READ = text("SELECT chain, seq, hash FROM audit WHERE id = ANY(CAST(:ids AS bigint[]))")


class RootHash:
    """SHA-256 over lines ``chain seq hash`` (hash in hexadecimal), in the order of chain (code points) and seq."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()

    def add(self, chain: str, seq: int, head: bytes) -> None:
        self._sum.update(f"{chain} {seq} {head.hex()}\n".encode())

    def digest(self) -> bytes:
        return self._sum.digest()

    @classmethod
    def of(cls, heads: Iterable[tuple[str, int, bytes]]) -> Self:
        root = cls()
        for chain, seq, head in sorted(heads):
            root.add(chain, seq, head)
        return root


def seal_hash(seq: int, at: datetime, entries: int, root: bytes, prev: bytes) -> bytes:
    """Return the SHA-256 of the canonical form of a seal: JSON without spaces, UTC to the microsecond."""
    form = [seq, at.astimezone(UTC).isoformat(timespec="microseconds"), entries, root.hex(), prev.hex()]
    return hashlib.sha256(json.dumps(form, separators=(",", ":")).encode()).digest()


def seal_entries(session: Session, now: datetime) -> int:
    """Seal the entries committed since the last seal, at most ``MOST``, and return how many.

    Return 0 where there are none, and where another sealer is at work: it seals the same entries. Entries that are not
    committed yet wait for the next seal; nothing waits for them.
    """
    if not db.try_lock(session, AdvisoryLock.SEALING):
        return 0
    entry_ids = list(session.scalars(TAKE, {"most": MOST}))
    if not entry_ids:
        return 0
    heads: dict[str, tuple[int, bytes]] = {}
    for chain, seq, hash_ in session.execute(READ, {"ids": entry_ids}):
        heads[chain] = max(heads.get(chain, (0, b"")), (seq, hash_))
    last = session.execute(select(Seal.seq, Seal.hash).order_by(Seal.seq.desc()).limit(1)).one_or_none()
    number, prev = (last.seq + 1, last.hash) if last else (1, FIRST)
    root = RootHash.of((chain, *head) for chain, head in heads.items()).digest()
    session.execute(
        insert(Seal).values(
            seq=number,
            at=now,
            entries=len(entry_ids),
            root=root,
            prev=prev,
            hash=seal_hash(number, now, len(entry_ids), root, prev),
        )
    )
    rows = [{"chain": chain, "seq": seq, "hash": hash_, "seal": number} for chain, (seq, hash_) in heads.items()]
    if rows:  # none if somebody deleted every new entry; ``entries`` then shows the loss
        session.execute(insert(table_of(SealedHead)), rows)
    return len(entry_ids)


def seal_all(now: datetime) -> int:
    """Seal until no entry waits, each batch in its own transaction, and return how many entries were sealed."""
    total = 0
    while True:
        with db.transaction() as session:
            sealed = seal_entries(session, now)
        total += sealed
        if sealed < MOST:
            return total
