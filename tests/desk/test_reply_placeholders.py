"""What may stand in a reply template, and what comes of it. Nothing typed is ever evaluated."""

import pytest

from backend.desk.replies.placeholders import PLACEHOLDERS, SAMPLE_VALUES, fill_in, read_template
from backend.desk.replies.preview import fill_examples
from backend.errors import Invalid


def filled(body: str, *conditions: str) -> str:
    return fill_in(read_template(body), SAMPLE_VALUES, conditions)


def test_placeholders_become_the_values_of_the_ticket_with_or_without_blanks() -> None:
    assert filled("Phản ánh {{ma_so}}, hạn {{ han }}.") == "Phản ánh PAKN.20261118.0001, hạn 09/12/2026."
    assert set(SAMPLE_VALUES) == set(PLACEHOLDERS)


def test_a_part_under_a_condition_stands_only_where_it_holds() -> None:
    body = "Chào bạn.[[neu qua_han]] Xin lỗi vì quá hạn {{han}}.[[het]] Cảm ơn."
    assert filled(body, "qua_han") == "Chào bạn. Xin lỗi vì quá hạn 09/12/2026. Cảm ơn."
    assert filled(body, "con_han") == "Chào bạn. Cảm ơn."


def test_a_value_that_looks_like_a_mark_stays_as_it_is() -> None:
    values = {**SAMPLE_VALUES, "tieu_de": "{{ 7*7 }} {{ma_so}} [[neu qua_han]] {% import os %}"}
    assert fill_in(read_template("Về: {{tieu_de}}"), values, ()) == f"Về: {values['tieu_de']}"


@pytest.mark.parametrize(
    ("body", "line", "mark"),
    [
        ("Chào bạn.\n{{ 7*7 }}", 2, "{{ 7*7 }}"),
        ("{% import os %}", 1, "{%"),
        ("a\nb\nc {# bỏ #}", 3, "{#"),
        ("{{ho_ten}}", 1, "{{ho_ten}}"),
        ("{{dien_thoai}}", 1, "{{dien_thoai}}"),
        ("{{''.__class__.__mro__}}", 1, "{{''.__class__.__mro__}}"),
        ("Dòng một\n\n{{ma_so", 3, "{{"),
        ("ma_so}}", 1, "}}"),
        ("{{ma_so}}\n{{ma_so}}\n{{{{ma_so}}}}", 3, "{{"),
        ("{{\nma_so}}", 1, "{{"),
        ("[[neu co_tien]]a[[het]]", 1, "[[neu co_tien]]"),
        ("[[qua_han]]a[[het]]", 1, "[[qua_han]]"),
        ("[[neu qua_han]]\na", 1, ""),
        ("a[[het]]", 1, ""),
        ("[[neu qua_han]]\n[[neu con_han]]a[[het]][[het]]", 2, ""),
        ("{{ma_số}}", 1, "{{ma_số}}"),
        ("{{MA_SO}}", 1, "{{MA_SO}}"),
    ],
)
def test_anything_else_between_marks_is_refused_at_its_line(body: str, line: int, mark: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_template(body)
    assert refusal.value.field == "body" and refusal.value.params["line"] == line
    assert mark in str(refusal.value) and f"Dòng {line}:" in str(refusal.value)


def test_ordinary_brackets_are_text() -> None:
    body = "Khoản 2 [sửa đổi], {a} và a}b, 50%."
    assert filled(body) == body


def test_a_long_row_of_brackets_is_refused_at_once() -> None:
    with pytest.raises(Invalid):
        read_template("{{" * 500_000)
    with pytest.raises(Invalid):
        read_template("[[" + "neu " * 500_000)


def test_examples_are_shown_once_where_they_do_not_differ() -> None:
    assert [example.text for example in fill_examples("Chào {{co_quan}}.")] == ["Chào UBND phường Đoàn Kết."]
    body = "Chào bạn.\n\n[[neu qua_han]]\nXin lỗi.\n[[het]]\n\nCảm ơn."
    assert [example.text for example in fill_examples(body)] == [
        "Chào bạn.\n\nCảm ơn.",
        "Chào bạn.\n\nXin lỗi.\n\nCảm ơn.",
    ]
