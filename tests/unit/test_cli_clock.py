"""The command that others check due dates against."""

import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from backend.cli_clock import LINE_MOST, clock
from backend.clock_answers import answer
from backend.errors import DomainError
from backend.tickets.happening import Event

app = typer.Typer()
app.add_typer(clock, name="clock")


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, ["clock", "due", *arguments], input=stdin)


def ask(*arguments):
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def history(tmp_path, *events):
    path = tmp_path / "events.json"
    path.write_text(json.dumps([{"at": at, "event": event} for event, at in events]), encoding="utf-8")
    return str(path)


def test_rule_gives_due_date_with_every_day_explained():
    answer = ask("--received", "2026-11-20T16:45", "--rule", "resolve")
    assert answer["due_date"] == "2026-12-14"
    assert answer["due_at"] == "2026-12-14T23:59:59+07:00"
    assert (answer["calendar"], answer["rule"], answer["estimate"]) == ("vn", "resolve", True)
    assert sum(day["counted"] for day in answer["days"]) == 15
    assert answer["days"][0] == {"date": "2026-11-20", "counted": False, "why": "day_of_event"}
    assert answer["days"][4] == {
        "date": "2026-11-24",
        "counted": False,
        "why": "holiday",
        "name": "Ngày Văn hóa Việt Nam",
        "estimate": "unverified",
    }
    assert "verdict" not in answer


def test_value_goes_before_the_rule_and_another_calendar_may_be_asked():
    answer = ask(
        "--received", "2026-11-20", "--rule", "resolve", "--value", "2 ngày làm việc", "--calendar", "weekdays"
    )
    assert (answer["due_date"], answer["value"], answer["estimate"]) == ("2026-11-24", "2 working days", False)


@pytest.mark.parametrize(
    ("answered", "due_date", "verdict"),
    [
        # closes of 25/11 and 26/11 are paused: 14/12 becomes 16/12
        ("2026-12-16T23:59:59", "2026-12-16", "on_time"),
        ("2026-12-17T00:00:00", "2026-12-16", "late"),
        # the same moment in UTC
        ("2026-12-16T17:00:00Z", "2026-12-16", "late"),
    ],
)
def test_pause_moves_the_due_date_and_the_answer_is_judged_by_it(tmp_path, answered, due_date, verdict):
    events = history(
        tmp_path,
        ("accepted", "2026-11-23T09:00"),
        ("info_requested", "2026-11-25T09:00"),
        ("info_received", "2026-11-27T10:00"),
        ("answered", answered),
        ("info_requested", "2026-12-20T09:00"),
    )
    answer = ask("--received", "2026-11-20T16:45", "--rule", "resolve", "--events", events)
    assert (answer["due_date"], answer["verdict"]) == (due_date, verdict)


def test_pause_nobody_ended_lasts_to_its_limit_or_to_the_moment_asked_for(tmp_path):
    events = history(tmp_path, ("info_requested", "2026-11-25T09:00"))
    asked = ["--received", "2026-11-20T16:45", "--rule", "resolve", "--events", events]
    # closes of 25/11 to 09/12 are paused: eleven days, for the day of the question is not one of the ten
    assert ask(*asked)["due_date"] == "2026-12-29"
    assert ask(*asked)["pauses"][0]["ended_by"] == "limit"
    assert ask(*asked, "--now", "2026-11-25T16:00")["due_date"] == "2026-12-14"
    assert ask(*asked, "--now", "2026-11-26T18:00")["due_date"] == "2026-12-16"


def test_pause_without_limit_or_end_needs_a_moment_of_asking():
    asked = ("info_requested", "2026-11-05T09:00", {})
    with pytest.raises(DomainError, match="thời điểm hỏi"):
        course(asked, pause_limit="none")
    assert course(asked, pause_limit="none", now="2026-11-06T18:00")["due_date"] == "2026-11-26"


def test_each_line_of_input_gets_one_answer_refusals_too():
    lines = [
        '{"received": "2026-03-02T23:59", "rule": "forward"}',
        "no json",
        '{"received": "2026-11-20T16:45", "value": "4 working hours", "calendar": "vn", "events": []}',
        '{"received": "2026-03-02", "rule": "forward", "bogus": 1}',
        "",
        '{"id": "a-7", "rule": "resolve"}',
        "[" * 100_000,
        "[1, 2]",
        '{"received": "2026-03-02", "value": "1 working day", "events": ' + "[" * 9_000 + "]" * 9_000 + "}",
        '{"received": 20260302, "rule": "forward"}',
        '{"received": "2026-03-02\\u0000", "rule": "forward"}',
        '{"received": "2026-03-02", "value": "999999999999 days"}',
        '{"received": "9999-12-30", "value": "15 working days"}',
        '{"received": "2026-03-02", "value": "1 working day", "id": "' + "x" * LINE_MOST + '"}',
        '{"id": 8, "received": "2026-03-02", "value": "1 working day", "events": null, "rule": null}',
    ]
    result = run("--stdin", stdin="\n".join(lines))
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert {answer["line"]: answer["due_at"] for answer in answers if "due_at" in answer} == {
        1: "2026-03-09T23:59:59+07:00",
        3: "2026-11-23T11:15:00+07:00",
        15: "2026-03-03T23:59:59+07:00",
    }
    assert [answer["line"] for answer in answers if answer.get("error")] == [2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    assert {answer["line"]: answer["id"] for answer in answers if "id" in answer} == {6: "a-7", 15: 8}
    assert result.exit_code == 1


def test_bytes_that_are_no_text_are_refused_for_their_line_alone():
    result = run("--stdin", stdin=b'\xff\xfe{\n\xef\xbb\xbf{"received": "2026-03-02", "rule": "forward"}\n')
    first, second = map(json.loads, result.stdout.splitlines())
    assert "error" in first and second["due_date"] == "2026-03-09"


def test_half_a_surrogate_pair_and_a_nested_id_stop_nothing():
    lines = [
        '{"id": "\\ud800", "received": "2026-03-02", "rule": "\\udfff"}',
        '{"id": ' + "[" * 500 + "]" * 500 + ', "received": "2026-03-02", "rule": "forward"}',
        '{"id": 3, "received": "2026-03-02", "rule": "forward"}',
    ]
    answers = [json.loads(line) for line in run("--stdin", stdin="\n".join(lines)).stdout.splitlines()]
    assert [("error" in answer, answer.get("id")) for answer in answers] == [(True, "?"), (True, None), (False, 3)]


def test_options_fill_what_a_line_leaves_out():
    lines = '{"received": "2026-04-29"}\n{"received": "2026-04-29", "calendar": "vn", "value": "2 working days"}'
    result = run("--stdin", "--calendar", "weekdays", "--value", "1 working day", stdin=lines)
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(answer["calendar"], answer["due_date"]) for answer in answers] == [
        ("weekdays", "2026-04-30"),
        ("vn", "2026-05-05"),
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rule", "resolve"], "Không hiểu thời điểm"),
        (["--received", "hôm qua", "--rule", "resolve"], "Không hiểu thời điểm"),
        (["--received", "2026-03-02"], "quy định hoặc thời hạn"),
        (["--received", "2026-03-02", "--rule", "nothing"], "Không có quy định"),
        (["--received", "2026-03-02", "--value", "soon"], "Không hiểu thời hạn"),
        (["--received", "2026-03-02", "--rule", "resolve", "--calendar", "mars"], "Không có lịch"),
        (["--received", "2026-03-02", "--rule", "resolve", "--case", "urgnet_field"], "urgent_field, quick_field"),
        (["--received", "2026-03-02", "--rule", "forward", "--case", "urgent_field"], "không có trường hợp riêng"),
        (["--received", "2026-03-02", "--rule", "denunciation_extension"], "complex, very_complex"),
        (["--received", "2026-03-02", "--rule", "approval"], "không phải là thời hạn"),
        (["--received", "2026-03-02", "--value", "0 working days"], "Thời hạn phải từ 1"),
        (["--received", "2026-03-02", "--value", "1000001 days"], "Thời hạn phải từ 1"),
    ],
)
def test_question_that_cannot_be_answered_is_refused_with_a_sentence(arguments, sentence):
    result = run(*arguments, "--json")
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert not result.stdout


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ([("accepted", "2026-03-01T09:00")], "trước lúc tiếp nhận"),
        ([("postponed", "2026-03-03T09:00")], "Không có sự kiện “postponed”"),
        ([("extended", "2026-03-03T09:00")], "Gia hạn cần ghi"),
        ([("answered", "soon")], "Không hiểu thời điểm"),
    ],
)
def test_history_that_cannot_be_counted_is_refused(tmp_path, events, sentence):
    result = run("--received", "2026-03-02", "--rule", "resolve", "--events", history(tmp_path, *events))
    assert result.exit_code == 2
    assert sentence in result.stderr


def course(*events, received="2026-11-02T09:00", **more):
    """The answer to a course of events, each ``(event, at, notes)``."""
    told = [{"event": event, "at": at, **notes} for event, at, notes in events]
    return answer({"received": received, "rule": "resolve", "events": told, **more})


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
    events = ("info_requested", "2026-11-03T08:00", {}), ("info_received", "2026-11-03T08:30", {})
    answered = course(*events, received="2026-11-02T16:30", value="4 working hours")
    assert answered["due_at"] == "2026-11-03T11:30:00+07:00"
    assert [(day["minutes"], day.get("paused_minutes")) for day in answered["days"]] == [(30.0, None), (210.0, 30.0)]


def test_reopening_begins_an_episode_with_a_term_of_its_own():
    answered = course(("answered", "2026-11-27T09:00", {}), ("reopened", "2026-12-01T09:00", {}))
    assert (answered["episode"], answered["due_date"], "verdict" in answered) == (2, "2026-12-22", False)
    handling = [one for one in answered["clocks"] if one["clock"] == "resolve"]
    assert [(one["episode"], one["verdict"]) for one in handling] == [(1, "late"), (2, None)]


def test_pause_ends_at_its_limit_unless_told_otherwise():
    events = ("info_requested", "2026-11-05T09:00", {}), ("info_received", "2026-12-25T09:00", {})
    assert course(*events)["due_date"] == "2026-12-09"
    assert course(*events)["pauses"][0]["ended_by"] == "limit"
    assert course(*events, pause_limit="3 working days")["due_date"] == "2026-11-30"
    assert course(*events, pause_limit="none")["pauses"][0]["ended_by"] == "reply"


def test_pause_to_its_limit_holds_a_calendar_day_to_its_last_moment():
    # 2/11 and 21 days more are 23/11; paused are 5/11 to 19/11, fifteen days
    assert course(("info_requested", "2026-11-05T09:00", {}), value="21 days")["due_date"] == "2026-12-08"


def test_question_of_one_episode_does_not_hold_the_next():
    left = ("answered", "2026-11-20T09:00", {}), ("info_requested", "2026-11-20T10:00", {})
    assert course(*left, ("reopened", "2026-12-01T09:00", {}))["due_date"] == "2026-12-22"


def test_reception_may_be_one_of_the_events_and_is_told_once():
    events = [{"at": "2026-11-02T09:00", "event": "received"}]
    assert answer({"rule": "resolve", "events": events})["due_date"] == "2026-11-23"
    assert answer({"received": "2026-11-02T02:00Z", "rule": "resolve", "events": events})["due_date"] == "2026-11-23"
    with pytest.raises(DomainError, match="hai lần khác nhau"):
        answer({"received": "2026-11-02T09:01", "rule": "resolve", "events": events})


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
    answered = answer({"received": "2026-11-02T09:00", "rule": rule, "case": case})
    assert (answered["rule"], answered["value"], answered["due_date"]) == (rule, value, due_date)
    assert answered["adds"]["to"] in ("resolve", "denunciation_resolve")
    assert answered["adds"]["basis"] and answered["basis"]


def test_longest_term_there_is():
    assert answer({"received": "2026-11-02", "value": "1000000 days"})["due_date"] == "4764-09-29"


def test_value_that_is_given_has_nothing_added():
    answered = answer(
        {"received": "2026-11-02T09:00", "rule": "resolve", "case": "several_units", "value": "3 working days"}
    )
    assert (answered["value"], answered["due_date"], "adds" in answered) == ("3 working days", "2026-11-05", False)


def test_what_is_done_at_once_is_due_when_it_begins():
    answered = answer({"received": "2026-11-21T23:59", "rule": "acknowledge"})
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
    events = [
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


def test_list_of_rules_names_every_one_that_can_be_asked_for():
    result = CliRunner().invoke(app, ["clock", "rules", "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert {"rule": "resolve", "case": "", "value": "15 working days"}.items() <= rows[6].items()
    told = [answer({"received": "2026-03-02", **row}) for row in (_asked_for(row) for row in rows) if row]
    assert len(told) == len(rows) - 1  # all but approval, which is no term


def _asked_for(row):
    return {"rule": row["rule"], "case": row["case"]} if "required" not in row["value"] else None


def test_due_date_needs_neither_database_library_nor_web_framework():
    loads = "import sys, backend.cli_clock; print(*sorted({'sqlalchemy', 'fastapi', 'numpy'} & sys.modules.keys()))"
    shown = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == []


def test_recount_by_another_calendar_moves_the_due_date():
    paused = ("info_requested", "2026-11-03T09:00", {}), ("info_received", "2026-11-04T07:00", {})
    assert course(*paused)["due_date"] == "2026-11-25"
    assert course(*paused, ("recounted", "2026-11-20T09:00", {"calendar": "weekdays"}))["due_date"] == "2026-11-24"


def test_every_event_there_is_can_be_told_of():
    events = [(event.value, f"2026-11-02T{9 + i // 60:02}:{i % 60:02}", {}) for i, event in enumerate(Event)]
    events = [(e, at, {"days": 1} if e == "extended" else {"calendar": "vn"}) for e, at, _notes in events]
    assert course(*events)["due_date"]


def test_missing_or_broken_file_of_events_is_refused(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_bytes(b"\xff\xfe")
    for path in (tmp_path / "none.json", broken):
        result = run("--received", "2026-03-02", "--rule", "resolve", "--events", str(path))
        assert result.exit_code == 2
        assert "Không đọc được tệp" in result.stderr


def test_plain_output_marks_counted_days_and_estimates():
    lines = run("--received", "2026-11-23", "--value", "1 working day").stdout.splitlines()
    assert lines[1:] == [
        "2026-11-23  - day_of_event",
        "2026-11-24 ~- holiday Ngày Văn hóa Việt Nam",
        "2026-11-25  + counted",
    ]
