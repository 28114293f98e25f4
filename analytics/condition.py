"""Conditions on ballots such as ``gioi == "nữ"`` or ``tuoi in (18, 19)``, read by a small grammar, never evaluated.

condition = column operator literal; operator = == != < <= > >= in; literal = number | "text" | 'text', after ``in`` a
list of them in brackets. A column whose name is more than a word stands in `backticks`. The literal decides: numbers
compare with the column's values as numbers ("01" is 1), texts with its texts. A blank fulfils no condition.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analytics.design import Coded, Flags, codes_of

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
LITERAL = rf"""{NUMBER}|"[^"]*"|'[^']*'"""
CONDITION = re.compile(r"\s*(?:`([^`]+)`|([^\W\d][\w.]*))\s*(==|!=|<=|>=|<|>|\bin\b)\s*(.+?)\s*", re.DOTALL)
LIST = re.compile(rf"[(\[]\s*((?:{LITERAL})(?:\s*,\s*(?:{LITERAL}))*)\s*,?\s*[)\]]")

ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class ConditionError(ValueError):
    """The text is no condition."""


@dataclass(frozen=True, slots=True)
class Condition:
    """``column operator literal``; several literals only with ``in``."""

    column: str
    operator: str
    literals: tuple[float | str, ...]

    def holds(self, values: ArrayLike | Coded) -> Flags:
        """Where the column's values fulfil it, as flags."""
        n = values.codes.size if isinstance(values, Coded) else np.asarray(values).size
        codes, distinct = codes_of(values, n, self.column, optional=True)
        verdicts = [self._accepts(value) for value in distinct.tolist()]
        return np.array([*verdicts, False], dtype=bool)[codes]

    def _accepts(self, value: object) -> bool:
        if self.operator in ORDERED:
            number = _number(value)
            return number is not None and ORDERED[self.operator](number, self.literals[0])
        found = any(_same(value, literal) for literal in self.literals)
        return found is not (self.operator == "!=")


def parse_condition(text: str) -> Condition:
    """Raises `ConditionError`, whose text is the part that was not understood."""
    match = CONDITION.fullmatch(text)
    if not match:
        raise ConditionError(text)
    quoted, word, sign, rest = match.groups()
    if sign == "in":
        several = LIST.fullmatch(rest)
        if not several:
            raise ConditionError(rest)
        literals = tuple(_literal(part) for part in re.findall(LITERAL, several[1]))
    else:
        if not re.fullmatch(LITERAL, rest):
            raise ConditionError(rest)
        literals = (_literal(rest),)
    if sign in ORDERED and isinstance(literals[0], str):
        raise ConditionError(rest)
    return Condition(quoted or word, sign, literals)


def _literal(text: str) -> float | str:
    return text[1:-1] if text[0] in "\"'" else float(text)


def _same(value: object, literal: float | str) -> bool:
    if isinstance(literal, str):
        whole = isinstance(value, float) and value.is_integer()
        return (str(int(value)) if whole and isinstance(value, float) else str(value)) == literal
    return _number(value) == literal


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]  # whatever is no number raises
    except (TypeError, ValueError):
        return None
