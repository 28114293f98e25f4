"""An officer lists what is asked, promises a date and reports the work; the sender reads it and says that it is solved.
Axe checks every page."""

from datetime import date, timedelta

import pytest

from backend import clock
from backend.worktime.calendar import ZONE
from tests.browser.conftest import People, Visitor
from tests.browser.journeys import sent, staff, unfold

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

HOLIDAYS = {(1, 1), (4, 30), (5, 1), (9, 1), (9, 2), (11, 24)}


def promised_day() -> str:
    """A working day some two weeks ahead: a Tuesday to Thursday that is no fixed holiday."""
    day: date = clock.now().astimezone(ZONE).date() + timedelta(days=12)
    while day.weekday() not in (1, 2, 3) or (day.month, day.day) in HOLIDAYS:
        day += timedelta(days=1)
    return f"{day:%d/%m/%Y}"


def follower(people: People, number: str, secret: str) -> Visitor:
    citizen = people.new(width=360)
    citizen.go("/theo-doi")
    citizen.page.fill("[name=number]", number)
    citizen.page.fill("[name=secret]", secret)
    citizen.press("Xem phản ánh")
    return citizen


def test_points_a_promise_its_report_and_the_sender_s_word(people: People) -> None:
    number, secret = sent(people, "Rãnh thoát nước bị lấp")
    officer = staff(people, "canbo", number)
    officer.press("Tiếp nhận")
    unfold(officer, "Các điểm được hỏi")
    officer.page.fill("[name=points]", "Bao giờ nạo vét?\nAi chịu trách nhiệm?")
    officer.press("Lưu các điểm")

    assert officer.page.locator(".needs.promised").first.is_hidden()
    officer.page.check("[name=answer_outcome][value=promised]")
    assert officer.page.locator(".needs.promised").first.is_visible()
    officer.page.fill("[name=answer_point_1]", "Trong hai tuần tới")
    officer.page.fill("[name=answer]", "Tổ quản lý đô thị sẽ nạo vét rãnh.")
    officer.press("Gửi câu trả lời")
    assert "Xin ghi ngày hẹn làm xong." in officer.text
    assert officer.page.input_value("[name=answer_point_1]") == "Trong hai tuần tới"
    day = promised_day()
    officer.page.fill("[name=answer_until]", day)
    officer.press("Gửi câu trả lời")
    assert "Chưa trả lời điểm 2." in officer.text
    officer.page.check("[name=answer_in_text_2]")
    officer.press("Gửi câu trả lời")
    assert f"Hẹn làm xong trước hết ngày {day}" in officer.text

    citizen = follower(people, number, secret)
    if citizen.page.get_by_role("button", name="Đọc trả lời").count():
        citizen.press("Đọc trả lời")
    assert f"hẹn làm xong trước hết ngày {day}" in citizen.text
    assert "Trong hai tuần tới" in citizen.text and "đã trả lời trong nội dung trên" in citizen.text
    assert citizen.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0

    officer.page.reload()
    officer.page.fill("[name=report]", "Đã nạo vét xong sáng nay.")
    officer.press("Báo đã làm xong")
    assert "Người gửi chưa có ý kiến" in officer.text
    citizen.page.reload()
    assert "Đã nạo vét xong sáng nay." in citizen.text
    citizen.press("Đã giải quyết xong")
    officer.page.reload()
    assert "Người gửi đã xác nhận" in officer.text
