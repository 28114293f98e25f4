"""What the commands that need the database share: where it is, refusals as lines instead of a traceback, and the
account that something is done for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import typer
from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from backend.commands.output_language import say_refusal, say_text
from backend.devserver import embedded
from backend.devserver.homes import EmbeddedServerError
from backend.errors import DomainError, Forbidden, Invalid, NotFound, _
from backend.files.days import day_written
from backend.settings import get_settings
from backend.users.models import User
from backend.users.policy import Actor, Permission, can
from backend.users.queries import by_email


@contextmanager
def database_at_hand() -> Iterator[None]:
    """Use the database of the settings, else the embedded one (that of ``langnghe up``, or one started for this
    command)."""
    if get_settings().database_url:
        yield
        return
    with embedded.open_database(get_settings().data_dir) as url:
        os.environ["LANGNGHE_DATABASE_URL"] = url
        get_settings.cache_clear()
        yield


@contextmanager
def refusals_as_lines() -> Iterator[None]:
    """Print a refusal to standard error, one line for each fault, and end the command with status 2."""
    try:
        yield
    except Invalid as refusal:
        _end("\n".join(say_refusal(error) for error in refusal.errors or (refusal,)))
    except DomainError as refusal:
        _end(say_refusal(refusal))
    except EmbeddedServerError as refusal:
        _end(str(refusal))
    except OperationalError:
        _end(say_text(_("Không kết nối được với cơ sở dữ liệu.")))
    except ProgrammingError as error:
        if not isinstance(error.orig, UndefinedTable | UndefinedColumn):
            raise
        _end(say_text(_("Cơ sở dữ liệu chưa được chuẩn bị. Hãy chạy “langnghe migrate” trước.")))


def day_option(text: str) -> date:
    """Return the day of an option. Raises Invalid where it is no day."""
    day = day_written(text)
    if day is None:
        raise Invalid(_("Không có ngày “%(text)s”."), text=text[:40])
    return day


def account_that_may(session: Session, email: str, action: Permission, refusal: Forbidden) -> User:
    """Return the open account with this address, for which something is done.

    Raises NotFound without such an account, and ``refusal`` where it lacks the permission.
    """
    user = by_email(session, email)
    if user is None or not user.active:
        raise NotFound(_("Không có tài khoản nào với địa chỉ này."))
    if not can(Actor(user.role, user.id, user.unit_id), action):
        raise refusal
    return user


def _end(sentence: str) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(2)
