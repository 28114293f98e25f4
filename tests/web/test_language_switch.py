"""The switch of language on pages with a long form: everything that was typed comes back in the other language."""

import re
from datetime import date, datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from backend.surveys.rounds import service
from backend.users.guard import COOKIE
from backend.users.models import Role
from backend.worktime import service as worktime
from tests.ballots import ROUND
from tests.factories import World
from tests.signing_in import signed_in

BUTTON = re.compile(r'formaction="([^"]+)"\s+formnovalidate\s+name="lang"\s+value="en"')
ENTER = re.compile(r'<button hidden[^>]*form="typed"\s+formaction="([^"]+)"')
PAGES = [
    (Role.SURVEY, f"/khao-sat/dot/{ROUND}/nhap", {"so_phieu": "P0777", "q37": "4"}, "P0777"),
    (Role.SURVEY, f"/khao-sat/dot/{ROUND}/nhap-lai", {"so_phieu": "P0778"}, "P0778"),
    (Role.MANAGER, "/chi-so/so-cong-bo", {"van-ban": "Quyết định số 777", "bang": "ma;gia_tri"}, "Quyết định số 777"),
    (Role.ADMINISTRATOR, "/lich-lam-viec/{calendar}/sua", {"basis": "Thông báo số 777"}, "Thông báo số 777"),
]


@pytest.fixture
def survey_round(session: Session, now: datetime) -> None:
    days = (date(2026, 11, 1), date(2026, 12, 31))
    plan = service.RoundPlan(ROUND, "Khảo sát thử", "household-2023", "12", 2026, *days, planned_n=60, second_share=1.0)
    service.open_round(session, plan, by="system", now=now)


@pytest.mark.parametrize(("role", "address", "typed", "text"), PAGES)
def test_another_language_keeps_everything_that_was_typed(
    client: TestClient, session: Session, world: World, survey_round: None, now: datetime, role: Role, address: str,
    typed: dict[str, str], text: str,
) -> None:  # fmt: skip
    client.cookies.set(COOKIE, signed_in(session, world.user(role), now))
    address = address.format(calendar=worktime.active_id(session))
    page = client.get(address)
    assert page.status_code == 200
    switch = BUTTON.search(page.text)
    assert switch, "no switch of language that keeps the form"
    answer = client.post(switch[1], data=typed | {"lang": "en"})
    assert answer.status_code == 200 and answer.headers["content-language"] == "en"
    assert text in answer.text
    assert answer.cookies["lang"] == "en"


@pytest.mark.parametrize(("role", "address", "typed", "text"), PAGES)
def test_enter_in_a_field_saves_and_does_not_switch_the_language(
    client: TestClient, session: Session, world: World, survey_round: None, now: datetime, role: Role, address: str,
    typed: dict[str, str], text: str,
) -> None:  # fmt: skip
    """The first button of the form, in the order of the page, is the one that Enter presses."""
    client.cookies.set(COOKIE, signed_in(session, world.user(role), now))
    address = address.format(calendar=worktime.active_id(session))
    page = client.get(address).text
    first = ENTER.search(page)
    switch = BUTTON.search(page)
    assert first and switch and first.start() < switch.start()
    assert first[1] == address
