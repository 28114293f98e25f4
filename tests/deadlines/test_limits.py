"""The bounds of handling: each asks the rule that it is given, and no number of its own."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from backend.deadlines import limits
from backend.deadlines.rules import DeadlineRule, RuleEvidence, choose_rule, shipped_rules
from backend.deadlines.terms import Extension, Term
from backend.errors import Conflict, Invalid
from backend.worktime.calendar import ZONE
from backend.worktime.duration import Duration
from backend.worktime.shipped import shipped_calendar

VN = shipped_calendar("vn")
START = datetime(2026, 11, 2, 9, tzinfo=ZONE)  # a Monday; fifteen working days end on 23 November
TERM = Term(VN, Duration.parse("15 working days"), START)
SIXTY = choose_rule(shipped_rules(), limits.EXTENSION_LIMIT, START.date()).rule


def rule(value: str, code: str = "x") -> DeadlineRule:
    return DeadlineRule(code, Duration.parse(value), "b", RuleEvidence.OURS)


def until(day: date) -> Extension:
    return Extension(START, until=day)


def adds(value: str) -> Extension:
    return Extension(START, adds=Duration.parse(value))


FURTHEST = replace(TERM, extension=adds("60 working days")).due().on


class TestExtensions:
    @pytest.mark.parametrize(
        "extension", [until(FURTHEST), adds("60 working days"), adds("5 days"), adds("4 working hours")]
    )
    def test_up_to_the_bound_it_is_taken_in_any_unit(self, extension: Extension) -> None:
        limits.check_extension(TERM, extension, SIXTY)

    @pytest.mark.parametrize(
        ("extension", "field"),
        [
            (until(date(2099, 12, 31)), "until"),
            (until(date(9999, 12, 31)), "until"),
            (until(FURTHEST + timedelta(days=1)), "until"),
            (adds("61 working days"), "more"),
            (adds("400 days"), "more"),
            (adds("1000000 working days"), "more"),
            (adds("481 working hours"), "more"),
        ],
    )
    def test_beyond_it_the_furthest_day_is_named(self, extension: Extension, field: str) -> None:
        with pytest.raises(Invalid, match=f"{FURTHEST:%d/%m/%Y}") as refusal:
            limits.check_extension(TERM, extension, SIXTY)
        assert refusal.value.field == field

    def test_the_rule_of_the_ticket_sets_the_bound(self) -> None:
        limits.check_extension(TERM, until(date(2026, 11, 27)), rule("4 working days"))
        with pytest.raises(Invalid, match="30/11/2026"):
            limits.check_extension(TERM, until(date(2026, 12, 1)), rule("4 working days"))
        with pytest.raises(Invalid, match="23/11/2026"):
            limits.check_extension(TERM, adds("1 working day"), replace(SIXTY, duration=None))

    def test_it_has_to_move_the_due_date_on(self) -> None:
        with pytest.raises(Invalid, match="sau hạn đang có"):
            limits.check_extension(TERM, until(date(2026, 11, 23)), SIXTY)

    def test_there_is_one(self) -> None:
        with pytest.raises(Conflict, match="gia hạn một lần"):
            limits.check_extensions_given(replace(TERM, extension=adds("5 days")))


class TestPromises:
    DUE = date(2026, 11, 23)

    def check(self, promised: date, value: str = "90 days") -> None:
        limits.check_promise(VN, promised, self.DUE, START, rule(value))

    def test_up_to_the_bound_it_is_taken(self) -> None:
        self.check(date(2027, 1, 29))

    @pytest.mark.parametrize(
        ("promised", "sentence"),
        [
            (date(2026, 11, 23), "phải sau hạn đang có"),
            (date(2026, 11, 28), "ngày làm việc"),
            (date(2027, 2, 2), "muộn nhất là ngày"),
        ],
    )
    def test_a_day_that_cannot_be_promised_is_refused(self, promised: date, sentence: str) -> None:
        with pytest.raises(Invalid, match=sentence) as refusal:
            self.check(promised)
        assert refusal.value.field == "promised"

    def test_the_rule_of_the_ticket_sets_the_bound(self) -> None:
        with pytest.raises(Invalid, match="02/12/2026"):
            self.check(date(2026, 12, 3), "30 days")


@pytest.mark.parametrize(
    ("values", "days"),
    [(["10 working days"], 10), (["30 days", "3 working days"], 3), (["30 days", "4 working hours"], 4 / 24)],
)
def test_a_sweep_looks_back_by_the_shortest_version(values: list[str], days: float) -> None:
    rules = [rule(value, "pause_limit") for value in values]
    assert limits.earliest_start(rules, "pause_limit", START) == START - timedelta(days=days)


def test_a_sweep_looks_at_nothing_where_no_version_ends() -> None:
    assert limits.earliest_start([replace(rule("1 day", "pause_limit"), duration=None)], "pause_limit", START) is None


@pytest.mark.parametrize("value", ["1 working day", "10 working days", "30 days", "3 working hours"])
@pytest.mark.parametrize("hour", [0, 7, 12, 23])
def test_no_limit_ends_before_its_shortest_span(value: str, hour: int) -> None:
    start = START.replace(hour=hour, minute=59)
    end = limits.limit_end(VN, rule(value), start)
    assert end is not None and end >= start + limits.shortest_span(Duration.parse(value))


def test_questions_beyond_the_times_of_the_rule_are_too_many() -> None:
    once, twice = rule("5 working days"), replace(rule("5 working days"), times=2)
    assert [limits.is_question_too_many(once, asked) for asked in (1, 2)] == [False, True]
    assert [limits.is_question_too_many(twice, asked) for asked in (2, 3)] == [False, True]


@pytest.mark.parametrize(
    ("value", "urgent"),
    [("1 working day", True), ("8 working hours", True), ("2 working days", False), ("1 day", False)],
)
def test_a_term_of_a_working_day_or_of_hours_is_urgent(value: str, urgent: bool) -> None:
    assert limits.is_urgent(Duration.parse(value)) is urgent
