"""The documents name what there is: links lead somewhere, modules and classes exist, decisions are numbered."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from backend.settings import ROOT
from tests import source

DOCS = ROOT / "docs"
DECISIONS = DOCS / "decisions"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DECISIONS.glob("*.md"))]
PLACES = [ROOT, ROOT / "backend"]  # what a path in a document is relative to
TESTED = ("backend", "bot", "analytics")


def find_broken_links(page: Path) -> list[str]:
    """Relative links whose file, or whose heading in it, is not there."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in targets if "://" not in target and not leads_somewhere(page, target)]


def leads_somewhere(page: Path, target: str) -> bool:
    path, _hash, heading = target.partition("#")
    file = page.parent / path if path else page
    return file.exists() and (not heading or heading in headings(file))


def headings(page: Path) -> set[str]:
    """The headings of a page as addresses within it."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert find_broken_links(page) == []


def test_a_broken_link_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("# One two\n[a](a.md) [b](b.md) [c](#one-two) [d](a.md#three) [e](https://example.vn/)\n")
    assert find_broken_links(page) == ["b.md", "a.md#three"]


@cache
def defined_names() -> dict[str, set[str]]:
    """What each module of ours defines or takes over from another: classes, functions, constants, imported names."""
    return {path: set(_names(tree)) for path, tree in source.modules(*TESTED).items()}


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def find_unknown_names(text: str) -> list[str]:
    """What a document puts in backticks and we do not have: paths, dotted modules, classes and constants."""
    passages = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    return [passage for passage in passages if not is_known(passage)]


def is_known(passage: str) -> bool:
    """Whether a passage is the name of something that exists, or no such name at all."""
    if re.fullmatch(r"\w[\w./*-]*/|[\w./*-]*\w+\.(py|html|toml|md)", passage):
        return is_path(passage)
    if re.fullmatch(r"(backend|bot|analytics)(\.\w+)+", passage):
        return is_module(passage)
    if re.fullmatch(r"[a-z_]+\.[a-z_]+", passage):
        return is_attribute(*passage.split("."))
    if re.fullmatch(r"[A-Z]+(_[A-Z]+)+|[A-Z]\w*[a-z]\w*(\.\w+)?", passage):
        return set(passage.split(".")) <= set().union(*defined_names().values())
    return True


def is_path(passage: str) -> bool:
    """From the root, from ``backend``, or, for one name alone, anywhere in the packages."""
    if "/" in passage.rstrip("/"):
        return any(any(place.glob(passage.rstrip("/"))) for place in PLACES)
    return (
        any(any((ROOT / package).rglob(passage.rstrip("/"))) for package in (*TESTED, "docs"))
        or (ROOT / passage).exists()
    )


def is_attribute(module: str, name: str) -> bool:
    """``service.apply``: some module of the name has it; true where no module has that name."""
    named = [names for path, names in defined_names().items() if path.endswith(f"/{module}.py")]
    return not named or any(name in names for names in named)


def is_module(passage: str) -> bool:
    """A module, a package, or a name that a module has."""
    path = passage.replace(".", "/")
    if (ROOT / f"{path}.py").exists() or (ROOT / path).is_dir():
        return True
    module, _dot, name = passage.rpartition(".")
    return name in defined_names().get(f"{module.replace('.', '/')}.py", set())


@pytest.mark.parametrize("page", ["glossary.md", "architecture.md"])
def test_every_name_in_the_map_and_the_glossary_exists(page: str) -> None:
    assert find_unknown_names((DOCS / page).read_text(encoding="utf-8")) == []


def test_a_class_of_the_glossary_stands_in_the_module_named_beside_it() -> None:
    rows = re.findall(r"`([\w.]+)` \(((?:`\w+`(?:, )?)+)\)", (DOCS / "glossary.md").read_text(encoding="utf-8"))
    named = [(module, name) for module, names in rows for name in re.findall(r"\w+", names)]
    assert len(named) > 60
    assert [f"{module}.{name}" for module, name in named if not is_module(f"{module}.{name}")] == []


def test_a_name_that_is_gone_would_be_noticed() -> None:
    gone = "`backend.tickets.wishes` `tickets/wishes.py` `TicketWish` `service.wish` `wishes.py` `wishes/`"
    assert find_unknown_names(gone) == re.findall(r"`(.*?)`", gone)
    there = "`backend.tickets.models` `tickets/service.py` `Ticket` `service.apply` `lifecycle.py` `/hop-thu` `answer`"
    assert find_unknown_names(there) == []


def test_decisions_are_numbered_without_gaps_and_stand_in_the_index() -> None:
    files = sorted(path.name for path in DECISIONS.glob("[0-9]*.md"))
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\d{4})\]\((.+?)\)", index, re.MULTILINE) == [(name[:4], name) for name in files]
    assert f"The next free number is {len(files) + 1:04d}." in index
