"""Going back in the browser's history, and changing the language, in the middle of sending."""

import re

import pytest

from tests.browser.conftest import People, Visitor
from tests.browser.feedback_form import CONTENT, fill_form

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TITLE = "Cột đèn trước trạm y tế bị nghiêng"


def number_on(citizen: Visitor) -> str:
    found = re.search(r"PAKN\.\d{8}\.\d{4,}", citizen.text)
    assert found
    return found[0]


def test_back_asks_nothing_loses_nothing_and_sends_nothing_twice(people: People) -> None:
    citizen = people.new(width=360)
    citizen.go("/gui")
    fill_form(citizen, TITLE)
    citizen.page.check("[name=consent]")
    citizen.page.fill("[name=content]", "ngắn")
    citizen.press("Xem lại trước khi gửi")
    citizen.press("English")
    assert citizen.page.input_value("[name=title]") == TITLE
    citizen.press("Tiếng Việt")
    citizen.page.fill("[name=content]", CONTENT)
    citizen.press("Xem lại trước khi gửi")
    citizen.page.go_back()
    assert citizen.page.input_value("[name=content]") == CONTENT
    citizen.page.go_forward()
    citizen.press("Gửi phản ánh")
    number = number_on(citizen)
    citizen.page.go_back()
    assert CONTENT in citizen.text
    citizen.press("Gửi phản ánh")
    assert number_on(citizen) == number
