"""A member of staff binds the own chat and then gets the digest there, with titles and links."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from backend.escalation import queries
from backend.notify import service as delivery
from backend.outbox.models import DeliveryState, Medium
from backend.tickets import service as tickets
from backend.tickets.lifecycle import Event
from backend.tickets.notices import staff_chats
from backend.users.models import Role
from tests.bot.chat import CHAT, Person
from tests.factories import World, actor_for
from tests.reminders import beat, staff_messages
from tests.spy_channel import Spy


def test_a_bound_chat_gets_the_digest(session: Session, world: World, now: datetime) -> None:
    officer, leader = world.user(), world.user(Role.LEADER)
    person = Person(session)
    code = staff_chats.make_code(session, officer.id, now)
    assert "Đã nối cuộc trò chuyện này" in person.say(f"/canbo {code}")
    assert "Mã nối không đúng" in person.say(f"/canbo {code}")
    ticket, _secret = world.receive(now)
    request = tickets.ActionRequest(Event.ASSIGNED, to_user_id=officer.id)
    tickets.apply(session, ticket.id, request, actor_for(leader), now=now)
    later = now + queries.SETTLE + timedelta(minutes=1)
    beat(later)
    (row,) = [message for message in staff_messages(session) if message.user_id == officer.id]
    assert row.medium is Medium.TELEGRAM
    spy = Spy()
    assert delivery.deliver_message(row.id, 0, later, spy) is DeliveryState.SENT
    (message,) = spy.messages
    assert message.recipient == str(CHAT) and f"{ticket.number} · {ticket.title}" in message.body
    staff_chats.unbind_chat(session, officer.id, later)
    assert "Lò Văn Thử" not in message.body
