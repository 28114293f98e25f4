"""When two writings are the same name."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.files.names import digits_key, is_not_told, is_total, name_key, same_name, split_kind, zeros_apart
from backend.files.text import fold_text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Xã Bum Nưa", "xã Bum Nưa"),
        ("Xã Bum Nưa", "XÃ BUM NƯA"),
        ("Xã Bum Nưa ", " Xã\u00a0Bum  Nưa"),
        ("Phường Đoàn Kết", "Phường \u00d0oàn Kết"),
        ("Phường Đoàn Kết", "Phường \u0189oàn Kết"),
        ("phường đoàn kết", "phường \u00f0oàn kết"),
        ("Khoá học", "Khóa học"),
        ("Thủy lợi", "Thuỷ lợi"),
        ("THỦY LỢI", "thuỷ lợi"),
        ("Hòa Bình", "Hoà Bình"),
        ("Đắk R’Lấp", "Đắk R'Lấp"),
        ("Nậm – Hăn", "Nậm - Hăn"),
    ],
)
def test_writings_of_one_name_have_one_key(first: str, second: str) -> None:
    assert name_key(first) == name_key(second)
    assert name_key(normalize("NFD", first)) == name_key(normalize("NFC", second))
    assert same_name(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [("Nậm Cần", "Nậm Cẩn"), ("Khoa học", "Khoá học"), ("Thu", "Thư"), ("Đoàn", "Doàn"), ("Mù Cả", "Mù Cà")],
)
def test_other_accents_tell_names_apart(first: str, second: str) -> None:
    assert name_key(first) != name_key(second)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Xã Bum Nưa", "Bum Nưa", True),
        ("Thị trấn Sìn Hồ", "TT. Sìn Hồ", True),
        ("P. Đoàn Kết", "Phường Đoàn Kết", True),
        ("UBND xã Bum Nưa", "Xã Bum Nưa", True),
        ("Xã Sìn Hồ", "Thị trấn Sìn Hồ", False),
        ("Xã", "Phường", False),
    ],
)
def test_kind_before_a_name_counts_only_where_both_have_one(first: str, second: str, same: bool) -> None:
    assert same_name(first, second) is same


def test_kind_is_split_from_the_name() -> None:
    assert split_kind("Thị trấn Tam Đường") == ("thị trấn", name_key("Tam Đường"))
    assert split_kind("Xãm") == ("", name_key("Xãm"))


@given(st.text(max_size=30))
def test_key_of_a_key_changes_nothing_in_the_search_form(text: str) -> None:
    assert name_key(text) == name_key(f"  {text} ")
    assert fold_text(fold_text(text)) == fold_text(text)


@pytest.mark.parametrize("text", ["Đường", "\u00d0ường", "\u00f0ường", "\u0189ường"])
def test_every_letter_that_looks_like_the_vietnamese_one_is_searched_as_d(text: str) -> None:
    assert fold_text(text) == "duong"


@pytest.mark.parametrize(
    ("text", "total"), [("Tổng cộng", True), ("TỔNG SỐ:", True), ("Total", True), ("Tổng cục", False), ("", False)]
)
def test_row_of_a_sum_is_known_by_its_word(text: str, total: bool) -> None:
    assert is_total(text) is total


def test_codes_that_differ_in_leading_zeros_are_found() -> None:
    assert zeros_apart(["0012", "13", "12"]) == ("0012", "12")
    assert zeros_apart(["0012", "13", "A12", "0012"]) is None
    assert (digits_key("0012"), digits_key("000"), digits_key("1a")) == ("12", "0", None)
    assert [is_not_told(text) for text in ("", " NA ", "n/a", "Na Nam")] == [True, True, True, False]
