"""What is refused writes nothing, and the attempt is written down: every event in every state by everybody, and every
way in which a page is told no. The entries stand although the rest is rolled back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit, db
from backend.app import create_app
from backend.desk.actions import ACTIONS
from backend.errors import Conflict, DomainError, Forbidden, NotFound
from backend.tickets import queries, service
from backend.tickets.lifecycle import TRANSITIONS, Event, EventAuthor, Transition
from backend.tickets.models import Ticket, TicketState
from backend.tickets.service import ActionRequest
from backend.users.models import Role
from backend.users.policy import SENDER, SYSTEM, Actor, Permission, can
from tests.factories import World
from tests.following import TICKET, follow
from tests.life import START, Life, begun, stranger
from tests.signing_in import sign_in

WAYS: dict[TicketState, Callable[[Life], object]] = {
    TicketState.NEW: lambda life: None,
    TicketState.ACCEPTED: lambda life: life.act(Event.ACCEPTED),
    TicketState.IN_PROGRESS: lambda life: life.act(Event.ASSIGNED, life.leader, to_user_id=life.officer.user_id),
    TicketState.AWAITING_SENDER: lambda life: life.act(Event.INFO_REQUESTED),
    TicketState.AWAITING_APPROVAL: lambda life: _all(
        life, TicketState.ACCEPTED, lambda: life.act(Event.SUBMITTED_FOR_APPROVAL)
    ),
    TicketState.ANSWERED: lambda life: _all(life, TicketState.ACCEPTED, lambda: life.act(Event.ANSWERED)),
    TicketState.PUBLISHED: lambda life: _all(
        life, TicketState.ANSWERED, lambda: life.act(Event.PUBLISHED, life.coordinator)
    ),
    TicketState.CONFIRMED: lambda life: _all(life, TicketState.ANSWERED, lambda: life.act(Event.CONFIRMED, SENDER)),
    TicketState.CLOSED: lambda life: _all(life, TicketState.CONFIRMED, lambda: life.act(Event.CLOSED, SYSTEM)),
    TicketState.REFUSED: lambda life: life.act(Event.REFUSED),
    TicketState.REDIRECTED: lambda life: life.act(Event.REDIRECTED, procedure="complaint"),
    TicketState.WITHDRAWN: lambda life: life.act(Event.WITHDRAWN, SENDER),
    TicketState.MERGED: lambda life: life.act(Event.MERGED, into_id=life.world.receive(START)[0].id),
}


def _all(life: Life, before: TicketState, then: Callable[[], object]) -> None:
    WAYS[before](life)
    then()


def cast(life: Life) -> dict[str, Actor]:
    others = {role.value: life.world.actor(role) for role in (Role.MANAGER, Role.SURVEY, Role.ADMINISTRATOR)}
    own = {"officer": life.officer, "leader": life.leader, "coordinator": life.coordinator}
    return own | others | {"officer of another unit": stranger(life), "sender": SENDER, "system": SYSTEM}


def may(move: Transition, actor: Actor, ticket: Ticket) -> bool:
    """The table's right, asked of the policy; or who else it names."""
    named = {
        EventAuthor.STAFF: [],
        EventAuthor.SENDER: [SENDER],
        EventAuthor.SYSTEM: [SYSTEM],
        EventAuthor.EITHER: [SENDER, SYSTEM],
    }
    if move.right is not None and can(actor, move.right, service.policy_subject(ticket)):
        return True
    return actor in named[move.by]


def expected(ticket: Ticket, event: Event, actor: Actor) -> type[DomainError] | None:
    """The refusal that table and policy give; None where the move is open."""
    rows = TRANSITIONS[event]
    here = [row for row in rows if ticket.state in row.origins]
    if any(may(row, actor, ticket) for row in here or rows):
        return None if here else Conflict
    return Forbidden if can(actor, Permission.VIEW_TICKET, service.policy_subject(ticket)) else NotFound


def refusals(session: Session) -> list[tuple[str, str, int | None, str]]:
    """Who, which event, which ticket, why: as they were written down."""
    rows = session.scalars(
        select(audit.AuditEntry).where(audit.AuditEntry.action.startswith("refused:")).order_by(audit.AuditEntry.id)
    )
    return [(row.actor, row.action.removeprefix("refused:"), row.data["ticket"], row.data["why"]) for row in rows]


def test_every_state_has_a_way_to_it() -> None:
    assert set(WAYS) == set(TicketState)


@pytest.mark.parametrize("state", list(TicketState))
def test_every_move_that_table_or_policy_forbids_is_refused_and_written_down(
    session: Session, world: World, state: TicketState
) -> None:
    life = begun(session, world)
    WAYS[state](life)
    queries.by_id(session, life.ticket.id)  # with its category, which the policy asks for
    version, chain, wrong, noted = life.ticket.version, life.actions(), [], []
    for who, actor in cast(life).items():
        for event in TRANSITIONS:
            refusal = expected(life.ticket, event, actor)
            if refusal is None:
                continue
            try:
                life.act(event, actor, into_id=life.ticket.id, to_unit_id=life.ticket.unit_id)
                wrong.append(f"{who}, {event}: done, but {refusal.__name__} was to come")
            except DomainError as got:
                noted.append((actor.key, event.value, life.ticket.id, str(got.status)))
                if type(got) is not refusal:
                    wrong.append(f"{who}, {event}: {type(got).__name__} in place of {refusal.__name__}")
    session.expire_all()
    assert wrong == [] and len(noted) > 100
    assert (life.ticket.state, life.ticket.version, life.actions()) == (state, version, chain)
    assert refusals(session) == noted


@dataclass(frozen=True)
class Stage:
    """An accepted ticket in the committed database, where what is written down outlives a rollback, and a browser."""

    client: TestClient
    ticket: Ticket
    secret: str

    def sign_in(self, role: Role = Role.OFFICER, unit: str | None = None) -> str:
        """Somebody new signs in; their name in the history."""
        with db.transaction() as session:
            world = World(session)
            user = world.user(role, world.unit(unit) if unit else None)
        sign_in(self.client, user)
        return audit.user_key(user.id)

    def press(self, path: str, **typed: str) -> int:
        sent = {"version": str(self.ticket.version)} | typed
        return self.client.post(f"/hop-thu/{self.ticket.number}/{path}", data=sent).status_code

    def refusals(self) -> list[tuple[str, str, str]]:
        """Who, which event, why, of this ticket."""
        with db.transaction() as session:
            return [(who, event, why) for who, event, about, why in refusals(session) if about == self.ticket.id]


@pytest.fixture
def stage(committed: object, now: datetime) -> Iterator[Stage]:
    with db.transaction() as session:
        world = World(session)
        ticket, secret = world.receive(now)
        world.happen(ticket, Event.ACCEPTED, world.actor(), now)
    headers = {"Sec-Fetch-Site": "same-origin"}
    with TestClient(create_app(), follow_redirects=False, base_url="http://testserver", headers=headers) as client:
        yield Stage(client, ticket, secret)


@pytest.mark.parametrize(
    ("path", "typed", "status"),
    [
        ("chap-nhan", {}, 409),  # not from this state
        ("tra-loi", {"answer": ""}, 422),
        ("tra-loi", {"answer": "Muộn.", "version": "1"}, 409),  # an old page
        ("tra-loi", {"answer": "Không rõ.", "version": ""}, 409),
        ("xin-gia-han", {"more": "99", "extension_reason": "Lâu."}, 422),
        ("xin-gia-han", {"until": "01/01/2020", "extension_reason": "Đã qua."}, 422),
        ("chuyen", {"to_unit": "", "reason": "Đi đâu?"}, 422),
        ("gop", {"into": "PAKN.20200101.0001", "merge_reason": "Không có."}, 404),
        ("bao-cham", {"promised": "hôm qua", "delay_reason": "Quên."}, 422),
        ("duyet-gia-han", {}, 403),
        ("cong-khai", {}, 403),
    ],
)
def test_an_officer_who_is_told_no_leaves_an_entry(stage: Stage, path: str, typed: dict[str, str], status: int) -> None:
    who = stage.sign_in()
    assert stage.press(path, **typed) == status
    assert stage.refusals() == [(who, ACTIONS[path].event, str(status))]


@pytest.mark.parametrize(
    ("role", "unit", "status"), [(Role.MANAGER, None, 403), (Role.SURVEY, None, 403), (Role.OFFICER, "LC-SXD", 404)]
)
def test_whoever_has_nothing_to_do_with_it_leaves_an_entry(
    stage: Stage, role: Role, unit: str | None, status: int
) -> None:
    who = stage.sign_in(role, unit)
    assert stage.press("tra-loi", answer="Thử.") == status
    assert stage.refusals() == [(who, "answered", str(status))]


def test_done_twice_the_second_leaves_an_entry(stage: Stage) -> None:
    who = stage.sign_in()
    assert [stage.press("tra-loi", answer_outcome="done", answer="Đã vá xong.") for _again in range(2)] == [303, 409]
    assert stage.refusals() == [(who, "answered", "409")]


def test_looking_ahead_is_no_attempt(stage: Stage) -> None:
    stage.sign_in()
    assert stage.press("xin-gia-han", preview="1", more="99") == 422
    assert stage.refusals() == []


def test_a_sender_who_has_not_read_the_answer_leaves_an_entry(stage: Stage, now: datetime) -> None:
    follow(stage.client, stage.ticket, stage.secret)
    with db.transaction() as session:
        world = World(session)
        world.happen(stage.ticket, Event.ANSWERED, world.actor(), now)
    assert stage.client.post(f"{TICKET}/dong-y").status_code == 409
    assert stage.refusals() == [("sender", "confirmed", "409")]


@pytest.mark.parametrize(
    ("change", "sooner", "version"),
    [
        (ActionRequest(Event.ANSWERED, "Chưa tiếp nhận."), timedelta(), None),
        (ActionRequest(Event.ACCEPTED), timedelta(), 7),
        (ActionRequest(Event.ACCEPTED), timedelta(days=1), None),
        (ActionRequest(Event.INFO_REQUESTED, " "), timedelta(), None),
        (ActionRequest(Event.REDIRECTED, "Gửi nơi khác.", procedure="none"), timedelta(), None),
    ],
    ids=["not in the table", "an old version", "before what happened last", "without words", "an unknown procedure"],
)
def test_the_entry_stands_although_the_rest_is_rolled_back(
    committed: object, change: ActionRequest, sooner: timedelta, version: int | None
) -> None:
    with db.transaction() as session:
        world = World(session)
        ticket, _secret = world.receive(START)
        officer = world.actor(Role.OFFICER)

    def attempt() -> None:
        with db.transaction() as session:
            session.get_one(Ticket, ticket.id).title = "Không được còn lại"
            session.flush()
            service.apply(session, ticket.id, change, officer, now=START - sooner, version=version)

    with pytest.raises(DomainError) as refused:
        attempt()
    with db.transaction() as session:
        assert session.get_one(Ticket, ticket.id).title == ticket.title
        assert [entry.action for entry in audit.list_entries(session, audit.ticket_chain(ticket.id))] == ["received"]
        (entry,) = audit.list_entries(session, f"refused:{officer.key}")
        assert (entry.action, entry.data["why"]) == (f"refused:{change.event}", str(refused.value.status))
