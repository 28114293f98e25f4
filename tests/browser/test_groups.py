"""Similar tickets beside a ticket, picked, put into a group and answered once, in a real browser with and without
JavaScript; axe looks at every page."""

import os
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, db
from backend.tickets.models import Ticket
from tests.browser.conftest import People, Site, Visitor
from tests.factories import World
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PICTURES = os.environ.get("PICTURES", "")  # a folder: screenshots are left there


def picture(visitor: Visitor, name: str) -> None:
    if PICTURES:
        visitor.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.fixture
def numbers(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Four reports of one broken bridge, from four senders."""
    engine = create_engine(site.database)
    factory = sessionmaker(engine, expire_on_commit=False)
    monkeypatch.setattr(db, "session_factory", lambda: factory)
    with factory() as session, session.begin():
        world = World(session)
        titles = (
            "Cầu treo bản Nậm Loỏng hỏng",
            "Cầu treo Nậm Loỏng sắp sập",
            "Sửa cầu treo bản Nậm Loỏng",
            "Cầu treo hỏng",
        )
        content = "Ván cầu treo bản Nậm Loỏng mục nát, học sinh qua suối đi học rất nguy hiểm."
        tickets = [world.receive(clock.now(), title=title, content=content)[0] for title in titles]
        picked = [ticket.number for ticket in tickets]
    engine.dispose()
    return picked


@pytest.mark.parametrize(("width", "dark", "scripts"), [(1366, False, True), (360, True, False)])
def test_an_officer_answers_four_reports_of_one_bridge_once(
    people: People, numbers: list[str], site: Site, width: int, dark: bool, scripts: bool
) -> None:
    officer = people.new(width=width, dark=dark, scripts=scripts)
    officer.page.goto(site.address + "/dang-nhap")
    officer.page.fill("[name=email]", "canbo@demo.langnghe.vn")
    officer.page.fill("[name=password]", "lang-nghe-2026")
    officer.follow(officer.page.get_by_role("button", name="Đăng nhập", exact=True).first)
    address = f"/hop-thu/{numbers[0]}" + ("" if scripts else "/tuong-tu")

    def listed() -> bool:
        officer.page.goto(site.address + address)
        officer.page.wait_for_selector("form.similar")
        return officer.page.locator("form.similar input[type=checkbox]").count() >= 3

    wait_until(listed, 120)  # the sweep lists new texts once a minute
    if scripts:
        officer.check()
    picture(officer, f"similar-{width}")
    for number in numbers[1:]:
        officer.page.locator(f"form.similar input[type=checkbox][value^='{number}']").check()
    officer.follow(officer.page.get_by_role("button", name="Xem cạnh nhau để gộp hoặc lập nhóm"))
    if scripts:
        officer.check()
    picture(officer, f"picking-{width}")
    officer.follow(officer.page.get_by_role("button", name="Lập nhóm với các phản ánh đã chọn"))
    if scripts:
        officer.check()
    picture(officer, f"group-{width}")
    assert "4 phản ánh" in officer.text
    officer.page.fill("[name=answer]", "Phường đã thay toàn bộ ván cầu ngày 20/11.")
    officer.page.check("[name=answer_outcome][value=done]")
    officer.page.check("[name=mention]")
    officer.follow(officer.page.get_by_role("button", name="Xem trước"))
    assert "Chúng tôi cũng nhận được 3 phản ánh khác về cùng việc này." in officer.text
    picture(officer, f"letter-{width}")
    officer.follow(officer.page.get_by_role("button", name="Trả lời các phản ánh đã chọn"))
    if scripts:
        officer.check()
    picture(officer, f"answered-{width}")
    assert "Đã trả lời 4 phản ánh" in officer.text
    sideways = officer.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") if scripts else 0
    assert sideways <= 0
    engine = create_engine(site.database)
    with Session(engine) as session:
        states = {session.query(Ticket).filter_by(number=number).one().state.value for number in numbers}
    engine.dispose()
    assert states == {"answered"}
