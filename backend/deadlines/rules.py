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
# Whether an answer leaves with a second person's approval: the one rule that is no term.
APPROVAL, REQUIRED, NOT_REQUIRED = "approval", "required", "not required"

# The law of receiving citizens (tiếp công dân) has terms of its own for what comes in person or by đơn.
IN_PERSON_OR_LETTER: Final = "in_person_or_letter"
# Channels by the value that a ticket has, and ``paper`` for a đơn.
MANNERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("web", "telegram", "import"), ""),
    **dict.fromkeys(("counter", "paper"), IN_PERSON_OR_LETTER),
}


class RuleEvidence(StrEnum):
    """How sure a row is: read in a public source, practice elsewhere, our own choice, or not seen."""

    VERIFIED = "verified"
    PRACTICE = "practice"
    OURS = "ours"
    UNVERIFIED = "unverified"


class TermStart(StrEnum):
    """What a term runs from."""

    RECEPTION = "reception"
    DECISION = "decision"
    ACCEPTANCE = "acceptance"
    DUE = "due"
    QUESTION = "question"
    ACT = "act"  # the very act that the row bounds: today, when something is promised


class ChoiceReason(StrEnum):
    """Why a rule was chosen: what its row is narrowed to, the narrowest first."""

    CASE = "case"  # a row of its own for this case
    CATEGORY = "category"  # set for the ticket's category
    CLASS = "class"  # set for its class: regulation, conduct, field
    MANNER = "manner"  # set for the manner in which it came
    ORDINARY = "ordinary"  # nothing narrower in force


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """One term, in force from ``valid_from`` to ``valid_to``, both included; None leaves a side open.

    ``duration`` None means at once; ``word`` is the value of a rule that is no term. ``case``, ``category``,
    ``category_class``, ``manner`` narrow it to some tickets; ``province`` says who set it, empty for the shipped rows.
    ``adds_to`` names the rule it lengthens, ``times`` how often it may; ``repeats`` that it starts again whenever it
    ends. ``id`` is that of its stored version.
    """

    code: str
    duration: Duration | None
    basis: str
    mark: RuleEvidence
    starts: TermStart = TermStart.RECEPTION
    case: str = ""
    adds_to: str = ""
    times: int = 1
    repeats: bool = False
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""
    category: str = ""
    category_class: str = ""
    manner: str = ""
    province: str = ""
    id: int | None = None
    word: str = ""

    @property
    def verified(self) -> bool:
        return self.mark is RuleEvidence.VERIFIED

    @property
    def value(self) -> str:
        """As it is written in configuration, such as ``15 working days``."""
        return self.word or (str(self.duration) if self.duration else AT_ONCE)

    @property
    def narrowed(self) -> ChoiceReason:
        """What the row is for: the reason it is chosen, when it is."""
        if self.case:
            return ChoiceReason.CASE
        if self.category:
            return ChoiceReason.CATEGORY
        if self.category_class:
            return ChoiceReason.CLASS
        return ChoiceReason.MANNER if self.manner else ChoiceReason.ORDINARY

    def in_force(self, on: date) -> bool:
        return (self.valid_from or date.min) <= on <= (self.valid_to or date.max)

    def is_for(self, about: "RuleSubject") -> bool:
        """Whether everything that the row is narrowed to holds of a ticket."""
        wanted = (
            (self.case, about.case),
            (self.category, about.category),
            (self.category_class, about.category_class),
            (self.manner, about.manner),
        )
        return all(not narrow or narrow == given for narrow, given in wanted)


@dataclass(frozen=True, slots=True)
class RuleSubject:
    """What of a ticket a rule may be narrowed to."""

    case: str = ""
    category: str = ""
    category_class: str = ""
    manner: str = ""


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """The rule that holds, and why."""

    rule: DeadlineRule
    reason: ChoiceReason


@dataclass(frozen=True, slots=True)
class LaterRule:
    """The rule that takes the place of another for what is received from ``first`` on."""

    first: date
    rule: DeadlineRule


def manner_of(channel: str) -> str:
    """Return the manner in which feedback came, as the law tells manners apart: in person or by đơn, or else empty."""
    return MANNERS.get(channel, "")


@lru_cache
def shipped_rules() -> tuple[DeadlineRule, ...]:
    """The rows that come with the package."""
    text = files("backend.deadlines").joinpath("data", "rules.toml").read_text(encoding="utf-8")
    return tuple(rule for row in tomllib.loads(text)["rule"] for rule in read_rule(row))


def read_rule(row: Mapping[str, Any]) -> Iterable[DeadlineRule]:
    """A row as rules: two where the law was ``amended`` by a text not seen, the later one unverified and, where it is
    given, on ``amended_basis``.

    Raises WorktimeError for an unreadable value, ValueError for an unknown mark or start.
    """
    fields: dict[str, Any] = {name: value.strip() if isinstance(value, str) else value for name, value in row.items()}
    value, amended = fields.pop("value"), fields.pop("amended", None)
    amended_basis = fields.pop("amended_basis", fields["basis"])
    rule = DeadlineRule(
        **fields
        | read_value(value)
        | {
            "mark": RuleEvidence(fields["mark"]),
            "starts": TermStart(fields.get("starts", TermStart.RECEPTION)),
        }
    )
    if amended is None:
        return (rule,)
    before = replace(rule, valid_to=amended - timedelta(days=1))
    return before, replace(rule, valid_from=amended, mark=RuleEvidence.UNVERIFIED, basis=amended_basis)


def read_value(value: str) -> dict[str, Any]:
    """A value as it is written in configuration, as the fields of a rule."""
    if value in (REQUIRED, NOT_REQUIRED):
        return {"duration": None, "word": value}
    return {"duration": parse_value(value)}


def parse_value(value: str) -> Duration | None:
    """``15 working days`` as a term, ``at once`` as None. Raises WorktimeError for anything else."""
    return None if value == AT_ONCE else Duration.parse(value)


def choose_rule(
    rules: Sequence[DeadlineRule], code: str, on: date, case: str = "", about: RuleSubject | None = None
) -> RuleChoice:
    """The rule of a code in force on a date, and why that one: a row for the case goes before one for the category,
    that before one for its class, that before one for the manner in which the ticket came, that before the ordinary
    one. Of equally narrow rows a province's own goes before the shipped one, and of those the last of ``rules``.
    """
    wanted = about or RuleSubject(case)
    order = {reason: place for place, reason in enumerate(reversed(ChoiceReason))}
    rows = [rule for rule in rules if rule.code == code and rule.in_force(on) and rule.is_for(wanted)]
    if not rows:
        raise NotFound(_("Không có quy định nào về thời hạn mang mã này vào ngày đã cho."))
    held = max(enumerate(rows), key=lambda row: (order[row[1].narrowed], bool(row[1].province), row[0]))[1]
    return RuleChoice(held, held.narrowed)


def later_rule(
    rules: Sequence[DeadlineRule], code: str, on: date, about: RuleSubject | None = None
) -> LaterRule | None:
    """Return the next version of the rule that is chosen on a date, and from which day of reception on it holds.

    A version is another one if its value or its basis differs. None: none is known, or there is no rule afterwards.
    """
    current = choose_rule(rules, code, on, about=about).rule
    for first in sorted(_days_of_change(rules, code, on)):
        try:
            rule = choose_rule(rules, code, first, about=about).rule
        except NotFound:
            return None
        if (rule.value, rule.basis) != (current.value, current.basis):
            return LaterRule(first, rule)
    return None


def _days_of_change(rules: Sequence[DeadlineRule], code: str, on: date) -> set[date]:
    """The days after ``on`` from which another version of a rule may hold."""
    rows = [rule for rule in rules if rule.code == code]
    begins = {rule.valid_from for rule in rows if rule.valid_from is not None}
    ends = {rule.valid_to + timedelta(days=1) for rule in rows if rule.valid_to is not None}
    return {day for day in begins | ends if day > on}
