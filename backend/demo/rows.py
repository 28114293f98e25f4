"""A case of the demonstration as rows: due date, verdict and history by the same functions as a real ticket's. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend import audit
from backend.demo.generate import Case, Moment
from backend.tickets import deadlines, lifecycle, receipts
from backend.tickets.deadlines import Happening
from backend.tickets.lifecycle import Event
from backend.tickets.models import MessageKind, State, TicketMessage
from backend.tickets.service import KINDS
from backend.worktime.calendar import WorkCalendar, local
from backend.worktime.duration import Duration

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Terms:
    """By what the cases are counted."""

    calendar_id: int
    calendar: WorkCalendar
    rule: str
    term: str


@dataclass
class Rows:
    """Rows by table, in the order of the columns that ``load`` names."""

    tickets: list[Row] = field(default_factory=list)
    contacts: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    audit: list[Row] = field(default_factory=list)
    ratings: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where a case goes: its id, the base of its day, ids of units and of their officers."""

    ticket_id: int
    base: int
    first_message_id: int
    units: Mapping[str, int]
    officers: Mapping[str, int]
    about_id: int


def messages_of(case: Case) -> int:
    """How many texts were written in the course of a case."""
    return sum(1 for moment in case.course if moment.event in KINDS)


def add(rows: Rows, case: Case, place: Place, terms: Terms) -> None:
    """Append the rows of one case."""
    history = _history(rows, case, place)
    at = {moment.event: moment.at for moment in case.course}
    answered = at.get(Event.ANSWERED)
    term = Duration.parse(terms.term)
    upto = answered or case.course[-1].at
    resumed = [item for item in history if item.at <= upto]
    due = deadlines.due_date(terms.calendar, term, case.received, resumed, upto)
    holder = next(moment.to for moment in reversed(case.course) if moment.to)
    unit_id = place.units[holder]
    received_on = local(case.received).date()
    told = at.get(Event.NOTIFIED)
    rows.tickets.append(
        (
            place.ticket_id, receipts.number(received_on, place.ticket_id - place.base), _state(case).value,
            len(case.course), case.channel.value, case.category, place.about_id, unit_id, case.title, case.content,
            "vi", case.received, received_on, case.received, terms.rule, terms.term, terms.calendar_id, due.on,
            due.estimate, at.get(Event.ACCEPTED), answered, local(answered).date() if answered else None,
            deadlines.days_taken(terms.calendar, case.received, history, answered) if answered else None,
            deadlines.verdict(due.on, answered).value if answered else None, told,
            deadlines.told_in_time(terms.calendar, answered, told) if answered and told else None,
            receipts.secret_hash(f"demo-{place.ticket_id}-nobody-holds-this"), True,
        )
    )  # fmt: skip
    if case.name:
        rows.contacts.append((place.ticket_id, case.name, case.email or None, case.received))
    if case.scores:
        rows.ratings.append(
            (place.ticket_id, unit_id, received_on, *case.scores, case.remark or None, case.channel.value,
             "sipas-feedback-3", case.course[-1].at)
        )  # fmt: skip


def _state(case: Case) -> State:
    state = State.NEW
    for moment in case.course:
        if moment.event in lifecycle.TRANSITIONS:
            state = lifecycle.next_state(state, moment.event)
    return state


def _history(rows: Rows, case: Case, place: Place) -> list[Happening]:
    """The chain of a case, link by link, and its texts."""
    prev, message_id, holder = audit.FIRST, place.first_message_id, ""
    chain = f"ticket:{place.ticket_id}"
    for seq, moment in enumerate(case.course, start=1):
        user_id = place.officers.get(moment.by)
        actor = f"user:{user_id}" if user_id is not None else moment.by
        data: dict[str, Any] = {}
        if moment.event in KINDS:
            rows.messages.append(
                (message_id, place.ticket_id, KINDS[moment.event].value, moment.text, moment.at, user_id)
            )
            data = {"message": message_id, "text": _digest(moment)}
            message_id += 1
        if moment.event is Event.RECEIVED:
            data = {"unit": place.units[moment.to], "about": place.about_id, "category": case.category}
        elif moment.event is Event.FORWARDED:
            data |= {"from": place.units[holder], "unit": place.units[moment.to]}
        holder = moment.to or holder
        link = audit.link(chain, seq, moment.at, actor, moment.event, data, prev)
        rows.audit.append((chain, seq, moment.at, actor, user_id, moment.event.value, json.dumps(data), prev, link))
        prev = link
    return [Happening(moment.event, moment.at) for moment in case.course]


def _digest(moment: Moment) -> str:
    return TicketMessage(kind=MessageKind.ANSWER, body=moment.text).digest().hex()
