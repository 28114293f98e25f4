"""The receipt: a public number that opens nothing, and an access secret that opens one ticket.

The secret is 80 bits in Crockford's base 32, derived from the sender's own idempotency key, so that a retry of the same
form gets the same receipt although only the secret's hash is stored.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from datetime import date

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
CONFUSED = str.maketrans({"O": "0", "I": "1", "L": "1"})
TYPED_MOST = 200  # of what may be a number or a secret, however it was spaced
NUMBER = re.compile("(?:PAKN)?([0-9]{8})([0-9]{1,12})")


def new_key() -> str:
    """A key for one form: 128 bits, known to the sender's browser or chat alone."""
    return secrets.token_urlsafe(16)


def key_hash(key: str) -> bytes:
    return hashlib.sha256(b"idempotency:" + key.encode()).digest()


def access_secret(server_secret: str, key: str) -> str:
    """16 letters and digits (80 bits): HMAC-SHA256 of the key under the server's secret."""
    digest = hmac.digest(server_secret.encode(), b"receipt:" + key.encode(), hashlib.sha256)
    number = int.from_bytes(digest[:10], "big")
    return "".join(ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))


def group_secret(secret: str) -> str:
    """As it is shown: four groups of four."""
    return "-".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def normal_secret(typed: str) -> str:
    """What was typed or pasted, without hyphens, spaces of any kind, small letters and look-alikes."""
    return "".join(sign for sign in typed[:TYPED_MOST].upper().translate(CONFUSED) if sign in ALPHABET)


def secret_hash(secret: str) -> bytes:
    """SHA-256 suffices: 80 random bits cannot be tried out, unlike a password."""
    return hashlib.sha256(b"secret:" + normal_secret(secret).encode("utf-8", "replace")).digest()


def secret_matches(stored: bytes, typed: str) -> bool:
    """Compared in constant time; an empty hash (no secret was given out) matches nothing."""
    return hmac.compare_digest(stored, secret_hash(typed)) and bool(stored)


def ticket_number(day: date, count: int) -> str:
    """``PAKN.20261122.0012``: four digits or more."""
    return f"PAKN.{day:%Y%m%d}.{count:04d}"


def read_number(typed: str) -> str:
    """The number meant by what was typed: without ``PAKN.``, in small letters, with other signs or none between its
    parts, without the zeros before its count. What is no number comes back as letters and digits that no ticket has."""
    bare = re.sub("[^0-9A-Z]", "", unicodedata.normalize("NFKC", typed[:TYPED_MOST]).upper())
    found = NUMBER.fullmatch(bare)
    return f"PAKN.{found[1]}.{int(found[2]):04d}" if found else bare[:40]
