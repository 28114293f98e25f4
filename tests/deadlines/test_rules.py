"""The shipped terms, and which of them is chosen."""

from dataclasses import replace
from datetime import date

import pytest

from backend.deadlines.rules import (
    MANNERS,
    ChoiceReason,
    RuleEvidence,
    RuleSubject,
    choose_rule,
    later_rule,
    manner_of,
    read_rule,
    shipped_rules,
)
from backend.errors import NotFound
from backend.tickets.models import Channel
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
        ("complaint_accept", "", "7 working days"),
        ("complaint_suspension_notice", "", "3 working days"),
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
        ("data_request_provide", "", "10 days"),
        ("data_request_provide", "third_party", "15 days"),
        ("data_request_provide_extension", "extended", "10 days"),
        ("data_request_stop", "", "15 days"),
        ("data_request_stop", "third_party", "20 days"),
        ("data_request_stop_extension", "extended", "15 days"),
        ("data_request_delete", "", "20 days"),
        ("data_request_delete", "third_party", "30 days"),
        ("data_request_delete_extension", "extended", "20 days"),
        ("first_answer", "", "8 working hours"),
        ("first_answer", "urgent_field", "4 working hours"),
        ("second_look", "", "20 working days"),
        ("backstop", "", "45 days"),
        ("backstop_warning", "", "30 days"),
        ("extension_limit", "", "60 working days"),
        ("promise_limit", "", "90 days"),
        ("downtime_notice", "", "7 working days"),
    ],
)
def test_every_clock_has_its_shipped_term(code, case, value):
    rule = choose_rule(shipped_rules(), code, TODAY, case).rule
    assert (rule.value, rule.case) == (value, case)
    assert rule.basis


def test_law_amended_by_a_text_not_seen_is_unverified_from_that_day():
    before = choose_rule(shipped_rules(), "complaint_resolve", date(2026, 6, 30)).rule
    after = choose_rule(shipped_rules(), "complaint_resolve", date(2026, 7, 1)).rule
    assert (before.mark, after.mark) == (RuleEvidence.VERIFIED, RuleEvidence.UNVERIFIED)
    assert before.duration == after.duration
    assert "NĐ 155/2026/NĐ-CP" in after.basis and "2026" not in before.basis


LAST_OLD, FIRST_NEW = date(2026, 6, 30), date(2026, 7, 1)


@pytest.mark.parametrize(
    ("code", "channel", "day", "value", "basis"),
    [
        ("complaint_accept", "web", LAST_OLD, "10 days", "Luật Khiếu nại 2011, Điều 27"),
        ("complaint_accept", "web", FIRST_NEW, "7 working days", "NĐ 155/2026/NĐ-CP"),
        ("refuse", "counter", LAST_OLD, "2 working days", "QĐ 766/QĐ-TTg"),
        ("refuse", "counter", FIRST_NEW, "3 working days", "NĐ 154/2026/NĐ-CP, Điều 4"),
        ("refuse", "paper", FIRST_NEW, "3 working days", "NĐ 154/2026/NĐ-CP, Điều 4"),
        ("refuse", "web", FIRST_NEW, "2 working days", "QĐ 766/QĐ-TTg"),
        ("refuse", "telegram", FIRST_NEW, "2 working days", "QĐ 766/QĐ-TTg"),
        ("tell_outcome", "counter", FIRST_NEW, "10 working days", "Luật Tiếp công dân 2013, Điều 28"),
        ("apology", "web", date(2025, 6, 30), "at once", "NĐ 61/2018/NĐ-CP"),
        ("apology", "web", date(2025, 7, 1), "at once", "TT 03/2025/TT-VPCP"),
    ],
)
def test_a_case_keeps_the_law_of_its_day_and_of_the_manner_in_which_it_came(code, channel, day, value, basis):
    rule = choose_rule(shipped_rules(), code, day, about=RuleSubject(manner=manner_of(channel))).rule
    assert rule.value == value and basis in rule.basis


@pytest.mark.parametrize("code", ["backstop", "backstop_warning"])
def test_the_backstop_holds_for_what_is_received_since_the_decree(code):
    with pytest.raises(NotFound):
        choose_rule(shipped_rules(), code, LAST_OLD)
    assert "NĐ 154/2026/NĐ-CP" in choose_rule(shipped_rules(), code, FIRST_NEW).rule.basis


def test_what_came_neither_in_person_nor_by_letter_has_no_term_of_the_law_of_reception():
    with pytest.raises(NotFound):
        choose_rule(shipped_rules(), "tell_outcome", TODAY, about=RuleSubject(manner=manner_of("web")))


def test_the_version_that_follows_is_told_with_its_first_day():
    later = later_rule(shipped_rules(), "complaint_accept", LAST_OLD)
    assert later is not None
    assert (later.first, later.rule.value, later.rule.basis) == (FIRST_NEW, "7 working days", "NĐ 155/2026/NĐ-CP")
    assert later_rule(shipped_rules(), "complaint_accept", FIRST_NEW) is None
    assert later_rule(shipped_rules(), "resolve", LAST_OLD) is None


def test_every_channel_has_its_manner():
    assert {channel.value for channel in Channel} <= set(MANNERS)


def test_the_term_of_the_answer_says_that_no_law_sets_it():
    for case in ("", "urgent_field", "quick_field"):
        rule = choose_rule(shipped_rules(), "resolve", TODAY, case).rule
        assert rule.mark is RuleEvidence.PRACTICE and "pháp luật chưa quy định thời hạn này" in rule.basis


def test_each_code_case_and_manner_has_one_rule_in_force_on_any_day():
    for day in (date(2025, 1, 2), LAST_OLD, FIRST_NEW, TODAY):
        held = [(rule.code, rule.case, rule.manner) for rule in shipped_rules() if rule.in_force(day)]
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
