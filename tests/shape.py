"""The shape of code and pages: what is too long, too dense or in the wrong place."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

ROUTE_METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "route", "api_route", "websocket"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def list_functions(tree: ast.AST) -> list[Function]:
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def measure_complexity(function: ast.AST) -> int:
    """Return 1 and what branches: if, for, while, except, and, or, conditional expressions, match cases, loops and
    conditions of comprehensions. Functions inside the function count as parts of it."""
    return 1 + sum(map(_count_branches, ast.walk(function)))


def _count_branches(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    branches = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.match_case)
    return int(isinstance(node, branches))


def find_dense_functions(tree: ast.AST, most: int) -> list[str]:
    return [function.name for function in list_functions(tree) if measure_complexity(function) > most]


def find_long_functions(tree: ast.AST, most: int) -> dict[str, int]:
    """Names and lengths of functions that have more lines than ``most``."""
    lengths = {function.name: (function.end_lineno or 0) - function.lineno + 1 for function in list_functions(tree)}
    return {name: length for name, length in lengths.items() if length > most}


def find_shared_class_names(trees: Mapping[str, ast.AST]) -> dict[str, list[str]]:
    """Class names that stand in more than one place, with the places."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path}:{node.lineno}")
    return {name: found for name, found in places.items() if len(found) > 1}


def declares_routes(tree: ast.AST) -> Iterator[int]:
    """Lines that make a router or declare a route on one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called_name(node) in ("APIRouter", "add_api_route"):
            yield node.lineno
        elif isinstance(node, Function):
            yield from (decorator.lineno for decorator in node.decorator_list if _is_route(decorator))


def _called_name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _is_route(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr in ROUTE_METHODS
        and bool(decorator.args)
    )


def is_for_routes(path: str) -> bool:
    """Whether a module's name says that it holds routes."""
    name = path.rsplit("/", 1)[-1]
    return name in ("pages.py", "api.py") or name.endswith("_pages.py")


def find_wide_lines(text: str, most: int) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if len(line) > most]


def find_packed_rules(css: str) -> list[int]:
    """Lines of a style sheet that hold two declarations or two rules."""
    plain = re.sub(r"/\*.*?\*/|\"[^\"\n]*\"|'[^'\n]*'|url\([^)]*\)", _blank_out, css, flags=re.DOTALL)
    return [number for number, line in enumerate(plain.splitlines(), 1) if re.search(r"[;}]\s*[^\s}]", line)]


def _blank_out(passage: re.Match[str]) -> str:
    return "\n" * passage[0].count("\n")


def imports_tests(tree: ast.AST) -> Iterator[int]:
    """Lines that import from a test file: what tests share stands in modules of its own."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{name}" for name in names] if (node.module or "").startswith("tests") else []
        for name in names:
            if name.startswith("tests.") and any(part.startswith("test_") for part in name.split(".")):
                yield node.lineno


def sleeps(tree: ast.AST) -> Iterator[int]:
    """Lines that wait for a fixed time."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called_name(node) in ("sleep", "wait_for_timeout"):
            yield node.lineno
