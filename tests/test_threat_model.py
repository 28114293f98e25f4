"""The threat model names tests that exist."""

import re

from backend.settings import ROOT


def test_every_test_that_the_threat_model_names_is_there() -> None:
    rows = [line for line in (ROOT / "docs" / "threat-model.md").read_text().splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([a-z][a-z0-9_]{11,})`", row.rsplit("|", 2)[1])}
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 60
    assert not {name for name in named if f"def test_{name}(" not in sources}
