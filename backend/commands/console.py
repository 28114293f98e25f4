"""What commands that need the database share: where it is, and refusals as one line instead of a traceback."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import typer
from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy.exc import OperationalError, ProgrammingError

from backend import embedded
from backend.days import day_written
from backend.errors import DomainError, Invalid, _
from backend.homes import EmbeddedServerError
from backend.settings import get_settings


@contextmanager
def database_at_hand() -> Iterator[None]:
    """Use the database of the settings, else the embedded one (that of ``langnghe up``, or one started for this)."""
    if get_settings().database_url:
        yield
        return
    with embedded.database(get_settings().data_dir) as url:
        os.environ["LANGNGHE_DATABASE_URL"] = url
        get_settings.cache_clear()
        yield


@contextmanager
def refusals_as_lines() -> Iterator[None]:
    """A refusal is printed to standard error, a line for each thing refused, and ends the command with status 2."""
    try:
        yield
    except Invalid as refusal:
        _end("\n".join(str(error) for error in refusal.errors or (refusal,)))
    except (DomainError, EmbeddedServerError) as refusal:
        _end(str(refusal))
    except OperationalError:
        _end(_("Không kết nối được với cơ sở dữ liệu."))
    except ProgrammingError as error:
        if not isinstance(error.orig, UndefinedTable | UndefinedColumn):
            raise
        _end(_("Cơ sở dữ liệu chưa được chuẩn bị. Hãy chạy “langnghe migrate” trước."))


def day_option(text: str) -> date:
    """The day of an option. Raises Invalid."""
    day = day_written(text)
    if day is None:
        raise Invalid(_("Không có ngày “%(text)s”."), text=text[:40])
    return day


def _end(sentence: str) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(2)
