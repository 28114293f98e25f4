"""Which ratings figures are made of."""

from sqlalchemy import ColumnElement, and_

from backend.ratings.models import Rating
from backend.tickets.models import Ticket


def of_latest_answer() -> ColumnElement[bool]:
    """Return the condition that a rating counts in figures. Needs ``tickets`` in the statement.

    A figure uses the rating of the latest answer of a ticket: neither does a good second answer keep the rating of a
    bad first one, nor a bad one that of a good one. While a ticket is handled again, its latest answer is still the
    first. Left out are the ratings of answers given together with another ticket: the figures count answers, and that
    answer is counted once, with the ticket that it was written for.
    """
    return and_(
        Rating.ticket_id == Ticket.id,
        Ticket.answered_at.is_not(None),
        Rating.at >= Ticket.decided_at,
    )
