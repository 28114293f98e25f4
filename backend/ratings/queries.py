"""The condition that says which ratings count in figures."""

from sqlalchemy import ColumnElement, and_

from backend.ratings.models import Rating
from backend.tickets.models import Ticket
from backend.tickets.senders.sender_checks import ANSWERS_MOST


def of_latest_answer() -> ColumnElement[bool]:
    """Return the condition that a rating counts in figures. Needs ``tickets`` in the statement.

    A figure uses only the rating of the latest answer of a ticket, because the rating of an earlier answer says nothing
    about it. While a reopened ticket is handled, its latest answer is still the first. Ratings of answers that were
    given together with another ticket, and ratings of refusals and redirections, are left out: figures count answers,
    and a common answer counts once, with its own ticket.
    """
    return and_(
        Rating.ticket_id == Ticket.id,
        Ticket.answered_at.is_not(None),
        Rating.at >= Ticket.decided_at,
        Rating.answer <= ANSWERS_MOST,
    )
