"""Tables of the global chain over all chains of the history. All but ``unsealed`` are append-only by trigger."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment

# Entries that no seal covers yet. A trigger on ``audit`` adds a row in the transaction of the entry, also for COPY; the
# sealer removes it. So the sealer also sees an entry that commits late, and it need not search the history.
unsealed = Table(
    "audit_unsealed",
    Base.metadata,
    Column("audit_id", BigInteger, primary_key=True, autoincrement=False),
)


class Seal(Base):
    """One link of the global chain. Its hash covers the heads of some chains, and the seal before it."""

    __tablename__ = "audit_seals"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment)
    entries: Mapped[int] = mapped_column(doc="how many entries no earlier seal covers")
    root: Mapped[bytes] = mapped_column(LargeBinary(32), doc="of its heads, see sealing.RootHash")
    prev: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class SealedHead(Base):
    """The last link of a chain when it was sealed. By the hashes of the links it covers all links before it too."""

    __tablename__ = "audit_heads"

    chain: Mapped[str] = mapped_column(String(40), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    seal: Mapped[int] = mapped_column(ForeignKey(Seal.seq), index=True)


class SignedHead(Base):
    """Our signature under the global chain at the end of a day (in Asia/Ho_Chi_Minh)."""

    __tablename__ = "audit_signatures"

    day: Mapped[date] = mapped_column(primary_key=True)
    seal: Mapped[int] = mapped_column(ForeignKey(Seal.seq), primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), doc="of the seal")
    at: Mapped[datetime] = mapped_column(Moment)
    key: Mapped[str] = mapped_column(String(32), doc="id of the public key, see keys.key_id")
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
