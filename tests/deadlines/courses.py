"""Courses of events in autumn 2026, fixed and random."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from backend.deadlines.clock_states import EPISODE_CODES
from backend.deadlines.clocks import VersionBook
from backend.deadlines.events import TicketEvent
from backend.deadlines.rules import choose_rule, shipped_rules
from backend.tickets.lifecycle import Event, StatePath, advance_state, possible_at
from backend.tickets.models import TicketState
from backend.worktime.calendar import ZONE
from backend.worktime.shipped import shipped_calendar

VN, PLAIN = 1, 2


def book() -> VersionBook:
    """Vietnam's calendar as version 1, plain weekdays as version 2, and the shipped terms."""
    ruling = {code: choose_rule(shipped_rules(), code, date(2026, 11, 2)).rule for code in EPISODE_CODES}
    return VersionBook({VN: shipped_calendar("vn"), PLAIN: shipped_calendar("weekdays")}, {}, VN, ruling)


BOOK = book()


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=ZONE)


def event(name: Event, when: str, **data: Any) -> TicketEvent:
    return TicketEvent(name, at(when), data.pop("by", ""), data)


# Monday 2 November 2026: fifteen working days end on Monday 23 November.
RECEIVED = event(Event.RECEIVED, "11-02T09:00", unit=1)
START = at("11-02T09:00")
WITHIN = st.integers(0, 50 * 24 * 60)


@st.composite
def courses(draw: st.DrawFn, *, without: frozenset[Event] = frozenset()) -> list[TicketEvent]:
    """Up to twenty events that may follow one another, at rising times within some weeks."""
    course = [TicketEvent(Event.RECEIVED, START, data={"unit": 1})]
    standing = StatePath(TicketState.NEW)
    for minutes in sorted(draw(st.lists(WITHIN, max_size=20))):
        moves = [row.event for row in possible_at(standing) if row.event not in without]
        if not moves:
            break
        name = draw(st.sampled_from(moves))
        standing = advance_state(standing, name)
        course.append(TicketEvent(name, START + timedelta(minutes=minutes), data=notes(draw, name)))
    return course


def notes(draw: st.DrawFn, name: Event) -> dict[str, Any]:
    makers: dict[Event, Callable[[], dict[str, Any]]] = {
        Event.FORWARDED: lambda: {"unit": draw(st.integers(1, 3))},
        Event.EXTENDED: lambda: {"value": f"{draw(st.integers(1, 9))} working days"},
        Event.PAUSE_DISPUTED: lambda: {"pause": draw(st.integers(1, 3))},
        Event.PAUSE_JUDGED: lambda: {"pause": draw(st.integers(1, 3)), "stands": draw(st.booleans())},
        Event.RECOUNTED: lambda: {"calendar": draw(st.sampled_from([VN, PLAIN]))},
    }
    return makers[name]() if name in makers else {}


END = START + timedelta(days=60)
