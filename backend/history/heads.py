"""Signed heads: our signature under the global chain at the end of a day, also as a file that an outsider can keep."""

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Date, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.errors import Invalid, NotFound, _
from backend.history import keys
from backend.history.models import Seal, SignedHead
from backend.settings import get_settings
from backend.worktime.calendar import ZONE, local_time

FORMAT = "langnghe audit head 1"
MOST_DAYS = 400  # the most days signed in one run after a long stop; the next run goes on


@dataclass(frozen=True)
class DailyHead:
    """The global chain at the end of a day: everything that is sealed up to the seal number ``seal``.

    ``hash`` and ``key`` are in hexadecimal, ``public_key`` and ``signature`` in base64.
    """

    day: date
    seal: int
    hash: str
    key: str
    public_key: str
    signature: str

    def dumps(self) -> str:
        document = {"format": FORMAT} | asdict(self) | {"day": self.day.isoformat()}
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def loads(cls, text: str) -> Self:
        """Read an exported head. Raises Invalid where the text is none."""
        try:
            document = json.loads(text)
            if document.pop("format") != FORMAT:
                raise ValueError(FORMAT)
            head = cls(**document | {"day": date.fromisoformat(document["day"])})
            head.check_shape()
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Invalid(_("Tệp này không phải là dấu nhật ký do “langnghe audit head” xuất ra.")) from None
        return head

    def check_shape(self) -> None:
        """Raise ValueError or TypeError where a field is wrong."""
        if type(self.seal) is not int or len(bytes.fromhex(self.hash)) != 32:
            raise ValueError("seal or hash")
        if keys.key_id(self.own_key()) != self.key or len(b64decode(self.signature, validate=True)) != 64:
            raise ValueError("key or signature")

    def own_key(self) -> Ed25519PublicKey:
        """Return the public key in the file. It need not be one of ours: the caller checks that."""
        return Ed25519PublicKey.from_public_bytes(b64decode(self.public_key, validate=True))

    def message(self) -> bytes:
        return message_to_sign(self.day, self.seal, bytes.fromhex(self.hash), self.key)


def message_to_sign(day: date, seal: int, seal_hash: bytes, key: str) -> bytes:
    """Return the bytes to sign: the canonical JSON of format, day, seal, hash and key."""
    return json.dumps([FORMAT, day.isoformat(), seal, seal_hash.hex(), key], separators=(",", ":")).encode()


def sign_day(session: Session, day: date, now: datetime) -> SignedHead | None:
    """Sign the last seal made up to the end of ``day``, once for each day and seal.

    Return None before the first seal. Raises KeyUnavailable.
    """
    end = datetime.combine(day + timedelta(days=1), time(), ZONE)
    seal = session.execute(
        select(Seal.seq, Seal.hash).where(Seal.at < end).order_by(Seal.seq.desc()).limit(1)
    ).one_or_none()
    if seal is None:
        return None
    private = keys.signing_key(get_settings())
    key = keys.key_id(private.public_key())
    signature = private.sign(message_to_sign(day, seal.seq, seal.hash, key))
    values: dict[str, Any] = {"day": day, "seal": seal.seq, "hash": seal.hash, "at": now, "key": key}
    session.execute(insert(SignedHead).values(**values, signature=signature).on_conflict_do_nothing())
    return session.get_one(SignedHead, (day, seal.seq))


def sign_finished_days(session: Session, now: datetime) -> int:
    """Sign the head of each finished day that has no signature yet, and return how many were signed.

    The first day is that of the first seal. A signature made during its day does not count.
    """
    yesterday = local_time(now).date() - timedelta(days=1)
    signed_after_day = cast(func.timezone(str(ZONE), SignedHead.at), Date) > SignedHead.day
    last = session.scalar(select(func.max(SignedHead.day)).where(signed_after_day))
    if last is not None:
        day = last + timedelta(days=1)
    else:
        first = session.scalar(select(Seal.at).order_by(Seal.seq).limit(1))
        if first is None:
            return 0
        day = local_time(first).date()
    days = min((yesterday - day).days + 1, MOST_DAYS)
    return sum(sign_day(session, day + timedelta(days=i), now) is not None for i in range(days))


def exported_head(session: Session, day: date | None = None) -> DailyHead:
    """Return the last signed head, or the last one signed for ``day``. Raises NotFound without it or its key."""
    newest = select(SignedHead).order_by(SignedHead.seal.desc(), SignedHead.day.desc()).limit(1)
    signed = session.scalar(newest if day is None else newest.where(SignedHead.day == day))
    if signed is None:
        raise NotFound(_("Chưa có dấu nhật ký nào được ký cho ngày này."))
    public = keys.known_keys(get_settings()).get(signed.key)
    if public is None:
        raise NotFound(_("Không có khóa công khai đã dùng để ký dấu này."))
    return DailyHead(
        day=signed.day,
        seal=signed.seal,
        hash=signed.hash.hex(),
        key=signed.key,
        public_key=b64encode(public.public_bytes_raw()).decode(),
        signature=b64encode(signed.signature).decode(),
    )
