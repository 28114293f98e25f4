"""What an answer says became of the matter, and what its sender says of it: outcome, proof, points, verdict. Pure.

The outcome stands in the notes of the entry ``answered`` and follows from there into a column of the ticket. Answers of
earlier versions and of other systems have none, and none is guessed for them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from backend.deadlines.events import Event, TicketEvent

# Notes of an answer that name its outcome. An approval takes them over from the draft, a common answer from its ticket.
OUTCOME_NOTES: Final = ("outcome", "promised", "ground", "earlier", "earlier_answer", "same_sender")
# The sender of a merged ticket gets the number of the earlier ticket alone: that answer was written to another sender.
COMMON_NOTES: Final = ("outcome", "promised", "ground", "earlier")


class AnswerOutcome(StrEnum):
    """What became of the matter, in the words of the unit."""

    DONE = "done"
    PARTLY = "partly"
    PROMISED = "promised"  # will be done until a date: ``answers.promises`` follows it up
    NOT_POSSIBLE = "not_possible"  # with a ground of the closed list
    NOT_AS_DESCRIBED = "not_as_described"  # checked, and not found so
    ANSWERED_BEFORE = "answered_before"  # with the number of the ticket that was answered


class CitizenVerdict(StrEnum):
    """The last word of the sender about a closure. Without a word there is none: never "satisfied"."""

    CONFIRMED = "confirmed"
    DISPUTED = "disputed"


_VERDICT_OF: Final = {
    Event.CONFIRMED: CitizenVerdict.CONFIRMED,
    Event.DISPUTED: CitizenVerdict.DISPUTED,
    Event.REOPENED: CitizenVerdict.DISPUTED,
}


@dataclass(frozen=True)
class AnswerProof:
    """What shows that the answer is true: a document, a visit. A photo after handling belongs here too.

    ``visitor`` is who went there, as the unit writes it.
    """

    document: str = ""
    document_on: date | None = None
    visited_on: date | None = None
    visitor: str = ""

    @property
    def empty(self) -> bool:
        return self == NO_PROOF


NO_PROOF: Final = AnswerProof()


@dataclass(frozen=True)
class PointReply:
    """One point that was asked, with its short answer. ``in_text``: the answer's text replies to it."""

    point: str
    reply: str = ""
    in_text: bool = False

    @property
    def open(self) -> bool:
        return not (self.reply or self.in_text)


@dataclass(frozen=True)
class EarlierReference:
    """An earlier ticket with the same content, by its number.

    ``words``: why the officer is sure that it is the same matter, where the two senders gave no common contact.
    """

    number: str = ""
    words: str = ""


NO_REFERENCE: Final = EarlierReference()


@dataclass(frozen=True)
class AnswerContent:
    """What an officer says with an answer beside its text.

    ``replies``: for each listed point, in their order, its short answer and whether the text replies to it.
    ``send_open``: send the answer although a point is open, for ``open_reason``.
    """

    outcome: AnswerOutcome | None = None
    proof: AnswerProof = NO_PROOF
    replies: tuple[tuple[str, bool], ...] = ()
    send_open: bool = False
    open_reason: str = ""


NO_CONTENT: Final = AnswerContent()


@dataclass(frozen=True)
class AnswerDetails:
    """The words that belong to an answer or a refusal beside its text: stored as one text, sealed by its hash.

    ``open_reason`` and ``earlier_words`` are for staff alone.
    """

    proof: AnswerProof = NO_PROOF
    points: tuple[PointReply, ...] = ()
    open_reason: str = ""
    earlier_words: str = ""

    @property
    def empty(self) -> bool:
        return self == AnswerDetails()

    @property
    def open_points(self) -> tuple[int, ...]:
        """The numbers of the points without an answer, from 1."""
        return tuple(number for number, point in enumerate(self.points, start=1) if point.open)

    def as_text(self) -> str:
        """Return the details as JSON with sorted keys, as they are stored."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, default=date.isoformat)

    @classmethod
    def from_text(cls, text: str) -> "AnswerDetails":
        stored = json.loads(text)
        proof = {name: _day_or_text(name, value) for name, value in stored["proof"].items()}
        points = tuple(PointReply(**point) for point in stored["points"])
        return cls(AnswerProof(**proof), points, stored["open_reason"], stored["earlier_words"])


def outcome_of(notes: Mapping[str, Any]) -> AnswerOutcome | None:
    """Return the outcome that an answer names; None for an answer of before, or of another system."""
    return AnswerOutcome(notes["outcome"]) if "outcome" in notes else None


def latest_outcome(history: Sequence[TicketEvent]) -> AnswerOutcome | None:
    """Return the outcome of the latest answer, alone or with another ticket."""
    answers = (event for event in reversed(history) if event.event in (Event.ANSWERED, Event.ANSWERED_TOGETHER))
    latest = next(answers, None)
    return outcome_of(latest.data) if latest is not None else None


def latest_verdict(history: Sequence[TicketEvent]) -> CitizenVerdict | None:
    """Return the last word of the sender; None where they said nothing.

    A unit cannot erase a dispute by another answer: only the sender's next word replaces it.
    """
    words = (_VERDICT_OF[event.event] for event in reversed(history) if event.event in _VERDICT_OF)
    return next(words, None)


def _day_or_text(name: str, value: Any) -> Any:
    return date.fromisoformat(value) if name.endswith("_on") and value else value
