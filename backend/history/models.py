"""The global chain above the chains of tickets and accounts. All but ``unsealed`` is append-only by trigger."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment

# Entries that no seal covers yet. A trigger on ``audit`` writes it in the entry's own transaction, also for COPY; the
# sealer takes rows out. So an entry that commits late is found all the same, and finding costs nothing of the history.
unsealed = Table(
    "audit_unsealed",
    Base.metadata,
    Column("audit_id", BigInteger, primary_key=True, autoincrement=False),
)


class Seal(Base):
    """One link of the global chain: it fixes the heads that some chains had, and the seal before it."""

    __tablename__ = "audit_seals"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment)
    entries: Mapped[int] = mapped_column(doc="how many entries it was the first to cover")
    root: Mapped[bytes] = mapped_column(LargeBinary(32), doc="of its heads, see sealing.Root")
    prev: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class SealedHead(Base):
    """The last link that a chain had when it was sealed; by the links' own hashes it covers all links before it."""

    __tablename__ = "audit_heads"

    chain: Mapped[str] = mapped_column(String(40), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    seal: Mapped[int] = mapped_column(ForeignKey(Seal.seq), index=True)


class SignedHead(Base):
    """Our signature under the global chain as it stood at the end of a day (in Asia/Ho_Chi_Minh)."""

    __tablename__ = "audit_signatures"

    day: Mapped[date] = mapped_column(primary_key=True)
    seal: Mapped[int] = mapped_column(ForeignKey(Seal.seq), primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), doc="of the seal")
    at: Mapped[datetime] = mapped_column(Moment)
    key: Mapped[str] = mapped_column(String(32), doc="id of the public key, see keys.key_id")
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
