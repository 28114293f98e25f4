"""The mark of the code that a run is counted by: one hash over every module that is executed for it.

Which modules these are follows from the imports of the module that counts, and of what it imports, as far as they are
ours. A list kept by hand would miss what somebody adds later.
"""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

ENTRY = "backend.indices.runs.service"
OURS = ("analytics", "backend")
DATA = (".toml", ".csv", ".json")


def code_hash(root: Path, entry: str = ENTRY) -> str:
    """Return the SHA-256 over the modules and the data that count. Whoever has the same files has the same hash."""
    digest = hashlib.sha256()
    for path in files_of_run(root, entry):
        digest.update(f"{path.relative_to(root).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def files_of_run(root: Path, entry: str = ENTRY) -> list[Path]:
    """Return the files of the modules that importing ``entry`` executes, wherever in them the import stands, and the
    data in their folders, in the order of their paths."""
    reached: dict[str, Path] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        path = _file_of(root, name)
        if path is None or name in reached:
            continue
        reached[name] = path
        waiting += _parents(name)
        waiting += _imports(path)
    folders = {path.parent for path in reached.values()}
    data = {path for folder in folders for path in _data_in(folder)}
    return sorted({*reached.values(), *data})


def _file_of(root: Path, name: str) -> Path | None:
    """Return the file of a module of ours, None for any other name (a module of others, or a name in a module)."""
    if name.partition(".")[0] not in OURS:
        return None
    place = root.joinpath(*name.split("."))
    module, package = place.with_suffix(".py"), place / "__init__.py"
    return module if module.is_file() else package if package.is_file() else None


def _parents(name: str) -> list[str]:
    """Return the packages around a module: importing it executes them too."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _imports(path: Path) -> Iterator[str]:
    """Every name that an import in the file may refer to: the module, and what is taken from it."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _data_in(folder: Path) -> Iterator[Path]:
    """Data beside the modules of a folder, and in its folder ``data``."""
    for pattern in ("*", "data/**/*"):
        yield from (path for path in folder.glob(pattern) if path.suffix in DATA)
