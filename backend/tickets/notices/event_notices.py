"""Notices about an event that was just applied to a ticket, in the transaction of the event."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from backend.deadlines.limits import ASK_AT_ONCE
from backend.tickets.checks.action_request import TicketCase, policy_subject
from backend.tickets.models import Ticket
from backend.tickets.notices import service
from backend.tickets.notices.audience import DECIDES, notice_rule
from backend.worktime.calendar import WorkCalendar, local_time


def tell_of_event(case: TicketCase, seq: int, data: Mapping[str, Any]) -> None:
    """Write the notices of an event. ``case.ticket`` has the columns that follow from it; ``data`` are its notes."""
    action = case.request.event.value
    rule = notice_rule(action)
    if rule is None:
        return
    decided = case.last(DECIDES[action]) if action in DECIDES else None
    calendar = case.book.calendars[case.ticket.calendar_id]
    service.tell_staff(
        case.session,
        _occasion(
            case.ticket,
            action=action,
            seq=seq,
            actor=case.actor.key,
            at=case.at,
            submitter=decided.actor if decided is not None else "",
            mentions=tuple(data.get("mentions", ())),
            near=rule.urgent_near and is_near(case.ticket, calendar, case.at),
        ),
    )


def tell_of_entry(
    session: Session, ticket: Ticket, action: str, seq: int, *, actor: str, now: datetime, data: Mapping[str, Any]
) -> None:
    """Write the notices of an entry that moves no ticket, such as an internal note. Needs ``ticket.category`` loaded.

    ``data`` are the notes of the entry: ``mentions`` are the ids of the accounts that it names.
    """
    mentions = tuple(data.get("mentions", ()))
    service.tell_staff(session, _occasion(ticket, action=action, seq=seq, actor=actor, at=now, mentions=mentions))


def _occasion(ticket: Ticket, **event: Any) -> service.NoticeOccasion:
    return service.NoticeOccasion(
        ticket_id=ticket.id, subject=policy_subject(ticket), assignee_id=ticket.assignee_id, **event
    )


def is_near(ticket: Ticket, calendar: WorkCalendar, now: datetime) -> bool:
    """Tell whether no more working days than ``ASK_AT_ONCE`` are left before the due date."""
    days, today = calendar.days, local_time(now).date()
    return bool(days.at(ticket.due_date.toordinal()) - days.at(today.toordinal()) <= ASK_AT_ONCE.value)
