"""The key that signs heads of the history (Ed25519, RFC 8032), and the public keys that check our signatures.

The keys are files beside the application and not in the database: a person who can rewrite the database must not be
able to choose the key that checks it.
"""

import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from backend.errors import DomainError, _
from backend.settings import Settings


class KeyUnavailable(DomainError):
    """There is no signing key, or it cannot be read."""

    status = 503


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the key of ``LANGNGHE_SIGNING_KEY`` (a path or PEM); in development, a key made at the first use.

    Its public key stays in the folder of keys for ever, so that its signatures can be checked after a change of keys.
    Raises KeyUnavailable.
    """
    value = settings.signing_key.get_secret_value().strip() if settings.signing_key else ""
    if not value and not settings.development:
        raise KeyUnavailable(_("Chưa có khóa ký nhật ký: hãy đặt LANGNGHE_SIGNING_KEY."))
    pem = value.replace("\\n", "\n").encode() if value.startswith("-----") else _read(settings, value)
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnavailable(_("LANGNGHE_SIGNING_KEY không phải là khóa riêng Ed25519 dạng PEM."))
    _keep_public(_folder(settings), key.public_key())
    return key


def known_keys(settings: Settings) -> dict[str, Ed25519PublicKey]:
    """Return our public keys by id, also those of former signing keys."""
    public_keys: dict[str, Ed25519PublicKey] = {}
    for file in sorted(_folder(settings).glob("*.pub")):
        try:
            key = load_pem_public_key(file.read_bytes())
        except ValueError:
            continue
        if isinstance(key, Ed25519PublicKey):
            public_keys[key_id(key)] = key
    return public_keys


def key_id(key: Ed25519PublicKey) -> str:
    """Return the first 128 bits of the SHA-256 of the public key (32 bytes), in hexadecimal."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:32]


def signature_fits(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "keys"


def _read(settings: Settings, path: str) -> bytes:
    """Return the PEM of the file ``path``; without a path, of the development key, which is made if missing."""
    if path:
        try:
            return Path(path).read_bytes()
        except OSError:
            raise KeyUnavailable(_("Không đọc được tệp khóa của LANGNGHE_SIGNING_KEY.")) from None
    file = _folder(settings) / "signing.pem"
    if not file.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write_once(file, pem, 0o600)
    return file.read_bytes()


def _keep_public(folder: Path, key: Ed25519PublicKey) -> None:
    file = folder / f"{key_id(key)}.pub"
    if not file.exists():
        _write_once(file, key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)


def _write_once(file: Path, content: bytes, mode: int) -> None:
    """Write a file so that it appears complete or not at all. If two processes do it, the first file stays."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as target:
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
