"""Verification of the whole history, as a stream: links, seals, signatures, and a head that was exported earlier.

The database alone proves nothing: links and seals are computed again, and signatures are checked with the keys that are
files beside the application.
"""

from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from backend.audit import FIRST, AuditEntry, BrokenLink, hash_link, user_id_of
from backend.db import table_of
from backend.history import keys
from backend.history.heads import DailyHead, message_to_sign
from backend.history.models import Seal, SignedHead
from backend.history.sealing import RootHash, seal_hash
from backend.settings import get_settings

SEALS, SIGNATURES, EXPORTED = "seals", "signatures", "head"  # stand in place of the name of a chain
MOST_FAULTS = 20
AT_ONCE = 5_000

LINKS = text("""
    SELECT audit.chain, audit.seq, audit.at, audit.actor, audit.user_id, audit.action, audit.data, audit.prev,
        audit.hash, audit_heads.hash AS sealed,
        EXISTS (SELECT FROM audit_unsealed WHERE audit_unsealed.audit_id = audit.id) AS waiting
    FROM audit
    LEFT JOIN audit_heads ON audit_heads.chain = audit.chain AND audit_heads.seq = audit.seq
    ORDER BY audit.chain, audit.seq
""").columns(data=table_of(AuditEntry).c.data.type)

# Heads that are sealed but gone: for each chain, the first missing link at or before such a head.
GONE = text("""
    SELECT chain, min(missing) AS missing FROM (
        SELECT head.chain,
            1 + coalesce((SELECT max(seq) FROM audit WHERE chain = head.chain AND seq < head.seq), 0) AS missing
        FROM audit_heads AS head
        WHERE NOT EXISTS (SELECT FROM audit WHERE chain = head.chain AND seq = head.seq)
    ) AS gone GROUP BY chain ORDER BY chain
""")

HEADS = text("""
    SELECT coalesce(seal.seq, head.seal) AS seq, seal.at, seal.entries, seal.root, seal.prev, seal.hash,
        head.chain, head.seq AS head_seq, head.hash AS head_hash,
        head.seq - coalesce(lag(head.seq) OVER (PARTITION BY head.chain ORDER BY head.seq), 0) AS covered
    FROM audit_seals AS seal FULL JOIN audit_heads AS head ON head.seal = seal.seq
    ORDER BY coalesce(seal.seq, head.seal), head.chain COLLATE "C", head.seq
""")


@dataclass
class VerificationReport:
    """Counts of what was checked, of entries that wait for a seal, and the faults: the first of each chain.

    There are at most ``MOST_FAULTS`` faults.
    """

    entries: int = 0
    chains: int = 0
    unsealed: int = 0
    seals: int = 0
    signatures: int = 0
    faults: list[BrokenLink] = field(default_factory=list)

    @property
    def first(self) -> BrokenLink | None:
        return self.faults[0] if self.faults else None


def verify_history(session: Session, head: DailyHead | None = None) -> VerificationReport:
    """Check everything in one snapshot, with bounded memory. ``session`` must be new: no statement was run in it."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    report = VerificationReport()
    links = _links(session, report)
    gone = {row.chain: BrokenLink(row.chain, row.missing, "missing") for row in _stream(session, GONE)}
    # Links before a lost head look as if they had never been sealed; the lost head is the true fault.
    true_faults = [fault for fault in links if fault.why != "never sealed" or fault.chain not in gone]
    firsts: dict[str, BrokenLink] = {}
    for fault in sorted([*true_faults, *gone.values()], key=lambda fault: (fault.chain, fault.seq)):
        firsts.setdefault(fault.chain, fault)
    report.faults = [*firsts.values(), *_seals(session, report), *_signatures(session, report)]
    if head is not None:
        report.faults += _check_exported(session, head)
    del report.faults[MOST_FAULTS:]
    return report


def _stream(session: Session, statement: Any) -> Iterator[Row[Any]]:
    """Return the rows of a statement through a server-side cursor."""
    return iter(session.execute(statement, execution_options={"yield_per": AT_ONCE}))


def _links(session: Session, report: VerificationReport) -> list[BrokenLink]:
    faults: list[BrokenLink] = []
    for chain, rows in groupby(_stream(session, LINKS), attrgetter("chain")):
        report.chains += 1
        fault = _chain(chain, rows, report)
        if fault is not None and len(faults) < MOST_FAULTS:
            faults.append(fault)
    return faults


def _chain(chain: str, rows: Iterator[Row[Any]], report: VerificationReport) -> BrokenLink | None:
    """Return the first wrong link of a chain: wrong in itself, after the link before it, or against its seal.

    Without one, return the first link that no seal covers and that does not wait for the sealer.
    """
    first: BrokenLink | None = None
    loose: BrokenLink | None = None
    prev = FIRST
    for expected, row in enumerate(rows, start=1):
        report.entries += 1
        report.unsealed += row.waiting
        if first is None:
            first = _broken_link(row, expected, prev)
        if row.sealed is not None:
            loose = None
        elif not row.waiting and loose is None:
            loose = BrokenLink(chain, row.seq, "never sealed")
        prev = row.hash
    return first or loose


def _broken_link(row: Row[Any], expected: int, prev: bytes) -> BrokenLink | None:
    why = _wrong(row, expected, prev)
    if why is None:
        return None
    return BrokenLink(row.chain, expected if why == "missing" else row.seq, why)


def _wrong(row: Row[Any], expected: int, prev: bytes) -> str | None:
    """Return what is wrong with a link; ``expected`` is its number and ``prev`` the hash of the link before it."""
    if row.seq != expected:
        return "missing"
    if row.prev != prev:
        return "does not follow the link before"
    computed = hash_link(row.chain, row.seq, row.at, row.actor, row.action, row.data, prev)
    if row.hash != computed or row.user_id != user_id_of(row.chain, row.actor):
        return "altered"
    if row.sealed is not None and row.sealed != row.hash:
        return "differs from what was sealed"
    return None


def _seals(session: Session, report: VerificationReport) -> list[BrokenLink]:
    """Return the first seal that is missing or wrong."""
    first: BrokenLink | None = None
    prev = FIRST
    for expected, (seq, rows) in enumerate(groupby(_stream(session, HEADS), attrgetter("seq")), start=1):
        root, covered = RootHash(), 0
        for row in rows:
            if row.chain is not None:
                root.add(row.chain, row.head_seq, row.head_hash)
                covered += row.covered
        report.seals += row.hash is not None
        why = None if first else _wrong_seal(row, expected, root.digest(), prev, covered)
        if why is not None:
            first = BrokenLink(SEALS, expected if why == "missing" else seq, why)
        prev = row.hash
    return [first] if first else []


def _wrong_seal(row: Row[Any], expected: int, root: bytes, prev: bytes, covered: int) -> str | None:
    if row.seq != expected or row.hash is None:
        return "missing"
    if row.prev != prev:
        return "does not follow the link before"
    if row.root != root:
        return "its heads were altered"
    if row.hash != seal_hash(row.seq, row.at, row.entries, row.root, row.prev):
        return "altered"
    return None if row.entries == covered else "entries were taken away before it"


def _signatures(session: Session, report: VerificationReport) -> list[BrokenLink]:
    """Return the first signature that is not ours, or that is not of the present seal. ``seq`` is that of the seal."""
    public_keys = keys.known_keys(get_settings())
    statement = (
        select(SignedHead.day, SignedHead.seal, SignedHead.hash, SignedHead.key, SignedHead.signature)
        .add_columns(Seal.hash.label("present"))
        .outerjoin(Seal, Seal.seq == SignedHead.seal)
        .order_by(SignedHead.seal, SignedHead.day)
    )
    first: BrokenLink | None = None
    for row in _stream(session, statement):
        report.signatures += 1
        if first is None:
            message = message_to_sign(row.day, row.seal, row.hash, row.key)
            why = _wrong_signature(public_keys, row.key, row.signature, message) or _wrong_seal_hash(
                row.hash, row.present
            )
            first = BrokenLink(SIGNATURES, row.seal, why) if why else None
    return [first] if first else []


def _check_exported(session: Session, head: DailyHead) -> Sequence[BrokenLink]:
    public_keys = keys.known_keys(get_settings())
    present = session.scalar(select(Seal.hash).where(Seal.seq == head.seal))
    why = _wrong_signature(public_keys, head.key, b64decode(head.signature), head.message())
    why = why or _wrong_seal_hash(bytes.fromhex(head.hash), present)
    return [BrokenLink(EXPORTED, head.seal, why)] if why else []


def _wrong_signature(public_keys: dict[str, Any], key: str, signature: bytes, message: bytes) -> str | None:
    if key not in public_keys:
        return "signed by an unknown key"
    return None if keys.signature_fits(public_keys[key], signature, message) else "its signature does not fit"


def _wrong_seal_hash(signed: bytes, present: bytes | None) -> str | None:
    """Return what is wrong where the global chain no longer has the signed seal."""
    if present is None:
        return "missing"
    return None if present == signed else "differs from what was signed"
