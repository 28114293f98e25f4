"""The key and the daily signature."""

import stat
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit, clock, settings
from backend.errors import NotFound
from backend.history import heads, keys, sealing, tasks
from backend.history.models import SignedHead
from backend.settings import Settings, get_settings
from backend.worktime.calendar import ZONE
from tests.conftest import NOW


def pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def sealed(session: Session, at: datetime) -> None:
    audit.record(session, "test:heads", "noted", actor="system", now=at)
    assert sealing.seal_entries(session, at) == 1


def test_in_development_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    made = Settings(data_dir=tmp_path)
    first, second = (keys.key_id(keys.signing_key(made).public_key()) for _ in range(2))
    assert first == second
    assert stat.S_IMODE((tmp_path / "keys" / "signing.pem").stat().st_mode) == 0o600
    assert sorted(file.name for file in (tmp_path / "keys").iterdir()) == sorted([f"{first}.pub", "signing.pem"])
    assert list(keys.known_keys(made)) == [first]


def test_a_key_that_was_set_is_taken_from_its_file_or_as_text_and_the_former_one_stays_known(tmp_path: Path) -> None:
    former = keys.key_id(keys.signing_key(Settings(data_dir=tmp_path)).public_key())
    key = Ed25519PrivateKey.generate()
    file = tmp_path / "own.pem"
    file.write_text(pem(key))
    for given in (str(file), pem(key), pem(key).replace("\n", "\\n")):
        rotated = Settings(data_dir=tmp_path, signing_key=SecretStr(given))
        assert keys.signing_key(rotated).public_key() == key.public_key()
    assert set(keys.known_keys(rotated)) == {former, keys.key_id(key.public_key())}


def test_a_key_that_cannot_sign_is_refused_with_a_sentence(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for given in (other.decode(), "-----BEGIN PRIVATE KEY-----", str(tmp_path / "none")):
        with pytest.raises(keys.KeyUnavailable, match="LANGNGHE_SIGNING_KEY"):
            keys.signing_key(Settings(data_dir=tmp_path, signing_key=SecretStr(given)))
    production = Settings(
        environment="production",
        data_dir=tmp_path,
        secret_key=SecretStr("a-secret-of-this-test-alone-0123456789"),
        database_url="postgresql+psycopg://unused",
        broker_url="redis://unused",
    )
    with pytest.raises(keys.KeyUnavailable, match="hãy đặt LANGNGHE_SIGNING_KEY"):
        keys.signing_key(production)
    assert not (tmp_path / "keys").exists()


def test_each_finished_day_is_signed_once_as_it_stood_at_midnight_in_vietnam(session: Session) -> None:
    assert heads.sign_finished_days(session, NOW) == 0
    sealed(session, datetime(2026, 11, 15, 23, 59, 59, tzinfo=ZONE))
    sealed(session, datetime(2026, 11, 16, 0, 0, tzinfo=ZONE))
    sealed(session, datetime(2026, 11, 18, 8, 0, tzinfo=ZONE))
    assert heads.sign_finished_days(session, NOW) == 3
    assert heads.sign_finished_days(session, NOW) == 0
    signed = session.execute(select(SignedHead.day, SignedHead.seal).order_by(SignedHead.day)).all()
    first = signed[0].seal
    assert [tuple(row) for row in signed] == [
        (date(2026, 11, 15), first),
        (date(2026, 11, 16), first + 1),
        (date(2026, 11, 17), first + 1),
    ]
    assert heads.sign_finished_days(session, NOW + timedelta(days=1)) == 1


def test_a_head_signed_during_a_day_does_not_replace_that_of_its_end(session: Session) -> None:
    sealed(session, NOW)
    heads.sign_day(session, NOW.date(), NOW)
    sealed(session, NOW + timedelta(hours=2))
    heads.sign_finished_days(session, NOW + timedelta(days=1))
    assert heads.exported_head(session, NOW.date()).seal == heads.exported_head(session).seal
    assert len(list(session.scalars(select(SignedHead.seal).where(SignedHead.day == NOW.date())))) == 2


def test_a_head_is_signed_by_the_key_of_its_time_and_checked_by_it_after_a_change(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed(session, NOW)
    heads.sign_day(session, NOW.date(), NOW)
    before = heads.exported_head(session)
    monkeypatch.setenv("LANGNGHE_SIGNING_KEY", pem(Ed25519PrivateKey.generate()))
    settings.get_settings.cache_clear()
    sealed(session, NOW)
    heads.sign_day(session, NOW.date() + timedelta(days=1), NOW)
    after = heads.exported_head(session)
    assert before.key != after.key
    known = keys.known_keys(get_settings())
    for signed in session.scalars(select(SignedHead)):
        message = heads.message_to_sign(signed.day, signed.seal, signed.hash, signed.key)
        assert keys.signature_fits(known[signed.key], signed.signature, message)


def test_there_is_no_head_of_a_day_that_was_not_signed(session: Session) -> None:
    with pytest.raises(NotFound):
        heads.exported_head(session, NOW.date())


def test_the_worker_seals_what_is_new_and_signs_the_day_that_is_over(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit.record(session, "test:tasks", "noted", actor="system", now=now)
    session.commit()
    tasks.seal_entries()
    tasks.sign_heads()
    assert list(session.scalars(select(SignedHead.seal))) == []
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=1))
    tasks.seal_entries()
    tasks.sign_heads()
    tasks.sign_heads()
    assert heads.exported_head(session).day == now.date()
    assert len(list(session.scalars(select(SignedHead.seal)))) == 1
