"""The database: declarative base, the session of a request, and the only place that commits."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy import DateTime, Engine, Enum, MetaData, Table, create_engine
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


def copy_rows(session: Session, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """``COPY table (columns) FROM STDIN`` within the session's own transaction. The connection answers nothing else
    until the last row is in."""
    connection: Any = session.connection().connection.driver_connection
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


SessionDep = Annotated[Session, Depends(get_session, scope="function")]
