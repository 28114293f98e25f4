"""What child processes do in tests of the guard. The module imports little, because a child imports it."""

from collections.abc import Callable

from backend.errors import Conflict
from backend.files.faults import FileRefused, TableFault
from backend.worktime.errors import WorktimeError


def spin(rounds: int) -> int:
    return sum(number % 7 for number in range(rounds))


def take_memory(megabytes: int) -> int:
    return len(bytearray(megabytes * 1_000_000))


def fail(name: str) -> None:
    raise KeyError(name)


def refuse(kind: str) -> None:
    if kind == "file":
        raise FileRefused(TableFault.TOO_LARGE, most=100)
    if kind == "calendar":
        raise WorktimeError("Dòng %(line)s: sai.", line=3)
    raise Conflict("Đã có.", field="file")


def count(rows: int, report: Callable[[int], None]) -> int:
    for number in range(rows):
        report(number)
    return rows
