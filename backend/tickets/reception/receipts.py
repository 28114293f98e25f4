"""The receipt: a public number that opens nothing, and an access secret that opens one ticket. Pure.

The secret is 80 bits in Crockford's base 32. It is derived from the sender's idempotency key. So a retry of the same
form gets the same receipt, although only the hash of the secret is stored.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from datetime import date

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CONFUSED = str.maketrans({"O": "0", "I": "1", "L": "1"})
TYPED_MOST = 200  # characters read of a typed number or secret, spaces included
NUMBER = re.compile("(?:PAKN)?([0-9]{8})([0-9]{1,12})")


def new_key() -> str:
    """Return a key for one form: 128 bits that only the sender's browser or chat knows."""
    return secrets.token_urlsafe(16)


def key_hash(key: str) -> bytes:
    return hashlib.sha256(b"idempotency:" + key.encode()).digest()


def access_secret(server_secret: str, key: str) -> str:
    """Return 16 letters and digits (80 bits): HMAC-SHA256 of the key under the server's secret."""
    digest = hmac.digest(server_secret.encode(), b"receipt:" + key.encode(), hashlib.sha256)
    number = int.from_bytes(digest[:10], "big")
    return "".join(ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))


def group_secret(secret: str) -> str:
    """Return the secret as pages show it: four groups of four, joined by hyphens."""
    return "-".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def normal_secret(typed: str) -> str:
    """Return a typed or pasted secret without hyphens and spaces, in capitals, with look-alikes replaced (O by 0)."""
    return "".join(sign for sign in typed[:TYPED_MOST].upper().translate(CONFUSED) if sign in ALPHABET)


def secret_hash(secret: str) -> bytes:
    """Return the hash that is stored. SHA-256 is enough: nobody can try out 80 random bits, unlike a password."""
    return hashlib.sha256(b"secret:" + normal_secret(secret).encode("utf-8", "replace")).digest()


def secret_matches(stored: bytes, typed: str) -> bool:
    """Compare in constant time. An empty hash (a ticket without a secret) matches nothing."""
    return hmac.compare_digest(stored, secret_hash(typed)) and bool(stored)


def ticket_number(day: date, count: int) -> str:
    """Return a public number such as ``PAKN.20261122.0012``; the count has four digits or more."""
    return f"PAKN.{day:%Y%m%d}.{count:04d}"


def read_number(typed: str) -> str:
    """Return the public number that a typed text means.

    The text may lack ``PAKN.`` and the zeros before the count, and may have small letters, other signs or none between
    its parts. A text that is no number comes back as letters and digits that no ticket has.
    """
    bare = re.sub("[^0-9A-Z]", "", unicodedata.normalize("NFKC", typed[:TYPED_MOST]).upper())
    parts = NUMBER.fullmatch(bare)
    return f"PAKN.{parts[1]}.{int(parts[2]):04d}" if parts else bare[:40]
