"""What a ticket needs to join a group, and what the history notes when it joins or leaves."""

from sqlalchemy import func, select

from backend.deadlines import limits
from backend.errors import Conflict, Invalid, NotFound, _
from backend.tickets.checks.action_request import Notes, TicketCase, policy_subject
from backend.tickets.groups.models import MatterGroup
from backend.tickets.models import Ticket


def check_grouping(case: TicketCase) -> Notes:
    """Allow an open ticket into a group of the same unit that the same people may see.

    ``tickets.groups.service`` holds the lock of groups meanwhile, so the number of members cannot rise in between.
    """
    ticket = case.ticket
    group = case.session.get(MatterGroup, case.request.group_id) if case.request.group_id is not None else None
    if group is None:
        raise NotFound(_("Không tìm thấy nhóm phản ánh này."))
    check_joining(group, ticket)
    if _count_members(case, group) >= limits.GROUP_MOST:
        message = _("Một nhóm có nhiều nhất %(most)s phản ánh. Xin lập thêm nhóm khác.")
        raise Conflict(message, most=limits.GROUP_MOST)
    return {"group": group.id}


def check_joining(group: MatterGroup, ticket: Ticket) -> None:
    """Refuse a ticket that is in a group, one of another unit, and one that other people may see.

    Raises Conflict and Invalid. Needs ``ticket.category`` loaded. A page asks for a group that is not stored yet.
    """
    if group.ended_at is not None:
        raise Conflict(_("Nhóm này đã được bỏ. Xin lập nhóm khác."))
    if ticket.group_id is not None:
        raise Conflict(_("Phản ánh này đã ở trong một nhóm. Xin đưa ra khỏi nhóm đó trước."))
    if ticket.unit_id != group.unit_id:
        raise Invalid(_("Phản ánh này do cơ quan khác giữ; một nhóm chỉ gồm phản ánh của một cơ quan."), field="pick")
    if policy_subject(ticket).hidden_from != group.hidden_from_id:
        message = _("Phản ánh về hành vi và phản ánh khác không cùng phạm vi được xem nên không chung một nhóm.")
        raise Invalid(message, field="pick")


def check_ungrouping(case: TicketCase) -> Notes:
    """Note the group that the ticket leaves."""
    if case.ticket.group_id is None:
        raise Conflict(_("Phản ánh này không ở trong nhóm nào."))
    return {"group": case.ticket.group_id}


def _count_members(case: TicketCase, group: MatterGroup) -> int:
    return case.session.scalar(select(func.count()).where(Ticket.group_id == group.id)) or 0
