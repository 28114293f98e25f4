"""Who may do what: one pure question, ``can(actor, action, subject)``. What is not listed is refused.

Source of the roles: the one-stop officer receives and handles for a unit, its leader too; the provincial coordinator
forwards between units; the manager sees figures and no personal data; the survey officer runs surveys and sees no
ticket; the administrator configures and sees no content.
A complaint about a unit's conduct is invisible to that unit, whatever the role.
"""

from dataclasses import dataclass
from enum import StrEnum

from backend.users.models import STAFF, Role


class Permission(StrEnum):
    """What a route or a command does."""

    PUBLIC = "public"
    USE_ACCOUNT = "use_account"
    VIEW_INBOX = "view_inbox"
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
    VIEW_FIGURES = "view_figures"
    RUN_INDICES = "run_indices"
    MAKE_REPORTS = "make_reports"
    VIEW_SURVEYS = "view_surveys"
    RUN_SURVEYS = "run_surveys"
    MANAGE_USERS = "manage_users"
    MANAGE_CALENDARS = "manage_calendars"


@dataclass(frozen=True)
class Actor:
    """Who acts. ``key`` names them in the history without naming the person."""

    role: Role
    user_id: int | None = None
    unit_id: int | None = None
    name: str = ""
    key: str = "sender"


SENDER = Actor(Role.CITIZEN)
SYSTEM = Actor(Role.CITIZEN, key="system")


@dataclass(frozen=True)
class PolicySubject:
    """What is acted on, reduced to what the rules ask: the unit that has it, and the unit it must stay hidden from."""

    unit_id: int | None
    hidden_from: int | None = None


HANDLERS = frozenset({Role.OFFICER, Role.LEADER})
PROVINCE = frozenset({Role.COORDINATOR})

# Role -> may do it for the own unit; and for every unit.
OWN_UNIT: dict[Permission, frozenset[Role]] = {
    Permission.VIEW_INBOX: HANDLERS,
    Permission.VIEW_TICKET: HANDLERS,
    Permission.VIEW_CONTACT: HANDLERS,
    Permission.HANDLE_TICKET: HANDLERS,
    Permission.FORWARD_TICKET: HANDLERS,
    Permission.MERGE_TICKET: HANDLERS,
    Permission.ASSIGN_TICKET: frozenset({Role.LEADER}),
    Permission.APPROVE_ANSWER: frozenset({Role.LEADER}),
    Permission.EXTEND_TICKET: frozenset({Role.LEADER}),
    Permission.VIEW_FIGURES: frozenset({Role.LEADER}),
}
EVERY_UNIT: dict[Permission, frozenset[Role]] = {
    Permission.VIEW_INBOX: PROVINCE,
    Permission.VIEW_TICKET: PROVINCE,
    Permission.VIEW_CONTACT: PROVINCE,
    Permission.FORWARD_TICKET: PROVINCE,
    Permission.MERGE_TICKET: PROVINCE,
    Permission.JUDGE_DISPUTE: PROVINCE,  # never the unit that paused it
    Permission.PUBLISH_ANSWER: PROVINCE,
    Permission.VIEW_FIGURES: frozenset({Role.MANAGER, Role.COORDINATOR}),
    Permission.RUN_INDICES: frozenset({Role.MANAGER}),
    Permission.MAKE_REPORTS: frozenset({Role.MANAGER, Role.COORDINATOR}),
    Permission.VIEW_SURVEYS: frozenset({Role.SURVEY, Role.MANAGER}),
    Permission.RUN_SURVEYS: frozenset({Role.SURVEY}),
    Permission.MANAGE_USERS: frozenset({Role.ADMINISTRATOR}),
    Permission.MANAGE_CALENDARS: frozenset({Role.ADMINISTRATOR}),
    Permission.USE_ACCOUNT: frozenset(STAFF),
}


def can(actor: Actor | None, action: Permission, subject: PolicySubject | None = None) -> bool:
    """Whether ``actor`` may do ``action`` to ``subject``; without a subject: at all, to anything of theirs."""
    if action is Permission.PUBLIC:
        return True
    if actor is None:
        return False
    if subject is not None and subject.hidden_from is not None and subject.hidden_from == actor.unit_id:
        return False
    if actor.role in EVERY_UNIT.get(action, frozenset()):
        return True
    if actor.role not in OWN_UNIT.get(action, frozenset()) or actor.unit_id is None:
        return False
    return subject is None or subject.unit_id == actor.unit_id
