"""The managers' page: what each role is shown, that no figure stands without its n, and what a wrong address gets."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from backend.indicators.definitions import definitions
from backend.tickets.models import Ticket
from backend.users.models import Role
from tests.factories import World
from tests.signing_in import sign_in

THURSDAY = datetime.fromisoformat("2026-10-01T08:00+07:00")
OCTOBER = "tu=01/10/2026&den=31/10/2026"


def some_tickets(world: World, on_time: int = 10, late: int = 2) -> None:
    for _n in range(on_time):
        world.answered(THURSDAY, THURSDAY + timedelta(days=5))
    for _n in range(late):
        world.answered(THURSDAY, THURSDAY + timedelta(days=30))


def manager(client: TestClient, world: World) -> None:
    sign_in(client, world.user(Role.MANAGER))


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def heading(html: str) -> str:
    return text_of(html.split("<h1>")[1].split("</h1>")[0])


def test_the_message_stands_in_the_heading(client: TestClient, world: World) -> None:
    some_tickets(world)
    manager(client, world)
    page = client.get("/chi-so").text
    assert heading(page) == "Cả tỉnh Lai Châu: 83,3% đúng hạn (n = 12)"
    assert "Phản ánh nhận từ 01/11/2025 đến 31/10/2026 (12 tháng trọn gần nhất)" in text_of(page)


@pytest.mark.parametrize("address", ["/chi-so", "/chi-so/hai-mat"])
def test_no_number_of_observations_is_torn_from_its_n(client: TestClient, world: World, address: str) -> None:
    some_tickets(world)
    manager(client, world)
    text = unescape(re.sub(r"<[^>]+>", "", client.get(address).text))
    assert re.search(r"n\xa0=\xa0\d", text) and re.findall(r"\bn = \d+", text) == []


def test_a_rate_that_no_month_has_is_told_and_not_drawn(client: TestClient, world: World) -> None:
    some_tickets(world, on_time=2, late=0)
    manager(client, world)
    page = client.get("/chi-so").text
    chart = page[page.index("Tỷ lệ đúng hạn theo tháng nhận") :].split("</figure>")[0]
    assert "Chưa có giá trị nào để vẽ." in chart and "<svg" not in chart and "Số liệu dạng bảng" in chart


@pytest.mark.parametrize("tickets", [0, 1, 12])
def test_every_tile_says_its_n_and_opens_its_definition(client: TestClient, world: World, tickets: int) -> None:
    some_tickets(world, on_time=tickets, late=0)
    manager(client, world)
    page = client.get("/chi-so").text
    tiles = re.findall(r'<div class="stat">(.*?)</div>', page, flags=re.DOTALL)
    assert len(tiles) == 10
    for tile in tiles:
        assert re.search(r"n = \d", text_of(tile)) and re.search(r"\d{2}/\d{2}/\d{4}", tile), tile
    anchors = set(re.findall(r"/chi-so/dinh-nghia#(\w+)", page))
    known = client.get("/chi-so/dinh-nghia").text
    assert {"on_time_rate", "median_days", "published", "ratings", "backlog", "standing"} <= anchors
    assert anchors <= {one.code for one in definitions()}
    assert all(f'id="{anchor}"' in known for anchor in anchors)


def test_fewer_than_ten_are_counted_but_give_no_rate(client: TestClient, world: World) -> None:
    some_tickets(world, on_time=7, late=2)
    manager(client, world)
    page = text_of(client.get("/chi-so").text)
    assert "chưa đủ số liệu để tính tỷ lệ đúng hạn (n = 9)" in page
    assert "7 trong 9; cần ít nhất 10" in page and "77,8%" not in page


def test_three_sub_indices_stand_side_by_side_with_their_cautions(client: TestClient, world: World) -> None:
    some_tickets(world)
    manager(client, world)
    page = text_of(client.get("/chi-so").text)
    for published in ("78,96", "79,43", "78,85", "hạng 51/63", "n = 558", "nguồn không công bố số phiếu"):
        assert published in page
    assert "Hai năm: so sánh được" in page and "n = 0; cần ít nhất 10 đánh giá" in page
    assert "32,08% số người được hỏi" in page and "không phải là tỷ lệ người hài lòng" in page
    assert "10 trong n = 12" in page


def test_filters_stay_in_the_address_and_in_the_form(client: TestClient, world: World) -> None:
    some_tickets(world)
    manager(client, world)
    page = client.get(f"/chi-so?don-vi=03388&{OCTOBER}&kenh=web").text
    assert heading(page) == "Phường Đoàn Kết: 83,3% đúng hạn (n = 12)"
    assert 'value="01/10/2026"' in page and 'value="31/10/2026"' in page
    assert re.search(r'<option value="03388" selected>', page) and re.search(r'<option value="web" selected>', page)
    assert "tu=2026-01-01&amp;den=2026-11-18&amp;kenh=web" in page


@pytest.mark.parametrize(
    ("query", "sentence", "typed"),
    [
        ("tu=31/02/2026", "Không có ngày này.", 'value="31/02/2026"'),
        ("tu=02/10/2026&den=01/10/2026", "Ngày đầu kỳ phải trước hoặc trùng ngày cuối kỳ.", 'value="02/10/2026"'),
        ("don-vi=99999", "Không có cơ quan này.", 'value="99999" selected'),
        ("kenh=fax", "Không có kênh này.", 'value="fax" selected'),
        ("don-vi=%3Cscript%3E", "Không có cơ quan này.", "&lt;script&gt;"),
    ],
)
def test_an_address_that_cannot_be_read_is_answered_at_its_field(
    client: TestClient, world: World, query: str, sentence: str, typed: str
) -> None:
    manager(client, world)
    answer = client.get(f"/chi-so?{query}")
    assert answer.status_code == 422
    assert sentence in answer.text and typed in answer.text and 'class="stat"' not in answer.text


def test_a_leader_sees_the_own_unit_and_no_other(client: TestClient, world: World) -> None:
    some_tickets(world)
    sign_in(client, world.user(Role.LEADER))
    page = client.get("/chi-so").text
    assert heading(page) == "Phường Đoàn Kết: 83,3% đúng hạn (n = 12)" and "Phường Tân Phong" not in page
    assert client.get("/chi-so?don-vi=03390").status_code == 404
    assert client.get("/chi-so/phan-anh?don-vi=03390").status_code == 404


@pytest.mark.parametrize(("role", "status"), [(Role.OFFICER, 403), (Role.ADMINISTRATOR, 403), (Role.COORDINATOR, 200)])
def test_who_may_look_at_figures(client: TestClient, world: World, role: Role, status: int) -> None:
    sign_in(client, world.user(role))
    assert client.get("/chi-so").status_code == status
    assert client.get("/chi-so/dinh-nghia").status_code == status


def test_nobody_looks_without_signing_in(client: TestClient) -> None:
    assert client.get("/chi-so").status_code in (303, 401)


def test_a_manager_gets_counts_and_never_a_ticket(client: TestClient, world: World) -> None:
    some_tickets(world)
    manager(client, world)
    page = client.get("/chi-so").text
    assert "/chi-so/phan-anh" not in page and "PAKN." not in page and "Ổ gà" not in page
    assert client.get("/chi-so/phan-anh").status_code == 403


def test_a_leader_opens_the_tickets_behind_a_figure(client: TestClient, world: World) -> None:
    some_tickets(world, on_time=1, late=2)
    sign_in(client, world.user(Role.LEADER))
    page = client.get(f"/chi-so?{OCTOBER}").text
    address = re.search(r'href="(/chi-so/phan-anh[^"]+nhom=tre)"', page)
    assert address is not None
    listed = client.get(address[1].replace("&amp;", "&")).text
    assert len(re.findall(r'href="/hop-thu/PAKN', listed)) == 2
    assert client.get("/chi-so/phan-anh?nhom=khong-co").status_code == 422


def test_an_officer_lists_the_own_units_tickets_without_figures(client: TestClient, world: World) -> None:
    ticket, _secret = world.receive(THURSDAY)
    other, _secret = world.receive(THURSDAY, unit_id=world.unit("03390").id)
    sign_in(client, world.user(Role.OFFICER))
    listed = client.get(f"/chi-so/phan-anh?{OCTOBER}").text
    assert ticket.number in listed and other.number not in listed and 'href="/chi-so?' not in listed
    assert client.get("/chi-so/phan-anh?don-vi=03390").status_code == 404


def test_a_complaint_about_a_unit_is_not_listed_for_its_leader(
    client: TestClient, world: World, session: Session
) -> None:
    ticket, _secret = world.receive(THURSDAY)
    session.execute(update(Ticket).where(Ticket.id == ticket.id).values(category_code="attitude"))
    sign_in(client, world.user(Role.LEADER))
    assert ticket.number not in client.get(f"/chi-so/phan-anh?{OCTOBER}").text


def test_demonstration_data_are_marked(client: TestClient, world: World, session: Session) -> None:
    some_tickets(world, on_time=3, late=0)
    session.execute(update(Ticket).values(demonstration=True))
    manager(client, world)
    assert "Dữ liệu minh họa: 3 trong 3 phản ánh" in client.get("/chi-so").text


def test_units_are_listed_with_intervals_and_no_rank(client: TestClient, world: World) -> None:
    some_tickets(world)
    manager(client, world)
    page = text_of(client.get(f"/chi-so?{OCTOBER}").text)
    # 10 in 12: Wilson 0.552 to 0.953 (R: prop.test(10, 12, correct = FALSE)).
    assert "Phường Đoàn Kết 83,3% 55,2% – 95,3% 12" in page
    assert "đây không phải là thứ hạng" in page


def test_the_page_asks_the_database_a_fixed_number_of_times(client: TestClient, world: World, session: Session) -> None:
    asked: list[str] = []
    connection = session.connection()
    event.listen(connection, "before_cursor_execute", lambda _c, _cur, sql, *_rest: asked.append(sql))
    manager(client, world)

    def statements() -> int:
        asked.clear()
        assert client.get("/chi-so").status_code == 200
        return len([sql for sql in asked if sql.lstrip().startswith(("SELECT", "WITH"))])

    world.answered(THURSDAY, THURSDAY + timedelta(days=5))
    statements()  # the process learns rules and calendars, which never change
    world.answered(THURSDAY, THURSDAY + timedelta(days=5))
    few = statements()
    some_tickets(world)
    world.answered(THURSDAY, THURSDAY + timedelta(days=5), unit_id=world.unit("03390").id)
    assert statements() == few <= 40, "what has changed is counted first"
    assert statements() <= 12, "nothing has changed since; the verdicts of senders and second looks among them"
