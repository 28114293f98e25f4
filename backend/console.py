"""What commands that need the database share: where it is, and refusals as one line instead of a traceback."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from backend import embedded
from backend.errors import DomainError
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
    """A refusal is printed to standard error and ends the command with status 2."""
    try:
        yield
    except (DomainError, EmbeddedServerError) as refusal:
        typer.echo(str(refusal), err=True)
        raise typer.Exit(2) from None
