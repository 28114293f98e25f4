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
    assert (answer["calendar"], answer["rule"], answer["estimate"]) == ("vn", "resolve", False)
    assert sum(day["counted"] for day in answer["days"]) == 15
    assert answer["days"][0] == {"date": "2026-11-20", "counted": False, "why": "day_of_event"}
    assert answer["days"][4] == {
        "date": "2026-11-24",
        "counted": False,
        "why": "holiday",
        "name": "Ngày Văn hóa Việt Nam",
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


@pytest.mark.parametrize(
    ("received", "value", "due", "sentences"),
    [
        (
            "2026-06-30",
            "10 days",
            "2026-07-10",
            [
                "Căn cứ: Luật Khiếu nại 2011, Điều 27",
                "Theo quy định của ngày tiếp nhận, áp dụng cho hồ sơ nhận đến hết 30/06/2026.",
                "Hồ sơ nhận từ 01/07/2026: 7 working days, NĐ 155/2026/NĐ-CP",
            ],
        ),
        (
            "2026-07-01",
            "7 working days",
            "2026-07-10",
            [
                "Căn cứ: NĐ 155/2026/NĐ-CP",
                "Theo quy định của ngày tiếp nhận, áp dụng cho hồ sơ nhận từ 01/07/2026.",
            ],
        ),
    ],
)
def test_a_complaint_is_counted_by_the_law_of_its_day_and_the_answer_says_so(received, value, due, sentences):
    answer = ask("--received", received, "--rule", "complaint_accept")
    assert (answer["value"], answer["due_date"]) == (value, due)
    lines = run("--received", received, "--rule", "complaint_accept").stdout.splitlines()
    assert lines[1 : 1 + len(sentences)] == sentences


@pytest.mark.parametrize(
    ("channel", "value", "basis"),
    [
        ("web", "2 working days", "Thông lệ thực hiện QĐ 766/QĐ-TTg: từ chối hoặc trả lại, kèm lý do"),
        ("counter", "3 working days", "NĐ 154/2026/NĐ-CP, Điều 4"),
        ("paper", "3 working days", "NĐ 154/2026/NĐ-CP, Điều 4"),
    ],
)
def test_a_refusal_has_the_term_of_the_channel_by_which_it_came(channel, value, basis):
    answer = ask("--received", "2026-11-02T09:00", "--rule", "refuse", "--channel", channel)
    assert (answer["value"], answer["basis"]) == (value, basis)


def test_a_term_of_what_came_in_person_asks_for_the_channel():
    refused = run("--received", "2026-11-02", "--rule", "tell_outcome")
    assert refused.exit_code == 2 and "nhận trực tiếp (counter) hoặc bằng đơn (paper)" in refused.stderr
    assert ask("--received", "2026-11-02", "--rule", "tell_outcome", "--channel", "paper")["due_date"] == "2026-11-16"
    refused = run("--received", "2026-11-02", "--rule", "refuse", "--channel", "fax")
    assert refused.exit_code == 2 and "Kênh tiếp nhận là một trong" in refused.stderr


def test_the_term_of_the_answer_is_shown_as_practice():
    shown = run("--received", "2026-11-02", "--rule", "resolve").stdout
    assert "Theo cách làm chung của cơ quan nhà nước; pháp luật chưa quy định thời hạn này (thông lệ)" in shown
    assert "NĐ 20/2008/NĐ-CP không đặt thời hạn trả lời" in shown


def test_an_extension_is_held_to_its_bound(tmp_path):
    path = tmp_path / "events.json"
    path.write_text(
        json.dumps([{"at": "2026-11-05T09:00", "event": "extended", "until": "2099-12-31"}]), encoding="utf-8"
    )
    refused = run("--received", "2026-11-02", "--rule", "resolve", "--events", str(path))
    assert refused.exit_code == 2 and "Gia hạn được muộn nhất đến hết ngày" in refused.stderr


def test_list_of_rules_names_every_one_that_can_be_asked_for():
    result = CliRunner().invoke(app, ["clock", "rules", "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    resolve = next(row for row in rows if row["rule"] == "resolve")
    assert {"rule": "resolve", "case": "", "value": "15 working days"}.items() <= resolve.items()
    told = [answer_question(question) for question in (_asked_for(row) for row in rows) if question]
    assert len(told) == len(rows) - 1  # all but approval, which is no term


def _asked_for(row):
    received = row["from"] or row["to"] or "2026-03-02"
    asked = {"received": received, "rule": row["rule"], "case": row["case"], "channel": "paper"}
    return asked if "required" not in row["value"] else None


def test_the_closed_lists_name_the_basis_of_each_ground():
    def listed(*options):
        printed = CliRunner().invoke(app, ["clock", "grounds", "--json", *options]).stdout.splitlines()
        return [(row["list"], row["ground"], row["basis"]) for row in map(json.loads, printed)]

    today = listed("--on", "2026-11-30")
    assert {name for name, _ground, _basis in today} == {
        *("refusal", "not_possible", "suspension", "ending", "complex_case"),
    }
    assert all(basis for _name, _ground, basis in today)
    assert ("refusal", "repeat", "NĐ 154/2026/NĐ-CP, Điều 4, điểm h") in today
    before = listed("--on", "2026-06-30")
    assert ("refusal", "repeat", "Thông lệ của các hệ thống tương tự") in before
    assert {name for name, _ground, _basis in before} == {"refusal", "not_possible", "ending"}


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
    lines = run("--received", "2027-12-30", "--value", "2 working days").stdout.splitlines()
    assert lines[1:] == [
        "2027-12-30  - day_of_event",
        "2027-12-31  + counted",
        "2028-01-01 ~- weekend",
        "2028-01-02 ~- weekend",
        "2028-01-03 ~+ counted",
    ]


@pytest.mark.parametrize(
    ("received", "due_date"), [("2026-11-03T09:00", "2026-11-25"), ("2026-12-15T09:00", "2027-01-06")]
)
def test_due_dates_of_2026_and_2027_carry_no_estimate_mark(received, due_date):
    answer = run("--received", received, "--rule", "resolve").stdout
    assert answer.startswith(due_date) and "~" not in answer
    told = ask("--received", received, "--rule", "resolve")
    assert (told["due_date"], told["estimate"]) == (due_date, False)
