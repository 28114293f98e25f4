"""The rules of the house about lengths, names and places (docs: architecture). Each is checked on our code and shown to
catch a breach."""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

from backend.settings import ROOT
from tests import shape, source

MOST_LINES = 400  # of a file
MOST_FUNCTION_LINES = 70  # the longest today has 64: the view of a ticket for staff
MOST_BRANCHES = 12
MOST_MODULES = 15  # of one folder
MOST_WIDTH = 200  # characters of a template's line
ROOT_MODULES = {"app", "audit", "cli", "clock", "db", "errors", "models", "settings", "worker"}
LARGE_ROOMS = {
    "backend/calendars": 16,  # one thing: what makes a calendar, and what applies it
    "backend/tickets": 16,  # the ticket itself; what is about reception, senders and checks has its own folder
}
SLEEP = {
    "tests/waiting.py",  # the one place
    "tests/bench/photos.py",  # measures how pages answer in a span of quiet
}
APART = {"analytics", "bot", "browser", "bench"}  # folders of tests that are no rooms of backend
SHAPELESS = {"utils", "util", "helpers", "helper", "common", "base", "misc", "shared"}


def own_files() -> list[Path]:
    """Python files of ours and of the tests; migrations are written once and not read again."""
    return [
        path
        for folder in (*source.PACKAGES, "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "versions" not in path.parts and "vendor" not in path.parts
    ]


def too_long(files: Iterable[Path], most: int) -> dict[str, int]:
    lengths = {path.name: len(path.read_bytes().splitlines()) for path in files}
    return {path: length for path, length in lengths.items() if length > most}


def test_no_file_is_too_long_to_know(tmp_path: Path) -> None:
    assert too_long(own_files(), MOST_LINES) == {}
    (tmp_path / "long.py").write_text("pass\n" * (MOST_LINES + 1))
    assert too_long(tmp_path.glob("*.py"), MOST_LINES) == {"long.py": MOST_LINES + 1}


def test_no_function_is_too_long_to_know() -> None:
    trees = source.modules("backend", "bot", "analytics")
    lengths = {path: shape.find_long_functions(tree, MOST_FUNCTION_LINES) for path, tree in trees.items()}
    assert {path: functions for path, functions in lengths.items() if functions} == {}
    breach = "async def read():\n" + "    pass\n" * MOST_FUNCTION_LINES
    assert shape.find_long_functions(ast.parse(breach), MOST_FUNCTION_LINES) == {"read": MOST_FUNCTION_LINES + 1}


def test_no_function_branches_more_than_is_read_at_once() -> None:
    trees = source.modules("backend", "bot", "analytics")
    dense = {
        f"{path} {name}" for path, tree in trees.items() for name in shape.find_dense_functions(tree, MOST_BRANCHES)
    }
    assert dense == set()


@pytest.mark.parametrize(
    ("body", "complexity"),
    [
        ("return 1", 1),
        ("if a or b and c: pass\n elif d: pass", 5),
        ("for x in y:\n  while z: pass", 3),
        ("try: pass\n except A: pass\n except B: pass", 3),
        ("return [a if b else c for d in e if f if g]", 5),
        ("match a:\n  case 1: pass\n  case _: pass", 3),
        ("def inner():\n  if a: pass", 2),
    ],
)
def test_complexity_counts_all_that_branches(body: str, complexity: int) -> None:
    (function, *_inner) = shape.list_functions(ast.parse(f"def read():\n {body}"))
    assert shape.measure_complexity(function) == complexity


def test_a_class_name_stands_once_in_all_packages() -> None:
    assert shape.find_shared_class_names(source.modules("backend", "bot", "analytics")) == {}
    breach = {path: ast.parse("class Standing: pass") for path in ("backend/a.py", "bot/b.py")}
    assert shape.find_shared_class_names(breach) == {"Standing": ["backend/a.py:1", "bot/b.py:1"]}


def test_no_module_is_named_after_nothing() -> None:
    assert [path for path in own_files() if path.stem in SHAPELESS or path.parent.name in SHAPELESS] == []


def modules_of(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.py")} - {"__init__"}


def test_the_root_of_backend_has_its_nine_modules_alone() -> None:
    assert modules_of(ROOT / "backend") == ROOT_MODULES


def large_rooms(root: Path, most: int) -> dict[str, int]:
    folders = {path.parent for package in ("backend", "bot", "analytics") for path in (root / package).rglob("*.py")}
    sizes = {folder.relative_to(root).as_posix(): len(modules_of(folder)) for folder in folders}
    return {folder: size for folder, size in sizes.items() if size > most}


def test_no_room_has_more_modules_than_are_known_at_once(tmp_path: Path) -> None:
    assert large_rooms(ROOT, MOST_MODULES) == LARGE_ROOMS
    (tmp_path / "bot").mkdir()
    for number in range(3):
        (tmp_path / "bot" / f"m{number}.py").touch()
    assert large_rooms(tmp_path, 2) == {"bot": 3}


def test_no_line_of_a_template_is_too_wide_to_read() -> None:
    folder = ROOT / "backend" / "templates"
    texts = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.*")}
    wide = {path for path, text in texts.items() if shape.find_wide_lines(text, MOST_WIDTH)}
    assert wide == set()
    assert shape.find_wide_lines("<p>\n" + "x" * (MOST_WIDTH + 1), MOST_WIDTH) == [2]


def test_no_line_of_a_style_sheet_holds_two_declarations() -> None:
    sheets = (ROOT / "backend" / "static").glob("*.css")
    packed = {path.name for path in sheets if shape.find_packed_rules(path.read_text(encoding="utf-8"))}
    assert packed == set()
    assert shape.find_packed_rules("a { color: red; top: 0; }\nb { top: 0; } i { top: 0; }") == [1, 2]
    assert (
        shape.find_packed_rules("/* a; b */\na {\n  content: ';x';\n}\nb { top: 0; }\n@media x { i { top: 0; }}") == []
    )


def test_tests_stand_where_the_rooms_stand() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")} - {ROOT / "tests"}
    names = {f"{folder.relative_to(ROOT / 'tests')}" for folder in folders}
    strange = {name for name in names if not (ROOT / "backend" / name).is_dir()} - APART
    assert strange == set()
    assert [folder.name for folder in folders if not (folder / "__init__.py").exists()] == []


def test_tests_share_plain_modules_and_wait_by_one_function() -> None:
    trees = source.modules("tests")
    assert [f"{path}:{line}" for path, tree in trees.items() for line in shape.imports_tests(tree)] == []
    assert {path for path, tree in trees.items() if any(shape.sleeps(tree))} == SLEEP
