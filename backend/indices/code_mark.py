"""Mark the code that a run is counted by: one hash over every module that is executed for it.

The modules follow from the imports of the module that counts, and from their imports, as far as they are ours. A list
kept by hand would miss later additions.
"""

import ast
import hashlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

ENTRY = "backend.indices.runs.service"
OURS = ("analytics", "backend")
DATA = (".toml", ".csv", ".json")


def code_hash(root: Path, entry: str = ENTRY) -> str:
    """Return the SHA-256 over the modules and the data that count. The same files give the same hash."""
    digest = hashlib.sha256()
    for path in files_of_run(root, entry):
        digest.update(f"{path.relative_to(root).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def files_of_run(root: Path, entry: str = ENTRY) -> list[Path]:
    """Return the modules that importing ``entry`` executes and the data in their folders, sorted by path.

    Imports inside functions count too.
    """
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
    data = set(chain.from_iterable(map(_data_in, folders)))
    return sorted({*reached.values(), *data})


def _file_of(root: Path, name: str) -> Path | None:
    """Return the file of one of our modules, None for any other name (a foreign module, or a name inside a module)."""
    if name.partition(".")[0] not in OURS:
        return None
    place = root.joinpath(*name.split("."))
    module, package = place.with_suffix(".py"), place / "__init__.py"
    return next((path for path in (module, package) if path.is_file()), None)


def _parents(name: str) -> list[str]:
    """Return the packages around a module. Importing it executes them too."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _imports(path: Path) -> Iterator[str]:
    """Yield every name that an import in the file may refer to: the module, and the names taken from it."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _data_in(folder: Path) -> Iterator[Path]:
    """Yield the data files in a folder of modules and in its folder ``data``."""
    for pattern in ("*", "data/**/*"):
        yield from (path for path in folder.glob(pattern) if path.suffix in DATA)
