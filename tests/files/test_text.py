"""What people type, cleaned and folded."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Invalid
from backend.files.text import INVISIBLE, MARKS_MOST, clean_text, fold_text

ANY = st.text(alphabet=st.characters(codec=None), max_size=200)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Đường\t hỏng  ", "Đường hỏng"),
        ("a\x00b", "ab"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("a\ud800b", "ab"),
        (unicodedata.normalize("NFD", "Phường Tân Phong"), "Phường Tân Phong"),
        ("một\r\nhai\u2028ba", "một hai ba"),
        ("\u3164\u115f", ""),
        ("\ufe0f \ufe0f", ""),
        ("\u0301\u0301", ""),
        ("\u2800\u2800", ""),
        ("\u2764\ufe0f", "\u2764\ufe0f"),
    ],
)
def test_a_single_line_keeps_only_what_a_reader_sees(typed: str, stored: str) -> None:
    assert clean_text(typed, limit=100) == stored


def test_several_lines_stay_with_one_empty_line_between() -> None:
    assert clean_text(" một \r\n\r\n\r\n\n hai\rba ", limit=100, multiline=True) == "một\n\nhai\nba"


def test_text_over_the_limit_is_refused_at_its_field_and_not_cut() -> None:
    assert clean_text("ạ" * 10, limit=10, field="title") == "ạ" * 10
    with pytest.raises(Invalid) as refused:
        clean_text("ạ" * 11, limit=10, field="title")
    assert refused.value.field == "title"
    assert "10" in str(refused.value)


@given(ANY, st.booleans())
def test_cleaning_twice_changes_nothing_more(text: str, multiline: bool) -> None:
    once = clean_text(text, limit=10_000, multiline=multiline)
    assert clean_text(once, limit=10_000, multiline=multiline) == once


@given(ANY, st.booleans())
def test_cleaned_text_can_be_stored_and_holds_nothing_invisible(text: str, multiline: bool) -> None:
    stored = clean_text(text, limit=10_000, multiline=multiline)
    stored.encode("utf-8")
    assert not INVISIBLE.search(stored)
    assert stored == unicodedata.normalize("NFC", stored).strip()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Đường Trần Hưng Đạo", "duong tran hung dao"),
        ("PHƯỜNG  Tân\u200b Phong", "phuong tan phong"),
        ("ữ ợ ặ", "u o a"),
    ],
)
def test_search_ignores_tone_marks_and_case(text: str, key: str) -> None:
    assert fold_text(text) == key
    assert fold_text(unicodedata.normalize("NFD", text)) == key


@given(ANY)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold_text(fold_text(text)) == fold_text(text)


def test_marks_heaped_on_a_letter_are_thinned_before_they_are_put_in_order() -> None:
    """Ordering them takes the square of their number: 80,000 held the whole process for 20 seconds."""
    heap = "a" + "\u0301\u0323" * 500_000 + "b"
    assert len(clean_text(heap, limit=50)) <= MARKS_MOST + 2
    assert clean_text(clean_text(heap, limit=50), limit=50) == clean_text(heap, limit=50)
    assert fold_text(heap) == "ab"
    assert clean_text("Tiê\u0301ng Viê\u0323t, " + "…!" * 40, limit=200) == "Tiếng Việt, " + "…!" * 40
