"""A term and the row that lengthens it in a certain case. Pure.

A row with ``adds_to`` lengthens another term: handling by several units has five working days more. No row is added by
itself. A person judges how many units a ticket needs, so the caller always names the case.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from backend.deadlines.rules import DeadlineRule, RuleSubject, choose_rule
from backend.errors import Invalid, _
from backend.worktime.duration import Duration


@dataclass(frozen=True, slots=True)
class CombinedRule:
    """A term and the row that lengthens it, if there is one. ``duration`` is that of both; None means at once."""

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
    """Return the term of a code that is in force on a date, with the row that lengthens it in the given case.

    ``code`` may also be that of the lengthening row: then its case is clear, unless it has several.

    Raises Invalid for a case that the code does not have, for a manner that it does not allow, and for two units of
    time; NotFound for an unknown code.
    """
    about = about or RuleSubject()
    rows = [rule for rule in rules if rule.in_force(on) and code in (rule.code, rule.adds_to)]
    case = _case_of(rows, code, about.case)
    _check_manner(rows, about.manner)
    adds = _lengthening_row(rows, case)
    base = choose_rule(rules, adds.adds_to if adds else code, on, about=replace(about, case=case)).rule
    _check_units_of_time(base, adds)
    return CombinedRule(base, adds)


def _case_of(rows: Sequence[DeadlineRule], code: str, case: str) -> str:
    """Return the named case. Where none is named and the code has only one case, return that one."""
    cases = list(dict.fromkeys(rule.case for rule in rows if rule.case))
    if not case:
        return _case_without_name(rows, code, cases)
    if rows and not cases:
        raise Invalid(_("Quy định này không có trường hợp riêng nào."))
    if rows and case not in cases:
        raise _case_needed(cases)
    return case


def _case_without_name(rows: Sequence[DeadlineRule], code: str, cases: Sequence[str]) -> str:
    """Return no case where the code has an ordinary row, else its only case."""
    has_ordinary_row = any(rule.code == code and not rule.case for rule in rows)
    if has_ordinary_row or not rows:
        return ""
    if len(cases) == 1:
        return cases[0]
    raise _case_needed(cases)


def _case_needed(cases: Sequence[str]) -> Invalid:
    return Invalid(_("Quy định này cần trường hợp là một trong: %(cases)s."), cases=", ".join(cases))


def _check_manner(rows: Sequence[DeadlineRule], manner: str) -> None:
    """Refuse where every row is for another manner of reception."""
    if rows and all(rule.manner and rule.manner != manner for rule in rows):
        raise Invalid(_("Quy định này chỉ dành cho phản ánh nhận trực tiếp (counter) hoặc bằng đơn (paper)."))


def _lengthening_row(rows: Sequence[DeadlineRule], case: str) -> DeadlineRule | None:
    return next((rule for rule in rows if rule.adds_to and rule.case == case), None)


def _check_units_of_time(base: DeadlineRule, adds: DeadlineRule | None) -> None:
    """Only terms in the same unit of time can be added."""
    if adds is None or adds.duration is None or base.duration is None:
        return
    if adds.duration.unit is not base.duration.unit:
        raise Invalid(_("Hạn cộng thêm không cùng đơn vị với hạn gốc."))
