"""The shipped terms, and which of them is chosen."""

from dataclasses import replace
from datetime import date

import pytest

from backend.deadlines.rules import ChoiceReason, RuleEvidence, choose_rule, read_rule, shipped_rules
from backend.errors import NotFound
from backend.worktime.duration import Duration
from backend.worktime.errors import WorktimeError

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("code", "case", "value"),
    [
        ("acknowledge", "", "at once"),
        ("refuse", "", "2 working days"),
        ("request_info", "", "5 working days"),
        ("forward", "", "5 working days"),
        ("resolve", "", "15 working days"),
        ("resolve", "urgent_field", "1 working day"),
        ("resolve", "quick_field", "3 working days"),
        ("several_units", "several_units", "5 working days"),
        ("notify", "", "1 working day"),
        ("publish", "", "2 working days"),
        ("progress_notice", "", "7 days"),
        ("apology", "", "at once"),
        ("complaint_accept", "", "10 days"),
        ("complaint_resolve", "", "30 days"),
        ("complaint_resolve", "complex", "45 days"),
        ("complaint_resolve", "remote", "45 days"),
        ("complaint_resolve", "remote_complex", "60 days"),
        ("complaint_second", "", "45 days"),
        ("complaint_second", "complex", "60 days"),
        ("complaint_second", "remote", "60 days"),
        ("complaint_second", "remote_complex", "70 days"),
        ("denunciation_accept", "", "7 working days"),
        ("denunciation_accept", "longest", "10 working days"),
        ("denunciation_transfer", "", "5 working days"),
        ("denunciation_resolve", "", "30 days"),
        ("denunciation_extension", "complex", "30 days"),
        ("denunciation_extension", "very_complex", "30 days"),
        ("data_request_reply", "", "2 working days"),
        ("data_request_stop", "", "15 days"),
    ],
)
def test_every_clock_has_its_shipped_term(code, case, value):
    rule = choose_rule(shipped_rules(), code, TODAY, case).rule
    assert (rule.value, rule.case) == (value, case)
    assert rule.basis


def test_law_amended_by_a_text_not_seen_is_unverified_from_that_day():
    before = choose_rule(shipped_rules(), "complaint_accept", date(2026, 6, 30)).rule
    after = choose_rule(shipped_rules(), "complaint_accept", date(2026, 7, 1)).rule
    assert (before.mark, after.mark) == (RuleEvidence.VERIFIED, RuleEvidence.UNVERIFIED)
    assert before.duration == after.duration


def test_each_code_and_case_has_one_rule_in_force_at_a_time():
    held = [(rule.code, rule.case) for rule in shipped_rules() if rule.in_force(TODAY)]
    assert len(held) == len(set(held))


def test_choice_says_whether_the_case_had_a_row_of_its_own():
    assert choose_rule(shipped_rules(), "resolve", TODAY, "urgent_field").reason is ChoiceReason.CASE
    unknown = choose_rule(shipped_rules(), "resolve", TODAY, "no_such_case")
    assert (unknown.reason, unknown.rule.value) == (ChoiceReason.ORDINARY, "15 working days")


def test_province_row_holds_within_its_dates():
    ordinary = choose_rule(shipped_rules(), "resolve", TODAY).rule
    own = replace(ordinary, duration=Duration.parse("10 working days"), valid_from=date(2026, 12, 1))
    rules = (*shipped_rules(), own)
    assert choose_rule(rules, "resolve", date(2026, 11, 30)).rule.value == "15 working days"
    assert choose_rule(rules, "resolve", date(2026, 12, 1)).rule.value == "10 working days"


def test_unknown_code_is_refused():
    with pytest.raises(NotFound):
        choose_rule(shipped_rules(), "nothing", TODAY)


def test_row_with_an_unreadable_value_is_refused():
    with pytest.raises(WorktimeError):
        read_rule({"code": "x", "value": "soon", "basis": "b", "mark": "ours"})
