"""A term with what is added to it where the case is one that a row ``adds_to`` it for: handling by several units has
five working days more. Pure.

Nothing adds by itself: how many units a matter needs is judged by a person, so the case is always named.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from backend.deadlines.rules import DeadlineRule, RuleSubject, choose_rule
from backend.errors import Invalid, _
from backend.worktime.duration import Duration


@dataclass(frozen=True, slots=True)
class CombinedRule:
    """A term and the row that lengthens it, if one does. ``duration`` is that of both; None means at once."""

    rule: DeadlineRule
    adds: DeadlineRule | None = None

    @property
    def duration(self) -> Duration | None:
        if self.adds is None or self.rule.duration is None or self.adds.duration is None:
            return self.rule.duration
        more = self.adds.duration.value * self.adds.times
        return Duration(self.rule.duration.value + more, self.rule.duration.unit)


def with_additions(
    rules: Sequence[DeadlineRule], code: str, on: date, about: RuleSubject | None = None
) -> CombinedRule:
    """The term of a code for a ticket, in force on a date, with the row that adds to it in the ticket's case.

    The code may be that of the added row itself: its case is then known, unless it has several. Raises Invalid for a
    case that the code does not know and for a manner that it needs, NotFound for an unknown code.
    """
    about = about or RuleSubject()
    rows = [rule for rule in rules if rule.in_force(on) and code in (rule.code, rule.adds_to)]
    case = _known_case(rows, code, about.case)
    if rows and all(rule.manner and rule.manner != about.manner for rule in rows):
        raise Invalid(_("Quy định này chỉ dành cho phản ánh nhận trực tiếp (counter) hoặc bằng đơn (paper)."))
    adds = next((rule for rule in rows if rule.adds_to and rule.case == case), None)
    held = choose_rule(rules, adds.adds_to if adds else code, on, about=replace(about, case=case)).rule
    if adds and adds.duration and held.duration and adds.duration.unit is not held.duration.unit:
        raise Invalid(_("Hạn cộng thêm không cùng đơn vị với hạn gốc."))
    return CombinedRule(held, adds)


def _known_case(rows: Sequence[DeadlineRule], code: str, case: str) -> str:
    """The case that is asked about, if one of the rows is for it; the only one there is, if none is named."""
    cases = list(dict.fromkeys(rule.case for rule in rows if rule.case))
    ordinary = any(rule.code == code and not rule.case for rule in rows)
    if not case and not ordinary and len(cases) == 1:
        return cases[0]
    if case and rows and not cases:
        raise Invalid(_("Quy định này không có trường hợp riêng nào."))
    if rows and case not in cases and (case or not ordinary):
        raise Invalid(_("Quy định này cần trường hợp là một trong: %(cases)s."), cases=", ".join(cases))
    return case
