"""What is searched, by whom, and in which order the queries are tried. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement

from backend.tickets.search.typed_query import TypedQuery
from backend.tickets.search.typed_sender import TypedSender
from backend.users.policy import EVERY_UNIT, Actor, Permission


@dataclass(frozen=True)
class TicketSearchRequest:
    """What is searched, and by whom.

    ``where`` narrows the tickets as the filters of a list do. ``sender`` is searched in names and telephone numbers of
    senders; the caller records that (``contact_searches``).
    """

    actor: Actor
    query: TypedQuery | None
    sender: TypedSender | None = None
    unit_id: int | None = None
    where: Sequence[ColumnElement[bool]] = ()

    @property
    def permission(self) -> Permission:
        return Permission.VIEW_CONTACT if self.sender else Permission.VIEW_TICKET

    @property
    def searched_unit(self) -> int | None:
        """The unit to which the policy or the filter narrows the search."""
        return self.unit_id if self.actor.role in EVERY_UNIT[self.permission] else self.actor.unit_id

    @property
    def tiers(self) -> list[str]:
        """The queries of the words, the one that fits best first: part of a number, exact tones, no tones."""
        if self.query is None:
            return [""]
        tiers = [self.query.by_number, self.query.exact if self.query.has_tones else "", self.query.folded]
        return [words for words in tiers if words]

    @property
    def last_resort(self) -> str:
        """The query for the case that no ticket has the words: the last one may go on. Empty where that is no use."""
        return self.query.going_on if self.query is not None else ""
