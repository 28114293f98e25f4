"""The main line as people walk it: citizen, officer, manager, and the messages between them."""

import re

import pytest

from tests.browser.conftest import People, Visitor
from tests.browser.feedback_form import CONTENT, fill_form
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TITLE = "Đèn đường ở cổng chợ không sáng"


def test_citizen_sends_officer_answers_citizen_rates_manager_sees(people: People) -> None:
    citizen = people.new(width=360)
    citizen.go("/")
    citizen.open("Gửi phản ánh")
    fill_form(citizen, TITLE)
    assert not citizen.page.is_checked("[name=consent]")
    citizen.press("Xem lại trước khi gửi")
    assert "đồng ý" in citizen.text
    assert citizen.page.input_value("[name=content]") == CONTENT
    citizen.page.check("[name=consent]")
    citizen.press("Xem lại trước khi gửi")
    citizen.press("Gửi phản ánh")
    found = re.search(r"PAKN\.\d{8}\.\d{4,}", citizen.text)
    assert found
    number = found[0]
    secret = citizen.page.inner_text("strong.secret")
    assert secret not in citizen.page.url
    assert len(secret.replace("-", "")) == 16

    officer = people.new()
    officer.sign_in("canbo")
    officer.page.fill("[name=q]", number)  # tests share the site: there may be others of this title, and other pages
    officer.press("Tìm, lọc")
    assert officer.page.url.endswith(number) and TITLE in officer.text
    officer.press("Tiếp nhận")
    officer.page.get_by_text("Đề nghị bổ sung thông tin").first.click()
    officer.page.get_by_label("Cần người gửi cho biết").fill("Xin cho biết số cột đèn gần nhất.")
    officer.press("Gửi đề nghị bổ sung")

    citizen = people.new(width=360, dark=True)
    citizen.go("/theo-doi")
    citizen.page.fill("[name=number]", number)
    citizen.page.fill("[name=secret]", secret.lower())
    citizen.press("Xem phản ánh")
    assert "Xin cho biết số cột đèn gần nhất." in citizen.text
    citizen.page.fill("[name=text]", "Cột số 12, cạnh quầy thuốc.")
    citizen.press("Gửi phần bổ sung")

    officer.page.reload()
    assert "Cột số 12, cạnh quầy thuốc." in officer.text
    officer.page.get_by_label("Câu trả lời cho người gửi").fill("Đã thay bóng ở cột số 12, đèn sáng lại từ tối nay.")
    officer.page.check("[name=answer_outcome][value=done]")
    officer.press("Gửi câu trả lời")
    assert "Đã trả lời" in officer.text

    mail_tells_of_the_answer(people.new(), number)

    citizen.page.reload()
    if citizen.page.get_by_role("button", name="Đọc trả lời").count():
        citizen.press("Đọc trả lời")
    assert "Đã thay bóng ở cột số 12" in citizen.text
    assert "Phường Đoàn Kết" in citizen.text
    for item, score in (("ease", 5), ("by_rules", 4), ("timely", 4)):
        citizen.page.check(f"[name={item}][value='{score}']")
    citizen.page.fill("[name=remark]", "Làm nhanh, cảm ơn.")
    citizen.press("Gửi đánh giá")
    assert "(5/5)" in citizen.text
    assert citizen.page.locator("[name=ease]").count() == 0

    manager = people.new()
    manager.sign_in("quanly")
    manager.go("/chi-so")
    assert "đúng hạn" in manager.text
    assert "79,08" in manager.text
    assert "53/63" in manager.text
    manager.page.select_option("select[name='don-vi']", label="Phường Đoàn Kết")
    manager.press("Xem")
    assert "Phường Đoàn Kết" in manager.page.inner_text("h1")
    assert "n\u00a0=" in manager.text


def mail_tells_of_the_answer(reader: Visitor, number: str) -> None:
    """The worker delivers from the outbox into the development mailbox; beat looks every few seconds."""
    subject = re.compile(f"{number} đã có kết quả")
    letters = reader.page.get_by_role("link", name=subject)

    def has_come() -> bool:
        reader.page.goto(f"{reader.address}/hop-thu-thu-nghiem")
        return letters.count() > 0

    wait_until(has_come, 60)
    reader.check()
    assert letters.count() == 1
    reader.open(subject)
    assert "Đã thay bóng ở cột số 12" in reader.text


@pytest.mark.parametrize("path", ["/", "/gui", "/theo-doi", "/dang-nhap"])
def test_a_citizens_page_is_light_and_asks_no_other_host(people: People, path: str) -> None:
    citizen = people.new(width=320)
    weight, hosts = [0], set()

    def count(response: object) -> None:
        sizes = response.request.sizes()  # type: ignore[attr-defined]
        weight[0] += sizes["responseBodySize"] + sizes["responseHeadersSize"]
        hosts.add(re.sub(r"^https?://([^/]+)/.*", r"\1", response.url))  # type: ignore[attr-defined]

    citizen.page.on("requestfinished", lambda request: count(request.response()))
    citizen.page.goto(citizen.address + path)
    citizen.page.wait_for_load_state("networkidle")
    assert weight[0] <= 150_000
    assert hosts == {citizen.address.removeprefix("http://")}
    assert citizen.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_the_line_works_without_javascript(people: People) -> None:
    citizen = people.new(width=320, scripts=False)
    citizen.page.goto(citizen.address + "/gui")
    title = "Cầu treo ở đầu bản bị mục ván"
    fill_form(citizen, title, "Xã Bum Tở")
    citizen.page.check("[name=consent]")
    for button in ("Xem lại trước khi gửi", "Gửi phản ánh"):
        citizen.follow(citizen.page.get_by_role("button", name=button, exact=True))
    text = citizen.page.locator("main").inner_text()
    assert re.search(r"PAKN\.\d{8}\.\d{4,}", text)
    assert "Xã Bum Tở" in text
    citizen.follow(citizen.page.get_by_role("button", name="Theo dõi phản ánh này"))
    assert title in citizen.page.locator("main").inner_text()
