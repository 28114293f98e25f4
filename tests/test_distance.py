"""How far it is from a button to the database: which of our modules run while one request is answered. Whoever adds a
module to the way of every answer meets it here; the numbers may shrink and not grow."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import PurePath
from types import FrameType
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy.orm import Session

from backend.settings import ROOT
from tests.factories import World
from tests.sending import form
from tests.signing_in import sign_in

PACKAGES = tuple(f"{ROOT / package}/" for package in ("backend", "bot", "analytics"))
MOST_MODULES = {"officer answers": 42, "send": 29}
MOST_ROOMS = 8


class Calls:
    """Counts the functions of ours that are called on any thread begun since, while it is switched on."""

    def __init__(self) -> None:
        self.counted: dict[str, Counter[str]] = {}
        self.is_on = False

    def note(self, frame: FrameType, event: str, _argument: Any) -> None:
        path = frame.f_code.co_filename
        if self.is_on and event == "call" and path.startswith(PACKAGES):
            module = PurePath(path).relative_to(ROOT).as_posix()
            self.counted.setdefault(module, Counter())[frame.f_code.co_name] += 1

    def during(self, request: Callable[[], Response]) -> Response:
        self.counted, self.is_on = {}, True
        try:
            return request()
        finally:
            self.is_on = False

    def rooms(self) -> set[str]:
        return {PurePath(module).parts[1] for module in self.counted if module.count("/") > 1}


@pytest.fixture(autouse=True)
def calls() -> Iterator[Calls]:
    """Before the browser of the test begins its threads: a thread asks for the profiler when it begins."""
    calls = Calls()
    threading.setprofile(calls.note)
    yield calls
    threading.setprofile(None)  # type: ignore[arg-type]


def assert_near(calls: Calls, name: str) -> None:
    for module, functions in sorted(calls.counted.items()):
        sys.stdout.write(f"{name}: {module} {', '.join(functions)}\n")
    sys.stdout.write(f"{name}: {len(calls.counted)} modules of {len(calls.rooms())} rooms\n")
    assert 10 < len(calls.counted) <= MOST_MODULES[name]
    assert len(calls.rooms()) <= MOST_ROOMS


def test_an_answer_of_an_officer_passes_few_modules(
    calls: Calls, client: TestClient, session: Session, world: World, now: datetime
) -> None:
    ticket, _secret = world.receive(now)
    sign_in(client, world.user())
    address = f"/hop-thu/{ticket.number}"
    client.post(f"{address}/chap-nhan", data={"version": str(ticket.version)})
    session.refresh(ticket)
    client.get(address)  # what is read once in the life of a process is read
    form = {"version": str(ticket.version), "answer": "Đã vá xong."}
    assert calls.during(lambda: client.post(f"{address}/tra-loi", data=form)).status_code == 303
    assert_near(calls, "officer answers")


def test_sending_feedback_passes_few_modules(calls: Calls, client: TestClient, world: World) -> None:
    client.post("/gui", data=form(world))  # what is read once in the life of a process is read
    fields = form(world)
    assert calls.during(lambda: client.post("/gui", data=fields)).status_code == 303
    assert_near(calls, "send")
