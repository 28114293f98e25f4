"""Sweeps and decisions: a sweep finds tickets, a task locks a few of them, looks again and writes what is to be told.

Nothing here gives or changes a verdict: that follows from the times of events. A sweep that comes late, twice or never
changes when people hear of a due date, and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend import audit
from backend.db import table_of, transaction
from backend.deadlines.clock_states import CODES, ClockKind
from backend.deadlines.rules import parse_value
from backend.errors import DomainError
from backend.escalation import ladder, queries
from backend.escalation.ladder import EscalationFacts, EscalationStep, StepRecipient
from backend.escalation.models import StaffNotice, StepRecord, TicketWatch
from backend.outbox import service as outbox
from backend.tickets import rulebook
from backend.tickets import service as tickets
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Contact, Ticket
from backend.tickets.sender_messages import media_of
from backend.users.models import User
from backend.users.policy import SYSTEM
from backend.worktime import service as worktime
from backend.worktime.calendar import WorkCalendar, local_time
from backend.worktime.duration import Duration, TimeUnit

PROGRESS = "progress"  # the rung that is an event of the ticket
PROGRESS_RULE = CODES[ClockKind.PROGRESS]
BATCH = 100  # tickets that one task locks together, so that nobody waits long for one of them

# With something to return, though nobody wants it, the rows of a batch go as one statement.
_PUT_STEP = insert(table_of(StepRecord))
PUT_STEP = _PUT_STEP.on_conflict_do_update(
    index_elements=["key"],
    set_={name: _PUT_STEP.excluded[name] for name in ("times", "at", "told")},
    where=StepRecord.times < _PUT_STEP.excluded["times"],
).returning(StepRecord.id)
PUT_NOTICE = insert(table_of(StaffNotice)).on_conflict_do_nothing(index_elements=["key"]).returning(StaffNotice.id)
_PUT = insert(table_of(TicketWatch))
PUT_WATCH = _PUT.on_conflict_do_update(
    index_elements=["ticket_id"], set_={name: _PUT.excluded[name] for name in ("version", "due_date", "next_at")}
).returning(TicketWatch.ticket_id)


@lru_cache
def parse_term(text: str) -> Duration:
    """A ticket's term; one that ends at once is as urgent as a day."""
    return parse_value(text) or Duration(1, TimeUnit.WORKING_DAYS)


def sweep_tickets(now: datetime, enqueue: Callable[[list[int]], object]) -> int:
    """Hand out every ticket that wants a look, in batches by id until none is left; returns how many. Twice is
    harmless: who comes second finds nothing left to do."""
    handed = after = 0
    while True:
        with transaction() as session:
            ids = list(queries.due_for_a_look(session, now, after, BATCH))
        if not ids:
            return handed
        enqueue(ids)
        handed, after = handed + len(ids), ids[-1]


@dataclass
class EscalationBatch:
    """What a batch of decisions has to write, collected to be written at once."""

    now: datetime
    steps: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    senders: list[tuple[Ticket, EscalationStep]] = field(default_factory=list)
    looks: list[tuple[Ticket, datetime | None]] = field(default_factory=list)

    def watch(self, ticket: Ticket, next_at: datetime | None) -> None:
        self.looks.append((ticket, next_at))

    def watches(self) -> list[dict[str, Any]]:
        """As the tickets stand at last: word to a sender is an event, which makes a new version of the ticket."""
        return [
            {"ticket_id": ticket.id, "version": ticket.version, "due_date": ticket.due_date, "next_at": next_at}
            for ticket, next_at in self.looks
        ]

    def step(self, ticket: Ticket, step: EscalationStep, *, told: bool) -> None:
        row = {"key": step.key(ticket.id), "ticket_id": ticket.id, "code": step.code, "times": step.times}
        self.steps.append({**row, "at": self.now, "told": told})

    def notice(self, ticket: Ticket, step: EscalationStep, user: User, *, urgent: bool) -> None:
        """The key says also in whose place somebody is told: ``...:for:leader:user:7``."""
        instead = "" if user.role.value == step.to.value else f":for:{step.to.value}"
        self.notices.append(
            {
                "key": f"{step.message_key(ticket.id)}{instead}:{audit.user_key(user.id)}",
                "ticket_id": ticket.id,
                "user_id": user.id,
                "code": step.code,
                "urgent": urgent,
                "at": self.now,
                "message_id": None,
            }
        )


def decide_steps(ids: list[int], now: datetime) -> int:
    """Look at tickets again under their locks and write what is to be told; returns how many were looked at. Those
    that somebody is working on right now are left to the next sweep."""
    with transaction() as session:
        found = queries.lock_tickets(session, ids, now)
        if found:
            _decide(session, found, now)
        return len(found)


def facts_of(ticket: Ticket) -> EscalationFacts:
    """What the ladder asks of a ticket."""
    return EscalationFacts(
        ticket_id=ticket.id,
        received_on=ticket.received_on,
        due=ticket.due_date,
        term=parse_term(ticket.term),
        waiting=ticket.state in queries.WAITING,
        episode=ticket.episode,
        reminded_after=ticket.reminded_after,
        has_sender=ticket.channel is not Channel.IMPORT,
    )


def _decide(session: Session, found: Sequence[Ticket], now: datetime) -> None:
    active = worktime.in_force(session)
    default = worktime.active_id(session)
    known = queries.steps_known(session, [ticket.id for ticket in found])
    staff = queries.load_staff(session)
    writing = EscalationBatch(now)
    rungs = _ladders(session, found, now)
    for ticket in found:
        calendar = worktime.load_calendar(session, active.get(worktime.UNIT + ticket.unit.code, default))
        _look_at(ticket, calendar, known, staff, writing, rungs.get(ticket.id, ladder.shipped_ladder()))
    _write(session, writing)


def _ladders(session: Session, found: Sequence[Ticket], now: datetime) -> dict[int, tuple[ladder.EscalationRule, ...]]:
    """The ladder of each ticket that is overdue, by its own rule for notices of progress. Before the due date no rung
    waits for that rule."""
    late = [ticket for ticket in found if ticket.due_date < local_time(now).date()]
    rules = rulebook.noted_rules(session, late, PROGRESS_RULE) if late else {}
    return {ticket_id: ladder.ladder_by({PROGRESS_RULE: rule}) for ticket_id, rule in rules.items()}


def _look_at(
    ticket: Ticket,
    calendar: WorkCalendar,
    known: Mapping[str, int],
    staff: queries.StaffDirectory,
    writing: EscalationBatch,
    rungs: Sequence[ladder.EscalationRule],
) -> None:
    """One ticket: nothing outside working hours, then what is due and not yet known."""
    now, facts = writing.now, facts_of(ticket)
    if not ladder.at_work(calendar, now):
        writing.watch(ticket, ladder.after_pause(calendar, now))
        return
    tell, silent = ladder.choose_steps(facts, ladder.steps_due(facts, calendar, now, rungs), known, rungs)
    for step in silent:
        writing.step(ticket, step, told=False)
    for step in tell:
        people = [] if step.to is StepRecipient.SENDER else staff.to_tell(step.to, ticket)
        writing.step(ticket, step, told=step.to is StepRecipient.SENDER or bool(people))
        if step.to is StepRecipient.SENDER:
            writing.senders.append((ticket, step))
        for user in people:
            writing.notice(ticket, step, user, urgent=facts.urgent)
    writing.watch(ticket, ladder.next_look(facts, calendar, now, rungs))


def _write(session: Session, writing: EscalationBatch) -> None:
    """All of a batch. The keys are unique, so what somebody else has written meanwhile is left alone."""
    if writing.steps:
        session.execute(PUT_STEP, writing.steps)
    if writing.notices:
        session.execute(PUT_NOTICE, writing.notices)
    _tell_senders(session, writing)
    session.execute(PUT_WATCH, writing.watches())


def _tell_senders(session: Session, writing: EscalationBatch) -> None:
    if not writing.senders:
        return
    ids = [ticket.id for ticket, _step in writing.senders]
    contacts = {held.ticket_id: held for held in session.scalars(select(Contact).where(Contact.ticket_id.in_(ids)))}
    messages: list[dict[str, Any]] = []
    for ticket, step in writing.senders:
        if not _note_progress(session, ticket, step, writing.now):
            continue
        messages += outbox.message_rows(
            step.code,
            ticket_id=ticket.id,
            occasion=step.message_key(ticket.id).removeprefix(f"{audit.ticket_chain(ticket.id)}:"),
            by=media_of(contacts.get(ticket.id)),
            now=writing.now,
        )
    outbox.put_all(session, messages)


def _note_progress(session: Session, ticket: Ticket, step: EscalationStep, now: datetime) -> bool:
    """Write a notice of progress into the ticket's history, from which its clock runs on. False where the ticket's own
    clock says that it is not overdue: then nothing is said."""
    if step.code != PROGRESS:
        return True
    try:
        tickets.apply(session, ticket.id, tickets.ActionRequest(Event.PROGRESS_TOLD), SYSTEM, now=now)
    except DomainError:
        return False
    return True
