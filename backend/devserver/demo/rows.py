"""A ticket of the demonstration as rows of the tables.

Due date, verdict and history come from the same functions as for a real ticket.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from backend import audit
from backend.deadlines.clock_states import TicketClocks, VersionBook
from backend.deadlines.clocks import state_of_clocks
from backend.deadlines.events import TicketEvent
from backend.deadlines.rules import DeadlineRule, RuleSubject, manner_of
from backend.devserver.demo.generate import DemoCase, DemoEvent
from backend.ratings.models import RATING_FORM, rating_notes
from backend.tickets import projection
from backend.tickets.lifecycle import TEXT_KINDS, Event
from backend.tickets.models import MessageKind, TicketMessage, words_digest
from backend.tickets.reception import receipts
from backend.tickets.rulebook import Rulebook, noted_ids
from backend.tickets.service import result_columns
from backend.worktime.calendar import WorkCalendar, local_time

Row = tuple[Any, ...]
# Columns that follow from the history, in the order in which ``load`` names them.
PROJECTED = (
    *("state", "episode", "unit_id", "rule", "term", "rule_id", "calendar_id", "due_date", "due_estimated"),
    *("accepted_at", "decided_at", "answered_at", "answered_on", "working_days", "verdict", "told_at", "told_in_time"),
    *("paused_on", "waits_for", "waits_since", "changed_at", "tell_by", "answer_outcome", "citizen_verdict"),
)
RESULTS = (
    *("ticket_id", "episode", "clock", "nth", "version", "unit_id", "value", "rule_id", "calendar_id", "started_at"),
    *("due_date", "due_at", "estimated", "ended_at", "verdict", "late_days", "late_minutes", "explanation", "reason"),
    "computed_at",
)


@dataclass(frozen=True)
class DemoRules:
    """The calendar, the rules and the subjects of categories by which the tickets are counted."""

    calendar_id: int
    calendar: WorkCalendar
    rules: Rulebook
    about: Mapping[str, RuleSubject]

    def book(self, case: DemoCase) -> VersionBook:
        return VersionBook({self.calendar_id: self.calendar}, self.rules.by_id, self.calendar_id, self._ruling(case))

    def rule_ids(self, case: DemoCase) -> dict[str, int]:
        return noted_ids(self._ruling(case))

    def _ruling(self, case: DemoCase) -> dict[str, DeadlineRule]:
        about = replace(self.about[case.category], manner=manner_of(case.channel.value))
        return self.rules.ruling(local_time(case.received).date(), about)


@dataclass
class DemoRows:
    """Rows by table, in the order of the columns that ``load`` names."""

    tickets: list[Row] = field(default_factory=list)
    contacts: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    audit: list[Row] = field(default_factory=list)
    ratings: list[Row] = field(default_factory=list)
    results: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class CasePlacement:
    """The ids of a ticket: its own, the base of its day, its first message, the units and their officers."""

    ticket_id: int
    base: int
    first_message_id: int
    units: Mapping[str, int]
    officers: Mapping[str, int]
    about_id: int


def messages_of(case: DemoCase) -> int:
    """Return how many texts were written in the course of a ticket."""
    return sum(1 for step in case.course if step.event in TEXT_KINDS)


def add_case(rows: DemoRows, case: DemoCase, place: CasePlacement, terms: DemoRules) -> None:
    """Append the rows of one ticket to ``rows``."""
    history = _history(rows, case, place, terms)
    clocks = state_of_clocks(history, terms.book(case), case.course[-1].at)
    _add_results(rows, place.ticket_id, clocks)
    now = projection.project_columns(history, clocks)
    unit_id = now["unit_id"]
    received_on = local_time(case.received).date()
    rows.tickets.append(
        (
            place.ticket_id, receipts.ticket_number(received_on, place.ticket_id - place.base), len(case.course),
            case.channel.value, case.category, place.about_id, case.title, case.content, "vi", case.received,
            received_on, case.received, *(_plain(now[name]) for name in PROJECTED),
            receipts.secret_hash(f"demo-{place.ticket_id}-nobody-holds-this"), True,
        )
    )  # fmt: skip
    if case.name:
        rows.contacts.append((place.ticket_id, case.name, case.email or None, case.received))
    if case.scores:
        rated_at = next(step.at for step in case.course if step.event is Event.RATED)
        rows.ratings.append(
            (place.ticket_id, unit_id, received_on, *case.scores, case.remark or None, case.channel.value,
             RATING_FORM, rated_at)
        )  # fmt: skip


def _plain(value: object) -> object:
    return value.value if isinstance(value, StrEnum) else value


def _add_results(rows: DemoRows, ticket_id: int, clocks: TicketClocks) -> None:
    """Append a version of each clock that has its verdict."""
    for state in clocks.states:
        if state.verdict is None or state.ended is None:
            continue
        columns = result_columns(state)
        explained = json.dumps(columns.pop("explanation"), ensure_ascii=False)
        key = (ticket_id, state.episode, state.clock.value, state.nth, 1)
        rows.results.append((*key, *map(_plain, columns.values()), explained, "answered", state.ended))


def _history(rows: DemoRows, case: DemoCase, place: CasePlacement, terms: DemoRules) -> list[TicketEvent]:
    """Append the chain of a ticket, link by link, and its texts; return its events."""
    prev, message_id, unit = audit.FIRST, place.first_message_id, ""
    history: list[TicketEvent] = []
    chain = audit.ticket_chain(place.ticket_id)
    for seq, step in enumerate(case.course, start=1):
        user_id = place.officers.get(step.by)
        actor = audit.user_key(user_id) if user_id is not None else step.by
        data: dict[str, Any] = {}
        if step.event in TEXT_KINDS:
            rows.messages.append(
                (message_id, place.ticket_id, TEXT_KINDS[step.event].value, step.text, step.at, user_id)
            )
            data = {"message": message_id, "text": _digest(step)}
            message_id += 1
        data |= _notes(step, case, place, terms, unit)
        unit = step.to or unit
        link = audit.hash_link(chain, seq, step.at, actor, step.event, data, prev)
        rows.audit.append((chain, seq, step.at, actor, user_id, step.event.value, json.dumps(data), prev, link))
        prev = link
        history.append(TicketEvent(step.event, step.at, actor, data))
    return history


def _notes(step: DemoEvent, case: DemoCase, place: CasePlacement, terms: DemoRules, unit: str) -> dict[str, Any]:
    """Return what the history notes about an event, apart from its text. ``unit`` has the ticket before the event."""
    if step.event is Event.RECEIVED:
        return {
            "unit": place.units[step.to],
            "about": place.about_id,
            "category": case.category,
            "calendar": terms.calendar_id,
            "rules": terms.rule_ids(case),
            "words": words_digest(case.title, case.content),
        }
    if step.event is Event.FORWARDED:
        return {"from": place.units[unit], "unit": place.units[step.to]}
    if step.event is Event.RATED and case.scores:
        return rating_notes(case.scores, case.remark) | {"credited": place.units[unit]}
    if step.event is Event.ANSWERED:
        return {"outcome": step.outcome.value}
    if step.event is Event.DISPUTED:
        return {"calendar": terms.calendar_id, "rules": terms.rule_ids(case)}
    return {}


def _digest(step: DemoEvent) -> str:
    return TicketMessage(kind=MessageKind.ANSWER, body=step.text).digest().hex()
