"""Read the clocks from a history, event by event. Pure. ``clocks`` explains what each event means and asks here."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from backend.deadlines import limits
from backend.deadlines.clock_states import CODES, ClockKind, ClockState, TicketClocks, UnitHolding, VersionBook
from backend.deadlines.events import Event, TicketEvent
from backend.deadlines.rules import DeadlineRule, parse_value
from backend.deadlines.terms import Extension, PauseEnd, Term, TicketPause, Verdict
from backend.worktime.arithmetic import DueMoment, worked_time
from backend.worktime.calendar import WorkCalendar, local_time
from backend.worktime.duration import Duration

TICK: Final = timedelta(microseconds=1)


@dataclass
class HistoryReading:
    """A history as far as it has been read.

    - ``started``: when the episode began. ``unit_since``: when the present unit got the ticket.
    - ``classifying``, ``notifying``, ``publishing``: when these clocks started; None where they do not run.
    - ``question_counts``: how many questions a unit has asked in an episode.
    - ``progress_notices``: when the sender got notices of progress in this episode.
    - ``ended_clocks``: the clocks that have ended. ``dues``: due dates that were counted already.
    """

    book: VersionBook
    episode: int = 0
    unit: int | None = None
    calendar_id: int = 0
    ruling: dict[str, DeadlineRule] = field(default_factory=dict)
    started: datetime | None = None
    unit_since: datetime | None = None
    classifying: datetime | None = None
    resolving: bool = False
    suspended: bool = False
    decided: datetime | None = None
    notifying: datetime | None = None
    publishing: datetime | None = None
    extension: Extension | None = None
    question_counts: Counter[tuple[int, int | None]] = field(default_factory=Counter)
    progress_notices: list[datetime] = field(default_factory=list)
    breaks: list[TicketPause] = field(default_factory=list)
    holdings: list[UnitHolding] = field(default_factory=list)
    ended_clocks: list[ClockState] = field(default_factory=list)
    dues: dict[tuple[int, Duration | None, datetime], DueMoment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.calendar_id = self.book.calendar_id
        self.ruling = dict(self.book.ruling)

    def fork(self) -> "HistoryReading":
        """Return a copy that may read on by itself."""
        other = copy(self)
        other.ruling, other.question_counts = dict(self.ruling), Counter(self.question_counts)
        other.progress_notices, other.breaks = list(self.progress_notices), list(self.breaks)
        other.holdings, other.ended_clocks = list(self.holdings), list(self.ended_clocks)
        return other

    def take(self, event: TicketEvent) -> None:
        """Read the next event."""
        handler = _HANDLERS.get(event.event)
        if handler is not None:
            handler(self, event)

    @property
    def calendar(self) -> WorkCalendar:
        return self.book.calendars[self.calendar_id]

    # --- pauses -------------------------------------------------------------------------------------------------

    def limit(self, start: datetime) -> datetime:
        """Return the first moment at which a pause that began at ``start`` no longer stops anything."""
        end = limits.limit_end(self.calendar, self.ruling.get(limits.PAUSE_LIMIT), start)
        return end + TICK if end is not None else datetime.max.replace(tzinfo=start.tzinfo)

    def pauses_at(self, moment: datetime) -> tuple[TicketPause, ...]:
        """Return the pauses at a moment. One that lasts ends at the moment, or earlier at its limit."""
        return (*self.breaks[:-1], self.ending(moment, PauseEnd.LASTS)) if self.lasts else tuple(self.breaks)

    @property
    def lasts(self) -> bool:
        """Whether no event has ended the latest pause. Its limit may be over."""
        return bool(self.breaks) and self.breaks[-1].ended_by is PauseEnd.LASTS

    def ending(self, moment: datetime, by: PauseEnd) -> TicketPause:
        """Return the pause that lasts, ended at a moment or at its limit, whichever is earlier."""
        limit = self.limit(self.breaks[-1].start)
        if limit <= moment:
            moment, by = limit, PauseEnd.LIMIT
        return replace(self.breaks[-1], end=moment, ended_by=by)

    def end_pause(self, moment: datetime, by: PauseEnd) -> None:
        """End the pause that lasts, if there is one."""
        if self.lasts:
            self.breaks[-1] = self.ending(moment, by)

    # --- clocks -------------------------------------------------------------------------------------------------

    def state(self, clock: ClockKind, start: datetime, at: datetime) -> ClockState:
        """Return a running clock as it stands at ``at``."""
        rule = self.ruling[CODES[clock]]
        pauses: tuple[TicketPause, ...] = ()
        if clock in (ClockKind.RESOLVE, ClockKind.FORWARD):
            pauses = tuple(pause for pause in self.pauses_at(at) if pause.end > start)
        extension = self.extension if clock is ClockKind.RESOLVE else None
        term = Term(self.calendar, rule.duration, start, pauses, extension)
        due = term.due() if pauses or extension else self.plain_due(term)
        earlier = sum(1 for state in self.ended_clocks if state.clock is clock and state.episode == self.episode)
        nth = 1 if clock is ClockKind.RESOLVE else 1 + earlier
        return ClockState(clock, self.episode, nth, self.unit, rule, self.calendar_id, term, due)

    def plain_due(self, term: Term) -> DueMoment:
        """Return the due date of a term without pauses and extension. It is counted once for each start."""
        key = (self.calendar_id, term.duration, term.start)
        if key not in self.dues:
            self.dues[key] = term.due()
        return self.dues[key]

    def end(self, state: ClockState, at: datetime, *, late: bool = False, answered: bool = True) -> None:
        """End a clock with its verdict.

        ``late``: the verdict is late whatever the date. Not ``answered``: there is no verdict on time.
        """
        missed = state.due.missed_by(at)
        verdict = Verdict.ON_TIME if answered else None
        if missed or late:
            verdict = Verdict.LATE
        days = (local_time(at).date() - state.due.on).days if missed else 0
        minutes = int(worked_time(state.term.calendar, state.due.at, at).total_seconds() // 60) if missed else 0
        self.ended_clocks.append(replace(state, ended=at, verdict=verdict, late_days=days, late_minutes=minutes))

    def is_late(self, at: datetime) -> bool:
        """Tell whether the clock of handling runs and its due date has passed."""
        if not self.resolving or self.started is None:
            return False
        return self.state(ClockKind.RESOLVE, self.started, at).due.missed_by(at)

    def end_classify(self, at: datetime) -> None:
        if self.classifying is not None:
            self.end(self.state(ClockKind.CLASSIFY, self.classifying, at), at)
            self.classifying = None

    def end_resolve(self, at: datetime, *, answered: bool) -> None:
        if self.resolving and self.started is not None:
            self.end(self.state(ClockKind.RESOLVE, self.started, at), at, answered=answered)
        self.resolving = False
        self.end_pause(at, PauseEnd.UNIT)

    def hold(self, unit: int | None, at: datetime) -> None:
        """Give the ticket to a unit."""
        self.unit, self.unit_since = unit, at
        self.holdings.append(UnitHolding(unit, self.episode, at))

    def release(self, at: datetime, *, forwarded: bool = False) -> None:
        """End the holding of the present unit."""
        if self.holdings and self.holdings[-1].until is None:
            self.holdings[-1] = replace(self.holdings[-1], until=at, forwarded=forwarded)

    # --- the result ---------------------------------------------------------------------------------------------

    def clocks(self, now: datetime) -> TicketClocks:
        """Return all clocks as they stand at ``now``."""
        running = [
            self.state(clock, start, now)
            for clock, start in (
                (ClockKind.CLASSIFY, self.classifying),
                (ClockKind.RESOLVE, self.started if self.resolving else None),
                (ClockKind.NOTIFY, self.notifying),
                (ClockKind.PUBLISH, self.publishing),
            )
            if start is not None
        ]
        pauses = self.pauses_at(now)
        return TicketClocks(
            states=(*self.ended_clocks, *running, *self.progress(running, now)),
            holdings=tuple(self.holdings),
            breaks=pauses,
            episode=self.episode,
            unit=self.unit,
            calendar_id=self.calendar_id,
            paused=bool(pauses) and pauses[-1].ended_by is PauseEnd.LASTS,
            suspended=self.suspended,
            decided=self.decided,
            ruling=self.ruling,
        )

    def progress(self, running: Iterable[ClockState], now: datetime) -> list[ClockState]:
        """Return the clock of the next notice of progress, which runs while the ticket is overdue.

        It starts at the due moment, or at the notice before.
        """
        resolve = next((state for state in running if state.clock is ClockKind.RESOLVE), None)
        if resolve is None or not resolve.due.missed_by(now):
            return []
        notices = [at for at in self.progress_notices if resolve.due.missed_by(at)]
        return [self.state(ClockKind.PROGRESS, notices[-1] if notices else resolve.due.at, now)]


def _begin(reading: HistoryReading, event: TicketEvent) -> None:
    reading.release(event.at)
    reading.end_resolve(event.at, answered=False)  # nothing of the last episode goes on: no clock, no pause
    reading.episode += 1
    reading.calendar_id = event.data.get("calendar", reading.calendar_id)
    rule_ids: Mapping[str, int] = event.data.get("rules", {})
    reading.ruling |= {code: reading.book.rules[rule_id] for code, rule_id in rule_ids.items()}
    reading.started, reading.resolving, reading.suspended = event.at, True, False
    reading.extension, reading.progress_notices, reading.notifying, reading.publishing = None, [], None, None
    reading.classifying = event.at if event.event is Event.RECEIVED else None
    reading.hold(event.data.get("unit", reading.unit), event.at)


def _accept(reading: HistoryReading, event: TicketEvent) -> None:
    reading.end_classify(event.at)


def _start_pause(reading: HistoryReading, event: TicketEvent) -> None:
    reading.end_classify(event.at)
    reading.end_pause(event.at, PauseEnd.LASTS)  # ends it only if its limit is over
    if reading.lasts:
        reading.breaks[-1] = replace(reading.breaks[-1], end=reading.breaks[-1].start)
        return  # the sender owes information already: no new pause
    asker = (reading.episode, reading.unit)
    reading.question_counts[asker] += 1
    if reading.unit_since is not None:
        state = reading.state(ClockKind.ASK, reading.unit_since, event.at)
        reading.end(state, event.at, late=limits.is_question_too_many(state.rule, reading.question_counts[asker]))
    reading.breaks.append(TicketPause(len(reading.breaks) + 1, event.at, event.at, PauseEnd.LASTS, event.actor))


def _end_pause(reading: HistoryReading, event: TicketEvent) -> None:
    reading.end_pause(event.at, PauseEnd.REPLY if event.event is Event.INFO_RECEIVED else PauseEnd.UNIT)


def _mark_pause(reading: HistoryReading, event: TicketEvent) -> None:
    """Mark a pause that was disputed, or judged after a dispute."""
    index = int(event.data.get("pause", 0)) - 1
    if 0 <= index < len(reading.breaks):
        struck = event.event is Event.PAUSE_JUDGED and not event.data.get("stands", True)
        pause = reading.breaks[index]
        reading.breaks[index] = replace(pause, disputed=True, struck=pause.struck or struck)


def _read_forwarding(reading: HistoryReading, event: TicketEvent) -> None:
    reading.end_classify(event.at)
    if reading.unit_since is not None:
        reading.end(reading.state(ClockKind.FORWARD, reading.unit_since, event.at), event.at)
    reading.release(event.at, forwarded=True)
    reading.hold(event.data.get("unit"), event.at)
    reading.classifying = event.at


def extension_of(event: TicketEvent) -> Extension:
    """Return the extension that an event grants. Raises WorktimeError or ValueError where its notes cannot be read."""
    value: Any = event.data.get("value")
    until: Any = event.data.get("until")
    return Extension(
        event.at,
        adds=parse_value(value) if value else None,
        until=datetime.fromisoformat(until).date() if until else None,
        by=event.actor,
    )


def _read_extension(reading: HistoryReading, event: TicketEvent) -> None:
    """Only the first extension counts, and only if it was granted before the term was over."""
    if reading.extension is not None or not reading.resolving or reading.started is None:
        return
    if not reading.state(ClockKind.RESOLVE, reading.started, event.at).due.missed_by(event.at):
        reading.extension = extension_of(event)


def _read_answer(reading: HistoryReading, event: TicketEvent) -> None:
    reading.end_classify(event.at)
    reading.end_resolve(event.at, answered=True)
    reading.release(event.at)
    reading.decided = reading.notifying = reading.publishing = event.at


def _read_turning_away(reading: HistoryReading, event: TicketEvent) -> None:
    """Read a refusal, a redirection or a withdrawal."""
    reading.end_classify(event.at)
    if event.event is Event.REFUSED and reading.unit_since is not None:
        reading.end(reading.state(ClockKind.REFUSE, reading.unit_since, event.at), event.at)
    reading.end_resolve(event.at, answered=False)
    reading.release(event.at)
    if event.event is not Event.WITHDRAWN:
        reading.decided = reading.notifying = event.at


def _read_notice(reading: HistoryReading, event: TicketEvent) -> None:
    if reading.notifying is not None:
        reading.end(reading.state(ClockKind.NOTIFY, reading.notifying, event.at), event.at)
        reading.notifying = None


def _read_publication(reading: HistoryReading, event: TicketEvent) -> None:
    if reading.publishing is not None:
        reading.end(reading.state(ClockKind.PUBLISH, reading.publishing, event.at), event.at)
        reading.publishing = None


def _read_progress_notice(reading: HistoryReading, event: TicketEvent) -> None:
    if reading.started is None or not reading.resolving:
        return
    resolve = reading.state(ClockKind.RESOLVE, reading.started, event.at)
    for notice in reading.progress([resolve], event.at):
        reading.end(notice, event.at)
    reading.progress_notices.append(event.at)


def _read_merge(reading: HistoryReading, event: TicketEvent) -> None:
    """A late ticket gets its verdict now and keeps it. One that is not late waits with the other ticket."""
    reading.end_classify(event.at)
    if reading.is_late(event.at):
        reading.end_resolve(event.at, answered=False)
    reading.suspended = True
    reading.release(event.at)


def _read_common_answer(reading: HistoryReading, event: TicketEvent) -> None:
    """The sender gets the answer of the other ticket. A pause goes on: it counts again if the merge is undone."""
    if reading.resolving and reading.started is not None:
        reading.end(reading.state(ClockKind.RESOLVE, reading.started, event.at), event.at, answered=False)
    reading.resolving = False
    reading.decided = reading.notifying = event.at


def _read_unmerge(reading: HistoryReading, event: TicketEvent) -> None:
    """Continue as if the ticket had never been merged. Only a late verdict stays."""
    resolves = [
        state for state in reading.ended_clocks if state.clock is ClockKind.RESOLVE and state.episode == reading.episode
    ]
    if resolves and resolves[-1].verdict is None:
        reading.ended_clocks.remove(resolves[-1])
    reading.resolving = not resolves or resolves[-1].verdict is None
    reading.suspended = False
    reading.decided = reading.notifying = None
    reading.hold(reading.unit, event.at)


def _read_recount(reading: HistoryReading, event: TicketEvent) -> None:
    reading.calendar_id = event.data.get("calendar", reading.calendar_id)


_HANDLERS: Final[dict[Event, Callable[[HistoryReading, TicketEvent], None]]] = {
    Event.RECEIVED: _begin,
    Event.DISPUTED: _begin,
    Event.REOPENED: _begin,
    Event.SECOND_LOOK_SENT_BACK: _begin,
    Event.ACCEPTED: _accept,
    Event.ASSIGNED: _accept,
    Event.INFO_REQUESTED: _start_pause,
    Event.INFO_RECEIVED: _end_pause,
    Event.RESUMED: _end_pause,
    Event.PAUSE_DISPUTED: _mark_pause,
    Event.PAUSE_JUDGED: _mark_pause,
    Event.FORWARDED: _read_forwarding,
    Event.EXTENDED: _read_extension,
    Event.ANSWERED: _read_answer,
    Event.REFUSED: _read_turning_away,
    Event.REDIRECTED: _read_turning_away,
    Event.WITHDRAWN: _read_turning_away,
    Event.NOTIFIED: _read_notice,
    Event.PUBLISHED: _read_publication,
    Event.PROGRESS_TOLD: _read_progress_notice,
    Event.MERGED: _read_merge,
    Event.ANSWERED_TOGETHER: _read_common_answer,
    Event.UNMERGED: _read_unmerge,
    Event.RECOUNTED: _read_recount,
}
