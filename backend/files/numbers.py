"""Numbers in files. The whole column shows which sign stands before decimals. Pure.

1.234 may be a decimal number or one thousand two hundred and thirty-four. 3,5 and 1.234.567 show that the sign is a
comma.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from backend.files.faults import FileRefused, TableFault

ONE_SIGN: Final = re.compile(r"[+−-]?(?P<whole>\d*)(?P<sign>[.,])(?P<rest>\d*)(?P<power>[eE][+-]?\d{1,3})?", re.ASCII)
GROUPED: Final = re.compile(
    r"[+−-]?\d{1,3}(?:(?P<group>[., \u00a0\u202f])\d{3})(?:(?P=group)\d{3})*(?:(?P<sign>[.,])\d+)?"
)
LONGEST: Final = 40


class DecimalSign(StrEnum):
    """The sign before decimals."""

    POINT = "."
    COMMA = ","

    @property
    def other(self) -> "DecimalSign":
        return DecimalSign.COMMA if self is DecimalSign.POINT else DecimalSign.POINT


@dataclass(frozen=True, slots=True)
class WrittenNumber:
    """A number as it stands in the file."""

    line: int
    text: str


def sign_shown(text: str) -> tuple[DecimalSign | None, bool]:
    """Return the decimal sign that a text shows, and whether it may be both (one sign with three digits after it)."""
    if once := ONE_SIGN.fullmatch(text):
        grouped = len(once["rest"]) == 3 and 1 <= len(once["whole"]) <= 3 and once["whole"] != "0" and not once["power"]
        return (None, True) if grouped else (DecimalSign(once["sign"]), False)
    if groups := GROUPED.fullmatch(text):
        if groups["sign"] and groups["sign"] != groups["group"]:
            return DecimalSign(groups["sign"]), False
        if not groups["sign"] and groups["group"] in (".", ","):
            return DecimalSign(groups["group"]).other, False
    return None, False


def decimal_sign(
    column: str, numbers: Iterable[WrittenNumber], usual: DecimalSign | None, wish: DecimalSign | None = None
) -> DecimalSign:
    """Return the decimal sign of a column. ``usual``: the sign in such a file where no number shows it; none where that
    is open. ``wish``: the sign that the user states; it decides. Raises FileRefused where the numbers contradict each
    other or leave the sign open."""
    if wish is not None:
        return wish
    examples: dict[DecimalSign, WrittenNumber] = {}
    doubtful: list[WrittenNumber] = []
    for number in numbers:
        sign, either = sign_shown(number.text)
        if sign is not None:
            examples.setdefault(sign, number)
        elif either and (usual is None or usual.value not in number.text):
            doubtful.append(number)
    if len(examples) > 1:
        raise _mixed(column, *(examples[sign] for sign in DecimalSign))
    if doubtful and not examples:
        text = doubtful[0].text[:LONGEST]
        raise FileRefused(TableFault.DECIMAL_UNKNOWN, column=column, value=text, lines=doubtful[0].line)
    return next(iter(examples), usual or DecimalSign.POINT)


def _mixed(column: str, first: WrittenNumber, other: WrittenNumber) -> FileRefused:
    return FileRefused(
        TableFault.DECIMAL_MIXED,
        column=column,
        value=first.text[:LONGEST],
        lines=first.line,
        other=other.text[:LONGEST],
        other_lines=other.line,
    )


def read_number(text: str, sign: DecimalSign) -> float | None:
    """Return the number in a cell, none for anything else. Signs between thousands must stand every three digits."""
    bare = text.strip()
    if not bare or "_" in bare:
        return None
    groups = GROUPED.fullmatch(bare)
    if groups is not None and groups["group"] != sign.value:
        if groups["sign"] and groups["sign"] != sign.value:
            return None
        bare = bare.replace(groups["group"], "")
    elif sign.other.value in bare:
        return None
    try:
        return float(bare.replace(sign.value, ".").replace("−", "-"))
    except ValueError:
        return None
