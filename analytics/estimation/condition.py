"""Conditions on ballots such as ``gioi == "nữ" and tuoi in (18, 19)``, read by a small grammar, never evaluated as
code.

condition = all {or all}; all = term {and term}; term = (condition) | column operator literal.
operator = == != < <= > >= in; literal = number | "text" | 'text' | word, after ``in`` a list of them in brackets.
``&`` and ``|`` stand for and, or. A column name of several words is written in `backticks`. The literal decides how
values compare: a number with the column's values as numbers ("01" is 1), a text with its values as texts. A blank value
never fulfils a comparison.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analytics.estimation.design import CodedColumn, Flags, codes_of

TOKEN = re.compile(r"""\s*(`[^`]+`|"[^"]*"|'[^']*'|==|!=|<=|>=|[<>&|()\[\],]|[^\s"'`<>=!&|()\[\],]+)\s*""")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
NAME = re.compile(r"[^\W\d][\w.]*")
OR, AND, IN = ("or", "|"), ("and", "&"), "in"
SIGNS = "<>=!&|()[],`"
# The most brackets within brackets. Nobody writes more by hand.
DEPTH = 50

ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class ConditionError(ValueError):
    """The text is not a condition."""


@dataclass(frozen=True, slots=True)
class ColumnCondition:
    """``column operator literal``. Only ``in`` has several literals."""

    column: str
    operator: str
    literals: tuple[float | str, ...]

    @property
    def columns(self) -> list[str]:
        return [self.column]

    def holds(self, values: Callable[[str], ArrayLike | CodedColumn]) -> Flags:
        """Return a flag for each ballot: whether it fulfils the condition. ``values`` returns the column of a name."""
        column = values(self.column)
        n = column.codes.size if isinstance(column, CodedColumn) else np.asarray(column).size
        codes, distinct = codes_of(column, n, self.column, optional=True)
        verdicts = [self._accepts(value) for value in distinct.tolist()]
        return np.array([*verdicts, False], dtype=bool)[codes]

    def _accepts(self, value: object) -> bool:
        if self.operator in ORDERED:
            number = _number(value)
            return number is not None and ORDERED[self.operator](number, self.literals[0])
        matches = any(_same(value, literal) for literal in self.literals)
        return matches is not (self.operator == "!=")


@dataclass(frozen=True, slots=True)
class JoinedCondition:
    """Several conditions of which all must hold (``all``) or any."""

    parts: "tuple[Condition, ...]"
    all: bool

    @property
    def columns(self) -> list[str]:
        columns: list[str] = []
        for part in self.parts:
            columns += part.columns
        return columns

    def holds(self, values: Callable[[str], ArrayLike | CodedColumn]) -> Flags:
        flags = np.array([part.holds(values) for part in self.parts])
        return np.asarray(flags.all(axis=0) if self.all else flags.any(axis=0))


Condition = ColumnCondition | JoinedCondition


def parse_condition(text: str) -> Condition:
    """Read a condition. Raises `ConditionError` with the text where it is none."""
    if TOKEN.sub("", text):
        raise ConditionError(text)
    reader = _ConditionReader(text)
    condition = reader.joined(OR)
    if reader.next:
        raise ConditionError(text)
    return condition


class _ConditionReader:
    """Recursive descent over the words and signs of a condition. ``next`` is "" at the end of the text."""

    def __init__(self, text: str) -> None:
        self._text, self._depth = text, 0
        self._tokens = iter(TOKEN.findall(text))
        self.next = next(self._tokens, "")

    def _take(self, *only: str) -> str:
        token, self.next = self.next, next(self._tokens, "")
        if only and token not in only:
            raise ConditionError(self._text)
        return token

    def joined(self, words: tuple[str, str]) -> Condition:
        parts: list[Condition] = []
        while not parts or (self.next.lower() in words and self._take()):
            parts.append(self._term() if words == AND else self.joined(AND))
        return parts[0] if len(parts) == 1 else JoinedCondition(tuple(parts), all=words == AND)

    def _term(self) -> Condition:
        if self.next != "(":
            return self._comparison()
        self._depth += 1
        if self._depth > DEPTH:
            raise ConditionError(self._text)
        self._take()
        inside = self.joined(OR)
        self._take(")")
        self._depth -= 1
        return inside

    def _comparison(self) -> ColumnCondition:
        name, sign = self._take(), self._take("==", "!=", IN, *ORDERED)
        column = name[1:-1] if name.startswith("`") else name
        if not (name.startswith("`") or NAME.fullmatch(name)):
            raise ConditionError(self._text)
        literals = self._list() if sign == IN else (self._literal(),)
        if sign in ORDERED and isinstance(literals[0], str):
            raise ConditionError(self._text)
        return ColumnCondition(column, sign, literals)

    def _list(self) -> tuple[float | str, ...]:
        closing = ")" if self._take("(", "[") == "(" else "]"
        literals = [self._literal()]
        while self.next == ",":
            self._take()
            if self.next != closing:
                literals.append(self._literal())
        self._take(closing)
        return tuple(literals)

    def _literal(self) -> float | str:
        token = self._take()
        if token[:1] in ("'", '"'):
            return token[1:-1]
        if not token or token[0] in SIGNS or token.lower() in (*OR, *AND, IN):
            raise ConditionError(self._text)
        return float(token) if NUMBER.fullmatch(token) else token


def _same(value: object, literal: float | str) -> bool:
    if isinstance(literal, str):
        whole = isinstance(value, float) and value.is_integer()
        return (str(int(value)) if whole and isinstance(value, float) else str(value)) == literal
    return _number(value) == literal


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]  # a value that is no number raises
    except (TypeError, ValueError):
        return None
