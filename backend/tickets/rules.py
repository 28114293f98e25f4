"""The terms (thời hạn) that feedback is handled under: rows with value, legal basis and how sure it is. Pure."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from backend.errors import NotFound, _
from backend.worktime.duration import Duration

AT_ONCE: Final = "at once"


class Mark(StrEnum):
    """How sure a row is: read in a public source, practice elsewhere, our own choice, or not seen."""

    VERIFIED = "verified"
    PRACTICE = "practice"
    OURS = "ours"
    UNVERIFIED = "unverified"


class Start(StrEnum):
    """What a term runs from."""

    RECEPTION = "reception"
    DECISION = "decision"
    ACCEPTANCE = "acceptance"
    DUE = "due"


class Reason(StrEnum):
    """Why a rule was chosen."""

    CASE = "case"  # a row of its own for this case
    ORDINARY = "ordinary"  # no case given, or none with a row of its own


@dataclass(frozen=True, slots=True)
class Rule:
    """One term, in force from ``valid_from`` to ``valid_to``, both included; None leaves a side open.

    ``duration`` None means at once. ``case`` narrows it to some tickets. ``adds_to`` names the rule it
    lengthens, ``times`` how often it may; ``repeats`` that it starts again whenever it ends.
    """

    code: str
    duration: Duration | None
    basis: str
    mark: Mark
    starts: Start = Start.RECEPTION
    case: str = ""
    adds_to: str = ""
    times: int = 1
    repeats: bool = False
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""

    @property
    def verified(self) -> bool:
        return self.mark is Mark.VERIFIED

    @property
    def value(self) -> str:
        """As it is written in configuration, such as ``15 working days``."""
        return str(self.duration) if self.duration else AT_ONCE

    def in_force(self, on: date) -> bool:
        return (self.valid_from or date.min) <= on <= (self.valid_to or date.max)


@dataclass(frozen=True, slots=True)
class Choice:
    rule: Rule
    reason: Reason


@lru_cache
def shipped_rules() -> tuple[Rule, ...]:
    """The rows that come with the package."""
    text = files("backend.tickets").joinpath("data", "rules.toml").read_text(encoding="utf-8")
    return tuple(rule for row in tomllib.loads(text)["rule"] for rule in read_rule(row))


def read_rule(row: Mapping[str, Any]) -> Iterable[Rule]:
    """A row as rules: two where the law was ``amended`` by a text not seen, the later one unverified.

    Raises WorktimeError for an unreadable value, ValueError for an unknown mark or start.
    """
    fields = dict(row)
    value, amended = fields.pop("value"), fields.pop("amended", None)
    rule = Rule(
        **fields
        | {
            "duration": None if value == AT_ONCE else Duration.parse(value),
            "mark": Mark(fields["mark"]),
            "starts": Start(fields.get("starts", Start.RECEPTION)),
        }
    )
    if amended is None:
        return (rule,)
    before = replace(rule, valid_to=amended - timedelta(days=1))
    return before, replace(rule, valid_from=amended, mark=Mark.UNVERIFIED)


def choose(rules: Sequence[Rule], code: str, on: date, case: str = "") -> Choice:
    """The rule of a code in force on a date, and why that one: a row for the case goes before the ordinary one.

    Of several in force, such as a province's own beside the shipped one, the last of ``rules`` holds.
    """
    rows = [rule for rule in rules if rule.code == code and rule.in_force(on)]
    for wanted, reason in ((case, Reason.CASE), ("", Reason.ORDINARY)):
        held = [rule for rule in rows if rule.case == wanted]
        if held:
            return Choice(held[-1], reason if wanted else Reason.ORDINARY)
    raise NotFound(_("Không có quy định nào về thời hạn mang mã này vào ngày đã cho."))
