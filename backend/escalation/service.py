"""Reminders: a sweep finds tickets; a task locks a few of them, looks again and writes steps, notices and messages.

Nothing here gives or changes a verdict: verdicts follow from the times of events. A sweep that comes late, twice or
never changes only when people get a notice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, select
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
from backend.tickets.due_status import clock_runs
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Contact, Ticket
from backend.tickets.notices.kinds import NoticeWay
from backend.tickets.senders.sender_messages import media_of
from backend.users.models import User
from backend.users.policy import SYSTEM
from backend.worktime import service as worktime
from backend.worktime.calendar import WorkCalendar, local_time
from backend.worktime.duration import Duration, TimeUnit

PROGRESS = "progress"  # the rule of the ladder that is also an event of the ticket
PROGRESS_RULE = CODES[ClockKind.PROGRESS]
PROMISE_TERM = Duration(15, TimeUnit.WORKING_DAYS)  # promised work has no term of its own; this one is not urgent
BATCH = 100  # tickets that one task locks together; few, so that nobody waits long for one of them

# With RETURNING, SQLAlchemy sends the rows of a batch as one statement. The returned ids are not used.
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
    """Return the term of a ticket. A term that ends at once is treated as one working day."""
    return parse_value(text) or Duration(1, TimeUnit.WORKING_DAYS)


def sweep_tickets(now: datetime, enqueue: Callable[[list[int]], object]) -> int:
    """Hand out every ticket that needs a look, in batches by id until none is left. Return how many.

    These are the tickets that wait for an answer, and those that wait for work that their answer promised. A second
    sweep is harmless: its tasks find nothing left to do.
    """
    return sum(_sweep(now, enqueue, stale) for stale in (queries.stale_clock(now), queries.stale_promise(now)))


def _sweep(now: datetime, enqueue: Callable[[list[int]], object], stale: ColumnElement[bool]) -> int:
    count = after = 0
    while True:
        with transaction() as session:
            ids = list(queries.due_for_a_look(session, stale, after, BATCH))
        if not ids:
            return count
        enqueue(ids)
        count, after = count + len(ids), ids[-1]


@dataclass
class EscalationBatch:
    """The rows that a batch of decisions writes, collected first and then written together."""

    now: datetime
    steps: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    senders: list[tuple[Ticket, EscalationStep]] = field(default_factory=list)
    looks: list[tuple[Ticket, datetime | None]] = field(default_factory=list)

    def watch(self, ticket: Ticket, next_at: datetime | None) -> None:
        self.looks.append((ticket, next_at))

    def watches(self) -> list[dict[str, Any]]:
        """Return the rows of watches. Call it last: a notice of progress makes a new version of its ticket."""
        return [
            {"ticket_id": ticket.id, "version": ticket.version, "due_date": due_of(ticket), "next_at": next_at}
            for ticket, next_at in self.looks
        ]

    def step(self, ticket: Ticket, step: EscalationStep, *, told: bool) -> None:
        row = {"key": step.key(ticket.id), "ticket_id": ticket.id, "code": step.code, "times": step.times}
        self.steps.append({**row, "at": self.now, "told": told})

    def notice(self, ticket: Ticket, step: EscalationStep, user: User, *, at_once: bool) -> None:
        """Add a notice. Its key says where somebody gets it in place of another role: ``...:for:leader:user:7``."""
        in_place_of = "" if user.role.value == step.to.value else f":for:{step.to.value}"
        self.notices.append(
            {
                "key": f"{step.message_key(ticket.id)}{in_place_of}:{audit.user_key(user.id)}",
                "ticket_id": ticket.id,
                "user_id": user.id,
                "code": step.code,
                "way": NoticeWay.AT_ONCE if at_once else NoticeWay.GATHERED,
                "at": self.now,
                "message_id": None,
            }
        )


def decide_steps(ids: list[int], now: datetime) -> int:
    """Lock tickets, look at them again and write what is due. Return how many tickets were looked at.

    A ticket that somebody else has locked waits for the next sweep.
    """
    with transaction() as session:
        locked_tickets = queries.lock_tickets(session, ids, now)
        if locked_tickets:
            _decide(session, locked_tickets, now)
        return len(locked_tickets)


def due_of(ticket: Ticket) -> date:
    """Return the day that people are reminded of: the due date, or after the answer the day that it promised."""
    return ticket.promise_until or ticket.due_date


def facts_of(ticket: Ticket) -> EscalationFacts:
    """Return what the ladder needs to know of a ticket. Promised work is not urgent: the unit chose its day."""
    if ticket.promise_until is not None:
        return EscalationFacts(
            ticket_id=ticket.id,
            received_on=ticket.received_on,
            due=ticket.promise_until,
            term=PROMISE_TERM,
            episode=ticket.episode,
        )
    return EscalationFacts(
        ticket_id=ticket.id,
        received_on=ticket.received_on,
        due=ticket.due_date,
        term=parse_term(ticket.term),
        waiting=clock_runs(ticket),
        episode=ticket.episode,
        reminded_after=ticket.reminded_after,
        has_sender=ticket.channel is not Channel.IMPORT,
    )


def _decide(session: Session, locked_tickets: Sequence[Ticket], now: datetime) -> None:
    active = worktime.in_force(session)
    default = worktime.active_id(session)
    step_counts = queries.steps_known(session, [ticket.id for ticket in locked_tickets])
    staff = queries.load_staff(session)
    batch = EscalationBatch(now)
    ladders = _ladders(session, locked_tickets, now)
    for ticket in locked_tickets:
        calendar = worktime.load_calendar(session, active.get(worktime.UNIT + ticket.unit.code, default))
        _look_at(ticket, calendar, step_counts, staff, batch, ladders[ticket.id])
    _write(session, batch)


def _ladders(
    session: Session, locked_tickets: Sequence[Ticket], now: datetime
) -> dict[int, tuple[ladder.EscalationRule, ...]]:
    """Return the ladder of each ticket, with the deadline rules that hold for it.

    Before the due date the rule for notices of progress changes nothing, so it is read for overdue tickets only.
    """
    today = local_time(now).date()
    late_tickets = [ticket for ticket in locked_tickets if ticket.open and ticket.due_date < today]
    progress_rules = rulebook.noted_rules(session, late_tickets, PROGRESS_RULE) if late_tickets else {}
    last_rule = rulebook.last_rule_id(session)
    ladders = {}
    for ticket in locked_tickets:
        if ticket.promise_until is not None:
            ladders[ticket.id] = ladder.promise_ladder()
            continue
        rules = rulebook.rules_since_reception(session, ticket, ladder.reception_codes(), last_rule)
        if ticket.id in progress_rules:
            rules[PROGRESS_RULE] = progress_rules[ticket.id]
        ladders[ticket.id] = ladder.ladder_by(rules)
    return ladders


def _look_at(
    ticket: Ticket,
    calendar: WorkCalendar,
    step_counts: Mapping[str, int],
    staff: queries.StaffDirectory,
    batch: EscalationBatch,
    rules: Sequence[ladder.EscalationRule],
) -> None:
    """Collect what is due for one ticket. Outside working hours only the next look is set."""
    now, facts = batch.now, facts_of(ticket)
    if not ladder.at_work(calendar, now):
        batch.watch(ticket, ladder.after_pause(calendar, now))
        return
    tell, silent = ladder.choose_steps(facts, ladder.steps_due(facts, calendar, now, rules), step_counts, rules)
    for step in silent:
        batch.step(ticket, step, told=False)
    for step in tell:
        people = [] if step.to is StepRecipient.SENDER else staff.to_tell(step.to, ticket)
        batch.step(ticket, step, told=step.to is StepRecipient.SENDER or bool(people))
        if step.to is StepRecipient.SENDER:
            batch.senders.append((ticket, step))
        for user in people:
            batch.notice(ticket, step, user, at_once=facts.urgent or user.id in staff.at_once)
    batch.watch(ticket, ladder.next_look(facts, calendar, now, rules))


def _write(session: Session, batch: EscalationBatch) -> None:
    """Write a batch. Keys are unique, so rows that another task has written meanwhile stay as they are."""
    if batch.steps:
        session.execute(PUT_STEP, batch.steps)
    if batch.notices:
        session.execute(PUT_NOTICE, batch.notices)
    _tell_senders(session, batch)
    session.execute(PUT_WATCH, batch.watches())


def _tell_senders(session: Session, batch: EscalationBatch) -> None:
    if not batch.senders:
        return
    ids = [ticket.id for ticket, _step in batch.senders]
    contacts_of_tickets = session.scalars(select(Contact).where(Contact.ticket_id.in_(ids)))
    contacts = {contact.ticket_id: contact for contact in contacts_of_tickets}
    messages: list[dict[str, Any]] = []
    for ticket, step in batch.senders:
        if not _note_progress(session, ticket, step, batch.now):
            continue
        messages += outbox.message_rows(
            step.code,
            ticket_id=ticket.id,
            occasion=step.message_key(ticket.id).removeprefix(f"{audit.ticket_chain(ticket.id)}:"),
            by=media_of(contacts.get(ticket.id)),
            now=batch.now,
        )
    outbox.put_all(session, messages)


def _note_progress(session: Session, ticket: Ticket, step: EscalationStep, now: datetime) -> bool:
    """Record a notice of progress in the ticket's history; its clock runs again from there.

    Return False where the ticket's own clock is not overdue: then the sender gets no message.
    """
    if step.code != PROGRESS:
        return True
    try:
        tickets.apply(session, ticket.id, tickets.ActionRequest(Event.PROGRESS_TOLD), SYSTEM, now=now)
    except DomainError:
        return False
    return True
