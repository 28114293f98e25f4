"""The hash of a run's code covers every module that is executed for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from backend.indices.code_mark import ENTRY, code_hash, files_of_run
from backend.settings import ROOT

TREE = {
    "backend/__init__.py": "",
    "backend/run.py": "from analytics.mean import mean\nfrom backend import clock\nimport numpy\n",
    "backend/clock.py": "def now():\n    from backend.zone import ZONE\n    return ZONE\n",
    "backend/zone.py": "ZONE = 7\n",
    "backend/other.py": "from backend.run import mean\n",
    "analytics/__init__.py": "",
    "analytics/mean.py": "def mean(): ...\n",
    "analytics/data/method.toml": "factor = 20\n",
}
NOT_RUN = {"backend/other.py"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, content in TREE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", sorted(TREE))
def test_touching_a_module_that_is_executed_changes_the_hash(tree: Path, name: str) -> None:
    before = code_hash(tree, "backend.run")
    (tree / name).write_text(TREE[name] + "# changed\n", encoding="utf-8")
    assert (code_hash(tree, "backend.run") != before) == (name not in NOT_RUN)


def test_every_module_that_a_run_imports_is_covered() -> None:
    listing = (
        f"import {ENTRY}, sys; print(*(m.__file__ for n, m in sys.modules.items()"
        " if n.partition('.')[0] in ('analytics', 'backend') and m.__file__), sep='\\n')"
    )
    imported = subprocess.run([sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True)
    covered = {path.resolve() for path in files_of_run(ROOT)}
    executed = {Path(line).resolve() for line in imported.stdout.split()}
    assert len(executed) > 40 and executed <= covered


def test_where_figures_come_from_is_covered() -> None:
    covered = {path.relative_to(ROOT).as_posix() for path in files_of_run(ROOT)}
    assert {
        "analytics/data/comparability.toml",
        "backend/indicators/conditions.py",
        "backend/indicators/definitions.toml",
        "backend/surveys/rounds/figures.py",
        "backend/deadlines/data/rules.toml",
        "backend/tickets/due_status.py",
        "backend/worktime/arithmetic.py",
    } <= covered
