"""Runs ``langnghe estimate`` as from a terminal; it needs no database."""

import json
from typing import Any

import typer
from typer.testing import CliRunner, Result

from backend.commands.survey.estimate import estimation

app = typer.Typer()
app.command("estimate")(estimation.registered_commands[0].callback)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def rows(*arguments: object) -> Any:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refusal(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    sentence = result.stderr.strip()
    assert "\n" not in sentence
    return sentence
