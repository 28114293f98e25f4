"""A ticket and the people around it, for tests of its whole life."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit
from backend.deadlines.clock_states import ClockKind
from backend.tickets import service
from backend.tickets.clock_models import ClockVersion
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, Verdict
from backend.tickets.service import ActionRequest
from backend.users.models import Role
from backend.users.policy import Actor
from backend.worktime.calendar import ZONE
from tests.factories import World, usual_notes

START = datetime(2026, 11, 2, 9, 0, tzinfo=ZONE)  # a Monday; fifteen working days end on 23 November
DAY = timedelta(days=1)


@dataclass
class Life:
    """One ticket and the people around it."""

    session: Session
    world: World
    ticket: Ticket
    officer: Actor
    leader: Actor
    coordinator: Actor
    at: datetime = START

    def act(self, event: Event, actor: Actor | None = None, days: float = 0, **more: Any) -> Ticket:
        """Let something happen some days after what came before."""
        self.at += DAY * days
        change = ActionRequest(event, **{"text": "Nội dung thử.", **usual_notes(event), **more})
        return service.apply(self.session, self.ticket.id, change, actor or self.officer, now=self.at)

    def results(self, clock: ClockKind = ClockKind.RESOLVE) -> list[tuple[int, int, Verdict | None]]:
        """Episode, version and verdict of the stored results of a clock."""
        rows = self.session.scalars(
            select(ClockVersion)
            .where(ClockVersion.ticket_id == self.ticket.id, ClockVersion.clock == clock)
            .order_by(ClockVersion.episode, ClockVersion.nth, ClockVersion.version)
        )
        return [(row.episode, row.version, row.verdict) for row in rows]

    def actions(self) -> list[str]:
        return [entry.action for entry in audit.list_entries(self.session, audit.ticket_chain(self.ticket.id))]


def begun(session: Session, world: World) -> Life:
    """A ticket just received, with an officer and the leader of its unit and the coordinator."""
    ticket, _secret = world.receive(START)
    officer, leader, coordinator = (world.actor(role) for role in (Role.OFFICER, Role.LEADER, Role.COORDINATOR))
    return Life(session, world, ticket, officer, leader, coordinator)


def stranger(life: Life) -> Actor:
    """An officer of another unit."""
    return life.world.actor(Role.OFFICER, life.world.unit("LC-SXD"))
