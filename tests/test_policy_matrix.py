"""Routes x roles x units: every answer is the one that ``policy.can`` gives, asked over HTTP.

A route that names no policy fails here, and so does one that has a path parameter this test cannot fill: whoever adds
one says below what it stands for.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from PIL import Image
from sqlalchemy.orm import Session

from backend import settings
from backend.app import create_app
from backend.attachments import service as attachments
from backend.calendars import service as calendars
from backend.jobs.service import ask_job
from backend.tickets import queries
from backend.units.models import Unit
from backend.users.models import Role
from backend.users.policy import Actor, Permission, PolicySubject, can
from backend.worktime import service as worktime
from tests.factories import World, actor_for
from tests.routes import Declared, declared
from tests.signing_in import signed_in
from tests.stage import ROUTES, Stage, ask, group_of, index_run, second_look, surveyed, template_of

# Served by the framework in development alone, so it has no dependency; a test below sees to that.
OPEN_IN_DEVELOPMENT = {"GET /openapi.json"}
THROUGH, SIGN_IN, FORBIDDEN, HIDDEN = "let through", "sent to sign in", "403", "404"

# Who sees what is not a ticket.
SEEN_BY = dict.fromkeys((Permission.VIEW_TEMPLATE, Permission.EDIT_TEMPLATE), Permission.VIEW_TEMPLATE)


@dataclass(frozen=True)
class Person:
    """Who asks, in the words of the failure message."""

    name: str
    actor: Actor | None
    token: str | None


@pytest.fixture
def people(session: Session, world: World, now: datetime) -> list[Person]:
    """Every role, those of a unit twice: of the ticket's unit and of another one."""
    other = world.unit("LC-SYT")
    cast: list[tuple[str, Role, Unit | None]] = [
        ("officer of the unit", Role.OFFICER, world.unit()),
        ("officer of another unit", Role.OFFICER, other),
        ("officer of the desk above", Role.OFFICER, world.unit("LC-VP")),
        ("leader of the unit", Role.LEADER, world.unit()),
        ("leader of another unit", Role.LEADER, other),
        ("coordinator", Role.COORDINATOR, None),
        ("coordinator who belongs to the unit", Role.COORDINATOR, world.unit()),
        ("manager", Role.MANAGER, None),
        ("survey officer", Role.SURVEY, None),
        ("administrator", Role.ADMINISTRATOR, None),
        ("auditor", Role.AUDITOR, None),
    ]
    return [Person("anonymous", None, None)] + [
        Person(name, actor_for(user := world.user(role, unit)), signed_in(session, user, now))
        for name, role, unit in cast
    ]


@pytest.fixture
def stages(session: Session, world: World, now: datetime) -> list[Stage]:
    """An ordinary ticket of the unit; a complaint about the unit's conduct, at the desk above; the same complaint if it
    ever came to the unit itself."""
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "green").save(picture, "JPEG")
    batch, calendar = surveyed(session, now), worktime.active_id(session)
    job = ask_job(session, calendars.RECOUNT, str(calendar), now=now).id
    look = second_look(session, world, now)
    found = []
    for name, category in (("a ticket", "roads"), ("a complaint", "attitude"), ("a misled complaint", "attitude")):
        ticket, _secret = world.receive(now, category_code=category)
        attachments.store_photo(session, ticket.id, picture.getvalue(), now)
        if name == "a misled complaint":
            ticket.unit_id = world.unit().id
        session.flush()
        held, account = queries.by_id(session, ticket.id), world.user(Role.MANAGER)
        run = index_run(session, world, now)
        group, template = group_of(session, world, now), template_of(session, world, now)
        work = (*batch, calendar, job, run, group, look, template, world.unit("LC-VP"))
        found.append(Stage(name, held, account, world.unit(), *work))
    return found


def test_there_is_something_to_ask() -> None:
    assert len(ROUTES) > 15
    assert {"POST /hop-thu/{number}/chap-nhan", "GET /hop-thu", "GET /tai-khoan"} <= {str(route) for route in ROUTES}


@pytest.mark.parametrize("route", [r for r in ROUTES if str(r) not in OPEN_IN_DEVELOPMENT], ids=str)
def test_every_role_gets_what_the_policy_says(
    route: Declared, client: TestClient, session: Session, people: list[Person], stages: list[Stage]
) -> None:
    assert len(route.actions) == 1, f"{route} names {len(route.actions)} policies; a route names exactly one"
    (action,) = route.actions
    wrong = []
    for stage in stages if "{number}" in route.path else stages[:1]:
        for person in people:
            expected = right(person.actor, action, stage.subject(route.path))
            got = outcome(ask(client, route.method, stage.fill(route.path), person.token), route)
            if got != expected:
                wrong.append(f"{person.name}, {stage.name}: {got}, but the policy says {expected}")
    assert not wrong, f"{route} ({action}):\n" + "\n".join(wrong)


def right(actor: Actor | None, action: Permission, about: PolicySubject | None) -> str:
    """What the policy says, as an outcome: who may not do such a thing at all is refused openly; who may, but must not
    see this one, is told that it is not there."""
    if not can(actor, action):
        return SIGN_IN if actor is None else FORBIDDEN
    if action is Permission.PUBLIC or about is None or can(actor, action, about):
        return THROUGH
    return FORBIDDEN if can(actor, SEEN_BY.get(action, Permission.VIEW_TICKET), about) else HIDDEN


def outcome(answer: Response, route: Declared) -> str:
    """What came of it. A public route may ask for a sender's own secret or answer 404 for reasons that have nothing to
    do with roles; the staff's sign-in page it must not show. Nothing may answer 500."""
    assert answer.status_code < 500, f"{route}: {answer.status_code}"
    if route.actions == {Permission.PUBLIC}:
        refused = answer.status_code in (401, 403) and ("password" in answer.text or answer.status_code == 403)
        return FORBIDDEN if refused else THROUGH
    if answer.status_code == 401 or answer.headers.get("location", "").startswith("/dang-nhap"):
        return SIGN_IN
    return {403: FORBIDDEN, 404: HIDDEN}.get(answer.status_code, THROUGH)


def test_the_matrix_would_catch_a_route_that_forgets_the_ticket(
    monkeypatch: pytest.MonkeyPatch, client: TestClient, session: Session, people: list[Person], stages: list[Stage]
) -> None:
    careless: Callable[..., bool] = lambda *_args: True  # noqa: E731 - as short as the mistake
    monkeypatch.setattr(queries, "can", careless)
    route = next(route for route in ROUTES if str(route) == "GET /hop-thu/{number}")
    with pytest.raises(AssertionError, match=r"officer of another unit, a ticket: let through.*policy says 404"):
        test_every_role_gets_what_the_policy_says(route, client, session, people, stages)


def test_a_hidden_ticket_and_an_unknown_one_get_the_same_answer(
    client: TestClient, people: list[Person], stages: list[Stage]
) -> None:
    stranger = next(person for person in people if person.name == "leader of another unit")
    unknown = "PAKN.20200101.0001"
    for route in ROUTES:
        if "{number}" in route.path and Permission.PUBLIC not in route.actions:
            there = stages[0].fill(route.path)
            hidden = ask(client, route.method, there, stranger.token)
            absent = ask(client, route.method, there.replace(stages[0].ticket.number, unknown), stranger.token)
            expected = 404 if all(can(stranger.actor, action) for action in route.actions) else 403
            assert hidden.status_code == absent.status_code == expected, str(route)
            assert hidden.text.replace(stages[0].ticket.number, unknown) == absent.text, str(route)


def test_what_development_alone_serves_is_closed_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ENVIRONMENT": "production",
        "SECRET_KEY": "s" * 40,
        "DATABASE_URL": "postgresql+psycopg:///none",
        "BROKER_URL": "redis://none",
    }.items():
        monkeypatch.setenv(f"LANGNGHE_{name}", value)
    settings.get_settings.cache_clear()
    try:
        assert not OPEN_IN_DEVELOPMENT & {str(route) for route in declared(create_app())}
    finally:
        monkeypatch.undo()
        settings.get_settings.cache_clear()
