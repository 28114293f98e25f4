"""A plain ticket at the desk in two clicks and one page load; what is typed survives whatever happens to it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, Response
from sqlalchemy import create_engine, select

from backend import clock, db
from backend.devserver import processes
from backend.settings import ROOT
from backend.tickets import service
from backend.tickets.models import Ticket
from backend.tickets.reception import receipts
from backend.tickets.reception.drafts import FeedbackDraft
from backend.units.models import Unit
from tests.browser.conftest import PASSWORD, People, Site, Visitor
from tests.browser.journeys import unfold
from tests.databases import work_on
from tests.debian_servers import free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Receive = Callable[..., list[str]]
SAVED = re.compile(r"Đã lưu nháp lúc \d\d:\d\d\.")


@pytest.fixture
def receive(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receive]:
    """Sends feedback to Phường Đoàn Kết; gives the numbers, in the order of the inbox."""
    engine = create_engine(site.database)
    work_on(engine, monkeypatch)

    def send(*titles: str) -> list[str]:
        with db.transaction() as session:
            unit = session.scalars(select(Unit).where(Unit.code == "03388", Unit.valid_to.is_(None))).one()
            drafts = [_feedback(unit, title) for title in titles]
            opened = [service.open_ticket(session, draft, now=clock.now()) for draft in drafts]
            return [session.get_one(Ticket, receipt.ticket_id).number for receipt in opened]

    yield send
    engine.dispose()


def _feedback(unit: Unit, title: str) -> FeedbackDraft:
    content = "Đoạn đường trước cổng chợ có nhiều ổ gà, đi lại rất nguy hiểm."
    key = receipts.new_key()
    return FeedbackDraft(key=key, unit_id=unit.id, category_code="roads", title=title, content=content)


def at_desk(people: People, number: str, who: str = "canbo") -> Visitor:
    person = people.new(width=1366)
    person.page.set_viewport_size({"width": 1366, "height": 768})
    person.sign_in(who)
    person.go(f"/hop-thu/{number}")
    return person


def answer_field(page: Page) -> str:
    return page.input_value("[name=answer]")


def type_answer(page: Page, text: str) -> None:
    page.locator("[name=answer]").press_sequentially(text)


def saved(page: Page) -> None:
    page.locator("#draft").filter(has_text=SAVED).wait_for()


def test_a_plain_new_ticket_costs_two_clicks_and_one_page_load(receive: Receive, people: People) -> None:
    first, second, third = receive("Ổ gà số một", "Ổ gà số hai", "Ổ gà số ba")
    officer = people.new(width=1366)
    officer.page.set_viewport_size({"width": 1366, "height": 768})
    officer.sign_in("canbo")
    officer.go("/hop-thu?state=new")
    loads: list[str] = []
    officer.page.on("response", lambda answer: loads.append(answer.url) if _is_page(answer) else None)
    officer.follow(officer.page.get_by_role("link", name="Ổ gà số một"))
    for number, following in ((first, second), (second, third)):
        assert [address.rpartition("/")[2].partition("?")[0] for address in loads] == [number]
        button = officer.page.get_by_role("button", name="Gửi và mở tiếp: Trả lời")
        box = button.bounding_box()
        assert box and box["y"] + box["height"] <= 768, "above the fold"
        type_answer(officer.page, "Đã vá xong.")
        officer.page.check("[name=answer_outcome][value=done]")
        loads.clear()
        officer.follow(button)
        assert officer.page.url.split("?")[0].endswith(following)
        assert f"{number}: Đã trả lời." in officer.text
    officer.check()


def _is_page(answer: Response) -> bool:
    return answer.request.is_navigation_request() and answer.ok


def test_on_a_phone_the_order_is_content_answer_actions_and_the_rest(receive: Receive, people: People) -> None:
    (number,) = receive("Ổ gà xem trên điện thoại")
    officer = people.new(width=360, dark=True)
    officer.sign_in("canbo")
    officer.go(f"/hop-thu/{number}")
    tops = [_top(officer.page, name) for name in (".told", ".answer", ".work", ".sender", ".rest")]
    assert tops == sorted(tops)
    assert officer.page.evaluate("document.documentElement.scrollWidth") <= 360


def _top(page: Page, selector: str) -> float:
    box = page.locator(f".ticket {selector}").first.bounding_box()
    assert box
    return box["y"]


def test_what_is_typed_survives_another_page_closing_and_signing_out(receive: Receive, people: People) -> None:
    (number,) = receive("Ổ gà soạn dở")
    officer = at_desk(people, number)
    type_answer(officer.page, "Câu một.")
    saved(officer.page)
    officer.open("Phản ánh cần xử lý")
    officer.go(f"/hop-thu/{number}")
    assert answer_field(officer.page) == "Câu một."
    leader = at_desk(people, number, "lanhdao")
    assert "đang soạn ở phản ánh này" in leader.text
    assert "Câu một." not in leader.page.content()
    officer.page.locator("[name=answer]").press("Control+End")
    type_answer(officer.page, " Câu hai.")
    officer.page.close()  # before the pause in typing is over
    officer.page = people.contexts[-2].new_page()
    wait_until(lambda: _reads(officer, number, "Câu một. Câu hai."))
    officer.page.locator("[name=answer]").press("Control+End")
    type_answer(officer.page, " Câu ba.")
    officer.page.locator("details.account > summary").click()
    officer.press("Đăng xuất")
    assert "draft:" not in officer.page.evaluate("Object.keys(sessionStorage).join()")
    officer.sign_in("canbo")
    officer.go(f"/hop-thu/{number}")
    assert answer_field(officer.page) == "Câu một. Câu hai. Câu ba."
    unfold(officer, "Bỏ bản nháp")
    officer.press("Bỏ hẳn nội dung đang gõ")
    assert answer_field(officer.page) == ""


def _reads(officer: Visitor, number: str, text: str) -> bool:
    officer.go(f"/hop-thu/{number}")
    return answer_field(officer.page) == text


def test_what_a_button_has_just_sent_does_not_come_back(receive: Receive, people: People) -> None:
    (number,) = receive("Ổ gà gõ nhanh")
    officer = at_desk(people, number)
    unfold(officer, "Ghi chú nội bộ")
    officer.page.locator("[name=note]").press_sequentially("Gõ rồi lưu ngay.")
    officer.press("Lưu ghi chú")
    assert "Gõ rồi lưu ngay." in officer.page.inner_text(".thread")
    assert officer.page.input_value("[name=note]") == ""
    officer.page.reload()
    assert officer.page.input_value("[name=note]") == ""


def test_two_officers_at_once_read_both_texts(receive: Receive, people: People) -> None:
    (number,) = receive("Ổ gà hai người cùng trả lời")
    officer, leader = at_desk(people, number), at_desk(people, number, "lanhdao")
    type_answer(officer.page, "Câu trả lời của cán bộ.")
    type_answer(leader.page, "Câu trả lời của lãnh đạo.")
    for person in (leader, officer):
        person.page.check("[name=answer_outcome][value=done]")
        person.press("Tiếp nhận và gửi câu trả lời")
    both = officer.page.inner_text(".both")
    assert "Câu trả lời của cán bộ." in both and "Câu trả lời của lãnh đạo." in both
    officer.press("Bỏ bản của tôi")
    assert "Câu trả lời của cán bộ." not in officer.text


def test_without_scripts_a_button_saves_the_draft(receive: Receive, people: People) -> None:
    (number,) = receive("Ổ gà không có JavaScript")
    officer = people.new(scripts=False)
    page = officer.page
    page.goto(f"{officer.address}/dang-nhap?next=/hop-thu/{number}")
    page.fill("[name=email]", "canbo@demo.langnghe.vn")
    page.fill("[name=password]", PASSWORD)
    officer.follow(page.get_by_role("button", name="Đăng nhập"))
    page.fill("[name=answer]", "Soạn không cần JavaScript.")
    officer.follow(page.get_by_role("button", name="Lưu nháp"))
    assert SAVED.search(page.locator("main").inner_text())
    assert answer_field(page) == "Soạn không cần JavaScript."


@dataclass
class OwnWeb:
    """A web process of this test alone, which it may kill."""

    command: list[str]
    env: dict[str, str]
    log: Path
    address: str
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = processes.spawn_process(self.command, log=self.log, env=self.env, cwd=ROOT)

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own_web(site: Site, tmp_path: Path) -> Iterator[OwnWeb]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    env = {
        **os.environ,
        "LANGNGHE_DATABASE_URL": site.database,
        "LANGNGHE_BROKER_URL": f"filesystem://{tmp_path}",
        "LANGNGHE_DATA_DIR": str(tmp_path),
        "LANGNGHE_BASE_URL": address,
    }
    command = [sys.executable, "-m", "uvicorn", "backend.app:create_app", "--factory", "--port", str(port)]
    web = OwnWeb(command, env, tmp_path / "web.log", address)
    web.start()
    yield web
    if web.process:
        processes.stop_processes([web.process])


def test_a_web_process_killed_in_mid_typing_loses_nothing(receive: Receive, people: People, own_web: OwnWeb) -> None:
    (number,) = receive("Ổ gà máy chủ dừng")
    officer = people.new(width=1366)
    officer.address = own_web.address
    wait_until(lambda: officer.page.goto(own_web.address))
    officer.sign_in("canbo")
    officer.go(f"/hop-thu/{number}")
    type_answer(officer.page, "Trước khi dừng.")
    saved(officer.page)
    own_web.kill()
    officer.page.locator("[name=answer]").press("Control+End")
    type_answer(officer.page, " Trong lúc dừng.")
    officer.page.locator("#draft").filter(has_text="Mất kết nối").wait_for()
    own_web.start()
    saved(officer.page)
    officer.page.close()
    reader = at_desk(people, number)
    assert answer_field(reader.page) == "Trước khi dừng. Trong lúc dừng."


def test_a_browser_killed_in_mid_typing_loses_what_was_typed_after_the_last_save_at_most(
    site: Site, receive: Receive, people: People, tmp_path: Path
) -> None:
    (number,) = receive("Ổ gà trình duyệt dừng")
    typist = subprocess.Popen([sys.executable, "-m", "tests.browser.typist", site.address, number, str(tmp_path)])
    try:
        wait_until((tmp_path / "saved").exists)
        family = psutil.Process(typist.pid).children(recursive=True)
        for member in family:
            with suppress(psutil.NoSuchProcess):  # it has ended with its parent
                member.kill()
    finally:
        typist.kill()
        typist.wait()
    reader = at_desk(people, number)
    assert answer_field(reader.page).startswith("Đã gõ và đã lưu.")
