"""Reads of answers: what an answer says beside its text, for its sender and for staff."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from backend.deadlines.events import Event, TicketEvent
from backend.deadlines.grounds import DecisionGround, GroundList, grounds_on
from backend.tickets.answers.outcomes import AnswerDetails, AnswerOutcome, outcome_of
from backend.tickets.answers.points import read_points
from backend.tickets.lifecycle import ANSWERS
from backend.tickets.models import Ticket, TicketMessage
from backend.worktime.calendar import local_time


@dataclass(frozen=True)
class EarlierAnswer:
    """The ticket that was answered before. ``text`` is that answer; empty where it was written to another sender."""

    number: str
    text: str = ""


@dataclass(frozen=True)
class AnswerView:
    """What an answer, a draft or a refusal says beside its text.

    ``names_outcome``: it is an answer or a draft; without an outcome it is of before, or of another system.
    """

    names_outcome: bool
    outcome: AnswerOutcome | None
    until: date | None
    ground: DecisionGround | None
    earlier: EarlierAnswer | None
    details: AnswerDetails

    @property
    def nameless(self) -> bool:
        return self.names_outcome and self.outcome is None


def read_answer(session: Session, event: TicketEvent) -> AnswerView:
    """Return what the entry of an answer, a draft or a refusal says beside its text."""
    notes = event.data
    promised = notes.get("promised")
    return AnswerView(
        names_outcome=event.event in ANSWERS or event.event is Event.SUBMITTED_FOR_APPROVAL,
        outcome=outcome_of(notes),
        until=date.fromisoformat(promised) if promised else None,
        ground=_ground(event) if "outcome" in notes else None,
        earlier=_earlier(session, notes),
        details=_details(session, notes),
    )


def latest_decision(session: Session, history: Sequence[TicketEvent]) -> AnswerView | None:
    """Return the view of the latest answer or refusal; None where there is none."""
    kinds = ANSWERS | {Event.REFUSED}
    return _latest(session, history, kinds)


def latest_draft(session: Session, history: Sequence[TicketEvent]) -> AnswerView | None:
    """Return the view of the draft that was submitted last."""
    return _latest(session, history, {Event.SUBMITTED_FOR_APPROVAL})


def answer_with_text(session: Session, history: Sequence[TicketEvent], message_id: int | None) -> AnswerView | None:
    """Return the view of the answer or refusal whose text is this message; None for a message of another kind."""
    kinds = ANSWERS | {Event.REFUSED}
    entries = (entry for entry in history if entry.event in kinds and entry.data.get("message") == message_id)
    entry = next(entries, None) if message_id is not None else None
    return read_answer(session, entry) if entry is not None else None


def points_of(session: Session, history: Sequence[TicketEvent]) -> list[str]:
    """Return the points that the officer listed last, in order."""
    listings = [event for event in history if event.event is Event.POINTS_LISTED]
    message = session.get(TicketMessage, listings[-1].data["message"]) if listings else None
    return read_points(message.body) if message else []


def _latest(
    session: Session, history: Sequence[TicketEvent], kinds: set[Event] | frozenset[Event]
) -> AnswerView | None:
    events = (event for event in reversed(history) if event.event in kinds)
    event = next(events, None)
    return read_answer(session, event) if event is not None else None


def _ground(event: TicketEvent) -> DecisionGround | None:
    """Return the ground as it was in force on the day of the answer."""
    grounds = grounds_on(GroundList.NOT_POSSIBLE, local_time(event.at).date())
    return next((ground for ground in grounds if ground.code == event.data.get("ground")), None)


def _earlier(session: Session, notes: Mapping[str, Any]) -> EarlierAnswer | None:
    if "earlier" not in notes:
        return None
    number = session.get_one(Ticket, notes["earlier"]).number
    answer = session.get(TicketMessage, notes["earlier_answer"]) if notes.get("same_sender") else None
    return EarlierAnswer(number, answer.body if answer else "")


def _details(session: Session, notes: Mapping[str, Any]) -> AnswerDetails:
    message = session.get(TicketMessage, notes["details"]) if "details" in notes else None
    return AnswerDetails.from_text(message.body) if message else AnswerDetails()
