"""Rules about source code: each finds the lines of a module that break it."""

import ast
import re
from collections.abc import Iterator

from backend.settings import ROOT

PACKAGES = ("backend", "bot", "analytics", "migrations")


def modules(*packages: str) -> dict[str, ast.Module]:
    """Every module of our packages by its path from the root, parsed."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for package in packages or PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def assigns_state(tree: ast.AST) -> Iterator[int]:
    """Lines that give a ticket a state: ``x.state = ``, ``Ticket(state=...)``, ``setattr(x, "state", ...)``, and
    statements that write the table, as expressions or as SQL."""
    for node in ast.walk(tree):
        if _assigns(node) or _writes_state(node) or _sets_state_by_name(node) or _writes_tickets(node):
            yield getattr(node, "lineno", 0)


def _assigns(node: ast.AST) -> bool:
    if not isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    spots = [spot for target in targets for spot in getattr(target, "elts", [target])]
    return any(isinstance(spot, ast.Attribute) and spot.attr == "state" for spot in spots)


def _writes_state(call: ast.AST) -> bool:
    """A ticket made with a state, or a statement that writes the table, whose values may come with its execution."""
    if not isinstance(call, ast.Call):
        return False
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name == "Ticket":
        return any(keyword.arg == "state" for keyword in call.keywords)
    inside = {part.id for given in call.args for part in ast.walk(given) if isinstance(part, ast.Name)}
    return name in ("insert", "update") and "Ticket" in inside


def _sets_state_by_name(call: ast.AST) -> bool:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or len(call.args) != 3:
        return False
    named = call.args[1]
    return call.func.id == "setattr" and isinstance(named, ast.Constant) and named.value == "state"


def _writes_tickets(text: ast.AST) -> bool:
    if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
        return False
    words = " ".join(text.value.lower().split())
    # A verb alone is the beginning of an f-string whose table is only known later: it may be this one.
    return any(words == verb or f"{verb} tickets" in words for verb in ("update", "insert into", "copy", "merge into"))


def commits(tree: ast.AST) -> Iterator[int]:
    """Lines that end a transaction themselves: ``.commit()``, or ``engine.begin()``, which commits at its end."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            bare = not node.args and not node.keywords
            if node.func.attr == "commit" or (node.func.attr == "begin" and bare):
                yield node.lineno


WALL_CLOCK = {"time", "time_ns", "localtime", "gmtime", "ctime"}


def reads_clock(tree: ast.AST) -> Iterator[int]:
    """Lines that ask what time it is, in Python or in SQL. ``clock.now()`` and monotonic clocks are no such thing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            if any(name.name in WALL_CLOCK for name in node.names):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _asks_time(node.func):
            yield node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = node.value.lower()
            if "current_timestamp" in words or "now()" in words or "current_date" in words:
                yield node.lineno


def asks_for_a_lock(tree: ast.AST) -> Iterator[int]:
    """Lines that name a lock function of PostgreSQL, or give a number to a name of a lock."""
    for node in ast.walk(tree):
        if "_advisory_" in _words(node) or _numbers_a_lock(node):
            yield getattr(node, "lineno", 0)


def _words(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _numbers_a_lock(node: ast.AST) -> bool:
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    words = {word for target in targets if isinstance(target, ast.Name) for word in target.id.split("_")}
    return "LOCK" in words and isinstance(node.value, ast.Constant) and isinstance(node.value.value, int)


def _asks_time(function: ast.Attribute) -> bool:
    owner = function.value
    name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    if name == "time":
        return function.attr in WALL_CLOCK
    return function.attr in ("utcnow", "today") or (function.attr == "now" and name != "clock")


TICKET_CHAIN = re.compile(r"ticket:(\d+)?('|%|$)")


def spells_ticket_chain(tree: ast.AST) -> Iterator[int]:
    """Lines that spell the chain of a ticket themselves, whole or in part, in Python or in SQL. Docstrings may."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in prose:
            continue
        if TICKET_CHAIN.search(node.value):
            yield node.lineno


def crosses_rooms(path: str, tree: ast.AST) -> Iterator[int]:
    """Lines by which one room reaches into the inside of another: its pages, tasks or SQL statements. Rooms meet in
    services, queries, models and pure modules."""
    room = path.split("/")[1]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [name.name for name in node.names]
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{name}" for name in names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "backend" and len(parts) > 2 and parts[1] != room and any(map(_is_inside, parts[2:])):
                yield node.lineno


def _is_inside(module: str) -> bool:
    return module in ("pages", "api", "tasks", "statements") or module.endswith("_pages")


def imports_private_names(tree: ast.AST) -> Iterator[int]:
    """Lines that take from another module what its underscore calls its own. ``_`` alone is the catalogue's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            if any(part.startswith("_") and part.strip("_") for part in parts):
                yield node.lineno
