"""What people print and what they carry on the smallest phone: a ticket, a guidance letter, a receipt."""

import re

import pytest

from tests.browser.conftest import People, Visitor
from tests.browser.journeys import sent, staff, unfold

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def printed_pages(person: Visitor) -> int:
    pdf = person.page.pdf(format="A4", prefer_css_page_size=True)
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def test_a_ticket_is_printed_on_two_pages_at_most_without_forms(people: People) -> None:
    number, _secret = sent(people, "Biển báo bị cây che")
    officer = staff(people, "canbo", number)
    officer.press("Tiếp nhận")
    assert printed_pages(officer) <= 2
    officer.page.emulate_media(media="print")
    assert officer.page.locator("input:visible, textarea:visible, button:visible").count() == 0
    assert "diễn biến" in officer.text and "Hạn xử lý" in officer.text and "Đếm từng ngày" not in officer.text


def test_the_guidance_letter_is_printed_in_the_layout_of_its_file(people: People) -> None:
    number, _secret = sent(people, "Khiếu nại quyết định thu hồi đất")
    officer = staff(people, "canbo", number)
    unfold(officer, "Chuyển thủ tục khiếu nại, tố cáo")
    officer.page.get_by_label("Khiếu nại", exact=True).check()
    officer.page.locator("[name=guidance]").fill("Ông/bà gửi đơn đến Chủ tịch Ủy ban nhân dân phường.")
    officer.press("Gửi hướng dẫn")
    officer.go(f"/hop-thu/{number}/phieu-huong-dan")
    assert printed_pages(officer) == 1
    officer.page.emulate_media(media="print")
    assert not officer.page.locator("header.site").is_visible() and not officer.page.locator("h1").is_visible()
    agency, nation = (officer.page.locator(f".official .{name}").bounding_box() for name in ("agency", "nation"))
    assert agency and nation and agency["y"] == nation["y"] and agency["x"] < nation["x"]
    assert officer.text.split("\n\n")[:2] == ["ỦY BAN NHÂN DÂN", "PHƯỜNG ĐOÀN KẾT"]
    for line in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "PHIẾU HƯỚNG DẪN", "Nơi nhận:"):
        assert line in officer.text


def test_a_number_of_five_digits_stays_inside_the_receipt_on_the_smallest_phone(people: People) -> None:
    sent(people, "Cột điện nghiêng")
    citizen = people.contexts[-1].pages[-1]
    citizen.set_viewport_size({"width": 320, "height": 640})
    citizen.locator(".receipt .code").first.evaluate(
        "code => code.textContent = code.textContent.slice(0, 14) + '12345'"
    )
    card = citizen.locator(".receipt").bounding_box()
    assert card
    for code in citizen.locator(".receipt .code").all():
        box = code.bounding_box()
        assert box and box["x"] + box["width"] < card["x"] + card["width"]
        assert code.evaluate("code => code.getClientRects().length") == 1
        assert box["height"] < 60, "on one line"
    assert citizen.evaluate("document.documentElement.scrollWidth") <= 320
