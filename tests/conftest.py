"""One embedded PostgreSQL a run, one migrated database a worker, one savepoint a test.

The application's own session factory is bound to the test's connection, so that the code which commits in life runs
here too; what it commits is rolled back with the test.
"""

import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, db, settings
from backend.app import create_app
from backend.devserver import embedded
from backend.tickets import projection
from backend.worktime.calendar import ZONE
from tests.databases import new_database, work_on
from tests.factories import World
from tests.life import Life, begun

NOW = datetime(2026, 11, 18, 9, 0, tzinfo=ZONE)

hypothesis_settings.register_profile("steady", derandomize=True, deadline=None, print_blob=True)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_configure(config: pytest.Config) -> None:
    """The controller (or the only process) starts the server; workers are told its address."""
    if not hasattr(config, "workerinput"):
        config.stash[_FOLDER] = tempfile.TemporaryDirectory(prefix="langnghe-tests-")
        config.stash[_SERVER] = embedded.start_postgres(Path(config.stash[_FOLDER].name), durable=False)
        os.environ["LANGNGHE_TEST_SERVER"] = config.stash[_SERVER].url


def pytest_unconfigure(config: pytest.Config) -> None:
    if _SERVER in config.stash:
        config.stash[_SERVER].stop()
        config.stash[_FOLDER].cleanup()


_SERVER = pytest.StashKey[embedded.EmbeddedServer]()
_FOLDER = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


@pytest.fixture(scope="session")
def database_url() -> str:
    """The database of this worker's tests that are rolled back."""
    return new_database("langnghe")


@pytest.fixture(scope="module")
def committed_url() -> str:
    """A database of its own for tests that need real commits: races, other processes, kills."""
    return new_database("committed")


@pytest.fixture
def committed(committed_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The application itself works on the committed database, each transaction on a connection of its own."""
    engine = create_engine(committed_url, pool_size=20, max_overflow=20)
    work_on(engine, monkeypatch)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()


@pytest.fixture(scope="session", autouse=True)
def _commands_write_vietnamese() -> Iterator[None]:
    """The locale of the machine does not change what commands print in tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LC_ALL", "LC_MESSAGES"):
            patch.delenv(name, raising=False)
        patch.setenv("LANG", "C.UTF-8")
        yield


@pytest.fixture
def session(connection: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Session]:
    """The test's own session; the application's sessions join the same outer transaction."""
    monkeypatch.setenv("LANGNGHE_DATA_DIR", str(tmp_path))
    settings.get_settings.cache_clear()
    factory = sessionmaker(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
    monkeypatch.setattr(db, "session_factory", lambda: factory)
    with factory() as session:
        yield session
    settings.get_settings.cache_clear()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Wednesday 18 November 2026, 9:00 in Vietnam; the application's clock stands still there."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return NOW


@pytest.fixture
def world(session: Session) -> World:
    """Makes tickets and people, by the services that make them in life."""
    return World(session)


@pytest.fixture
def life(session: Session, world: World) -> Iterator[Life]:
    """A ticket just received. Whatever the test does to it: in the end every stored row follows from its history."""
    yield begun(session, world)
    assert list(projection.check_all(session)) == []


@pytest.fixture
def client(session: Session, now: datetime) -> Iterator[TestClient]:
    """A browser without JavaScript that nobody has signed in on."""
    with TestClient(
        create_app(), follow_redirects=False, base_url="http://testserver", headers={"Sec-Fetch-Site": "same-origin"}
    ) as client:
        yield client
