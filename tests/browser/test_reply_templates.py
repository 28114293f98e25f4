"""A leader writes a template, an officer puts it into an answer: on a narrow screen too, and without scripts."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import People
from tests.browser.journeys import sent

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
BODY = "Chào bạn,\n\nPhản ánh {{ma_so}} về “{{tieu_de}}” đã xử lý.\n[[neu qua_han]]\nXin lỗi vì quá hạn.\n[[het]]"
PICTURES = os.environ.get("LANGNGHE_PICTURES")


@pytest.mark.parametrize(("width", "dark"), [(1366, False), (360, True)])
def test_a_template_is_written_tried_out_and_put_into_an_answer_without_scripts(
    people: People, width: int, dark: bool
) -> None:
    name = f"Đã xử lý {width}"
    number, _secret = sent(people, f"Ổ gà {width}")
    leader = people.new(width=width, dark=dark)
    leader.sign_in("lanhdao")
    leader.go("/mau-tra-loi/them")
    leader.page.select_option("[name=kind]", "answer")
    leader.page.fill("[name=name]", name)
    leader.page.fill("[name=body]", "Chào.\n{% import os %}")
    leader.press("Lưu mẫu")
    assert "Dòng 2:" in leader.text
    leader.page.fill("[name=body]", BODY)
    leader.press("Xem thử")
    assert "Phản ánh PAKN.20261118.0001 về" in leader.text and leader.page.input_value("[name=name]") == name
    _picture(leader.page, f"preview-{width}")
    leader.press("Lưu mẫu")
    assert leader.page.url.rsplit("/", 1)[1].isdigit() and "Đã thêm mẫu trả lời." in leader.text
    _picture(leader.page, f"template-{width}")
    leader.go("/mau-tra-loi?q=da+xu+ly")
    assert name in leader.text
    _picture(leader.page, f"list-{width}")

    officer = people.new(width=width, dark=dark, scripts=False)
    officer.page.goto(f"{officer.address}/dang-nhap")
    officer.page.fill("[name=email]", "canbo@demo.langnghe.vn")
    officer.page.fill("[name=password]", "lang-nghe-2026")
    officer.follow(officer.page.get_by_role("button", name="Đăng nhập", exact=True))
    officer.page.goto(f"{officer.address}/hop-thu/{number}")
    officer.page.fill("[name=answer]", "Dòng đã gõ.")
    officer.page.select_option("[name=answer_template]", label=name)
    officer.follow(officer.page.get_by_role("button", name="Chèn mẫu vào: Trả lời"))
    text = officer.page.input_value("[name=answer]")
    assert text.startswith("Dòng đã gõ.\n\nChào bạn,") and f"{number} về “Ổ gà {width}”" in text
    assert "Xin lỗi" not in text
    _picture(officer.page, f"ticket-{width}")


def _picture(page: Page, name: str) -> None:
    """Keep a picture where the environment asks for it."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
