"""Makes people and tickets for tests, by the services that make them in life."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from random import Random
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit
from backend.tickets import service
from backend.tickets.answers.outcomes import AnswerContent, AnswerOutcome
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.reception import receipts
from backend.tickets.reception.drafts import FeedbackDraft
from backend.units.models import Unit
from backend.users.models import Role, User
from backend.users.policy import SENDER, SYSTEM, Actor

PASSWORD = "mot-mat-khau-dai"
_serial = count(1)


@dataclass
class World:
    """Shortcuts that read like the sentence they stand for. All writing goes through services."""

    session: Session

    def unit(self, code: str = "03388") -> Unit:
        """A unit of today by its code; Phường Đoàn Kết unless told."""
        return self.session.scalars(select(Unit).where(Unit.code == code, Unit.valid_to.is_(None))).one()

    def user(self, role: Role = Role.OFFICER, unit: Unit | None = None, **more: Any) -> User:
        """An account whose password is ``PASSWORD``."""
        if unit is None and role in (Role.OFFICER, Role.LEADER):
            unit = self.unit()
        values: dict[str, Any] = {
            "email": f"{role.value}{next(_serial)}@example.vn",
            "name": "Lò Thị Thử",
            "password_hash": password_hash(),
            "role": role,
            "unit_id": unit.id if unit else None,
            "created_at": datetime.fromisoformat("2026-01-05T08:00+07:00"),
        }
        user = User(**values | more)
        self.session.add(user)
        self.session.flush()
        return user

    def actor(self, role: Role = Role.OFFICER, unit: Unit | None = None) -> Actor:
        return actor_for(self.user(role, unit))

    def draft(self, **more: Any) -> FeedbackDraft:
        """A complete draft about a road in Phường Đoàn Kết, sent with an e-mail address."""
        values: dict[str, Any] = {
            "key": receipts.new_key(),
            "unit_id": self.unit().id,
            "category_code": "roads",
            "title": "Ổ gà trước cổng chợ",
            "content": "Đoạn đường trước cổng chợ có nhiều ổ gà, đi lại rất nguy hiểm.",
            "name": "Lò Văn Thử",
            "email": "nguoigui@example.vn",
            "consent": True,
        }
        return FeedbackDraft(**values | more)

    def receive(self, now: datetime, **more: Any) -> tuple[Ticket, str]:
        """A new ticket and its access secret."""
        receipt = service.open_ticket(self.session, self.draft(**more), now=now)
        return self.session.get_one(Ticket, receipt.ticket_id), receipt.secret

    def happen(self, ticket: Ticket, event: Event, actor: Actor, now: datetime, text: str = "Nội dung thử.") -> Ticket:
        """Let an event happen to a ticket."""
        change = service.ActionRequest(event, text=text, **usual_notes(event))
        return service.apply(self.session, ticket.id, change, actor, now=now)

    def answered(self, received: datetime, answered: datetime, **more: Any) -> tuple[Ticket, str]:
        """A ticket that an officer of its unit accepted at once and answered later."""
        ticket, secret = self.receive(received, **more)
        officer = self.actor(Role.OFFICER, self.session.get_one(Unit, ticket.unit_id))
        self.happen(ticket, Event.ACCEPTED, officer, received)
        self.happen(ticket, Event.ANSWERED, officer, answered, "Đã vá xong đoạn đường.")
        return ticket, secret


def usual_notes(event: Event) -> dict[str, Any]:
    """What an event cannot do without, where a test does not care which."""
    if event in (Event.ANSWERED, Event.SUBMITTED_FOR_APPROVAL):
        return {"answer": AnswerContent(AnswerOutcome.DONE)}
    return {"ground": "unclear"} if event is Event.REFUSED else {}


def drawn_notes(event: Event, dice: Random, at: datetime) -> dict[str, Any]:
    """The same by chance: an answer with one of three outcomes, a promise of some day, which may be none to promise."""
    until = {"until": (at + timedelta(days=dice.randrange(1, 30))).date()}
    if event in (Event.ANSWERED, Event.SUBMITTED_FOR_APPROVAL):
        outcome = dice.choice([AnswerOutcome.DONE, AnswerOutcome.PARTLY, AnswerOutcome.PROMISED])
        return {"answer": AnswerContent(outcome), **until}
    return until if event is Event.PROMISE_EXPLAINED else usual_notes(event)


@cache
def password_hash() -> str:
    """Argon2 is slow by design; one cheap hash serves all people of the tests."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def actor_for(user: User) -> Actor:
    return Actor(user.role, user.id, user.unit_id, user.name, audit.user_key(user.id))


__all__ = ["PASSWORD", "SENDER", "SYSTEM", "World", "actor_for", "password_hash"]
