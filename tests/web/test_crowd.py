"""Many at once: each request comes to an end."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import anyio.to_thread
import httpx2
import pytest
from sqlalchemy import create_engine

from backend import db
from backend.app import create_app
from backend.users import service
from backend.users.models import Role
from tests.conftest import NOW
from tests.databases import work_on
from tests.factories import PASSWORD, World
from tests.threads import run_apart

CROWD = 60


@pytest.fixture
def few_connections(committed_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three connections for all. Who waits for one that never comes gives up only when a slow machine would be done."""
    engine = create_engine(committed_url, pool_size=3, max_overflow=0, pool_timeout=60)
    work_on(engine, monkeypatch)
    yield
    engine.dispose()


async def read_inbox_at_once(token: str) -> Counter[int]:
    transport = httpx2.ASGITransport(create_app())
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as browser:
        browser.cookies.set("session", token)
        answers = await asyncio.gather(*(browser.get("/hop-thu") for _ in range(CROWD)))
    return Counter(answer.status_code for answer in answers)


@pytest.mark.usefixtures("few_connections", "now")
def test_officers_who_open_the_inbox_at_once_all_see_it_with_few_connections() -> None:
    with db.transaction() as session:
        user = World(session).user(Role.OFFICER)
        _user, token = service.sign_in(session, user.email, PASSWORD, address="192.0.2.1", now=NOW)
    assert run_apart(read_inbox_at_once(token)) == {200: CROWD}


def test_there_are_more_connections_than_threads_that_hold_one_while_they_ask_for_another() -> None:
    async def threads() -> float:
        return anyio.to_thread.current_default_thread_limiter().total_tokens

    assert run_apart(threads()) < db.MOST
