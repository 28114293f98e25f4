"""What happened to a ticket, as the clocks read it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.tickets.lifecycle import Event


@dataclass(frozen=True)
class Happening:
    """An event, its moment, who caused it and what is noted with it: all that the clocks need to know of the history.
    The notes are those of the history's entries: ``unit``, ``rules``, ``calendar``, ``value``, ``until``, ``pause``."""

    event: Event
    at: datetime
    actor: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
