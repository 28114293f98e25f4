"""A file fills the form of a calendar: what it turns waits for a word, what is wrong with it is told line by line."""

import re
from datetime import date
from html import unescape

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.users.models import Role, User
from backend.worktime import service as worktime
from backend.worktime.models import CalendarVersion
from tests.calendars.calendar_form import HOME, filled
from tests.factories import World
from tests.markup import field_error
from tests.places import CASES
from tests.signing_in import sign_in


@pytest.fixture
def administrator(client: TestClient, world: World) -> User:
    user = world.user(Role.ADMINISTRATOR)
    sign_in(client, user)
    return user


@pytest.fixture
def active(session: Session) -> int:
    return worktime.active_id(session)


def import_file(client: TestClient, session: Session, base: int, content: bytes, **changed: str) -> Response:
    return client.post(
        f"{HOME}/{base}/sua",
        data=filled(session, base, do="import", **changed),
        files={"file": ("lich.csv", content, "text/csv")},
    )


def boxes(html: str) -> dict[str, bool]:
    """The days that wait for a word, each with whether its box is ticked."""
    found = re.findall(r'name="take"\s+value="([0-9-]+)"\s*(checked)?', html)
    return {day: bool(ticked) for day, ticked in found}


def brought(html: str) -> str:
    (value,) = re.findall(r'name="brought" value="([^"]*)"', html)
    return unescape(value)


def test_a_file_fills_the_form_and_stores_nothing(
    client: TestClient, session: Session, administrator: User, active: int
) -> None:
    count = session.scalar(select(func.count()).select_from(CalendarVersion))
    content = b"date,kind,name,status\n2028-01-01,off,Tet <b>,ESTIMATE\n"
    answer = import_file(client, session, active, content, basis="Đang viết dở")
    assert answer.status_code == 200
    assert "01/01/2028 | nghỉ | Tet &lt;b&gt;" in answer.text and "Đã đọc 1 ngày từ tệp" in answer.text
    assert 'value="2024-2027"' in answer.text and 'value="2028"' in answer.text and "Đang viết dở" in answer.text
    assert boxes(answer.text) == {}, "a Saturday stays a day off"
    assert session.scalar(select(func.count()).select_from(CalendarVersion)) == count


FEED = (CASES / "ics" / "feed-kinds.ics").read_bytes()


def test_days_that_a_file_turns_wait_for_the_administrator_s_word(
    client: TestClient, session: Session, administrator: User, active: int
) -> None:
    plain = "01/01/2026 | nghỉ | Tết Dương lịch"
    html = import_file(client, session, active, FEED, exceptions=plain).text
    assert boxes(html) == {"2026-08-22": True, "2026-09-01": True, "2026-12-25": False}
    assert "22/08/2026" in html and "Giáng sinh" in html and "chỉ nhận nếu bạn chắc" in html
    assert "01/09/2026 | nghỉ" not in html, "nothing of it stands in the form yet"
    form = filled(session, active, exceptions=plain, brought=brought(html))
    taken = [day for day, ticked in boxes(html).items() if ticked]
    count = session.scalar(select(func.count()).select_from(CalendarVersion))
    refused = client.post(f"{HOME}/{active}/sua", data=form | {"take": [*taken, "2026-12-25"]})
    assert refused.status_code == 422 and "đánh dấu xác nhận" in field_error(refused.text, "confirmed")
    assert boxes(refused.text) == dict.fromkeys(("2026-08-22", "2026-09-01", "2026-12-25"), True)
    assert session.scalar(select(func.count()).select_from(CalendarVersion)) == count
    answer = client.post(f"{HOME}/{active}/sua", data=form | {"take": taken, "confirmed": "1"})
    assert answer.status_code == 303
    newest = session.scalars(select(CalendarVersion).order_by(CalendarVersion.id.desc()).limit(1)).one()
    calendar = worktime.load_calendar(session, newest.id)
    worked = {day: calendar.is_working(day) for day in (date(2026, 8, 22), date(2026, 9, 1), date(2026, 12, 25))}
    assert list(worked.values()) == [True, False, True]


def test_changes_of_two_files_are_told_together(
    client: TestClient, session: Session, administrator: User, active: int
) -> None:
    html = import_file(client, session, active, b"date,kind,name\n2026-11-20,off,A\n").text
    again = import_file(client, session, active, b"date,kind,name\n2026-11-23,off,B\n", brought=brought(html)).text
    assert boxes(again) == {"2026-11-20": False, "2026-11-23": True}, "what was not ticked stays unticked"


def test_a_form_that_cannot_be_read_is_told_before_a_file_is(
    client: TestClient, session: Session, administrator: User, active: int
) -> None:
    answer = import_file(client, session, active, FEED, exceptions="đang viết dở")
    assert answer.status_code == 422 and 'id="exceptions-error"' in answer.text and "đang viết dở" in answer.text


def test_every_wrong_line_of_a_file_is_told_on_the_page(
    client: TestClient, session: Session, administrator: User, active: int
) -> None:
    content = "date,kind,name\n31/02/2026,off,A\n20/11/2026,off,B\n20/11/2026,làm bù,C\n"
    answer = import_file(client, session, active, content.encode())
    assert answer.status_code == 422
    assert "Dòng 2: cột date: “31/02/2026” không có trong lịch: tháng 2/2026 có 28 ngày." in answer.text
    assert "Dòng 4: ngày 20/11/2026 đã có ở dòng 3 (B); hãy giữ một dòng." in answer.text


@pytest.mark.parametrize("odd", ["{", '[{"day": "x"}]', "[" * 50_000])
def test_a_hidden_field_that_was_changed_is_refused(
    client: TestClient, session: Session, administrator: User, active: int, odd: str
) -> None:
    answer = client.post(f"{HOME}/{active}/sua", data=filled(session, active, brought=odd))
    assert answer.status_code == 422 and "hãy đọc lại tệp" in answer.text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"BEGIN:VCALENDAR\n", "Số dòng chưa đúng: 1"),
        (b"http://169.254.169.254/latest/meta-data", "Số dòng chưa đúng: 1"),
        (b"\x89PNG\r\n\x1a\n", "chữ UTF-8"),
        (b"date,kind,name\n2026-02-20,off,A\n" + b"x" * 1024 * 1024, "lớn quá 1 MB"),
    ],
)
def test_a_file_that_is_no_calendar_is_refused_at_its_field(
    client: TestClient, session: Session, administrator: User, active: int, content: bytes, sentence: str
) -> None:
    answer = client.post(
        f"{HOME}/{active}/sua",
        data=filled(session, active, do="import"),
        files={"file": ("x.ics", content, "text/calendar")},
    )
    assert answer.status_code == 422
    assert sentence in field_error(answer.text, "file")
    none = client.post(f"{HOME}/{active}/sua", data=filled(session, active, do="import"))
    assert none.status_code == 422 and "Hãy chọn một tệp" in none.text
