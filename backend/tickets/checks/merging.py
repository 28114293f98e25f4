"""What a merge needs, and what the history notes where one ticket is handled with another."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from backend.errors import Conflict, Forbidden, Invalid, NotFound, _
from backend.tickets.checks.action_request import Notes, TicketCase, policy_subject
from backend.tickets.models import Ticket
from backend.users.policy import Permission, can


def check_merge(case: TicketCase) -> Notes:
    """Allow a merge into another open ticket that the same actor may merge and the same people may see.

    There is one level only: a ticket that others were merged into is not merged itself, so no chain and no cycle
    can arise.
    """
    target = _target(case)
    if target.id == case.ticket.id:
        raise Invalid(_("Không gộp phản ánh vào chính nó."), field="into")
    if not target.open:
        raise Conflict(_("Chỉ gộp vào phản ánh đang được xử lý."))
    if policy_subject(target).hidden_from != policy_subject(case.ticket).hidden_from:
        raise Invalid(_("Hai phản ánh này không cùng phạm vi được xem nên không gộp được."), field="into")
    if _has_merged_tickets(case):
        raise Conflict(_("Phản ánh này đang gộp các phản ánh khác. Xin tách ra trước."))
    return {"into": target.id}


def passed_reply_notes(case: TicketCase) -> Notes:
    """Note the reply that the sender of a merged ticket gave."""
    return {"with": case.request.from_id, "message": case.request.message_id}


def common_answer_notes(case: TicketCase) -> Notes:
    """Note the answer that was given to the ticket that this one is merged into."""
    return {"with": case.ticket.merged_into_id, "message": case.request.message_id, **case.request.common}


def _target(case: TicketCase) -> Ticket:
    """Return the ticket to merge into. Raises NotFound where the actor must not see it, Forbidden without the right."""
    into_id = case.request.into_id
    statement = select(Ticket).where(Ticket.id == into_id).options(joinedload(Ticket.category))
    statement = statement.execution_options(populate_existing=True)
    target = case.session.scalar(statement) if into_id is not None else None
    if target is None or not can(case.actor, Permission.VIEW_TICKET, policy_subject(target)):
        raise NotFound(_("Không tìm thấy phản ánh muốn gộp vào."))
    if not can(case.actor, Permission.MERGE_TICKET, policy_subject(target)):
        raise Forbidden
    return target


def _has_merged_tickets(case: TicketCase) -> bool:
    merged = select(Ticket.id).where(Ticket.merged_into_id == case.ticket.id).limit(1)
    return case.session.scalar(merged) is not None
