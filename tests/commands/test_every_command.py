"""What holds for every ``langnghe`` command: figures also as JSON, and a sentence for what cannot be read."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from backend.cli import app
from tests.command import Command

ANY: Any = None  # the context, of which no group here asks anything
WITHOUT_FIGURES = {
    *("up", "migrate", "seed base"),
    *("survey open", "survey template", "survey synthetic", "survey withdraw", "survey weigh"),
    "estimate",  # --format json
}


def commands(group: TyperGroup, before: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name in group.list_commands(ANY):
        found = group.get_command(ANY, name)
        if isinstance(found, TyperGroup):
            yield from commands(found, (*before, name))
        else:
            yield " ".join((*before, name)), found


def test_every_command_that_prints_figures_prints_them_as_json_too() -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    every = dict(commands(root))
    without = {name for name, found in every.items() if not any("--json" in one.opts for one in found.params)}
    assert without == WITHOUT_FIGURES
    assert {"import casework", "kpi timeliness", "sipas recompute", "verify audit", "verify tickets"} < set(every)


@pytest.mark.parametrize(
    "words",
    [
        ["kpi", "timeliness", "--from", "31/02/2026", "--to", "2026-03-01"],
        ["index", "run", "--from", "2026-01-01", "--to", "soon"],
        ["seed", "demo", "--until", "2026-02-30"],
        ["audit", "head", "--out", "head.json", "--day", "2026-13-01"],
    ],
)
def test_day_that_is_none_is_refused_in_a_sentence(
    session: object, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    assert Command(monkeypatch).refusal(*words).startswith("Không có ngày “")
