"""A terminal that imports files of cases."""

from pathlib import Path
from typing import Any

import pytest

from tests.command import Command

HEADER = "key,office,received,answered,category\n"


class Desk(Command):
    """A terminal in a folder of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        super().__init__(monkeypatch)
        monkeypatch.chdir(folder)
        self.folder = folder

    def take(self, body: str, *options: object, name: str = "cases.csv") -> Any:
        """Import a file with the default columns; what was printed as JSON."""
        (self.folder / name).write_text(HEADER + body, encoding="utf-8")
        return self.json("import", "casework", name, *options)

    def timeliness(self, *options: object, first: str = "2015-01-01", last: str = "2026-12-31") -> Any:
        return self.json("kpi", "timeliness", "--from", first, "--to", last, "--calendar", "weekdays", *options)
