"""Promises of answers: "will be done until a date", read from the history. Pure.

A promise begins with the answer that gives it. It ends when the unit reports that the work is done, when another answer
takes its place, or when the sender has the ticket handled again. It is missed if its first date passed before that.
Neither a new date nor the report changes this, and no promise changes the verdict on the answer itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from backend.deadlines.events import Event, TicketEvent
from backend.tickets.answers.outcomes import AnswerOutcome, outcome_of
from backend.worktime.calendar import local_time

_REPLACED: Final = frozenset({Event.ANSWERED, Event.ANSWERED_TOGETHER, Event.DISPUTED, Event.REOPENED, Event.UNMERGED})


@dataclass(frozen=True, slots=True)
class AnswerPromise:
    """One promise. ``promised`` is its first date, ``until`` the date that holds now: the unit may move it once.

    ``common``: it was given with the answer of another ticket, at which it is followed up. ``ended`` is None while the
    unit still owes the work. ``met``: it ended with the unit's report.
    """

    given: datetime
    promised: date
    until: date
    moved: bool = False
    common: bool = False
    ended: datetime | None = None
    met: bool = False

    @property
    def missed(self) -> bool:
        """Whether the first date had passed when the promise ended. A promise that still runs is not judged here."""
        return self.ended is not None and local_time(self.ended).date() > self.promised


def read_promises(history: Sequence[TicketEvent]) -> list[AnswerPromise]:
    """Return the promises of a ticket in their order. Only the last one can be open."""
    promises: list[AnswerPromise] = []
    for event in history:
        if promises and promises[-1].ended is None:
            promises[-1] = _after(promises[-1], event)
        if event.event in (Event.ANSWERED, Event.ANSWERED_TOGETHER):
            promises += _given_by(event)
    return promises


def open_promise(history: Sequence[TicketEvent]) -> AnswerPromise | None:
    """Return the promise that the unit still owes, if there is one."""
    promises = read_promises(history)
    return promises[-1] if promises and promises[-1].ended is None else None


def closed_from(history: Sequence[TicketEvent], decided: datetime | None) -> datetime | None:
    """Return the moment from which the sender's time to have the ticket handled again runs.

    It is the decision, or the report that the promised work is done. None: nothing is decided, or the work is owed yet.
    """
    promises = read_promises(history)
    if decided is None or not promises or promises[-1].given < decided:
        return decided
    if promises[-1].ended is None:
        return None
    return max(promises[-1].ended, decided)


def promise_columns(history: Sequence[TicketEvent]) -> dict[str, Any]:
    """Return the columns about promises: how many were given and missed, and the dates of the open one.

    A promise of a common answer counts once, at the ticket that was answered.
    """
    promises = [promise for promise in read_promises(history) if not promise.common]
    running = promises[-1] if promises and promises[-1].ended is None else None
    return {
        "promises_given": len(promises),
        "promises_missed": sum(promise.missed for promise in promises),
        "promised_on": running.promised if running else None,
        "promise_until": running.until if running else None,
    }


def _given_by(answer: TicketEvent) -> list[AnswerPromise]:
    if outcome_of(answer.data) is not AnswerOutcome.PROMISED:
        return []
    until = date.fromisoformat(answer.data["promised"])
    return [AnswerPromise(answer.at, until, until, common=answer.event is Event.ANSWERED_TOGETHER)]


def _after(promise: AnswerPromise, event: TicketEvent) -> AnswerPromise:
    if event.event is Event.PROMISE_KEPT:
        return replace(promise, ended=event.at, met=True)
    if event.event is Event.PROMISE_EXPLAINED:
        return replace(promise, until=date.fromisoformat(event.data["until"]), moved=True)
    return replace(promise, ended=event.at) if event.event in _REPLACED else promise
