"""What happened to a ticket, as the clocks read it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Event(StrEnum):
    """What happens to a ticket; also the name of its entry in the history."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    INFO_REQUESTED = "info_requested"  # the clock stands still from here
    INFO_RECEIVED = "info_received"  # and runs again
    INFO_PASSED_ON = "info_passed_on"  # what the sender of a ticket merged into this one replied
    RESUMED = "resumed"  # the unit goes on without a reply
    PAUSE_EXPIRED = "pause_expired"  # the reply did not come within the limit
    PAUSE_DISPUTED = "pause_disputed"
    PAUSE_JUDGED = "pause_judged"  # it stands, or is struck out
    FORWARDED = "forwarded"
    EXTENSION_REQUESTED = "extension_requested"
    EXTENDED = "extended"
    EXTENSION_DENIED = "extension_denied"
    SUBMITTED_FOR_APPROVAL = "submitted_for_approval"
    RETURNED = "returned"
    ANSWERED = "answered"
    ANSWERED_TOGETHER = "answered_together"  # with the ticket that it is merged into
    NOTIFIED = "notified"
    DELAY_EXPLAINED = "delay_explained"  # why the answer is late, and when it is to come
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
    RECOUNTED = "recounted"  # by another version of the calendar


@dataclass(frozen=True)
class TicketEvent:
    """An event, its moment, who caused it and what is noted with it: all that the clocks need to know of the history.
    The notes are those of the history's entries: ``unit``, ``rules``, ``calendar``, ``value``, ``until``, ``pause``."""

    event: Event
    at: datetime
    actor: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
