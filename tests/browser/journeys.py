"""Steps that several journeys share."""

import re

from tests.browser.conftest import People, Visitor

CONTENT = "Nắp cống trước cổng trường bị vỡ, học sinh đi qua rất nguy hiểm, mong được thay sớm."


def sent(people: People, title: str) -> tuple[str, str]:
    """Number and secret of feedback that somebody sends to Phường Đoàn Kết."""
    citizen = people.new(width=360)
    citizen.go("/gui")
    page = citizen.page
    page.fill("[name=title]", title)
    page.fill("[name=content]", CONTENT)
    page.select_option("[name=category]", label="Đường sá, giao thông")
    page.select_option("[name=unit]", label="Phường Đoàn Kết")
    page.fill("[name=name]", "Lò Thị Trình Duyệt")
    page.fill("[name=email]", "vongdoi@example.org")
    page.check("[name=consent]")
    citizen.press("Xem lại trước khi gửi")
    citizen.press("Gửi phản ánh")
    found = re.search(r"PAKN\.\d{8}\.\d{4,}", citizen.text)
    assert found
    return found[0], page.inner_text("strong.secret")


def staff(people: People, who: str, number: str, width: int = 1280) -> Visitor:
    person = people.new(width=width)
    person.sign_in(who)
    person.go(f"/hop-thu/{number}")
    return person


def unfold(person: Visitor, summary: str) -> None:
    person.page.locator("details:not([open]) > summary", has_text=summary).first.click()
    person.check()
