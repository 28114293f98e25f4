"""What a sender may do in each state: the page, its address, the chat and the letters say the same.

The table below is written by hand, from the rules of handling, and not read from the code that it judges.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit
from backend.notify import composition, texts
from backend.outbox.models import Medium, OutboxMessage
from backend.ratings.models import Rating
from backend.ratings.queries import of_latest_answer
from backend.ratings.service import ITEMS, RatingScores, store_rating
from backend.tickets import projection, queries, service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Ticket, TicketState
from backend.tickets.service import ActionRequest
from backend.users.models import Role
from backend.users.policy import SENDER, SYSTEM, Actor
from tests.bot.chat import CHAT, Person
from tests.factories import World, usual_notes

TICKET = "/theo-doi/phan-anh"
PATHS = {
    Event.INFO_RECEIVED: "tra-loi",
    Event.RATED: "danh-gia",
    Event.PAUSE_DISPUTED: "khong-tam-dung",
    Event.CONFIRMED: "dong-y",
    Event.DISPUTED: "chua-xong",
    Event.REOPENED: "xu-ly-lai",
    Event.WITHDRAWN: "rut",
}
TYPED: dict[Event, dict[str, str]] = {
    Event.INFO_RECEIVED: {"text": "Cạnh nhà văn hóa."},
    Event.RATED: dict.fromkeys(ITEMS, "5"),
    Event.PAUSE_DISPUTED: {"objection": "Không cần hỏi.", "pause": "1"},
    Event.CONFIRMED: {},
    Event.DISPUTED: {"reason": "Chưa xong."},
    Event.REOPENED: {"reason": "Chưa xong."},
    Event.WITHDRAWN: {"sure": "1"},
}
A, Q, ANSWER = Event.ACCEPTED, Event.INFO_REQUESTED, Event.ANSWERED
TOLD = Event.NOTIFIED
JUDGE = {Event.RATED, Event.CONFIRMED, Event.DISPUTED}


@dataclass
class Course:
    """Events of a ticket in order; ``other>`` marks those of the ticket that it is merged into."""

    events: tuple[Event | str, ...]
    may: set[Event]


COURSES = {
    "new": Course((), {Event.WITHDRAWN}),
    "accepted": Course((A,), {Event.WITHDRAWN}),
    "in progress": Course((A, ANSWER, TOLD, Event.DISPUTED), {Event.WITHDRAWN}),
    "awaiting sender": Course((Q,), {Event.INFO_RECEIVED, Event.PAUSE_DISPUTED, Event.WITHDRAWN}),
    "awaiting approval": Course((A, Event.SUBMITTED_FOR_APPROVAL), {Event.WITHDRAWN}),
    "answered": Course((A, ANSWER, TOLD), JUDGE),
    "answered, not read": Course((A, ANSWER), set()),
    "published": Course((A, ANSWER, TOLD, Event.PUBLISHED), JUDGE),
    "confirmed": Course((A, ANSWER, TOLD, Event.CONFIRMED), {Event.RATED, Event.REOPENED}),
    "closed": Course((A, ANSWER, TOLD, Event.CONFIRMED, Event.CLOSED), {Event.RATED, Event.REOPENED}),
    "rated": Course((A, ANSWER, TOLD, Event.RATED), JUDGE - {Event.RATED}),
    "rated, disputed, answered again": Course((A, ANSWER, TOLD, Event.RATED, Event.DISPUTED, ANSWER, TOLD), JUDGE),
    "refused": Course((Event.REFUSED, TOLD), {Event.CONFIRMED, Event.RATED, Event.REOPENED}),
    "refused, confirmed": Course((Event.REFUSED, TOLD, Event.CONFIRMED), {Event.RATED, Event.REOPENED}),
    "refused, rated": Course((Event.REFUSED, TOLD, Event.RATED), {Event.CONFIRMED, Event.REOPENED}),
    "redirected": Course((Event.REDIRECTED, TOLD), {Event.CONFIRMED, Event.RATED, Event.REOPENED}),
    "withdrawn": Course((Event.WITHDRAWN,), set()),
    "merged": Course((A, Event.MERGED), {Event.WITHDRAWN}),
    "asked, then merged": Course((Q, Event.MERGED), {Event.INFO_RECEIVED, Event.WITHDRAWN}),
    "merged, the other answered": Course((A, Event.MERGED, "other>answered", TOLD), JUDGE),
    "merged, the other published": Course((A, Event.MERGED, "other>answered", TOLD, "other>published"), JUDGE),
    "asked, merged, the other answered": Course((Q, Event.MERGED, "other>answered", TOLD), JUDGE),
    "merged, confirmed": Course(
        (A, Event.MERGED, "other>answered", TOLD, Event.CONFIRMED), {Event.RATED, Event.DISPUTED}
    ),
    "merged, the other confirmed": Course(
        (A, Event.MERGED, "other>answered", TOLD, "other>notified", "other>confirmed"), {Event.RATED, Event.REOPENED}
    ),
    "merged, the other handled again": Course(
        (A, Event.MERGED, "other>answered", TOLD, "other>notified", "other>disputed"), {Event.WITHDRAWN}
    ),
    "merged, the other answered again": Course(
        (
            A,
            Event.MERGED,
            "other>answered",
            TOLD,
            Event.RATED,
            "other>notified",
            "other>disputed",
            "other>answered",
            TOLD,
        ),
        JUDGE,
    ),
}
BY_SENDER = {TOLD, Event.DISPUTED, Event.CONFIRMED, Event.WITHDRAWN, Event.RATED}
BY_COORDINATOR = {Event.MERGED, Event.PUBLISHED}


@dataclass
class Matter:
    """A ticket with its sender's chat, the one it may be merged into, and who works on them."""

    session: Session
    world: World
    now: datetime
    ticket: Ticket
    secret: str
    other: Ticket
    officer: Actor
    coordinator: Actor

    def follow(self, course: Course) -> "Matter":
        for step in course.events:
            self.let(step)
        return self

    def let(self, step: Event | str) -> None:
        ticket = self.ticket if isinstance(step, Event) else self.other
        event = Event(step.removeprefix("other>"))
        if event is Event.RATED:
            store_rating(self.session, ticket.id, RatingScores(1, 2, 3), channel=Channel.WEB, now=self.now)
            return
        actor = SENDER if event in BY_SENDER else SYSTEM if event is Event.CLOSED else self.officer
        actor = self.coordinator if event in BY_COORDINATOR else actor
        more = {"into_id": self.other.id} if event is Event.MERGED else usual_notes(event)
        change = ActionRequest(event, text="Nội dung thử.", procedure="complaint", **more)
        service.apply(self.session, ticket.id, change, actor, now=self.now)

    def actions(self, ticket: Ticket | None = None) -> list[str]:
        chain = audit.ticket_chain((ticket or self.ticket).id)
        return [entry.action for entry in audit.list_entries(self.session, chain)]

    def open(self, client: TestClient) -> str:
        """The page as its sender finds it with number and secret."""
        client.post("/theo-doi", data={"number": self.ticket.number, "secret": self.secret})
        return client.get(TICKET).text


@pytest.fixture
def matter(session: Session, world: World, now: datetime) -> Matter:
    return begin(session, world, now)


def begin(session: Session, world: World, now: datetime) -> Matter:
    ticket, secret = world.receive(now, chat_id=CHAT, channel=Channel.TELEGRAM)
    other, _secret = world.receive(now, title="Đường trước chợ hỏng")
    officer, coordinator = world.actor(Role.OFFICER), world.actor(Role.COORDINATOR)
    service.apply(session, other.id, ActionRequest(A), officer, now=now)
    return Matter(session, world, now, ticket, secret, other, officer, coordinator)


def offered(page: str) -> set[Event]:
    """The forms, and the way to the page that asks once more before it withdraws."""
    return {
        event
        for event, path in PATHS.items()
        if f'action="{TICKET}/{path}"' in page or f'href="{TICKET}/{path}"' in page
    }


READ = {name: course for name, course in COURSES.items() if name != "answered, not read"}


@pytest.mark.parametrize("name", READ)
def test_the_page_shows_exactly_the_forms_of_the_table(client: TestClient, matter: Matter, name: str) -> None:
    course = READ[name]
    assert offered(matter.follow(course).open(client)) == course.may


@pytest.mark.parametrize("name", READ)
def test_each_address_takes_what_the_table_allows_and_refuses_the_rest(
    client: TestClient, session: Session, world: World, now: datetime, name: str
) -> None:
    course = READ[name]
    matter = begin(session, world, now).follow(course)
    matter.open(client)
    for event in PATHS.keys() - course.may:
        before = matter.actions()
        response = client.post(f"{TICKET}/{PATHS[event]}", data=TYPED[event])
        assert response.status_code in (409, 422) and matter.actions() == before, event
    for event in course.may:
        fresh = begin(session, world, now).follow(course)
        fresh.open(client)
        response = client.post(f"{TICKET}/{PATHS[event]}", data=TYPED[event])
        assert (response.status_code, fresh.actions()[-1]) == (303, event.value), event


@pytest.mark.parametrize("name", READ)
def test_the_chat_offers_the_same(matter: Matter, name: str) -> None:
    course = READ[name]
    matter.follow(course)
    person = Person(matter.session)
    person.say("/cuatoi")
    person.press("Tiếng Việt")
    person.say("/cuatoi")
    person.buttons, list_of_buttons = [], person.buttons
    person.buttons = [button for button in list_of_buttons if matter.ticket.number in button.text]
    answer = person.press(matter.ticket.number)
    on_the_page = next((line for line in answer.splitlines() if line.startswith("Bạn còn có thể")), "")
    pressed = {button.data.split(":")[0] for effect in person.effects for row in effect.buttons for button in row}
    assert ("reply" in pressed) == (Event.INFO_RECEIVED in course.may)
    assert ("rate" in pressed) == (Event.RATED in course.may)
    assert ("solved" in pressed) == (Event.CONFIRMED in course.may)
    assert ("unsolved" in pressed) == bool({Event.DISPUTED, Event.REOPENED} & course.may)
    assert ("rút phản ánh" in on_the_page) == (Event.WITHDRAWN in course.may)


@pytest.mark.parametrize("name", COURSES)
def test_letters_ask_only_for_what_can_be_given(matter: Matter, session: Session, name: str) -> None:
    """A letter with an answer may be read before the page is; the newest of each kind is looked at."""
    course = COURSES[name]
    matter.follow(course)
    rows = session.scalars(
        select(OutboxMessage).where(OutboxMessage.ticket_id == matter.ticket.id).order_by(OutboxMessage.id)
    ).all()
    newest = {(row.template, row.medium): row for row in rows}
    may = course.may | (JUDGE if name == "answered, not read" else set())
    for template, event, purpose in (
        ("answered", Event.RATED, "rate"),
        ("refused", Event.RATED, "rate"),
        ("redirected", Event.RATED, "rate"),
        ("info_requested", Event.INFO_RECEIVED, "reply"),
    ):
        if (template, Medium.TELEGRAM) not in newest:
            continue
        chat = composition.compose_message(session, newest[template, Medium.TELEGRAM], matter.now)
        mail = composition.compose_message(session, newest[template, Medium.EMAIL], matter.now)
        asked = {button.data.split(":")[0] for row in chat.buttons for button in row}
        assert asked - {"solved", "unsolved"} == ({purpose} if event in may else set())
        if event is Event.RATED:
            assert ("solved" in asked) == (Event.CONFIRMED in may)
            assert ("unsolved" in asked) == bool({Event.DISPUTED, Event.REOPENED} & may)
        assert (texts.CLOSINGS[template] in mail.body) == (event in may)


def test_a_letter_with_an_earlier_answer_does_not_ask_to_rate_the_later_one(matter: Matter, session: Session) -> None:
    matter.follow(Course((A, ANSWER, TOLD, Event.DISPUTED, ANSWER), set()))
    rows = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.template == "answered", OutboxMessage.medium == Medium.TELEGRAM)
        .order_by(OutboxMessage.id)
    ).all()
    first, second = (composition.compose_message(session, row, matter.now) for row in rows)
    assert not first.buttons
    assert second.buttons[0][0].data.startswith(f"rate:{matter.ticket.id}.2:")


def test_a_button_below_the_first_answer_does_not_rate_the_second(matter: Matter, session: Session) -> None:
    matter.follow(Course((A, ANSWER, TOLD), set()))
    (row,) = session.scalars(
        select(OutboxMessage).where(OutboxMessage.template == "answered", OutboxMessage.medium == Medium.TELEGRAM)
    )
    button = composition.compose_message(session, row, matter.now).buttons[0][4]
    matter.follow(Course((Event.DISPUTED, ANSWER), set()))
    person = Person(session)
    person.say("/ngonngu")
    person.press("Tiếng Việt")
    assert "câu trả lời trước" in person.press_data(button.data)
    assert Event.RATED not in matter.actions()


@pytest.mark.parametrize("name", ["confirmed", "published", "closed", "merged, the other answered"])
def test_the_chat_takes_a_rating_in_every_state_that_the_page_does(matter: Matter, session: Session, name: str) -> None:
    matter.follow(COURSES[name])
    (row, *_more) = session.scalars(
        select(OutboxMessage).where(
            OutboxMessage.template == "answered",
            OutboxMessage.medium == Medium.TELEGRAM,
            OutboxMessage.ticket_id == matter.ticket.id,
        )
    ).all()
    person = Person(session)
    person.say("/ngonngu")
    person.press("Tiếng Việt")
    person.press_data(composition.compose_message(session, row, matter.now).buttons[0][4].data)
    person.press("4")
    person.press("3")
    assert "Đã ghi nhận đánh giá" in person.press("Không, gửi đánh giá")
    rating = session.get_one(Rating, (matter.ticket.id, 1))
    assert (rating.ease, rating.by_rules, rating.timely) == (5, 4, 3)


def test_a_reply_of_a_merged_sender_reaches_whoever_works_on_the_other(
    client: TestClient, matter: Matter, session: Session
) -> None:
    matter.follow(COURSES["asked, then merged"])
    assert "Nội dung thử." in matter.open(client)
    assert client.post(f"{TICKET}/tra-loi", data={"text": "Cạnh nhà văn hóa bản Nà."}).status_code == 303
    assert matter.actions(matter.other)[-1] == Event.INFO_PASSED_ON
    steps = queries.list_course(session, matter.other.id, internal=True)
    assert steps[-1].text == "Cạnh nhà văn hóa bản Nà."
    for_the_other_sender = queries.list_course(session, matter.other.id)
    assert all("Nà" not in step.text for step in for_the_other_sender)
    unmerged = service.apply(
        session, matter.ticket.id, ActionRequest(Event.UNMERGED, text="Tách."), matter.coordinator, now=matter.now
    )
    assert unmerged.state is TicketState.ACCEPTED
    assert list(projection.check_all(session)) == []


def test_a_merged_sender_who_is_not_content_goes_on_alone_at_the_unit_that_answered(
    client: TestClient, matter: Matter, session: Session
) -> None:
    matter.follow(COURSES["merged, the other answered"])
    matter.open(client)
    assert client.post(f"{TICKET}/chua-xong", data={"reason": "Vẫn còn ổ gà."}).status_code == 303
    session.expire_all()
    assert (matter.ticket.state, matter.ticket.episode, matter.ticket.merged_into_id) == (
        TicketState.IN_PROGRESS,
        2,
        None,
    )
    assert matter.ticket.unit_id == matter.other.unit_id
    assert matter.other.state is TicketState.ANSWERED  # its own sender has said nothing
    matter.let(ANSWER)
    matter.let(TOLD)
    assert list(projection.check_all(session)) == []
    assert offered(client.get(TICKET).text) == JUDGE


def test_figures_use_the_rating_of_the_latest_answer(matter: Matter, session: Session, now: datetime) -> None:
    def counted() -> list[int]:
        return list(session.scalars(select(Rating.ease).join(Ticket, of_latest_answer())))

    matter.follow(Course((A, ANSWER, TOLD, Event.RATED), set()))
    assert counted() == [1]
    matter.now += timedelta(hours=1)
    matter.let(Event.DISPUTED)
    assert counted() == [1]  # handled again: the first answer is still the latest
    matter.now += timedelta(hours=1)
    matter.let(ANSWER)
    matter.let(TOLD)
    assert counted() == []  # the second answer does not keep the rating of the first
    store_rating(session, matter.ticket.id, RatingScores(5, 5, 5), channel=Channel.WEB, now=matter.now)
    assert counted() == [5]
    rows = session.scalars(select(Rating).order_by(Rating.answer)).all()
    assert [(row.answer, row.ease) for row in rows] == [(1, 1), (2, 5)]
