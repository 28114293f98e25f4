"""Days as people write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.files.days import day_written


@given(st.dates(date(1000, 1, 1)), st.sampled_from("/-."))
def test_every_day_is_read_in_either_order_with_any_of_the_signs_between(day: date, sign: str) -> None:
    people = sign.join(map(str, (day.day, day.month, day.year)))
    machines = sign.join((str(day.year), f"{day.month:02}", f"{day.day:02}"))
    assert day_written(f" {people} ") == day_written(machines) == day


@pytest.mark.parametrize("text", ["", "31/02/2024", "2024-02-30", "5/2/26", "02/25/2026", "2026-W06-4", "٠٥/٠٢/٢٠٢٦"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert day_written(text) is None
