"""The database: declarative base, the session of a request, and the only place that commits."""

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
    """Every advisory lock of ours. Each number stands here once, so that two rooms never share one by accident; a
    number never changes, because a process of the release before may still hold it."""

    MIGRATION = 5_262_019  # one runner of migrations at a time
    SEALING = 5_262_020  # one sealer of the history at a time
    REFUSALS = 5_262_021  # with the chain: one refusal of one member of staff at a time
    CALENDAR = 5_262_031  # with the code: one save or activation of a calendar at a time
    JOB = 5_262_041  # with kind and subject: one request for the same long work at a time
    MERGE = 0x6C6E6D67  # merges of tickets wait for one another: two opposite ones would lock each other out
    SURVEY_ROUND = 0x6C6E7376  # with the round: one import, ballot, sample or withdrawal in a round at a time
    CASEWORK = 0x6C6E6E6770  # one batch of one import of casework at a time
    BOT_UPDATES = 0x6C6E_626F_7400_0001  # one process reads the updates of the bot


# Connections of a process, kept and at most. A request works in one of anyio's 40 threads and holds one connection, and
# a second one for a moment where something must outlive a refusal (a failed attempt). With more connections than
# threads there is always one that somebody can get, use and give back.
KEPT, MOST = 10, 44


def by_value(enum: type[StrEnum], name: str) -> Enum:
    """Column type that stores an enum by its value in text, with a CHECK of its own."""
    return Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def table_of(model: type[Base]) -> Table:
    """The plain table of a model. Statements on it skip the ORM's bookkeeping: for the hottest paths alone."""
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - narrows the declared type
    return table


@lru_cache
def engine() -> Engine:
    """One pool a process. ``DATABASE_URL`` must be set by then (``langnghe up`` sets it for its children)."""
    url = get_settings().database_url
    if not url:
        raise RuntimeError("LANGNGHE_DATABASE_URL is not set; `langnghe up` starts the embedded PostgreSQL")
    # hide_parameters: what people wrote must not reach a log by way of an error message.
    return create_engine(
        url, pool_size=KEPT, max_overflow=MOST - KEPT, pool_pre_ping=True, pool_recycle=1800, hide_parameters=True
    )


@lru_cache
def session_factory() -> sessionmaker[Session]:
    """Tests bind this factory to their own connection, so that the committing code below runs as it does live."""
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
    """The transaction of a request. It must be used with ``scope="function"``: FastAPI then runs the commit before
    it sends the response, so that nobody is told of something that was not stored."""
    with transaction() as session:
        yield session


def hold_lock(session: Session, lock: AdvisoryLock, key: int | str | None = None) -> None:
    """Hold a lock until the transaction ends, and wait for whoever holds it. With ``key`` only those wait for one
    another that give the same key; a text stands for its hash."""
    session.execute(select(func.pg_advisory_xact_lock(*_lock_numbers(lock, key))))


def try_lock(session: Session, lock: AdvisoryLock) -> bool:
    """Hold a lock until the transaction ends; False, without waiting, where somebody else holds it."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(int(lock)))))


def _lock_numbers(lock: AdvisoryLock, key: int | str | None) -> list[int | ColumnElement[int]]:
    if key is None:
        return [int(lock)]
    return [int(lock), func.hashtext(key) if isinstance(key, str) else key]


def copy_rows(session: Session, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """``COPY table (columns) FROM STDIN`` within the session's own transaction. The connection answers nothing else
    until the last row is in."""
    connection: Any = session.connection().connection.driver_connection
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


SessionDep = Annotated[Session, Depends(get_session, scope="function")]
