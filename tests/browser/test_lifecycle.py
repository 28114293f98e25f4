"""The life of a ticket beyond the main line, as citizen, officer, leader and coordinator walk it; the way in which the
due date was counted is before the eyes of all of them. Axe checks every page they come to."""

import re

import pytest

from tests.browser.conftest import People, Visitor
from tests.browser.journeys import sent, staff, unfold

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def follower(people: People, number: str, secret: str) -> Visitor:
    citizen = people.new(width=360)
    citizen.go("/theo-doi")
    citizen.page.fill("[name=number]", number)
    citizen.page.fill("[name=secret]", secret)
    citizen.press("Xem phản ánh")
    return citizen


def see_how_it_was_counted(person: Visitor, summary: str) -> str:
    """Unfold the days of the due date and read the page with them."""
    if person.page.locator("form.ticket").count():
        unfold(person, "Hạn này được tính thế nào")
    unfold(person, summary)
    text = person.text
    assert "Lịch làm việc" in text
    assert "Căn cứ của thời hạn" in text
    return text


def due_of(officer: Visitor) -> str:
    return officer.page.inner_text("#due-title .num")


def fits(person: Visitor) -> None:
    assert person.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, person.page.url


def test_pause_dispute_extension_forward_answer_and_reopening(people: People) -> None:
    number, secret = sent(people, "Nắp cống vỡ trước cổng trường")

    officer = staff(people, "canbo", number)
    officer.press("Tiếp nhận")
    unfold(officer, "Đề nghị bổ sung thông tin")
    assert "Nếu người gửi không trả lời cho đến hết thời gian chờ" in officer.text
    officer.page.get_by_label("Cần người gửi cho biết").fill("Xin cho biết tên trường.")
    officer.press("Gửi đề nghị bổ sung")
    assert "đang tạm dừng" in officer.text

    citizen = follower(people, number, secret)
    assert "Xin cho biết tên trường." in citizen.text
    unfold(citizen, "Không đồng ý việc tạm dừng?")
    citizen.page.get_by_label("Vì sao bạn không đồng ý").fill("Ảnh đã chụp rõ biển tên trường.")
    citizen.press("Gửi ý kiến")
    assert "bạn không đồng ý" in citizen.text
    fits(citizen)

    coordinator = staff(people, "dieuphoi", number)
    assert "Ảnh đã chụp rõ biển tên trường." in coordinator.text
    assert "Nếu bỏ lần tạm dừng này:" in coordinator.text
    coordinator.page.get_by_label("Bỏ: những ngày đó vẫn tính vào hạn").check()
    coordinator.page.get_by_label("Lý do, người gửi sẽ đọc được").fill("Trong ảnh đã có tên trường.")
    coordinator.press("Ghi kết quả xét")
    unfold(coordinator, "Thời gian xử lý tại từng cơ quan")
    assert "đã bỏ sau ý kiến không đồng ý" in coordinator.text

    citizen.page.reload()
    assert "đã bỏ, vẫn tính vào hạn" in citizen.text
    assert "Trong ảnh đã có tên trường." in citizen.text
    citizen.page.fill("[name=text]", "Trường Tiểu học số 1.")
    citizen.press("Gửi phần bổ sung")

    officer.page.reload()
    before = due_of(officer)
    unfold(officer, "Đề nghị gia hạn")
    officer.page.get_by_label("Số ngày làm việc xin thêm").fill("4")
    officer.press("Xem trước: Đề nghị gia hạn")
    foreseen = re.search(r"Hạn chuyển từ (\S+) sang (\S+)\.", officer.text)
    assert foreseen
    assert foreseen[1] == before
    officer.page.get_by_label("Lý do, người gửi sẽ đọc được khi được duyệt").fill("Nắp cống phải đặt đúc.")
    officer.press("Đề nghị gia hạn")
    assert due_of(officer) == before

    leader = staff(people, "lanhdao", number, width=360)
    assert "Nắp cống phải đặt đúc." in leader.text
    leader.press("Duyệt gia hạn")
    assert due_of(leader) == foreseen[2]
    fits(leader)
    see_how_it_was_counted(leader, "Đếm từng ngày")

    citizen.page.reload()
    assert "Nắp cống phải đặt đúc." in citizen.text
    assert f"Hạn mới là {foreseen[2]}" in citizen.text
    assert "tạm dừng, chờ bạn bổ sung" not in see_how_it_was_counted(citizen, "Hạn này được tính thế nào?")

    officer.page.reload()
    unfold(officer, "Chuyển cơ quan khác")
    assert "từ lúc này tính cho cơ quan nhận" in officer.text
    officer.page.select_option("[name=to_unit]", label="Sở Xây dựng")
    officer.page.get_by_label("Lý do chuyển, người gửi sẽ đọc được").fill("Cống trên đường tỉnh.")
    officer.press("Chuyển phản ánh")
    assert officer.page.url.endswith("/hop-thu")

    department = staff(people, "lc-sxd", number)
    assert "Cống trên đường tỉnh." in department.text
    assert due_of(department) == foreseen[2]
    unfold(department, "Thời gian xử lý tại từng cơ quan")
    ledger = department.page.inner_text("table.ledger")
    assert "Phường Đoàn Kết" in ledger
    assert "Sở Xây dựng" in ledger
    department.press("Tiếp nhận")
    department.page.get_by_label("Câu trả lời cho người gửi").fill("Đã thay nắp cống mới.")
    department.page.check("[name=answer_outcome][value=done]")
    department.press("Gửi câu trả lời")

    citizen.page.reload()
    if citizen.page.get_by_role("button", name="Đọc trả lời").count():
        citizen.press("Đọc trả lời")
    assert "Đã thay nắp cống mới." in citizen.text
    citizen.press("Đã giải quyết xong")
    unfold(citizen, "Chưa xong, yêu cầu giải quyết lại")
    citizen.page.get_by_label("Điều gì chưa được giải quyết").fill("Nắp mới đã nứt.")
    citizen.press("Yêu cầu giải quyết lại")
    assert "Nắp mới đã nứt." in citizen.text
    assert "Đã thay nắp cống mới." in citizen.text
    fits(citizen)

    department.page.reload()
    department.check()
    assert "lần xử lý thứ 2" in see_how_it_was_counted(department, "Đếm từng ngày")
    assert "Nắp mới đã nứt." in department.text


def test_merge_and_unmerge_keep_the_senders_own_number(people: People) -> None:
    first, _secret = sent(people, "Nắp cống vỡ, phản ánh thứ nhất")
    second, secret = sent(people, "Nắp cống vỡ, phản ánh thứ hai")
    officer = staff(people, "canbo", second)
    before = due_of(officer)
    unfold(officer, "Gộp vào phản ánh khác")
    officer.page.get_by_label("Mã số phản ánh muốn gộp vào").fill(first)
    officer.press("Xem trước: Gộp vào phản ánh khác")
    assert "không được tính là trường hợp đúng hạn" in officer.text
    officer.page.get_by_label("Lý do gộp, người gửi sẽ đọc được").fill("Cùng một nắp cống.")
    officer.press("Gộp")
    assert "Đã gộp vào phản ánh" in officer.text

    citizen = follower(people, second, secret)
    assert second in citizen.text
    assert first not in citizen.text
    assert "Giải quyết cùng phản ánh khác" in citizen.text
    see_how_it_was_counted(citizen, "Hạn này được tính thế nào?")

    officer.open(first)
    officer.open(second)
    officer.page.get_by_label("Lý do tách, người gửi sẽ đọc được").fill("Hai nắp cống khác nhau.")
    officer.press("Tách ra")
    assert due_of(officer) == before
    see_how_it_was_counted(officer, "Đếm từng ngày")

    citizen.page.reload()
    citizen.check()
    assert "Giải quyết riêng trở lại" in citizen.text
    assert "Hai nắp cống khác nhau." in citizen.text
