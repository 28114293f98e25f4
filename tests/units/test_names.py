"""People find tickets and units whichever letter Đ was typed with."""

import re
from datetime import datetime
from unicodedata import normalize

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.files.text import fold_text
from backend.tickets.models import Ticket
from backend.units import queries
from backend.units.directory import find_unit
from backend.users.models import Role
from tests.factories import World
from tests.signing_in import sign_in

EVERY_D = "Đ đ \u00d0 \u00f0 \u0189 \u0256"


def titles(html: str) -> list[str]:
    return re.findall(r'<h2><a href="/hop-thu/[^"]+">([^<]+)</a></h2>', html)


@pytest.mark.parametrize("words", ["duong", "đường", "\u00d0ường", "DƯỜNG"])
@pytest.mark.parametrize("title", ["\u00d0ường hỏng trước chợ", "Đường hỏng trước chợ", "ĐƯỜNG hỏng"])
def test_ticket_is_found_whichever_letter_it_was_typed_with(
    client: TestClient, world: World, now: datetime, title: str, words: str
) -> None:
    world.receive(now, title=title)
    sign_in(client, world.user(Role.OFFICER))
    assert titles(client.get("/hop-thu", params={"tim": words, "q": words}).text) == [title]


def test_database_folds_titles_as_the_search_does(session: Session, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now, title=f"{EVERY_D} Khoá")
    folded = session.scalar(select(Ticket.title_folded).where(Ticket.id == ticket.id))
    assert folded == fold_text(ticket.title) == "d d d d d d khoa"


@pytest.mark.parametrize("typed", ["\u00d0oàn Kết", "đoàn kết", "DOAN KET", normalize("NFD", "Đoàn Kết")])
def test_unit_is_found_whichever_letter_it_is_typed_with(session: Session, now: datetime, typed: str) -> None:
    assert [unit.code for unit in queries.find_units(session, typed, now.date())] == ["03388"]
    assert "Phường Đoàn Kết" in [old.name for old, _new in queries.find_former(session, typed, now.date())]


@pytest.mark.parametrize(
    ("typed", "day", "code"),
    [
        ("03388", "2024-03-01", "Phường Quyết Tiến"),
        ("03388", "2026-03-01", "Phường Đoàn Kết"),
        ("3412", "2024-03-01", "Xã Bình Lư"),
        ("xã bình lư", "2026-03-01", "Xã Bình Lư"),
        ("Bum Nưa", "2026-03-01", "Xã Bum Nưa"),
    ],
)
def test_code_and_name_mean_the_unit_of_the_day(session: Session, typed: str, day: str, code: str) -> None:
    moment = datetime.fromisoformat(day).date()
    unit = find_unit(session, typed, moment)
    assert unit is not None
    assert unit.name == code
    assert unit.valid_on(moment)


def test_name_that_nobody_ever_had_is_no_unit(session: Session, now: datetime) -> None:
    assert find_unit(session, "Xã Không Có", now.date()) is None
