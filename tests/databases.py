"""The run's databases: a template is migrated and given the first data once; every other is a copy of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import NullPool

from backend import db, settings
from backend.commands import first_data
from backend.settings import ROOT
from backend.worktime.calendar import ZONE

TEMPLATE = "langnghe_template"
_serial = count(1)


def new_database(name: str) -> str:
    """URL of a new database of the run, migrated to the head and holding the first data; it goes with the server."""
    server = make_url(os.environ["LANGNGHE_TEST_SERVER"])
    with _administering(server) as connection:
        connection.execute(text("SELECT pg_advisory_lock(1)"))
        if not connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": TEMPLATE}):
            connection.execute(text(f'CREATE DATABASE "{TEMPLATE}"'))
            _furnish(server.set(database=TEMPLATE))
    return _copied(server, TEMPLATE, f"{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")


@contextmanager
def copy_of(url: str) -> Iterator[Engine]:
    """A copy of a database nobody is connected to, to be tampered with; dropped at the end."""
    source = make_url(url)
    copied = make_url(_copied(source, str(source.database), str(source.database)))
    engine = create_engine(copied)
    yield engine
    engine.dispose()
    with _administering(source) as connection:
        connection.execute(text(f'DROP DATABASE "{copied.database}"'))


def work_on(engine: Engine, patch: pytest.MonkeyPatch, data_dir: Path | None = None) -> None:
    """From here on the application itself works on that database, each transaction on a connection of its own."""
    factory = sessionmaker(engine, expire_on_commit=False)
    patch.setattr(db, "session_factory", lambda: factory)
    if data_dir is not None:
        patch.setenv("LANGNGHE_DATA_DIR", str(data_dir))
    settings.get_settings.cache_clear()


@contextmanager
def for_processes(name: str, patch: pytest.MonkeyPatch) -> Iterator[str]:
    """A new database that this process and those it starts work on."""
    url = new_database(name)
    engine = create_engine(url)
    work_on(engine, patch)
    yield url
    engine.dispose()
    settings.get_settings.cache_clear()


def _furnish(url: URL) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        config = Config(ROOT / "alembic.ini")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            first_data.load_first_data(session, datetime(2025, 1, 1, tzinfo=ZONE))
            session.commit()


def _copied(server: URL, template: str, name: str) -> str:
    name = f"{name}_{next(_serial)}"
    with _administering(server) as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    return server.set(database=name).render_as_string(hide_password=False)


@contextmanager
def _administering(server: URL) -> Iterator[Connection]:
    engine = create_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
