"""After each closure the chat asks whether it is solved: "yes" confirms, "no" asks why and has it handled again."""

from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.notify import composition, invitation
from backend.outbox.models import Medium, OutboxMessage
from backend.tickets import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, CitizenVerdict, Ticket, TicketState
from backend.tickets.service import ActionRequest
from backend.users.policy import SENDER
from tests.bot.chat import CHAT, STRANGER, Person
from tests.factories import World

OF_CHAT = {"chat_id": CHAT, "channel": Channel.TELEGRAM}


@pytest.fixture
def person(session: Session) -> Person:
    person = Person(session)
    person.say("/ngonngu")
    person.press("Tiếng Việt")
    return person


@pytest.fixture
def answered(world: World, now: datetime) -> Ticket:
    ticket, _secret = world.answered(now, now, **OF_CHAT)
    return ticket


def buttons_below(session: Session, ticket: Ticket, template: str, now: datetime) -> dict[str, str]:
    """The buttons below the letter of the chat: label -> data."""
    row = session.scalars(
        select(OutboxMessage).where(
            OutboxMessage.ticket_id == ticket.id,
            OutboxMessage.template == template,
            OutboxMessage.medium == Medium.TELEGRAM,
        )
    ).one()
    message = composition.compose_message(session, row, now)
    return {button.text: button.data for row_of_buttons in message.buttons for button in row_of_buttons}


def test_solved_confirms_and_goes_on_to_the_rating(
    person: Person, session: Session, answered: Ticket, now: datetime
) -> None:
    buttons = buttons_below(session, answered, "answered", now)
    said = person.press_data(buttons["✅ Đã xong"])
    assert "Cảm ơn bạn đã xác nhận." in said and "Câu 1/3" in said
    assert session.get_one(Ticket, answered.id).citizen_verdict is CitizenVerdict.CONFIRMED
    assert "đã cho biết ý kiến" in person.press_data(buttons["✅ Đã xong"])


def test_not_solved_asks_why_and_the_ticket_is_handled_again(
    person: Person, session: Session, answered: Ticket, now: datetime
) -> None:
    buttons = buttons_below(session, answered, "answered", now)
    assert answered.number in person.press_data(buttons["❌ Chưa xong"])
    assert session.get_one(Ticket, answered.id).state is TicketState.ANSWERED, "nothing happens without a reason"
    assert "hạn mới" in person.say("Vẫn còn ổ gà.")
    ticket = session.get_one(Ticket, answered.id)
    assert (ticket.state, ticket.citizen_verdict) == (TicketState.IN_PROGRESS, CitizenVerdict.DISPUTED)


def test_after_the_three_scores_the_chat_asks_whether_it_is_solved(
    person: Person, session: Session, answered: Ticket, now: datetime
) -> None:
    person.press_data(buttons_below(session, answered, "answered", now)["5"])
    person.press("4")
    person.press("3")
    assert "Việc đã được giải quyết chưa?" in person.press("Không, gửi đánh giá")
    person.press("Đã xong")
    assert session.get_one(Ticket, answered.id).citizen_verdict is CitizenVerdict.CONFIRMED


@pytest.mark.parametrize(("event", "template"), [(Event.REFUSED, "refused"), (Event.REDIRECTED, "redirected")])
def test_a_refusal_and_a_redirection_are_asked_about_too(
    person: Person, session: Session, world: World, now: datetime, event: Event, template: str
) -> None:
    ticket, _secret = world.receive(now, **OF_CHAT)
    change = ActionRequest(event, "Vì lý do này.", ground="unclear", procedure="complaint")
    service.apply(session, ticket.id, change, world.actor(), now=now)
    buttons = buttons_below(session, ticket, template, now)
    assert set(buttons) == {"1", "2", "3", "4", "5", "✅ Đồng ý", "❌ Không đồng ý"}
    person.press_data(buttons["❌ Không đồng ý"])
    person.say("Tôi đã ghi rõ.")
    assert session.get_one(Ticket, ticket.id).state is TicketState.IN_PROGRESS


def test_a_button_of_an_earlier_answer_and_one_of_another_chat_change_nothing(
    person: Person, session: Session, world: World, answered: Ticket, now: datetime
) -> None:
    buttons = buttons_below(session, answered, "answered", now)
    forged = invitation.solved_buttons(answered.id, STRANGER, 1, {"solved": "x"})[0][0].data
    assert "không dùng được" in person.press_data(forged)
    service.apply(session, answered.id, ActionRequest(Event.NOTIFIED), SENDER, now=now)
    service.apply(session, answered.id, ActionRequest(Event.DISPUTED, "Chưa xong."), SENDER, now=now)
    world.happen(answered, Event.ANSWERED, world.actor(), now, "Nay đã xong.")
    assert "câu trả lời trước" in person.press_data(buttons["✅ Đã xong"])
    assert session.get_one(Ticket, answered.id).citizen_verdict is CitizenVerdict.DISPUTED
