"""The events of a ticket, as the clocks read them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Event(StrEnum):
    """What happens to a ticket. The value is also the name of the entry in the history."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    INFO_REQUESTED = "info_requested"  # a pause begins
    INFO_RECEIVED = "info_received"  # the pause ends
    INFO_PASSED_ON = "info_passed_on"  # the sender of a ticket that is merged into this one replied
    RESUMED = "resumed"  # the unit goes on without a reply
    PAUSE_EXPIRED = "pause_expired"  # the reply did not come within the limit
    PAUSE_DISPUTED = "pause_disputed"
    PAUSE_JUDGED = "pause_judged"  # the pause stands, or is struck out
    FORWARDED = "forwarded"
    EXTENSION_REQUESTED = "extension_requested"
    EXTENDED = "extended"
    EXTENSION_DENIED = "extension_denied"
    SUBMITTED_FOR_APPROVAL = "submitted_for_approval"
    RETURNED = "returned"
    POINTS_LISTED = "points_listed"  # what the sender asks about, point by point
    ANSWERED = "answered"
    ANSWERED_TOGETHER = "answered_together"  # with the ticket that it is merged into
    PROMISE_KEPT = "promise_kept"  # what the answer promised is done
    PROMISE_EXPLAINED = "promise_explained"  # why it is not done yet, and the new date
    NOTIFIED = "notified"
    DELAY_EXPLAINED = "delay_explained"  # why the answer is late, and the new date
    PROGRESS_TOLD = "progress_told"
    PUBLISHED = "published"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    REDIRECTED = "redirected"
    MERGED = "merged"
    UNMERGED = "unmerged"
    RATED = "rated"
    CLOSED = "closed"
    GROUPED = "grouped"  # put into a group of tickets about the same matter; moves no clock
    UNGROUPED = "ungrouped"
    RECOUNTED = "recounted"  # by another version of the calendar
    NOTED = "noted"  # staff wrote an internal note; no clock reads it
    # What the level above decided after a second look. Only the result is an event of the ticket.
    SECOND_LOOK_UPHELD = "second_look_upheld"
    SECOND_LOOK_CORRECTED = "second_look_corrected"  # its letter answers in place of the unit
    SECOND_LOOK_SENT_BACK = "second_look_sent_back"  # the unit handles the ticket again


@dataclass(frozen=True)
class TicketEvent:
    """An event with its moment, its actor and its notes: all that the clocks need of an entry in the history.

    The clocks read these notes of ``data``: ``unit``, ``rules``, ``calendar``, ``value``, ``until``, ``pause``,
    ``stands``.
    """

    event: Event
    at: datetime
    actor: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
