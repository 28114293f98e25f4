"""A database of a test's own in which things are really committed, for tests that start processes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from backend import first_data
from backend.worktime.calendar import ZONE

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def database(name: str) -> Iterator[str]:
    """URL of a new database, migrated and with the first data; dropped at the end."""
    server = make_url(os.environ["LANGNGHE_TEST_SERVER"])
    name = f"langnghe_{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    url = server.set(database=name)
    engine = create_engine(url)
    with engine.begin() as own:
        config = Config(ROOT / "alembic.ini")
        config.attributes["connection"] = own
        command.upgrade(config, "head")
        with Session(own, join_transaction_mode="create_savepoint") as session:
            first_data.load(session, datetime(2025, 1, 1, tzinfo=ZONE))
            session.commit()
    engine.dispose()
    yield url.render_as_string(hide_password=False)
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
