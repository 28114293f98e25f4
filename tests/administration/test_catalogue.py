"""Categories, where complaints about conduct go, and the directory of units."""

import re
from datetime import datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend import audit
from backend.files.text import folded_sql
from backend.tickets import queries as tickets
from backend.tickets.models import FOLDED_TITLE, Category, CategoryClass
from backend.tickets.reception.categories import category_chain
from backend.units import listing
from backend.units.conduct_desks import unit_chain
from backend.users.models import Role, User
from tests.factories import World
from tests.markup import field_error, text_of
from tests.signing_in import sign_in

FIELDS = {"name_vi": "Chó thả rông", "name_en": "Stray dogs", "position": "3", "listed": "1"}


@pytest.fixture(autouse=True)
def administrator(client: TestClient, world: World) -> User:
    """Signed in on the client."""
    user = world.user(Role.ADMINISTRATOR, name="Quản Trị Viên")
    sign_in(client, user)
    return user


def test_the_page_of_configuration_leads_to_everything(client: TestClient) -> None:
    html = client.get("/cau-hinh").text
    for address in re.findall(r'class="big" href="([^"]+)"', html):
        assert client.get(address).status_code == 200, address
    assert "/cau-hinh" in client.get("/tai-khoan").text


def test_a_category_is_added_and_offered_to_senders(client: TestClient, session: Session) -> None:
    answer = client.post("/loai-phan-anh", data=FIELDS | {"class": "field"})
    assert answer.headers["location"] == "/loai-phan-anh/cho-tha-rong"
    category = session.get_one(Category, "cho-tha-rong")
    assert (category.category_class, category.contact_required) == (CategoryClass.FIELD, False)
    assert category in tickets.list_categories(session)
    assert "Thêm loại phản ánh" in text_of(client.get("/loai-phan-anh/cho-tha-rong").text)


def test_equal_codes_get_a_number(client: TestClient) -> None:
    client.post("/loai-phan-anh", data=FIELDS | {"class": "field"})
    answer = client.post("/loai-phan-anh", data=FIELDS | {"class": "field", "name_vi": "Chó: thả-rông"})
    assert answer.headers["location"] == "/loai-phan-anh/cho-tha-rong-2"


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"name_vi": " \u200b"}, "name_vi", "Hãy ghi tên loại phản ánh."),
        ({"name_vi": "x" * 121}, "name_vi", "Dài quá 120 ký tự."),
        ({"name_vi": "đường sá, giao thông"}, "name_vi", "Đã có loại phản ánh mang tên này."),
        ({"position": "x"}, "position", "Thứ tự là một số"),
        ({"position": "10000"}, "position", "Thứ tự là một số"),
        ({"class": "king"}, "class", "Hãy chọn một trong các mục."),
        ({"class": ""}, "class", "Hãy chọn một trong các mục."),
    ],
)
def test_a_wrong_category_is_refused_at_its_field_with_what_was_typed(
    client: TestClient, changed: dict[str, str], field: str, sentence: str
) -> None:
    answer = client.post("/loai-phan-anh", data=FIELDS | {"class": "field"} | changed)
    assert answer.status_code == 422 and sentence in field_error(answer.text, field)
    assert 'value="Stray dogs"' in answer.text


def test_a_category_is_renamed_and_withdrawn_and_its_class_stays(client: TestClient, session: Session) -> None:
    data = {"name_vi": "Đường, cầu", "name_en": "", "position": "0", "class": "conduct", "contact_required": "1"}
    assert client.post("/loai-phan-anh/roads", data=data).status_code == 303
    session.expire_all()
    category = session.get_one(Category, "roads")
    assert (category.name_vi, category.name_en, category.listed) == ("Đường, cầu", "Đường, cầu", False)
    assert category.category_class is CategoryClass.FIELD and category.contact_required
    (entry,) = audit.list_entries(session, category_chain("roads"))
    assert entry.data["listed"] == [True, False]
    history = text_of(client.get("/loai-phan-anh/roads").text)
    assert "Tên tiếng Việt: Đường sá, giao thông → Đường, cầu" in history and "Quản Trị Viên" in history
    assert client.post("/loai-phan-anh/roads", data=data).status_code == 303
    assert len(audit.list_entries(session, category_chain("roads"))) == 1


def test_a_long_code_has_a_chain_that_fits() -> None:
    assert category_chain("roads") == "category:roads" and len(category_chain("x" * 40)) <= 40


def test_a_category_that_does_not_exist_is_not_found(client: TestClient) -> None:
    assert client.get("/loai-phan-anh/khong-co").status_code == 404
    assert client.post("/loai-phan-anh/khong-co", data=FIELDS).status_code == 404


def test_complaints_go_to_the_new_desk_from_now_on(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    unit, desk = world.unit(), world.unit("LC-SYT")
    earlier, _secret = world.receive(now, category_code="attitude")
    assert client.post(f"/noi-nhan-hanh-vi/{unit.id}", data={"desk": str(desk.id)}).status_code == 303
    session.expire_all()
    later, _secret = world.receive(now, category_code="attitude")
    assert later.unit_id == desk.id != earlier.unit_id
    (entry,) = audit.list_entries(session, unit_chain(unit.id))
    assert entry.data["desk"][1] == desk.id
    assert desk.name in text_of(client.get(f"/noi-nhan-hanh-vi/{unit.id}").text)


@pytest.mark.parametrize("desk", ["", "x", "0", "own", "former"])
def test_a_desk_that_cannot_judge_is_refused(client: TestClient, session: Session, world: World, desk: str) -> None:
    former = session.execute(text("SELECT id FROM units WHERE NOT receives LIMIT 1")).scalar_one()
    chosen = {"own": str(world.unit().id), "former": str(former)}.get(desk, desk)
    answer = client.post(f"/noi-nhan-hanh-vi/{world.unit().id}", data={"desk": chosen})
    assert answer.status_code == 422 and field_error(answer.text, "desk")


def test_a_former_unit_is_found_with_its_dates_and_successor(client: TestClient) -> None:
    page = text_of(client.get("/danh-ba-co-quan?t=cu&q=doan ket").text)
    assert "nay là Phường Đoàn Kết" in page and "30/06/2025" in page.replace("30/6/2025", "30/06/2025")


@pytest.mark.parametrize(("field", "value"), [("kind", "king"), ("t", "mai")])
def test_a_filter_of_the_directory_that_does_not_exist_is_told(client: TestClient, field: str, value: str) -> None:
    answer = client.get(f"/danh-ba-co-quan?{field}={value}")
    assert answer.status_code == 422 and field_error(answer.text, field)


def test_the_directory_is_paged_by_key(session: Session, now: datetime) -> None:
    found, after = [], None
    while True:
        page = listing.list_units(session, listing.UnitFilter(), now.date(), after=after)
        found += [unit.id for unit in page.units]
        after = page.after
        if after is None:
            break
    assert len(found) == len(set(found)) == page.count > 100


def test_the_search_form_in_sql_is_the_one_that_titles_are_stored_in(session: Session) -> None:
    columns = f"{folded_sql('title')}, {FOLDED_TITLE}"
    row = session.execute(text(f"SELECT {columns} FROM (VALUES ('Đường Ð Ɖ Ổ gà')) AS v (title)")).one()
    assert row[0] == row[1] == "duong d d o ga"
