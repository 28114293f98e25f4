"""The sealer beside writers, with real commits: everything is sealed once, and nobody waits for anybody."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, Event

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from backend import audit, db
from backend.history import sealing, verification
from backend.history.models import Seal, SealedHead, unsealed
from backend.settings import ROOT
from backend.users import service as users
from backend.users.models import Role
from tests.chains import first_break
from tests.conftest import NOW
from tests.factories import World


@pytest.fixture
def impatient(committed_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The application on a database of its own; whoever waits for a lock longer than a second fails."""
    engine = create_engine(
        committed_url, pool_size=20, max_overflow=20, connect_args={"options": "-c lock_timeout=1000"}
    )
    factory = sessionmaker(engine, expire_on_commit=False)
    monkeypatch.setattr(db, "session_factory", lambda: factory)
    sealing.seal_all(NOW)
    yield engine
    engine.dispose()


def write(session: Session, chain: str, times: int = 1) -> None:
    for _ in range(times):
        audit.record(session, chain, "noted", actor="system", now=NOW, data={"n": times})


def counts(session: Session) -> tuple[int, int, int]:
    """Entries; entries that seals say they cover; entries that wait."""
    return (
        session.scalar(select(func.count()).select_from(audit.AuditEntry)) or 0,
        session.scalar(select(func.coalesce(func.sum(Seal.entries), 0))) or 0,
        session.scalar(select(func.count()).select_from(unsealed)) or 0,
    )


def heads(session: Session, chain: str) -> list[int]:
    return list(session.scalars(select(SealedHead.seq).where(SealedHead.chain == chain).order_by(SealedHead.seq)))


@pytest.mark.usefixtures("impatient")
def test_a_seal_fixes_the_heads_of_what_is_new_and_nothing_else() -> None:
    with db.transaction() as session:
        write(session, "test:a", 3)
        write(session, "test:b")
    assert sealing.seal_all(NOW) == 4
    with db.transaction() as session:
        write(session, "test:b", 2)
    assert sealing.seal_all(NOW) == 2
    assert sealing.seal_all(NOW) == 0
    with db.transaction() as session:
        assert heads(session, "test:a") == [3]
        assert heads(session, "test:b") == [1, 3]
        last, before = session.scalars(select(Seal).order_by(Seal.seq.desc()).limit(2))
        assert (last.entries, last.prev) == (2, before.hash)


@pytest.mark.usefixtures("impatient")
def test_more_than_one_batch_is_sealed_in_several_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST", 4)
    with db.transaction() as session:
        write(session, "test:long", 10)
    assert sealing.seal_all(NOW) == 10
    with db.transaction() as session:
        assert heads(session, "test:long") == [4, 8, 10]


@pytest.mark.usefixtures("impatient")
def test_an_entry_that_commits_late_is_sealed_though_later_ones_were_before() -> None:
    with db.transaction() as late:
        write(late, "test:late")
        with db.transaction() as session:
            write(session, "test:early")
        assert sealing.seal_all(NOW) == 1
    assert sealing.seal_all(NOW) == 1
    with db.transaction() as session:
        assert heads(session, "test:late") == heads(session, "test:early") == [1]


@pytest.mark.usefixtures("impatient")
def test_what_was_rolled_back_is_not_sealed() -> None:
    with suppress(ZeroDivisionError), db.transaction() as session:
        write(session, "test:undone")
        raise ZeroDivisionError
    assert sealing.seal_all(NOW) == 0


@pytest.mark.usefixtures("impatient")
def test_a_writer_does_not_wait_for_a_sealer_and_a_second_sealer_steps_back() -> None:
    with db.transaction() as session:
        write(session, "test:busy")
    with db.transaction() as sealer:
        assert sealing.seal_entries(sealer, NOW) == 1
        with db.transaction() as writer:  # would fail after a second of waiting
            write(writer, "test:busy")
            write(writer, "test:busy-too")
        with db.transaction() as second:
            assert sealing.seal_entries(second, NOW) == 0
    assert sealing.seal_all(NOW) == 2


@pytest.mark.usefixtures("impatient")
def test_a_sealer_that_dies_leaves_everything_waiting() -> None:
    with db.transaction() as session:
        write(session, "test:dead")
    with suppress(ZeroDivisionError), db.transaction() as session:
        assert sealing.seal_entries(session, NOW) == 1
        raise ZeroDivisionError
    assert sealing.seal_all(NOW) == 1


@pytest.mark.usefixtures("impatient")
def test_eight_writers_and_two_sealers_at_once_every_entry_is_sealed_exactly_once() -> None:
    barrier, done = Barrier(10), Event()

    def writer(i: int) -> int:
        barrier.wait()
        for n in range(40):
            with db.transaction() as session:
                write(session, f"race:{i}", 1 + n % 3)
                write(session, f"race:{i}:{n}")
        return 0

    def sealer(_i: int) -> int:
        barrier.wait()
        seals = 0
        while not done.is_set():
            seals += sealing.seal_all(NOW) > 0
        return seals

    with ThreadPoolExecutor(10) as pool:
        sealers = [pool.submit(sealer, i) for i in range(2)]
        try:
            list(pool.map(writer, range(8)))
        finally:
            done.set()
        assert sum(future.result() for future in sealers) > 5
    sealing.seal_all(NOW)
    with db.transaction() as session:
        entries, sealed, waiting = counts(session)
        assert (sealed, waiting) == (entries, 0)
        assert entries >= 8 * (40 + sum(1 + n % 3 for n in range(40)))
    with db.transaction() as session:
        report = verification.verify_history(session)
    assert (report.faults, report.unsealed, report.entries) == ([], 0, entries)


@pytest.mark.parametrize("table", ["audit", "audit_seals", "audit_heads", "audit_signatures"])
def test_the_application_itself_cannot_rewrite_the_history_or_its_seals(session: Session, table: str) -> None:
    write(session, "test:fixed")
    sealing.seal_entries(session, NOW)
    session.execute(
        text("INSERT INTO audit_signatures SELECT current_date, seq, hash, at, 'key', hash FROM audit_seals LIMIT 1")
    )
    column = {"audit": "actor = 'x'"}.get(table, "hash = ''")
    for statement in (f"UPDATE {table} SET {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.connection().exec_driver_sql(statement)


@pytest.mark.usefixtures("impatient")
def test_a_refused_attempt_stays_when_the_attempt_is_rolled_back() -> None:
    with db.transaction() as session:
        user = World(session).user(Role.OFFICER)
    key = audit.user_key(user.id)
    with suppress(ZeroDivisionError), db.transaction() as session:
        users.lock_user(session, user.id)  # even while the refused transaction holds the account
        audit.record(session, key, "contact_read", actor=key, now=NOW)
        audit.record_refusal(key, "answered", 42, "not_allowed", NOW)
        raise ZeroDivisionError
    with db.transaction() as session:
        (entry,) = audit.list_entries(session, f"refused:{key}")
        assert (entry.action, entry.actor, entry.data) == ("answered", key, {"ticket": 42, "why": "not_allowed"})
        assert audit.list_entries(session, key) == []


@pytest.mark.usefixtures("impatient")
def test_refusals_of_one_officer_at_once_are_one_chain_and_those_of_senders_never_meet() -> None:
    barrier = Barrier(12)

    def refuse(i: int) -> None:
        barrier.wait()
        audit.record_refusal("sender" if i % 2 else "user:990", "withdrawn", i, "wrong_secret", NOW)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(refuse, range(12)))
    with db.transaction() as session:
        chain = audit.list_entries(session, "refused:user:990")
        assert first_break(chain) is None
        found = select(audit.AuditEntry).where(
            audit.AuditEntry.chain.startswith("refused:"), audit.AuditEntry.action == "withdrawn"
        )
        assert Counter(entry.actor for entry in session.scalars(found)) == {"sender": 6, "user:990": 6}
        assert len(chain) == 6


def test_entries_from_before_there_were_seals_are_sealed_like_new_ones() -> None:
    server = make_url(os.environ["LANGNGHE_TEST_SERVER"])
    name = f"earlier_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine = create_engine(server.set(database=name))
    config = Config(ROOT / "alembic.ini")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        write(Session(connection), "test:earlier", 3)
        command.upgrade(config, "head")
        assert sealing.seal_entries(Session(connection), NOW) == 3
        assert heads(Session(connection), "test:earlier") == [3]
    engine.dispose()
