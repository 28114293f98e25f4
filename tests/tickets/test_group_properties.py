"""Whatever happens to grouped tickets: a group never adds an on-time verdict, removes no late one, and leaves no trace
in the clocks. Each ticket is compared with a twin that was never grouped."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.errors import DomainError
from backend.tickets import projection, service
from backend.tickets.answers.outcomes import AnswerContent, AnswerOutcome
from backend.tickets.clock_models import ClockVersion
from backend.tickets.groups import service as groups
from backend.tickets.groups.models import MatterGroup
from backend.tickets.groups.picks import TicketPick
from backend.tickets.groups.service import GroupAction
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.users.models import Role
from backend.users.policy import SENDER, Actor
from tests.factories import World
from tests.life import START

DONE = AnswerContent(AnswerOutcome.DONE)

MEMBERS = 2
OF_EACH = {"id", "number", "version", "group_id", "secret_hash", "idempotency_hash", "fingerprint", "title_folded"}
AS_OF_LAST_EVENT = {"due_date", "due_estimated"}  # in the row; they are compared as of now

# What may happen: to one member and its twin, or to the group as a whole and to the twin of each member by itself.
ALONE = (
    *(Event.INFO_REQUESTED, Event.INFO_RECEIVED, Event.FORWARDED, Event.WITHDRAWN, Event.ANSWERED, Event.REFUSED),
    *(Event.NOTIFIED, Event.DISPUTED, Event.CONFIRMED, Event.ACCEPTED, Event.SUBMITTED_FOR_APPROVAL),
)
TOGETHER = (Event.ANSWERED, Event.INFO_REQUESTED, Event.SUBMITTED_FOR_APPROVAL, Event.UNGROUPED)
FROM_SENDER = {Event.INFO_RECEIVED, Event.WITHDRAWN, Event.NOTIFIED, Event.DISPUTED, Event.CONFIRMED}
steps = st.one_of(
    st.tuples(st.sampled_from(ALONE), st.integers(0, MEMBERS - 1)),
    st.tuples(st.sampled_from(TOGETHER), st.none()),
)
courses = st.lists(st.tuples(steps, st.integers(0, 12)), max_size=7)
settled = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Twins:
    """Members of a group, each with a twin to which the same things happen without a group."""

    def __init__(self, session: Session, world: World) -> None:
        self.session, self.at = session, START
        self.officer, self.elsewhere = world.actor(Role.LEADER), world.unit("LC-SXD").id
        self.members = [world.receive(START + timedelta(minutes=n))[0] for n in range(MEMBERS)]
        self.twins = [world.receive(START + timedelta(minutes=n))[0] for n in range(MEMBERS)]
        session.flush()
        self.group: MatterGroup = groups.form_group(session, self.picks(), "", self.officer, now=self.later(0))

    def later(self, days: int) -> Any:
        self.at += timedelta(days=days, hours=1)
        return self.at

    def picks(self) -> list[TicketPick]:
        return [TicketPick(ticket.id, ticket.version) for ticket in self.members]

    @contextmanager
    def allowed(self, reached: list[bool]) -> Iterator[None]:
        try:
            with self.session.begin_nested():
                yield
        except DomainError:
            reached.append(False)
        else:
            reached.append(True)

    def apply(self, ticket: Ticket, event: Event) -> bool:
        """The event happens to one ticket, if it may."""
        reached: list[bool] = []
        request = service.ActionRequest(
            event, "Nội dung thử.", to_unit_id=self.elsewhere, ground="unclear", answer=DONE
        )
        actor: Actor = SENDER if event in FROM_SENDER else self.officer
        with self.allowed(reached):
            service.apply(self.session, ticket.id, request, actor, now=self.at)
        self.session.refresh(ticket)
        return reached[0]

    def happen(self, event: Event, place: int | None) -> None:
        """Let the same happen to members and to their twins."""
        if place is not None:
            assert self.apply(self.members[place], event) == self.apply(self.twins[place], event)
            return
        inside = [member.group_id == self.group.id for member in self.members]
        with self.allowed([]):
            action = GroupAction(event, "Nội dung thử.", answer=DONE)
            groups.act_on_members(self.session, self.group.id, self.picks(), action, self.officer, now=self.at)
        for member, twin, was_inside in zip(self.members, self.twins, inside, strict=True):
            self.session.refresh(member)
            if was_inside and event is not Event.UNGROUPED:
                self._happen_to_twin(twin, event)

    def _happen_to_twin(self, twin: Ticket, event: Event) -> None:
        """By itself: a new ticket is accepted first where the event needs it, and not at all where it then fails."""
        with self.allowed([]):
            for step in groups.events_before(twin, event):
                request = service.ActionRequest(step, "Nội dung thử.", answer=DONE)
                service.apply(self.session, twin.id, request, self.officer, now=self.at)
        self.session.refresh(twin)

    def state_of(self, ticket: Ticket) -> Mapping[str, Any]:
        """Everything about a ticket but what is its own: columns, verdicts, and the clocks as of now."""
        names = {column.name for column in Ticket.__table__.c} - OF_EACH - AS_OF_LAST_EVENT
        columns = {name: getattr(ticket, name) for name in names}
        judged = select(ClockVersion).where(ClockVersion.ticket_id == ticket.id, ClockVersion.verdict.is_not(None))
        verdicts = sorted(
            (row.clock.value, row.episode, row.nth, row.verdict or "", row.due_date, row.late_days)
            for row in self.session.scalars(judged)
        )
        timing = service.time_ticket(self.session, ticket, self.at)
        clocks = [(state.clock, state.due.on, state.ended, state.verdict) for state in timing.clocks.states]
        return columns | {"verdicts": verdicts, "clocks": clocks, "shares": timing.ledger.shares}


@pytest.fixture
def nothing_differs(session: Session) -> Iterator[None]:
    yield
    assert list(projection.check_all(session)) == []


@settled
@given(course=courses)
def test_a_grouped_ticket_fares_as_its_twin_that_was_never_grouped(
    session: Session, world: World, nothing_differs: None, course: list[tuple[tuple[Event, int | None], int]]
) -> None:
    twins = Twins(session, world)
    for (event, place), days in course:
        twins.later(days)
        twins.happen(event, place)
        for member, twin in zip(twins.members, twins.twins, strict=True):
            assert twins.state_of(member) == twins.state_of(twin), (event, place)
    with twins.allowed([]):
        groups.undo_group(session, twins.group.id, "Không cùng một việc.", twins.officer, now=twins.later(0))
    for member, twin in zip(twins.members, twins.twins, strict=True):
        session.refresh(member)
        assert member.group_id is None and twins.state_of(member) == twins.state_of(twin)
