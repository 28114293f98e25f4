"""Whom an event of a ticket concerns: one table from the event to people, the permission that is asked, and the kind.

Pure. A new ticket has no row here: it is counted from the mark that each person has seen (see ``queries``), so that
reception writes nothing for staff. The reminders of the ladder have a table of their own (``escalation.ladder``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from backend.deadlines.events import Event
from backend.tickets.notices.kinds import NoticeKind
from backend.users.models import Role
from backend.users.policy import EVERY_UNIT, HANDLERS, OWN_UNIT, Permission


class NoticeAudience(StrEnum):
    """Who is concerned by an event, besides the permission that they must have."""

    OFFICERS = "officers"  # of the unit that has the ticket after the event
    LEADERS = "leaders"  # of the same unit
    HANDLERS = "handlers"  # the assigned officer; the officers of the unit while nobody active is assigned
    ASSIGNEE = "assignee"
    SUBMITTER = "submitter"  # who asked for what is decided now
    COORDINATORS = "coordinators"
    MENTIONED = "mentioned"  # named in the notes of the event: ``mentions``


# The roles that can belong to an audience.
ROLES_OF: Final[Mapping[NoticeAudience, frozenset[Role]]] = {
    NoticeAudience.OFFICERS: frozenset({Role.OFFICER}),
    NoticeAudience.LEADERS: frozenset({Role.LEADER}),
    NoticeAudience.COORDINATORS: frozenset({Role.COORDINATOR}),
    NoticeAudience.MENTIONED: frozenset({Role.OFFICER, Role.LEADER, Role.COORDINATOR}),
    **dict.fromkeys((NoticeAudience.HANDLERS, NoticeAudience.ASSIGNEE, NoticeAudience.SUBMITTER), HANDLERS),
}
REMINDED: Final = frozenset({Role.OFFICER, Role.LEADER, Role.COORDINATOR, Role.MANAGER})  # by the ladder


@dataclass(frozen=True)
class NoticeRule:
    """Who gets a notice of an event. ``urgent_near``: at once where the due date is near."""

    kind: NoticeKind
    to: frozenset[NoticeAudience]
    permission: Permission
    urgent_near: bool = False


_K, _A, _P = NoticeKind, NoticeAudience, Permission


def _rule(kind: NoticeKind, permission: Permission, *to: NoticeAudience, urgent_near: bool = False) -> NoticeRule:
    return NoticeRule(kind, frozenset(to), permission, urgent_near)


# Keyed by the action as the history names it. An entry about a second look without a row of its own goes to those who
# judge disputes.
NOTICE_RULES: Final[Mapping[str, NoticeRule]] = {
    Event.FORWARDED: _rule(_K.NEW, _P.VIEW_TICKET, _A.OFFICERS, _A.LEADERS),
    Event.ASSIGNED: _rule(_K.ASSIGNED, _P.HANDLE_TICKET, _A.ASSIGNEE),
    Event.INFO_RECEIVED: _rule(_K.REPLY, _P.HANDLE_TICKET, _A.HANDLERS),
    Event.INFO_PASSED_ON: _rule(_K.REPLY, _P.HANDLE_TICKET, _A.HANDLERS),
    Event.SUBMITTED_FOR_APPROVAL: _rule(_K.APPROVAL, _P.APPROVE_ANSWER, _A.LEADERS, urgent_near=True),
    Event.RETURNED: _rule(_K.APPROVAL, _P.HANDLE_TICKET, _A.SUBMITTER),
    Event.ANSWERED: _rule(_K.APPROVAL, _P.HANDLE_TICKET, _A.SUBMITTER),
    Event.EXTENSION_REQUESTED: _rule(_K.EXTENSION, _P.EXTEND_TICKET, _A.LEADERS, urgent_near=True),
    Event.EXTENDED: _rule(_K.EXTENSION, _P.HANDLE_TICKET, _A.SUBMITTER),
    Event.EXTENSION_DENIED: _rule(_K.EXTENSION, _P.HANDLE_TICKET, _A.SUBMITTER),
    Event.PAUSE_DISPUTED: _rule(_K.DISPUTE, _P.VIEW_TICKET, _A.COORDINATORS, _A.ASSIGNEE),
    Event.PAUSE_JUDGED: _rule(_K.DISPUTE, _P.HANDLE_TICKET, _A.HANDLERS),
    Event.DISPUTED: _rule(_K.DISPUTE, _P.HANDLE_TICKET, _A.HANDLERS, _A.LEADERS),
    Event.REOPENED: _rule(_K.DISPUTE, _P.HANDLE_TICKET, _A.HANDLERS, _A.LEADERS),
    Event.NOTED: _rule(_K.MENTION, _P.VIEW_TICKET, _A.MENTIONED),
    # The unit hears of the result alone; reviewers are told of their work by the ladder of second looks.
    Event.SECOND_LOOK_UPHELD: _rule(_K.SECOND_LOOK, _P.HANDLE_TICKET, _A.HANDLERS, _A.LEADERS),
    Event.SECOND_LOOK_CORRECTED: _rule(_K.SECOND_LOOK, _P.HANDLE_TICKET, _A.HANDLERS, _A.LEADERS),
    Event.SECOND_LOOK_SENT_BACK: _rule(_K.SECOND_LOOK, _P.HANDLE_TICKET, _A.HANDLERS, _A.LEADERS),
}
SECOND_LOOK: Final = "second_look_"
LOOK: Final = "look_"  # how the codes of reminders about second looks begin
ANY_SECOND_LOOK: Final = _rule(_K.SECOND_LOOK, _P.JUDGE_DISPUTE, _A.COORDINATORS)
# The request that an event decides; its author is the ``SUBMITTER``.
DECIDES: Final[Mapping[str, Event]] = {
    Event.RETURNED: Event.SUBMITTED_FOR_APPROVAL,
    Event.ANSWERED: Event.SUBMITTED_FOR_APPROVAL,
    Event.EXTENDED: Event.EXTENSION_REQUESTED,
    Event.EXTENSION_DENIED: Event.EXTENSION_REQUESTED,
}


def notice_rule(action: str) -> NoticeRule | None:
    """Return the row of an event, by its name in the history; None where it concerns nobody."""
    rule = NOTICE_RULES.get(action)
    if rule is None and action.startswith(SECOND_LOOK):
        return ANY_SECOND_LOOK
    return rule


def kinds_for(role: Role) -> tuple[NoticeKind, ...]:
    """Return the kinds of notices that a role can get, in the order of the page of choices."""
    kinds = {rule.kind for rule in (*NOTICE_RULES.values(), ANY_SECOND_LOOK) if _may_get(role, rule)}
    kinds |= {NoticeKind.REMINDER} if role in REMINDED else set()
    return tuple(kind for kind in NoticeKind if kind in kinds)


def _may_get(role: Role, rule: NoticeRule) -> bool:
    """Tell whether the role has the permission of a rule, and belongs to its audience or may be named in it."""
    rights = EVERY_UNIT.get(rule.permission, frozenset()) | OWN_UNIT.get(rule.permission, frozenset())
    return role in rights and any(role in ROLES_OF[audience] for audience in rule.to)


def kind_of(code: str) -> NoticeKind:
    """Return the kind of a notice by its code: the name of an event, or a rule of the ladder."""
    if code.startswith(LOOK):
        return NoticeKind.SECOND_LOOK
    rule = notice_rule(code)
    return rule.kind if rule is not None else NoticeKind.REMINDER
