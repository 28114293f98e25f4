"""What is answered to a question about a due date: whole courses of events, each with its sentence or its date."""

from typing import Any

import pytest

from backend.commands.clock.answers import answer_question
from backend.deadlines.events import Event
from backend.errors import DomainError

# Event, moment, notes.
Happening = tuple[str, str, dict[str, Any]]


def course(*events, received="2026-11-02T09:00", **more):
    """The answer to a course of events, each ``(event, at, notes)``."""
    told = [{"event": event, "at": at, **notes} for event, at, notes in events]
    return answer_question({"received": received, "rule": "resolve", "events": told, **more})


@pytest.mark.parametrize(
    ("notes", "due_date"),
    [
        ({"days": 5}, "2026-12-01"),
        ({"value": "5 working days"}, "2026-12-01"),
        ({"value": "10 days"}, "2026-12-03"),
        ({"until": "2026-12-04"}, "2026-12-04"),
        ({"date": "2026-12-05"}, "2026-12-07"),
        ({"due_date": "2026-12-04T17:00"}, "2026-12-04"),
        ({"new_date": "2026-12-04", "approver": 7, "requested_by": 8, "reason": "đợi giám định"}, "2026-12-04"),
    ],
)
def test_extension_adds_days_or_names_a_date(notes, due_date):
    answered = course(("extended", "2026-11-20T09:00", notes))
    assert answered["due_date"] == answered["days"][-1]["date"] == due_date


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ([("extended", "2026-11-24T00:00", {"days": 5})], "Đã quá hạn"),
        ([("extended", "2026-11-10T09:00", {"days": 5}), ("extended", "2026-11-11T09:00", {"days": 5})], "một lần"),
        ([("extended", "2026-11-10T09:00", {"until": "2026-11-20"})], "sau hạn đang có"),
        ([("extended", "2026-11-10T09:00", {"until": "2026-11-23"})], "sau hạn đang có"),
        # on its last day: a date that is over would end with the next working day
        ([("extended", "2026-11-23T09:00", {"until": "2026-11-02"})], "sau hạn đang có"),
        ([("extended", "2026-11-10T09:00", {"days": 5, "by": 7, "requested_by": 7})], "không tự duyệt"),
        ([("extended", "2026-11-10T09:00", {"until": "mai"})], "Không hiểu ngày"),
        ([("extended", "2026-11-10T09:00", {"days": 5, "until": "2026-12-01"})], "một trong các mục"),
        (
            [
                ("extension_requested", "2026-11-10T09:00", {"by": "user:7"}),
                ("extended", "2026-11-11T09:00", {"days": 5, "by": "user:7"}),
            ],
            "không tự duyệt",
        ),
        ([("recounted", "2026-11-10T09:00", {"calendar": "mars"})], "Không có lịch"),
    ],
)
def test_extension_or_recount_that_may_not_be_is_refused(events, sentence):
    with pytest.raises(DomainError, match=sentence):
        course(*events)


def test_each_paused_day_names_its_pause():
    answered = course(
        ("info_requested", "2026-11-03T09:00", {}),
        ("info_received", "2026-11-04T09:00", {}),
        ("info_requested", "2026-11-05T09:00", {}),
        ("info_received", "2026-11-06T09:00", {}),
        ("pause_judged", "2026-11-06T10:00", {"pause": 1, "stands": False}),
        ("extended", "2026-11-10T09:00", {"until": "2026-12-04"}),
        ("info_requested", "2026-11-12T09:00", {}),
        ("info_received", "2026-11-13T09:00", {}),
    )
    assert {day["date"]: day["pause"] for day in answered["days"] if day["why"] == "paused"} == {
        "2026-11-05": 2,
        "2026-11-12": 3,
    }
    assert [pause["pause"] for pause in answered["pauses"] if not pause["struck"]] == [2, 3]
    assert answered["due_date"] == "2026-12-07"


def test_clock_of_hours_tells_the_minutes_of_each_day():
    events: list[Happening] = [("info_requested", "2026-11-03T08:00", {}), ("info_received", "2026-11-03T08:30", {})]
    answered = course(*events, received="2026-11-02T16:30", value="4 working hours")
    assert answered["due_at"] == "2026-11-03T11:30:00+07:00"
    assert [(day["minutes"], day.get("paused_minutes")) for day in answered["days"]] == [(30.0, None), (210.0, 30.0)]


def test_reopening_begins_an_episode_with_a_term_of_its_own():
    answered = course(("answered", "2026-11-27T09:00", {}), ("reopened", "2026-12-01T09:00", {}))
    assert (answered["episode"], answered["due_date"], "verdict" in answered) == (2, "2026-12-22", False)
    handling = [one for one in answered["clocks"] if one["clock"] == "resolve"]
    assert [(one["episode"], one["verdict"]) for one in handling] == [(1, "late"), (2, None)]


def test_pause_ends_at_its_limit_unless_told_otherwise():
    events: list[Happening] = [("info_requested", "2026-11-05T09:00", {}), ("info_received", "2026-12-25T09:00", {})]
    assert course(*events)["due_date"] == "2026-12-09"
    assert course(*events)["pauses"][0]["ended_by"] == "limit"
    assert course(*events, pause_limit="3 working days")["due_date"] == "2026-11-30"
    assert course(*events, pause_limit="none")["pauses"][0]["ended_by"] == "reply"


def test_pause_to_its_limit_holds_a_calendar_day_to_its_last_moment():
    # 2/11 and 21 days more are 23/11; paused are 5/11 to 19/11, fifteen days
    assert course(("info_requested", "2026-11-05T09:00", {}), value="21 days")["due_date"] == "2026-12-08"


def test_question_of_one_episode_does_not_hold_the_next():
    left: list[Happening] = [("answered", "2026-11-20T09:00", {}), ("info_requested", "2026-11-20T10:00", {})]
    assert course(*left, ("reopened", "2026-12-01T09:00", {}))["due_date"] == "2026-12-22"


def test_reception_may_be_one_of_the_events_and_is_told_once():
    events = [{"at": "2026-11-02T09:00", "event": "received"}]
    assert answer_question({"rule": "resolve", "events": events})["due_date"] == "2026-11-23"
    assert (
        answer_question({"received": "2026-11-02T02:00Z", "rule": "resolve", "events": events})["due_date"]
        == "2026-11-23"
    )
    with pytest.raises(DomainError, match="hai lần khác nhau"):
        answer_question({"received": "2026-11-02T09:01", "rule": "resolve", "events": events})


@pytest.mark.parametrize(
    ("rule", "case", "value", "due_date"),
    [
        ("several_units", None, "20 working days", "2026-12-01"),
        ("resolve", "several_units", "20 working days", "2026-12-01"),
        ("denunciation_resolve", "complex", "60 days", "2027-01-04"),
        ("denunciation_extension", "very_complex", "90 days", "2027-02-01"),
    ],
)
def test_row_that_adds_to_another_gives_the_term_of_both(rule, case, value, due_date):
    answered = answer_question({"received": "2026-11-02T09:00", "rule": rule, "case": case})
    assert (answered["rule"], answered["value"], answered["due_date"]) == (rule, value, due_date)
    assert answered["adds"]["to"] in ("resolve", "denunciation_resolve")
    assert answered["adds"]["basis"] and answered["basis"]


def test_longest_term_there_is():
    assert answer_question({"received": "2026-11-02", "value": "1000000 days"})["due_date"] == "4764-09-29"


def test_value_that_is_given_has_nothing_added():
    answered = answer_question(
        {"received": "2026-11-02T09:00", "rule": "resolve", "case": "several_units", "value": "3 working days"}
    )
    assert (answered["value"], answered["due_date"], "adds" in answered) == ("3 working days", "2026-11-05", False)


def test_what_is_done_at_once_is_due_when_it_begins():
    answered = answer_question({"received": "2026-11-21T23:59", "rule": "acknowledge"})
    assert (answered["value"], answered["due_at"]) == ("at once", "2026-11-21T23:59:00+07:00")
    assert (answered["days"], answered["estimate"]) == ([], False)


@pytest.mark.parametrize(
    ("rule", "due_date", "verdict"),
    [
        ("classify", "2026-11-09", "on_time"),
        ("forward", "2026-11-13", None),  # of what is not forwarded: from reception, 3/11 to 6/11 paused
        ("notify", "2026-11-30", "late"),  # from the answer on a Friday
        ("publish", "2026-12-01", "on_time"),
        ("resolve", "2026-11-30", "on_time"),
        ("data_request_reply", "2026-11-10", "late"),  # has no clock of its own: to the answer
    ],
)
def test_rule_with_a_clock_of_its_own_is_judged_by_its_own_events(rule, due_date, verdict):
    events: list[Happening] = [
        ("accepted", "2026-11-02T10:00", {}),
        ("info_requested", "2026-11-03T09:00", {}),
        ("info_received", "2026-11-09T09:00", {}),
        *([("answered", "2026-11-27T23:00", {})] if rule != "forward" else []),
        ("notified", "2026-12-01T00:00", {}),
        ("published", "2026-12-01T09:00", {}),
    ]
    answered = course(*events, rule=rule)
    assert (answered["due_date"], answered.get("verdict")) == (due_date, verdict)


def test_forwarding_is_judged_by_when_it_was_forwarded():
    answered = course(("forwarded", "2026-11-10T00:00", {}), ("answered", "2026-11-11T09:00", {}), rule="forward")
    assert (answered["due_date"], answered["verdict"], answered["late_days"]) == ("2026-11-09", "late", 1)


def test_each_unit_is_charged_what_it_held_the_ticket():
    answered = course(
        ("received", "2026-11-02T09:00", {"unit": 1}),
        ("forwarded", "2026-11-03T10:00", {"unit": 2}),
        ("info_requested", "2026-11-03T14:00", {}),
        ("info_received", "2026-11-04T07:30", {}),
        ("forwarded", "2026-11-04T09:30", {"unit": 1}),
        ("answered", "2026-11-04T10:30", {}),
    )
    assert [(unit["unit"], unit["minutes"], unit["came"]) for unit in answered["units"]] == [
        (1, 150 + 210 + 150 + 60, 2),  # 2/11 from 9:00, 3/11 up to 10:00, the last hour
        (2, 90 + 30 + 120, 1),  # 10:00 to the question at 14:00, then two hours
    ]
    assert (answered["forwards_back"], answered["verdict"]) == (1, "on_time")
    assert "units" not in course(("answered", "2026-11-04T10:30", {}))


def test_recount_by_another_calendar_moves_the_due_date():
    paused: list[Happening] = [("info_requested", "2026-11-03T09:00", {}), ("info_received", "2026-11-04T07:00", {})]
    assert course(*paused)["due_date"] == "2026-11-25"
    assert course(*paused, ("recounted", "2026-11-20T09:00", {"calendar": "weekdays"}))["due_date"] == "2026-11-24"


def test_every_event_there_is_can_be_told_of():
    notes = {event: {"days": 1} if event is Event.EXTENDED else {"calendar": "vn"} for event in Event}
    events = [(event.value, f"2026-11-02T{9 + i // 60:02}:{i % 60:02}", notes[event]) for i, event in enumerate(Event)]
    assert course(*events)["due_date"]


def test_asking_again_in_another_episode_is_not_asking_twice():
    asked: list[Happening] = [("info_requested", "2026-11-03T09:00", {}), ("info_received", "2026-11-04T09:00", {})]
    again = course(*asked, ("info_requested", "2026-11-05T09:00", {}), rule="request_info")
    assert again["verdict"] == "late"
    reopened: list[Happening] = [("answered", "2026-11-05T09:00", {}), ("reopened", "2026-11-06T09:00", {})]
    fresh = course(*asked, *reopened, ("info_requested", "2026-11-09T09:00", {}), rule="request_info")
    assert (fresh["verdict"], fresh["episode"]) == ("on_time", 2)


def test_pause_without_limit_or_end_needs_a_moment_of_asking():
    asked: Happening = ("info_requested", "2026-11-05T09:00", {})
    with pytest.raises(DomainError, match="thời điểm hỏi"):
        course(asked, pause_limit="none")
    assert course(asked, pause_limit="none", now="2026-11-06T18:00")["due_date"] == "2026-11-26"


def test_what_happens_at_the_moment_of_asking_is_known_and_reception_always_is():
    answered: Happening = ("answered", "2026-11-20T09:00", {})
    assert course(answered, now="2026-11-20T09:00")["verdict"] == "on_time"
    assert "verdict" not in course(answered, now="2026-11-20T08:59")
    assert course(answered, now="2026-01-01")["due_date"] == "2026-11-23"
