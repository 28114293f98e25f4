"""What happens to a second look: the entries of its own chain in the history, and what follows from them. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from backend import audit
from backend.tickets.second_looks.models import LookResult, LookStage


class LookEvent(StrEnum):
    """One entry of the chain. The value is also its name in the history."""

    ASKED = "second_look_asked"
    TAKEN = "second_look_taken"
    GIVEN_BACK = "second_look_given_back"
    DECIDED = "second_look_decided"


@dataclass(frozen=True)
class LookCourse:
    """The columns of a second look that follow from its history. Dates and enums are as the history writes them."""

    ticket_id: int = 0
    unit_id: int = 0
    hidden_unit_id: int | None = None
    stage: str = ""
    reason: str = ""
    asked_at: datetime | None = None
    term: str = ""
    rule_id: int | None = None
    calendar_id: int = 0
    due_date: str = ""
    reviewer_id: int | None = None
    taken_at: datetime | None = None
    result: str | None = None
    decided_at: datetime | None = None
    message_id: int | None = None
    letter: str = ""
    verdict: str | None = None
    late_days: int = 0


def replay_look(entries: Iterable[Any]) -> LookCourse:
    """Return what follows from the entries of a chain, in order. Raises KeyError where an entry lacks its notes."""
    course = LookCourse()
    for entry in entries:
        course = _READERS[LookEvent(entry.action)](course, entry.at, entry.actor, entry.data)
    return course


def _read_asking(_course: LookCourse, at: datetime, _actor: str, data: Mapping[str, Any]) -> LookCourse:
    return LookCourse(
        ticket_id=data["ticket"],
        unit_id=data["unit"],
        hidden_unit_id=data.get("hidden"),
        stage=LookStage.ASKED.value,
        reason=data["reason"],
        asked_at=at,
        term=data["term"],
        rule_id=data.get("rule"),
        calendar_id=data["calendar"],
        due_date=data["due"],
    )


def _read_taking(course: LookCourse, at: datetime, actor: str, _data: Mapping[str, Any]) -> LookCourse:
    return replace(course, stage=LookStage.TAKEN.value, reviewer_id=audit.user_id_in(actor), taken_at=at)


def _read_giving_back(course: LookCourse, _at: datetime, _actor: str, _data: Mapping[str, Any]) -> LookCourse:
    return replace(course, stage=LookStage.ASKED.value, reviewer_id=None, taken_at=None)


def _read_decision(course: LookCourse, at: datetime, _actor: str, data: Mapping[str, Any]) -> LookCourse:
    return replace(
        course,
        stage=LookStage.DECIDED.value,
        result=LookResult(data["result"]).value,
        decided_at=at,
        message_id=data["message"],
        letter=data["letter"],
        verdict=data["verdict"],
        late_days=data["late_days"],
    )


_Reader = Callable[[LookCourse, datetime, str, Mapping[str, Any]], LookCourse]
_READERS: Final[Mapping[LookEvent, _Reader]] = {
    LookEvent.ASKED: _read_asking,
    LookEvent.TAKEN: _read_taking,
    LookEvent.GIVEN_BACK: _read_giving_back,
    LookEvent.DECIDED: _read_decision,
}
