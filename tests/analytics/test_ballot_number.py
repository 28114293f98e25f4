"""Numbers of ballots catch what fingers do."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analytics.sampling.ballot_number import ballot_number, check_digit, read_ballot_number

numbers = st.builds(ballot_number, st.integers(2020, 2099), st.integers(1, 99_999))


def test_the_published_example_of_the_check_digit() -> None:
    assert check_digit("572") == "4"
    assert check_digit("5724") == "0"


def test_number_is_read_with_or_without_dashes() -> None:
    written = ballot_number(2026, 17)
    assert written.startswith("26-00017-")
    assert read_ballot_number(f" {written} ") == read_ballot_number(written.replace("-", "")) == written


@given(numbers, st.integers(0, 7), st.integers(0, 9))
def test_every_wrong_digit_is_noticed(number: str, at: int, digit: int) -> None:
    digits = number.replace("-", "")
    assume(digits[at] != str(digit))
    assert read_ballot_number(digits[:at] + str(digit) + digits[at + 1 :]) is None


@given(numbers, st.integers(0, 6))
def test_every_swap_of_neighbours_is_noticed(number: str, at: int) -> None:
    digits = number.replace("-", "")
    assume(digits[at] != digits[at + 1])
    assert read_ballot_number(digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]) is None


@pytest.mark.parametrize("written", ["", "26", "26-00017", "phiếu", "26-00017-x", "٢٦٠٠٠١٧٤"])
def test_what_is_no_number_is_not_read(written: str) -> None:
    assert read_ballot_number(written) is None


def test_numbers_end_somewhere() -> None:
    with pytest.raises(ValueError):
        ballot_number(2026, 10_000_000)
