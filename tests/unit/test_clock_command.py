"""The command that others check due dates against."""

import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from backend.commands.clock.answers import answer_question
from backend.commands.clock.due import LINE_MOST, clock

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


def test_list_of_rules_names_every_one_that_can_be_asked_for():
    result = CliRunner().invoke(app, ["clock", "rules", "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert {"rule": "resolve", "case": "", "value": "15 working days"}.items() <= rows[6].items()
    told = [answer_question({"received": "2026-03-02", **row}) for row in (_asked_for(row) for row in rows) if row]
    assert len(told) == len(rows) - 1  # all but approval, which is no term


def _asked_for(row):
    return {"rule": row["rule"], "case": row["case"]} if "required" not in row["value"] else None


def test_due_date_needs_neither_database_library_nor_web_framework():
    heavy = "{'sqlalchemy', 'fastapi', 'numpy'}"
    loads = f"import sys, backend.commands.clock.due; print(*sorted({heavy} & sys.modules.keys()))"
    shown = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == []


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
