"""What the result of a second look needs to become an event of its ticket."""

from backend.errors import Conflict, _
from backend.tickets.checks.action_request import Notes, TicketCase
from backend.tickets.checks.episodes import new_episode
from backend.tickets.second_looks.models import LookStage, SecondLook


def check_result(case: TicketCase) -> Notes:
    """Refuse a result without a second look of this ticket that somebody has taken."""
    look = case.session.get(SecondLook, case.request.look_id) if case.request.look_id is not None else None
    if look is None or look.ticket_id != case.ticket.id or look.stage is not LookStage.TAKEN:
        raise Conflict(_("Không có yêu cầu xem lại nào đang chờ kết quả."))
    if case.ticket.merged_into_id is not None and case.clocks.decided is None:
        raise Conflict(_("Phản ánh này chưa có kết quả để xem lại."))
    return {"look": look.id}


def check_sending_back(case: TicketCase) -> Notes:
    """A ticket that is sent back begins an episode, counted by the rules and the calendar of its own day."""
    return check_result(case) | new_episode(case)
