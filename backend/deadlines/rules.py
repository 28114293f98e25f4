"""The rules of handling (quy định thời hạn): rows with a value, a legal basis and how sure it is. Pure."""

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
# Whether an answer needs the approval of a second person. This is the only rule that is no term.
APPROVAL, REQUIRED, NOT_REQUIRED = "approval", "required", "not required"

# The law on receiving citizens (tiếp công dân) sets other terms for feedback in person or by đơn.
IN_PERSON_OR_LETTER: Final = "in_person_or_letter"
# The manner of each channel of a ticket; ``paper`` stands for a đơn.
MANNERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("web", "telegram", "import"), ""),
    **dict.fromkeys(("counter", "paper"), IN_PERSON_OR_LETTER),
}


class RuleEvidence(StrEnum):
    """How sure a row is: read in a public source, practice elsewhere, our own choice, or not verified."""

    VERIFIED = "verified"
    PRACTICE = "practice"
    OURS = "ours"
    UNVERIFIED = "unverified"


class TermStart(StrEnum):
    """The event from which a term runs."""

    RECEPTION = "reception"
    DECISION = "decision"
    ACCEPTANCE = "acceptance"
    DUE = "due"
    QUESTION = "question"
    ACT = "act"  # the act that the row limits: the day of a promise


class ChoiceReason(StrEnum):
    """Why a rule was chosen: what its row is narrowed to. The narrowest comes first."""

    CASE = "case"  # set for this case
    CATEGORY = "category"  # set for the ticket's category
    CLASS = "class"  # set for its class: regulation, conduct, field
    MANNER = "manner"  # set for the manner in which it came
    ORDINARY = "ordinary"  # nothing narrower in force


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """One rule, in force from ``valid_from`` to ``valid_to``, both days included; None leaves a side open.

    - ``duration``: None means at once. ``word`` is the value of a rule that is no term.
    - ``case``, ``category``, ``category_class``, ``manner`` narrow the rule to some tickets.
    - ``province`` is the province that set it; empty for the shipped rows.
    - ``adds_to``: the code of the rule that it lengthens. ``times``: how often it applies.
    - ``repeats``: the term starts again whenever it ends.
    - ``id``: the id of its stored version.
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
        """The value as configuration writes it, such as ``15 working days``."""
        return self.word or (str(self.duration) if self.duration else AT_ONCE)

    @property
    def narrowed(self) -> ChoiceReason:
        """What the row is narrowed to: the reason to give where it is chosen."""
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
        """Tell whether a ticket fits everything that the row is narrowed to."""
        pairs = (
            (self.case, about.case),
            (self.category, about.category),
            (self.category_class, about.category_class),
            (self.manner, about.manner),
        )
        return all(not narrowed_to or narrowed_to == value for narrowed_to, value in pairs)


@dataclass(frozen=True, slots=True)
class RuleSubject:
    """The properties of a ticket that a rule may be narrowed to."""

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
    """The rule that replaces another for tickets received from the day ``first`` on."""

    first: date
    rule: DeadlineRule


def manner_of(channel: str) -> str:
    """Return the manner in which feedback came: in person or by đơn (``in_person_or_letter``), else empty."""
    return MANNERS.get(channel, "")


@lru_cache
def shipped_rules() -> tuple[DeadlineRule, ...]:
    """Return the rows that come with the package."""
    text = files("backend.deadlines").joinpath("data", "rules.toml").read_text(encoding="utf-8")
    return tuple(rule for row in tomllib.loads(text)["rule"] for rule in read_rule(row))


def read_rule(row: Mapping[str, Any]) -> Iterable[DeadlineRule]:
    """Return a row of the file as rules.

    A row that says when the law was ``amended`` gives two: the later one is unverified, because nobody has seen the
    text, and has ``amended_basis`` if the row names it.

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
    """Return a value of configuration as the fields of a rule."""
    if value in (REQUIRED, NOT_REQUIRED):
        return {"duration": None, "word": value}
    return {"duration": parse_value(value)}


def parse_value(value: str) -> Duration | None:
    """Return ``15 working days`` as a duration and ``at once`` as None. Raises WorktimeError for anything else."""
    return None if value == AT_ONCE else Duration.parse(value)


def choose_rule(
    rules: Sequence[DeadlineRule], code: str, on: date, case: str = "", about: RuleSubject | None = None
) -> RuleChoice:
    """Return the rule of a code that is in force on a date, and why it was chosen.

    The narrowest row wins: for the case, then the category, its class, the manner, and last the ordinary row. Of
    equally narrow rows a province's own wins over a shipped one, and then the last of ``rules``. Raises NotFound where
    no row is in force.
    """
    subject = about or RuleSubject(case)
    order = {reason: rank for rank, reason in enumerate(reversed(ChoiceReason))}
    rows = [rule for rule in rules if rule.code == code and rule.in_force(on) and rule.is_for(subject)]
    if not rows:
        raise NotFound(_("Không có quy định nào về thời hạn mang mã này vào ngày đã cho."))
    ranks = [(order[rule.narrowed], bool(rule.province), index) for index, rule in enumerate(rows)]
    _narrowest, _of_province, index = max(ranks)
    return RuleChoice(rows[index], rows[index].narrowed)


def later_rule(
    rules: Sequence[DeadlineRule], code: str, on: date, about: RuleSubject | None = None
) -> LaterRule | None:
    """Return the next version of the rule that is chosen on a date, with its first day of reception.

    A version is another one if its value or its basis differs. None: no other is known, or the rule ends.
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
    """Return the days after ``on`` from which another version of a rule may hold."""
    rows = [rule for rule in rules if rule.code == code]
    begins = {rule.valid_from for rule in rows if rule.valid_from is not None}
    ends = {rule.valid_to + timedelta(days=1) for rule in rows if rule.valid_to is not None}
    return {day for day in begins | ends if day > on}
