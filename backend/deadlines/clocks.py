"""The clocks of a ticket as a pure function of its history, of calendar and rule versions, and of now.

Nothing is counted up: each clock is derived from the events that started, paused, extended and ended it. A verdict is
given by the calendar in force for the ticket at that event and never again; a later recount reaches only what runs.

- A pause stops the terms of handling and forwarding while the sender owes information: from the question to the reply,
  to the unit's decision to go on, or to the limit, whichever comes first, at whatever hour anybody noticed.
- A pause that was struck out after a dispute no longer counts for clocks that still run.
- Forwarding leaves the ticket's own term as it is; the next unit gets a term to classify and to forward of its own.
- An end without an answer (refused, redirected, withdrawn, merged) is never on time: late after the due date, no case
  before it. So a merge removes no late case and adds no case on time.
- Asking the sender a second time is late, whenever it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from backend.deadlines.clock_reading import TICK, HistoryReading
from backend.deadlines.clock_states import ClockState, TicketClocks, VersionBook
from backend.deadlines.events import Event, TicketEvent
from backend.deadlines.terms import PauseEnd, Verdict


def state_of_clocks(events: Iterable[TicketEvent], book: VersionBook, now: datetime) -> TicketClocks:
    """All clocks as they stand at ``now``, from the events up to then, in the order of the history."""
    reading = HistoryReading(book)
    for happening in events:
        if happening.at > now:
            break
        reading.take(happening)
    return reading.clocks(now)


@dataclass(frozen=True)
class ClockPreview:
    """What an event would do. ``latest`` is the due date if a pause lasts to its limit; ``judged`` are the clocks that
    it would end, with their verdicts; ``charged`` has the ticket until then, ``next_unit`` from then on."""

    before: TicketClocks
    after: TicketClocks
    due_before: date
    due_after: date
    latest: date | None
    judged: tuple[ClockState, ...]
    charged: int | None
    next_unit: int | None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on handling that it would freeze, if any."""
        resolve = self.after.resolve
        return resolve.verdict if resolve in self.judged else None


def preview_event(events: Sequence[TicketEvent], change: TicketEvent, book: VersionBook) -> ClockPreview:
    """What ``change`` would do to the clocks, on top of the events so far."""
    before = state_of_clocks(events, book, change.at)
    after = state_of_clocks((*events, change), book, change.at)
    latest = None
    if change.event is Event.INFO_REQUESTED:
        limit = _limit(events, change, book)
        latest = state_of_clocks((*events, change), book, limit).resolve.due.on if limit else None
    return ClockPreview(
        before=before,
        after=after,
        due_before=before.resolve.due.on,
        due_after=after.resolve.due.on,
        latest=latest,
        judged=after.states[len(_ended_clocks(before)) : len(_ended_clocks(after))],
        charged=before.unit,
        next_unit=after.unit,
    )


def _ended_clocks(clocks: TicketClocks) -> list[ClockState]:
    return [state for state in clocks.states if not state.running]


def _limit(events: Sequence[TicketEvent], change: TicketEvent, book: VersionBook) -> datetime | None:
    reading = HistoryReading(book)
    for happening in (*events, change):
        reading.take(happening)
    last = reading.breaks[-1] if reading.breaks else None
    return reading.limit(last.start) if last is not None and last.ended_by is PauseEnd.LASTS else None


__all__ = ["TICK", "ClockPreview", "TicketClocks", "VersionBook", "preview_event", "state_of_clocks"]
