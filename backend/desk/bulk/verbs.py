"""What can be done with many tickets at once: rows of the table of actions whose form fits every ticket."""

from collections.abc import Mapping
from typing import Final

from backend.desk.actions import ACTIONS, NOTE, TicketAction
from backend.errors import Forbidden, Invalid, _
from backend.users.policy import Actor, Permission, can

ACCEPT, ASSIGN, FORWARD = "chap-nhan", "giao-viec", "chuyen"
VERBS: Final[Mapping[str, TicketAction]] = {path: ACTIONS[path] for path in (ACCEPT, ASSIGN, FORWARD, NOTE)}


def find_verb(path: str, actor: Actor) -> TicketAction:
    """Return the action with this path. Raises Invalid for no such action, Forbidden where the role lacks the right."""
    if path not in VERBS:
        raise Invalid(_("Không có việc này để làm với nhiều phản ánh."), field="act")
    if not can(actor, VERBS[path].permission):
        raise Forbidden
    return VERBS[path]


def list_verbs(actor: Actor) -> list[TicketAction]:
    """Return the actions that the role of a person has at all. The right to each ticket is asked for each ticket."""
    return [action for action in VERBS.values() if can(actor, action.permission)]


def may_merge(actor: Actor) -> bool:
    return can(actor, Permission.MERGE_TICKET)
