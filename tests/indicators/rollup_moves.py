"""Lets anything happen to tickets that the rules allow, by chance, through the services that let it happen in life."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.errors import DomainError
from backend.ratings import service as ratings
from backend.ratings.service import RatingScores
from backend.tickets import service
from backend.tickets.lifecycle import Event, possible_transitions
from backend.tickets.models import Channel, Ticket, TicketState
from backend.users.models import Role
from backend.users.policy import SENDER, SYSTEM, Actor
from backend.worktime import service as worktime
from backend.worktime.calendar import DayException, local_time
from backend.worktime.document import to_document
from backend.worktime.models import CalendarVersion
from tests.factories import World, usual_notes

# Without these a random life is mostly small talk.
WEIGHTS = {
    Event.ANSWERED: 8, Event.MERGED: 4, Event.UNMERGED: 5, Event.NOTIFIED: 4, Event.RATED: 6, Event.DISPUTED: 4,
    Event.REOPENED: 4, Event.WITHDRAWN: 0.4, Event.PROGRESS_TOLD: 0.2, Event.REDIRECTED: 0.4,
}  # fmt: skip
UNITS = ("03388", "03390", "LC-SXD")
CATEGORIES = ("roads", "procedure", "attitude")


@dataclass
class RandomTown:
    """Some units with their people, and tickets to which anything may happen. ``at`` only goes forward."""

    session: Session
    world: World
    rng: Random
    at: datetime
    staff: list[Actor] = field(default_factory=list)
    happened: set[Event] = field(default_factory=set)

    def __post_init__(self) -> None:
        units = [self.world.unit(code) for code in (*UNITS, "LC-VP")]
        self.staff = [self.world.actor(role, unit) for unit in units for role in (Role.OFFICER, Role.LEADER)]
        self.staff.append(self.world.actor(Role.COORDINATOR))

    @property
    def today(self) -> date:
        return local_time(self.at).date()

    def receive(self) -> None:
        unit = self.world.unit(self.rng.choice(UNITS))
        channel = self.rng.choice([Channel.WEB, Channel.COUNTER, Channel.TELEGRAM])
        category = self.rng.choice(CATEGORIES)
        self.world.receive(self.at, unit_id=unit.id, channel=channel, category_code=category)

    def move(self) -> None:
        """Let something happen to a ticket, by whoever may do it. Nothing happens where nobody may."""
        ticket = self.rng.choice(self.session.scalars(select(Ticket).order_by(Ticket.id)).all())
        events = [row.event for row in possible_transitions(ticket.state) if row.event is not Event.RECOUNTED]
        weights = [WEIGHTS.get(event, 1) for event in events]
        event = self.rng.choices(events, weights=weights)[0] if events else None
        if event is Event.RATED:
            self._attempt(lambda: self._rate(ticket))
        elif event is not None:
            self._act(ticket, event)

    def pass_time(self) -> None:
        self.at += timedelta(days=self.rng.choice([0, 1, 1, 2, 7]), minutes=self.rng.randrange(300))

    def another_calendar(self) -> None:
        """Put another version of the calendar in force and count the open tickets by it."""
        held = worktime.load_calendar(self.session, worktime.active_id(self.session))
        off = DayException(self.today + timedelta(days=self.rng.randrange(3)), is_open=False, name="Nghỉ bù")
        kept = [item for item in held.exceptions if item.day != off.day]
        days = tuple(sorted([*kept, off], key=lambda item: item.day))
        number = self.rng.randrange(10**6)
        document = to_document(replace(held, version=f"thử {number}", exceptions=days))
        row = CalendarVersion(
            code="vn", version=number, document=document, basis="thử", created_at=self.at, activated_at=self.at
        )
        self.session.add(row)
        self.session.flush()
        for ticket_id in self.session.scalars(select(Ticket.id)).all():
            request = service.ActionRequest(Event.RECOUNTED, calendar_id=row.id)
            self._attempt(partial(self._apply, ticket_id, request, SYSTEM))

    def _act(self, ticket: Ticket, event: Event) -> None:
        actors = [*self.rng.sample(self.staff, len(self.staff)), SENDER, SYSTEM]
        for actor in actors:
            request = self._request(ticket, event, actor)
            if self._attempt(partial(self._apply, ticket.id, request, actor)):
                return

    def _apply(self, ticket_id: int, request: service.ActionRequest, actor: Actor) -> None:
        service.apply(self.session, ticket_id, request, actor, now=self.at)
        self.happened.add(request.event)

    def _rate(self, ticket: Ticket) -> None:
        ease, by_rules, timely = (self.rng.randrange(1, 6) for _item in range(3))
        scores = RatingScores(ease, by_rules, timely)
        channel = self.rng.choice([Channel.WEB, Channel.COUNTER])
        ratings.store_rating(self.session, ticket.id, scores, channel=channel, now=self.at)
        self.happened.add(Event.RATED)

    def _attempt(self, act: Callable[[], object]) -> bool:
        """Do something in a savepoint; False where the rules forbid it."""
        try:
            with self.session.begin_nested():
                act()
        except DomainError:
            return False
        return True

    def _request(self, ticket: Ticket, event: Event, actor: Actor) -> service.ActionRequest:
        usual = {"ground": "unclear", "procedure": "complaint", **usual_notes(event)}
        request = service.ActionRequest(event, text="Nội dung thử.", **usual)
        if event is Event.FORWARDED:
            return replace(request, to_unit_id=self.world.unit(self.rng.choice(UNITS)).id)
        if event is Event.MERGED:
            others = select(Ticket.id).where(Ticket.id != ticket.id, Ticket.state != TicketState.MERGED)
            return replace(request, into_id=self.rng.choice(self.session.scalars(others).all() or [ticket.id]))
        if event is Event.ASSIGNED:
            return replace(request, to_user_id=actor.user_id)
        if event is Event.EXTENSION_REQUESTED:
            return replace(request, more="3 working days")
        if event is Event.PAUSE_JUDGED:
            return replace(request, stands=self.rng.random() < 0.5)
        return request
