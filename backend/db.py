"""The database: the declarative base, the session of a request, and the only code that commits."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum, StrEnum, unique
from functools import lru_cache
from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy import ColumnElement, DateTime, Engine, Enum, MetaData, Table, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from backend.settings import get_settings

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of all tables: named constraints, aware datetimes."""

    metadata = MetaData(naming_convention=NAMING)


Moment = DateTime(timezone=True)


@unique
class AdvisoryLock(IntEnum):
    """All advisory locks of the system, each number once, so that two rooms never use the same lock.

    A number never changes, because a process of the earlier release may still hold its lock.
    """

    MIGRATION = 5_262_019  # one runner of migrations at a time
    SEALING = 5_262_020  # one sealer of the history at a time
    REFUSALS = 5_262_021  # with the chain: one refusal of one member of staff at a time
    CALENDAR = 5_262_031  # with the code: one save or activation of a calendar at a time
    ROLLUPS = 5_262_036  # one count of changed months at a time
    JOB = 5_262_041  # with kind and subject: one request for the same long work at a time
    MERGE = 0x6C6E6D67  # merges of tickets wait for each other: two opposite merges would block each other for ever
    SURVEY_ROUND = 0x6C6E7376  # with the round: one import, ballot, sample or withdrawal in a round at a time
    CASEWORK = 0x6C6E6E6770  # one batch of one import of casework at a time
    BOT_UPDATES = 0x6C6E_626F_7400_0001  # one process reads the updates of the bot


# Connections of a process: how many stay open, and the most at a time. A request runs in one of anyio's 40 threads with
# one connection. For a moment it uses a second one, where a record must survive a refusal (a failed attempt). With more
# connections than threads, one is always free, so that requests cannot block each other for ever.
KEPT, MOST = 10, 44


def by_value(enum: type[StrEnum], name: str) -> Enum:
    """Return the column type that stores an enum by its value, as text, with its own CHECK."""
    return Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def table_of(model: type[Base]) -> Table:
    """Return the table of a model. Statements on it skip the work of the ORM; only very busy code needs that."""
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - narrows the declared type
    return table


@lru_cache
def engine() -> Engine:
    """Return the engine with the one pool of this process. Raises `RuntimeError` without ``LANGNGHE_DATABASE_URL``.

    ``langnghe up`` sets the variable for its child processes.
    """
    url = get_settings().database_url
    if not url:
        raise RuntimeError("LANGNGHE_DATABASE_URL is not set; `langnghe up` starts the embedded PostgreSQL")
    # hide_parameters: texts that people wrote must not reach a log inside an error message.
    return create_engine(
        url, pool_size=KEPT, max_overflow=MOST - KEPT, pool_pre_ping=True, pool_recycle=1800, hide_parameters=True
    )


@lru_cache
def session_factory() -> sessionmaker[Session]:
    """Return the factory of sessions. Tests bind it to their own connection, so that `transaction` runs unchanged."""
    return sessionmaker(engine(), expire_on_commit=False)


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work: commit at the end, roll back on any exception."""
    with session_factory()() as session:
        try:
            yield session
        except BaseException:
            session.rollback()
            raise
        session.commit()


def get_session() -> Iterator[Session]:
    """Yield the session of a request, as a dependency with ``scope="function"``.

    With this scope FastAPI commits before it sends the response, so that no response reports something that was not
    stored.
    """
    with transaction() as session:
        yield session


def hold_lock(session: Session, lock: AdvisoryLock, key: int | str | None = None) -> None:
    """Take a lock until the transaction ends, and wait while another transaction holds it.

    With ``key``, only transactions with the same key wait for each other. A text is used by its hash.
    """
    session.execute(select(func.pg_advisory_xact_lock(*_lock_numbers(lock, key))))


def try_lock(session: Session, lock: AdvisoryLock) -> bool:
    """Take a lock until the transaction ends. Return False, without waiting, where another transaction holds it."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(int(lock)))))


def _lock_numbers(lock: AdvisoryLock, key: int | str | None) -> list[int | ColumnElement[int]]:
    if key is None:
        return [int(lock)]
    return [int(lock), func.hashtext(key) if isinstance(key, str) else key]


def copy_rows(session: Session, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """Run ``COPY table (columns) FROM STDIN`` in the session's transaction.

    The connection cannot run another statement until the last row is written.
    """
    connection: Any = session.connection().connection.driver_connection
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


SessionDep = Annotated[Session, Depends(get_session, scope="function")]
