"""Runs `langnghe` commands as from a terminal, against the database of the test."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from backend import settings
from backend.cli import app


class Command:
    """One terminal. The application's session factory is already bound to the test's connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LANGNGHE_DATABASE_URL", "postgresql+psycopg://bound-to-the-test")
        monkeypatch.setenv("COLUMNS", "200")
        settings.get_settings.cache_clear()

    def run(self, *words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    def json(self, *words: object) -> Any:
        """What the command prints with ``--json``; it must have succeeded."""
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def refusal(self, *words: object) -> str:
        """The sentence of a command that was refused."""
        result = self.run(*words)
        assert result.exit_code == 2, result.output
        assert "Traceback" not in result.output
        return result.stderr.strip()
