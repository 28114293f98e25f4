"""Runs the migrations: one runner at a time, and none that makes the site wait behind a lock."""

from alembic import context
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from backend.db import AdvisoryLock
from backend.models import Base
from backend.settings import get_settings

LONGEST_WAIT_FOR_A_TABLE = "5s"


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_alone(connection: Connection) -> None:
    """Wait for another runner as long as it takes, then for any table only briefly: a migration that waits for a table
    holds up everybody who comes after it, and is better run again later."""
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({AdvisoryLock.MIGRATION.value})")
    connection.exec_driver_sql(f"SET lock_timeout TO '{LONGEST_WAIT_FOR_A_TABLE}'")
    connection.commit()
    run(connection)


def main() -> None:
    handed_in = context.config.attributes.get("connection")
    if handed_in is not None:
        run(handed_in)
        return
    url = get_settings().database_url
    if not url:
        raise SystemExit("LANGNGHE_DATABASE_URL is not set; `langnghe migrate` starts the embedded PostgreSQL")
    with create_engine(url, poolclass=NullPool).connect() as connection:
        run_alone(connection)  # the advisory lock ends with the connection


main()
