"""The form of a province's own rule: what was typed becomes a rule, or refusals at the fields."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.administration.texts import RULE_NAMES
from backend.deadlines.clock_states import EPISODE_CODES
from backend.deadlines.rules import (
    APPROVAL,
    IN_PERSON_OR_LETTER,
    NOT_REQUIRED,
    REQUIRED,
    DeadlineRule,
    RuleEvidence,
    RuleSubject,
    TermStart,
    choose_rule,
)
from backend.errors import NotFound, _
from backend.tickets import rulebook
from backend.tickets.models import CategoryClass
from backend.tickets.reception.categories import list_all
from backend.tickets.texts import TERM_TEXTS
from backend.units.models import Unit, UnitKind
from backend.web.forms import FormReader
from backend.worktime.duration import MAX_VALUE, Duration, TimeUnit

BASIS_MOST = 500
AT_ONCE_UNIT = "at_once"
# The rules of handling feedback that this system applies: the clocks and limits of an episode, and what is told.
APPLIED: Final = frozenset({*EPISODE_CODES, APPROVAL, "backstop", "backstop_warning"})
SETTABLE: Final = tuple(code for code in RULE_NAMES if code in APPLIED)
UNIT_NAMES: Final = {
    TimeUnit.WORKING_DAYS.value: _("ngày làm việc"),
    TimeUnit.CALENDAR_DAYS.value: _("ngày"),
    TimeUnit.WORKING_HOURS.value: _("giờ làm việc"),
    AT_ONCE_UNIT: _("ngay lập tức"),
}
APPROVAL_NAMES: Final = {REQUIRED: _("phải có người thứ hai duyệt"), NOT_REQUIRED: _("không bắt buộc duyệt")}


def read_rule(session: Session, form: FormReader, today: date) -> DeadlineRule:
    """Return the rule that was typed, as the province's own.

    It keeps from the rule that holds so far what it runs from, what it adds to and how often. Raises Invalid with every
    refusal at its field. It holds from today at the earliest: a term of the past would rewrite what was promised.
    """
    code = form.choice("code", SETTABLE, _("Xin chọn thời hạn cần đặt."))
    value = _read_value(form, code)
    basis = form.text("basis", limit=BASIS_MOST, required=_("Xin ghi căn cứ: số, ngày và nơi ban hành văn bản."))
    valid_from, valid_to = _read_days(form, today)
    category = form.choice("category", [category.code for category in list_all(session)], optional=True)
    category_class = form.choice("class", [value.value for value in CategoryClass], optional=True)
    if category and category_class:
        form.refuse("class", _("Xin chọn một loại phản ánh hoặc một nhóm, không chọn cả hai."))
    form.check()
    narrowed: dict[str, Any] = {
        "category": category,
        "category_class": category_class,
        "manner": IN_PERSON_OR_LETTER if form.ticked("direct") else "",
    }
    former = rule_so_far(session, code, valid_from or today, RuleSubject(**narrowed))
    return replace(
        former,
        **value,
        **narrowed,
        basis=basis,
        mark=RuleEvidence.OURS,
        case="",
        note="",
        province=province_code(session),
        valid_from=valid_from,
        valid_to=valid_to,
        id=None,
    )


def rule_so_far(session: Session, code: str, on: date, about: RuleSubject) -> DeadlineRule:
    """Return the rule that holds on a day for such tickets; where there is none yet, an empty one of the code."""
    try:
        return choose_rule(rulebook.load_rules(session).rows, code, on, about=about).rule
    except NotFound:
        return DeadlineRule(code, None, "", RuleEvidence.OURS, TermStart.RECEPTION)


def province_code(session: Session) -> str:
    """Return the code of the province, which stands at its own rules."""
    provinces = select(Unit.code).where(Unit.kind == UnitKind.PROVINCE, Unit.parent_id.is_(None))
    return session.scalar(provinces.order_by(Unit.valid_to.is_not(None), Unit.id).limit(1)) or ""


def _read_value(form: FormReader, code: str) -> dict[str, Any]:
    """Return the value as fields of a rule: a word for the rule of approval, a duration for all others."""
    if code == APPROVAL:
        return {"word": form.choice("word", list(APPROVAL_NAMES)), "duration": None}
    unit = form.choice("unit", list(UNIT_NAMES))
    if unit == AT_ONCE_UNIT or not unit:
        return {"word": "", "duration": None}
    amount = form.integer("amount")
    if amount is None or not 1 <= amount <= MAX_VALUE:
        if not any(refusal.field == "amount" for refusal in form.refusals):
            form.refuse("amount", _("Xin ghi số ngày hoặc số giờ, từ 1 trở lên."))
        return {}
    return {"word": "", "duration": Duration(amount, TimeUnit(unit))}


def _read_days(form: FormReader, today: date) -> tuple[date | None, date | None]:
    valid_from, valid_to = form.day("valid_from"), form.day("valid_to")
    refused = {refusal.field for refusal in form.refusals}
    if valid_from is None and "valid_from" not in refused:
        form.refuse("valid_from", _("Xin ghi ngày bắt đầu áp dụng."))
    elif valid_from is not None and valid_from < today:
        form.refuse("valid_from", _("Quy định mới áp dụng sớm nhất từ hôm nay."))
    elif valid_from is not None and valid_to is not None and valid_to < valid_from:
        form.refuse("valid_to", _("Ngày hết áp dụng phải từ ngày bắt đầu trở đi."))
    return valid_from, valid_to


def value_words(rule: DeadlineRule) -> tuple[str, dict[str, object]]:
    """Return the value of a rule as a message of the catalogue and its parameters."""
    if rule.word:
        return APPROVAL_NAMES.get(rule.word, rule.word), {}
    if rule.duration is None:
        return UNIT_NAMES[AT_ONCE_UNIT], {}
    return TERM_TEXTS[rule.duration.unit], {"n": rule.duration.value}
