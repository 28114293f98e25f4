"""The conversation about a ticket as staff read it: who wrote what, when and by which channel. Pure.

What the sender wrote, what the sender reads, and what staff write among themselves are told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from backend.audit import AuditEntry
from backend.errors import _
from backend.tickets.lifecycle import INTERNAL, Event
from backend.tickets.models import Channel
from backend.tickets.queries import CourseStep
from backend.users.policy import SENDER, SYSTEM

SHOWN: Final = 50  # entries of a long history; the whole of it is one click away
CHANNEL_NAMES: Final = {
    Channel.WEB: _("trang web"),
    Channel.TELEGRAM: _("Telegram"),
    Channel.COUNTER: _("tại quầy"),
    Channel.IMPORT: _("hệ thống khác"),
}


class ThreadSide(StrEnum):
    """Who an entry comes from, or who alone may read it."""

    SENDER = "sender"
    STAFF = "staff"
    INTERNAL = "internal"
    STEP = "step"  # something happened, and nobody wrote anything


@dataclass(frozen=True)
class ThreadEntry:
    """A step of the course with its side. ``channel`` is the name of the channel by which the sender wrote."""

    step: CourseStep
    side: ThreadSide
    channel: str = ""


def read_thread(course: Sequence[CourseStep], channel: Channel) -> list[ThreadEntry]:
    """Return the entries of a course in order of time. ``channel`` is the one by which the feedback came."""
    return [ThreadEntry(step, _side_of(step), _channel_of(step, channel)) for step in course]


def select_entries(entries: Sequence[AuditEntry], needed: Sequence[Event]) -> list[AuditEntry]:
    """Return the entries that a page reads texts and names for: the latest ones, and of the earlier ones the first, the
    last of each ``needed`` event, and the last that names a unit. So the cost of a page is bounded."""
    if len(entries) <= SHOWN:
        return list(entries)
    early, late = entries[:-SHOWN], entries[-SHOWN:]
    last_of_kind = {entry.action: entry.seq for entry in early if entry.action in needed}
    with_unit = [entry.seq for entry in early if "unit" in entry.data][-1:]
    chosen = {early[0].seq, *last_of_kind.values(), *with_unit}
    return [*(entry for entry in early if entry.seq in chosen), *late]


def _side_of(step: CourseStep) -> ThreadSide:
    if step.event in INTERNAL:
        return ThreadSide.INTERNAL if step.text else ThreadSide.STEP
    if step.event is Event.RECEIVED or (step.actor == SENDER.key and step.text):
        return ThreadSide.SENDER
    return ThreadSide.STAFF if step.text else ThreadSide.STEP


def _channel_of(step: CourseStep, channel: Channel) -> str:
    """Return the name of the channel. Earlier histories note it for the feedback alone."""
    if step.event is Event.RECEIVED:
        return CHANNEL_NAMES[channel]
    known = step.channel in set(Channel) and step.actor in (SENDER.key, SYSTEM.key)
    return CHANNEL_NAMES[Channel(step.channel)] if known else ""
