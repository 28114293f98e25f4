"""Many tickets at once and the keyboard, in a real browser with and without JavaScript; axe looks at every page."""

import os
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, db
from tests.browser.conftest import People, Site, Visitor
from tests.factories import World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PICTURES = os.environ.get("PICTURES", "")  # a folder: screenshots are left there
LIST = "/hop-thu?state=open&q=k%C3%A8+m%C6%B0%C6%A1ng"
FOCUSED = "document.activeElement"


def picture(visitor: Visitor, name: str) -> None:
    if PICTURES:
        visitor.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def key(visitor: Visitor, name: str) -> None:
    visitor.page.keyboard.press(name)


def follow_key(visitor: Visitor, name: str) -> None:
    with visitor.page.expect_navigation():
        key(visitor, name)


def focused_row(visitor: Visitor) -> int:
    """The place of the row in which the focus is; -1 where it is in none."""
    rows = "Array.from(document.querySelectorAll('#rows > li'))"
    return int(visitor.page.evaluate(f"{rows}.findIndex(row => row.contains({FOCUSED}))"))


@pytest.fixture
def numbers(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Four new tickets of the unit."""
    engine = create_engine(site.database)
    factory: sessionmaker[Session] = sessionmaker(engine, expire_on_commit=False)
    monkeypatch.setattr(db, "session_factory", lambda: factory)
    with factory() as session, session.begin():
        world = World(session)
        tickets = [world.receive(clock.now(), title=f"Kè mương bản Nậm Loỏng sạt {n}")[0] for n in range(4)]
        picked = [ticket.number for ticket in tickets]
    engine.dispose()
    return picked


@pytest.fixture
def leader(people: People, numbers: list[str]) -> Visitor:
    visitor = people.new(width=1366)
    visitor.sign_in("lanhdao")
    visitor.go(LIST)
    return visitor


def test_a_leader_works_through_the_inbox_by_keys_alone(leader: Visitor) -> None:
    picture(leader, "inbox-1366")
    key(leader, "j")
    key(leader, "j")
    assert focused_row(leader) == 1
    key(leader, "?")
    dialog = leader.page.locator("#keys")
    assert dialog.is_visible()
    leader.check()
    picture(leader, "keys-1366")
    key(leader, "Escape")
    assert dialog.is_hidden() and focused_row(leader) == 1  # the focus came back
    key(leader, "x")
    key(leader, "k")
    key(leader, "x")
    assert leader.page.inner_text("#ticked") == "đã chọn: 2"
    follow_key(leader, "t")
    leader.check()
    picture(leader, "many-1366")
    assert "Tiếp nhận: 2 phản ánh đã chọn" in leader.text
    leader.press("Tiếp nhận")
    assert "2 xong" in leader.text
    picture(leader, "results-1366")
    leader.go(LIST)
    key(leader, "j")
    follow_key(leader, "Enter")
    key(leader, "a")
    assert leader.page.evaluate(f"{FOCUSED}.tagName") == "TEXTAREA"
    leader.page.keyboard.type("jnu?")
    assert leader.page.evaluate(f"{FOCUSED}.value").endswith("jnu?")  # in a field a key is a letter
    leader.page.evaluate(f"{FOCUSED}.blur()")
    follow_key(leader, "n")
    follow_key(leader, "u")
    assert "#row-" in leader.page.url
    key(leader, "/")
    assert leader.page.evaluate(f"{FOCUSED}.id") == "q"


def test_keys_leave_modifiers_alone_and_can_be_switched_off(leader: Visitor) -> None:
    for held in ("Control+j", "Alt+j", "Meta+j"):
        key(leader, held)
    assert focused_row(leader) == -1
    leader.page.get_by_role("button", name="Phím tắt").click()
    leader.page.get_by_label("Dùng phím tắt trên máy này").uncheck()
    key(leader, "Escape")
    assert leader.page.evaluate(f"{FOCUSED}.id") == "keys-open"
    for letter in ("j", "?", "x"):
        key(leader, letter)
    assert focused_row(leader) == -1 and leader.page.locator("#keys").is_hidden()


def test_an_officer_forwards_many_on_a_phone_without_scripts(people: People, numbers: list[str], site: Site) -> None:
    officer = people.new(width=360, dark=True, scripts=False)
    officer.page.goto(site.address + "/dang-nhap")
    officer.page.fill("[name=email]", "canbo@demo.langnghe.vn")
    officer.page.fill("[name=password]", "lang-nghe-2026")
    officer.follow(officer.page.get_by_role("button", name="Đăng nhập", exact=True).first)
    officer.page.goto(site.address + LIST)
    picture(officer, "inbox-360")
    assert officer.page.get_by_role("button", name="Phím tắt").count() == 0
    officer.follow(officer.page.get_by_role("link", name="Chọn cả trang"))
    officer.page.get_by_label(f"Chọn {numbers[0]}").uncheck()
    officer.follow(officer.page.get_by_role("button", name="Chuyển cơ quan khác"))
    picture(officer, "many-360")
    officer.page.fill("[name=reason]", "Kè mương do sở quản lý.")
    officer.follow(officer.page.get_by_role("button", name="Chuyển phản ánh"))
    assert "Xin chọn cơ quan trong danh sách." in officer.text
    assert officer.page.input_value("[name=reason]") == "Kè mương do sở quản lý."
    officer.page.select_option("[name=to_unit]", index=1)
    officer.follow(officer.page.get_by_role("button", name="Chuyển phản ánh"))
    picture(officer, "results-360")
    assert "xong" in officer.text
    width = officer.page.locator("html").evaluate("node => node.scrollWidth")
    assert width <= 360


def test_what_changes_meanwhile_is_told_and_no_row_moves(
    leader: Visitor, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def place() -> float:
        return float(leader.page.evaluate("document.querySelector('#rows').getBoundingClientRect().top"))

    before = place()
    engine = create_engine(site.database)
    factory: sessionmaker[Session] = sessionmaker(engine, expire_on_commit=False)
    monkeypatch.setattr(db, "session_factory", lambda: factory)
    with factory() as session, session.begin():
        World(session).receive(clock.now(), title="Kè mương vừa sạt thêm")
    engine.dispose()
    link = leader.page.get_by_role("link", name="Có 1 thay đổi, tải lại")
    link.wait_for(timeout=90_000)
    leader.check()
    picture(leader, "changes-1366")
    assert place() == before and "Kè mương vừa sạt thêm" not in leader.text
    leader.follow(link)
    assert "Kè mương vừa sạt thêm" in leader.text
