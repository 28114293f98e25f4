"""Pages for administrators: the terms of handling with all their versions, and a province's own with a preview."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.administration.rule_form import APPROVAL_NAMES, SETTABLE, UNIT_NAMES, read_rule, value_words
from backend.administration.rule_preview import LATELY, preview_rule
from backend.administration.texts import CASE_NAMES, CLASS_NAMES, EVIDENCE_NAMES, RULE_NAMES
from backend.db import SessionDep
from backend.deadlines.rules import DeadlineRule, RuleEvidence
from backend.errors import Invalid, NotFound, _
from backend.tickets import rulebook
from backend.tickets.clock_models import RuleVersion
from backend.tickets.models import CategoryClass
from backend.tickets.reception.categories import list_all
from backend.users import queries as users
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import EMPTY, FormView, TypedDep
from backend.web.rendering import redirect_to, render_page, translate_for
from backend.worktime.calendar import local_time

RULES = "/thoi-han"

router = APIRouter()
Administrator = Annotated[Actor, Depends(allow(Permission.CONFIGURE))]


@dataclass(frozen=True)
class ListedRule:
    """A version of a rule as the list shows it: its value in words, whether it is in force, who set it and when."""

    rule: DeadlineRule
    value: str
    narrowed: str
    in_force: bool
    by: str
    row: RuleVersion


@router.get(RULES)
def show_rules(request: Request, session: SessionDep, actor: Administrator) -> Response:
    """Show every code with what is in force today; each leads to its versions."""
    listed = _listed(request, session)
    present = [(code, [rule for rule in rows if rule.in_force]) for code, rows in listed.items()]
    return render_page(
        request,
        "administration/rules.html",
        present=present,
        names=RULE_NAMES,
        settable=SETTABLE,
        marks=EVIDENCE_NAMES,
    )


@router.get(f"{RULES}/them")
def new_rule_form(request: Request, session: SessionDep, actor: Administrator, code: str = "") -> Response:
    return _form(request, session, form=FormView({"code": code if code in SETTABLE else ""}))


@router.post(f"{RULES}/sua-lai")
def edit_again(request: Request, session: SessionDep, actor: Administrator, form: TypedDep) -> Response:
    """Show the form with what was typed, after its preview."""
    return _form(request, session, form=form.form())


@router.post(f"{RULES}/xem-truoc")
def preview(request: Request, session: SessionDep, actor: Administrator, form: TypedDep) -> Response:
    """Show what the typed rule would change. Nothing is stored."""
    today = local_time(clock.now()).date()
    try:
        rule = read_rule(session, form, today)
    except Invalid as refusal:
        return _form(request, session, refusal.status, form=form.form(refusal))
    shown = preview_rule(session, rule, today)
    return render_page(
        request,
        "administration/rule_preview.html",
        preview=shown,
        value=_value(request, shown.rule),
        former=_value(request, shown.former) if shown.former.basis else "",
        narrowed=_narrowed(request, session, rule),
        names=RULE_NAMES,
        lately=LATELY.days,
        typed=form.form().values,
    )


@router.post(RULES)
def store_rule(request: Request, session: SessionDep, actor: Administrator, form: TypedDep) -> Response:
    """Store a province's own rule. Earlier versions stay as they are."""
    now = clock.now()
    try:
        rule = read_rule(session, form, local_time(now).date())
        rulebook.set_by_province(session, rule, actor.user_id or 0, now)
    except Invalid as refusal:
        return _form(request, session, refusal.status, form=form.form(refusal))
    return redirect_to(request, f"{RULES}/{rule.code}", flash=_("Đã lưu quy định của tỉnh."))


@router.get(RULES + "/{rule_code}")
def show_versions(request: Request, session: SessionDep, actor: Administrator, rule_code: str) -> Response:
    """Show all versions of one rule, newest first. Raises NotFound for a code that nobody has stored."""
    rows = _listed(request, session).get(rule_code)
    if rows is None:
        raise NotFound
    return render_page(
        request,
        "administration/rule.html",
        code=rule_code,
        name=RULE_NAMES.get(rule_code, rule_code),
        versions=rows[::-1],
        settable=rule_code in SETTABLE,
        marks=EVIDENCE_NAMES,
        ours=RuleEvidence.OURS,
    )


def _listed(request: Request, session: Session) -> dict[str, list[ListedRule]]:
    """Return all stored rules by code, each code in the order in which they were stored."""
    today = local_time(clock.now()).date()
    rows = {row.id: row for row in session.scalars(select(RuleVersion))}
    names = users.names_of(session, {row.created_by for row in rows.values() if row.created_by is not None})
    categories = {category.code: category.name_vi for category in list_all(session)}
    listed: dict[str, list[ListedRule]] = {code: [] for code in RULE_NAMES}
    rules = rulebook.load_rules(session).rows
    for rule in rules:
        row = rows[rule.id or 0]
        listed.setdefault(rule.code, []).append(
            ListedRule(
                rule,
                _value(request, rule),
                _narrowed_words(request, rule, categories),
                _holds(rule, rules, today),
                names.get(row.created_by or 0, ""),
                row,
            )
        )
    return {code: versions for code, versions in listed.items() if versions}


def _holds(rule: DeadlineRule, rules: Sequence[DeadlineRule], today: date) -> bool:
    """Tell whether a version is in force and no later one for the same tickets replaces it."""
    place = _place(rule)
    rivals = [other for other in rules if other.code == rule.code and _place(other) == place and other.in_force(today)]
    return bool(rivals) and max(enumerate(rivals), key=lambda rival: (bool(rival[1].province), rival[0]))[1] is rule


def _place(rule: DeadlineRule) -> tuple[str, ...]:
    return rule.case, rule.category, rule.category_class, rule.manner


def _narrowed(request: Request, session: Session, rule: DeadlineRule) -> str:
    return _narrowed_words(request, rule, {category.code: category.name_vi for category in list_all(session)})


def _narrowed_words(request: Request, rule: DeadlineRule, categories: dict[str, str]) -> str:
    """Return the tickets that a rule is for, in words; empty for all."""
    words = [categories.get(rule.category, rule.category)] if rule.category else []
    if rule.category_class:
        words.append(translate_for(request, CLASS_NAMES[CategoryClass(rule.category_class)]))
    if rule.manner:
        words.append(translate_for(request, _("nhận trực tiếp hoặc bằng đơn")))
    if rule.case:
        words.append(translate_for(request, CASE_NAMES.get(rule.case, rule.case)))
    return "; ".join(words)


def _value(request: Request, rule: DeadlineRule) -> str:
    message, params = value_words(rule)
    return translate_for(request, message, **params)


def _form(request: Request, session: Session, status: int = 200, *, form: FormView = EMPTY) -> Response:
    choices: dict[str, Any] = {
        "codes": [(code, RULE_NAMES[code]) for code in SETTABLE],
        "units": list(UNIT_NAMES.items()),
        "words": list(APPROVAL_NAMES.items()),
        "categories": [(category.code, category.name_vi) for category in list_all(session)],
        "classes": [(value.value, name) for value, name in CLASS_NAMES.items()],
    }
    return render_page(request, "administration/rule_form.html", status, form=form, **choices)
