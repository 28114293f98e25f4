"""Permissions: ``can(actor, permission, subject)`` says who may do what. A permission that is not listed is refused.

The roles: the one-stop officer receives and handles tickets of a unit, and so does its leader. The provincial
coordinator forwards between units. The manager sees figures and no personal data. The survey officer runs surveys and
sees no ticket. The administrator configures and sees no content. The auditor reads the log and the figures and changes
nothing. No role of a unit can see a complaint about the conduct of that unit, nor a second look at its answer.
"""

from dataclasses import dataclass
from enum import StrEnum

from backend.users.models import STAFF, Role


class Permission(StrEnum):
    """What a route or a command requires."""

    PUBLIC = "public"
    USE_ACCOUNT = "use_account"
    VIEW_INBOX = "view_inbox"
    SHARE_VIEW = "share_view"
    VIEW_TICKET = "view_ticket"
    VIEW_CONTACT = "view_contact"
    HANDLE_TICKET = "handle_ticket"
    FORWARD_TICKET = "forward_ticket"
    MERGE_TICKET = "merge_ticket"
    ASSIGN_TICKET = "assign_ticket"
    APPROVE_ANSWER = "approve_answer"
    EXTEND_TICKET = "extend_ticket"
    JUDGE_DISPUTE = "judge_dispute"
    PUBLISH_ANSWER = "publish_answer"
    WRITE_NOTE = "write_note"
    VIEW_TEMPLATE = "view_template"
    EDIT_TEMPLATE = "edit_template"
    REVIEW_ANSWER = "review_answer"
    SUPERVISE_UNITS = "supervise_units"
    LEAD_UNIT = "lead_unit"
    VIEW_LOG = "view_log"
    VIEW_FIGURES = "view_figures"
    RUN_INDICES = "run_indices"
    MAKE_REPORTS = "make_reports"
    VIEW_SURVEYS = "view_surveys"
    RUN_SURVEYS = "run_surveys"
    MANAGE_USERS = "manage_users"
    MANAGE_CALENDARS = "manage_calendars"
    CONFIGURE = "configure"


@dataclass(frozen=True)
class Actor:
    """The person or system that acts. ``key`` stands for the actor in the history, in place of a name."""

    role: Role
    user_id: int | None = None
    unit_id: int | None = None
    name: str = ""
    key: str = "sender"


SENDER = Actor(Role.CITIZEN)
SYSTEM = Actor(Role.CITIZEN, key="system")


@dataclass(frozen=True)
class PolicySubject:
    """The subject of an action, as far as the rules need it: its unit, and the unit that must not see it.

    For a second look ``unit_id`` is a unit above the one that answered, and ``hidden_from`` the one that answered.
    """

    unit_id: int | None
    hidden_from: int | None = None


HANDLERS = frozenset({Role.OFFICER, Role.LEADER})
PROVINCE = frozenset({Role.COORDINATOR})

# Roles that have a permission for their own unit (OWN_UNIT), for every unit (EVERY_UNIT), and for what belongs to the
# province and to no unit (OF_PROVINCE).
OWN_UNIT: dict[Permission, frozenset[Role]] = {
    Permission.VIEW_INBOX: HANDLERS,
    Permission.SHARE_VIEW: frozenset({Role.LEADER}),
    Permission.VIEW_TICKET: HANDLERS,
    Permission.VIEW_CONTACT: HANDLERS,
    Permission.HANDLE_TICKET: HANDLERS,
    Permission.FORWARD_TICKET: HANDLERS,
    Permission.MERGE_TICKET: HANDLERS,
    Permission.WRITE_NOTE: HANDLERS,
    Permission.VIEW_TEMPLATE: HANDLERS,
    Permission.EDIT_TEMPLATE: frozenset({Role.LEADER}),
    Permission.ASSIGN_TICKET: frozenset({Role.LEADER}),
    Permission.APPROVE_ANSWER: frozenset({Role.LEADER}),
    Permission.EXTEND_TICKET: frozenset({Role.LEADER}),
    Permission.REVIEW_ANSWER: HANDLERS,  # the subject's unit is the one above the unit that answered
    Permission.LEAD_UNIT: frozenset({Role.LEADER}),
    Permission.VIEW_FIGURES: frozenset({Role.LEADER}),
}
EVERY_UNIT: dict[Permission, frozenset[Role]] = {
    Permission.VIEW_INBOX: PROVINCE,
    Permission.VIEW_TICKET: PROVINCE,
    Permission.VIEW_CONTACT: PROVINCE,
    Permission.FORWARD_TICKET: PROVINCE,
    Permission.MERGE_TICKET: PROVINCE,
    Permission.WRITE_NOTE: PROVINCE,
    Permission.JUDGE_DISPUTE: PROVINCE,  # never the unit that paused the ticket
    Permission.PUBLISH_ANSWER: PROVINCE,
    Permission.REVIEW_ANSWER: PROVINCE,
    Permission.SUPERVISE_UNITS: PROVINCE,
    Permission.VIEW_LOG: frozenset({Role.AUDITOR}),
    Permission.VIEW_FIGURES: frozenset({Role.MANAGER, Role.COORDINATOR, Role.AUDITOR}),
    Permission.RUN_INDICES: frozenset({Role.MANAGER}),
    Permission.MAKE_REPORTS: frozenset({Role.MANAGER, Role.COORDINATOR}),
    Permission.VIEW_SURVEYS: frozenset({Role.SURVEY, Role.MANAGER}),
    Permission.RUN_SURVEYS: frozenset({Role.SURVEY}),
    Permission.MANAGE_USERS: frozenset({Role.ADMINISTRATOR}),
    Permission.MANAGE_CALENDARS: frozenset({Role.ADMINISTRATOR}),
    Permission.CONFIGURE: frozenset({Role.ADMINISTRATOR}),  # categories, where feedback goes, rules, the directory
    Permission.USE_ACCOUNT: frozenset(STAFF),
}
OF_PROVINCE: dict[Permission, frozenset[Role]] = {
    Permission.VIEW_TEMPLATE: HANDLERS | PROVINCE,
    Permission.EDIT_TEMPLATE: PROVINCE,
}


def can(actor: Actor | None, permission: Permission, subject: PolicySubject | None = None) -> bool:
    """Return whether ``actor`` has the permission for ``subject``; without a subject, for any subject at all."""
    if permission is Permission.PUBLIC:
        return True
    if actor is None or _is_hidden(actor, subject):
        return False
    if actor.role in EVERY_UNIT.get(permission, frozenset()):
        return True
    if (subject is None or subject.unit_id is None) and actor.role in OF_PROVINCE.get(permission, frozenset()):
        return True
    if actor.role not in OWN_UNIT.get(permission, frozenset()) or actor.unit_id is None:
        return False
    return subject is None or subject.unit_id == actor.unit_id


def _is_hidden(actor: Actor, subject: PolicySubject | None) -> bool:
    """Return whether the subject is a complaint about the conduct of the actor's unit, or a look at its answer."""
    return subject is not None and subject.hidden_from is not None and subject.hidden_from == actor.unit_id
