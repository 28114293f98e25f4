"""The command that others check due dates against."""

import json

import pytest
import typer
from typer.testing import CliRunner

from backend.cli_clock import clock

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


def test_pause_that_still_lasts_counts_up_to_the_moment_of_asking(tmp_path):
    events = history(tmp_path, ("info_requested", "2026-11-25T09:00"))
    asked = ["--received", "2026-11-20T16:45", "--rule", "resolve", "--events", events]
    assert ask(*asked, "--now", "2026-11-25T16:00")["due_date"] == "2026-12-14"
    assert ask(*asked, "--now", "2026-11-26T18:00")["due_date"] == "2026-12-16"


def test_each_line_of_input_gets_one_answer_refusals_too():
    lines = [
        '{"received": "2026-03-02T23:59", "rule": "forward"}',
        "no json",
        '{"received": "2026-11-20T16:45", "value": "4 working hours", "calendar": "vn", "events": []}',
        '{"received": "2026-03-02", "rule": "forward", "bogus": 1}',
        "",
        '{"received": "2026-03-02", "rule": "acknowledge"}',
        "[" * 100_000,
    ]
    result = run("--stdin", stdin="\n".join(lines))
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer.get("due_at") for answer in answers] == [
        "2026-03-09T23:59:59+07:00",
        None,
        "2026-11-23T11:15:00+07:00",
        None,
        None,
        None,
    ]
    assert all("error" in answer for answer in answers if "due_at" not in answer)
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rule", "resolve"], "Không hiểu thời điểm"),
        (["--received", "hôm qua", "--rule", "resolve"], "Không hiểu thời điểm"),
        (["--received", "2026-03-02"], "quy định hoặc thời hạn"),
        (["--received", "2026-03-02", "--rule", "nothing"], "Không có quy định"),
        (["--received", "2026-03-02", "--value", "soon"], "Không hiểu thời hạn"),
        (["--received", "2026-03-02", "--rule", "resolve", "--calendar", "mars"], "Không có lịch"),
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
        ([("extended", "2026-03-03T09:00")], "Chưa tính được sự kiện"),
        ([("answered", "soon")], "Không hiểu thời điểm"),
    ],
)
def test_history_that_cannot_be_counted_is_refused(tmp_path, events, sentence):
    result = run("--received", "2026-03-02", "--rule", "resolve", "--events", history(tmp_path, *events))
    assert result.exit_code == 2
    assert sentence in result.stderr


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
