"""The clocks of a ticket: a pure function of its history, the versions of calendar and rules, and now.

No counter is stored. Each clock follows from the events that started, paused, extended and ended it. A verdict is given
once, by the calendar of the ticket at that event. A later recount changes only clocks that run.

- A pause stops the terms of handling and forwarding while the sender owes information. It lasts from the question to
  the reply, to the unit's decision to go on, or to the limit, whichever comes first. Nobody has to notice the limit.
- A pause that was struck out after a dispute no longer counts for clocks that run.
- Forwarding does not change the ticket's own term. The next unit gets its own term to classify and to forward.
- An end without an answer (refused, redirected, withdrawn, merged) is never on time. After the due date it is late;
  before it there is no verdict. So a merge removes no late verdict and adds none on time.
- A second question to the sender is always late.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from backend.deadlines.clock_reading import TICK, HistoryReading
from backend.deadlines.clock_states import ClockState, TicketClocks, VersionBook
from backend.deadlines.events import Event, TicketEvent
from backend.deadlines.terms import PauseEnd, Verdict


def state_of_clocks(events: Iterable[TicketEvent], book: VersionBook, now: datetime) -> TicketClocks:
    """Return all clocks at ``now``. ``events`` are in the order of the history; those after ``now`` are left out."""
    return read_history(events, book, now).clocks(now)


def read_history(events: Iterable[TicketEvent], book: VersionBook, now: datetime) -> HistoryReading:
    """Return the reading of a history up to ``now``. A page forks it for each of its previews."""
    reading = HistoryReading(book)
    for event in events:
        if event.at > now:
            break
        reading.take(event)
    return reading


@dataclass(frozen=True)
class ClockPreview:
    """What an event would do to the clocks and the due date.

    - ``latest``: the due date if the pause that begins lasts to its limit.
    - ``judged``: the clocks that the event would end, with their verdicts.
    - ``charged``: the unit that has the ticket until the event. ``next_unit``: the unit that has it afterwards.
    """

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
        """The verdict on handling that the event would give, if any."""
        resolve = self.after.resolve
        return resolve.verdict if resolve in self.judged else None


def preview_event(
    events: Sequence[TicketEvent], event: TicketEvent, book: VersionBook, earlier: Sequence[TicketEvent] = ()
) -> ClockPreview:
    """Return what ``event`` would do to the clocks after the events so far. Nothing is written.

    ``earlier`` are events that would be written before it, in the same step.
    """
    return preview_steps(read_history(events, book, event.at), (*earlier, event))


def preview_steps(reading: HistoryReading, steps: Sequence[TicketEvent]) -> ClockPreview:
    """Return what ``steps`` would do together, at one moment, to clocks that are read up to this moment."""
    event, before, next_reading = steps[-1], reading.clocks(steps[-1].at), reading.fork()
    for step in steps:
        next_reading.take(step)
    after = next_reading.clocks(event.at)
    latest = None
    if event.event is Event.INFO_REQUESTED:
        limit = _pause_limit(next_reading)
        latest = next_reading.clocks(limit).resolve.due.on if limit else None
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


def _pause_limit(reading: HistoryReading) -> datetime | None:
    """Return the limit of the pause that lasts, if one does."""
    last = reading.breaks[-1] if reading.breaks else None
    return reading.limit(last.start) if last is not None and last.ended_by is PauseEnd.LASTS else None


__all__ = [
    "TICK",
    "ClockPreview",
    "HistoryReading",
    "TicketClocks",
    "VersionBook",
    "preview_event",
    "preview_steps",
    "read_history",
    "state_of_clocks",
]
