"""What the events of a sender need, also where the ticket is merged into another one."""

from backend.errors import Conflict, _
from backend.tickets.answers.promises import open_promise
from backend.tickets.checks.action_request import Notes, TicketCase
from backend.tickets.senders import sender_checks
from backend.users.policy import SENDER


def check_sender_where_merged(case: TicketCase) -> None:
    """Refuse to the sender what the state of the ticket that this one is merged into does not allow."""
    if case.actor.key == SENDER.key and case.into is not None:
        sender_checks.check_where_merged(case.request.event, case.into.state)


def check_reply(case: TicketCase) -> Notes:
    if case.into is not None:
        sender_checks.check_reply_where_merged(case.history)
    return {}


def check_confirmation(case: TicketCase) -> Notes:
    """Nothing is solved while promised work is owed: the sender is asked when it is reported as done."""
    if open_promise(case.history) is not None:
        raise Conflict(_("Việc còn đang hẹn. Bạn được hỏi khi cơ quan báo đã làm xong."))
    sender_checks.check_confirmed_once(case.history)
    return {}


def check_rating(case: TicketCase) -> Notes:
    """Return the notes of a rating: ``answer`` is the number of the rated decision; ``credited`` is the unit that
    gave it."""
    answer = sender_checks.rated_decision(case.history, case.clocks.decided)
    credited = case.into.unit_id if case.into is not None else case.ticket.unit_id
    return {"credited": credited, "answer": answer, **case.request.rating}
