"""What an internal note needs: whoever it calls upon must be able to read the ticket."""

from collections.abc import Sequence
from typing import Final

from backend import audit
from backend.errors import Invalid, _
from backend.tickets.checks.action_request import Notes, TicketCase, policy_subject
from backend.tickets.checks.mentions import read_mentions
from backend.users import queries as users
from backend.users.models import User
from backend.users.policy import Actor, Permission, PolicySubject, can

MOST_MENTIONS: Final = 20


def check_note(case: TicketCase) -> Notes:
    """Return the ids of the accounts that the note mentions: those that were chosen, and those named in its text.

    Refuses a choice that must not see the ticket at ``mention``, and a name that means nobody or several at the text.
    """
    chosen, text = case.request.mentions, case.request.text
    if not chosen and "@" not in text:
        return {}
    colleagues = users.list_colleagues(case.session, case.ticket.unit_id)
    people = {user.id: user.name for user in may_read(colleagues, policy_subject(case.ticket))}
    if not people.keys() >= set(chosen):
        raise Invalid(_("Xin chọn người được xem phản ánh này."), field="mention")
    mentions = list(dict.fromkeys([*chosen, *_named(text, list(people.items()))]))
    if len(mentions) > MOST_MENTIONS:
        raise Invalid(_("Mỗi ghi chú nhắc được nhiều nhất %(most)s người."), field="text", most=MOST_MENTIONS)
    return {"mentions": mentions} if mentions else {}


def may_read(users_in_order: Sequence[User], subject: PolicySubject) -> list[User]:
    """Return the open accounts that may see a ticket, in their order."""
    return [user for user in users_in_order if user.active and can(_actor_of(user), Permission.VIEW_TICKET, subject)]


def _named(text: str, people: Sequence[tuple[int, str]]) -> list[int]:
    user_ids = []
    for mention in read_mentions(text, people):
        if not mention.user_ids:
            raise Invalid(
                _("Không có ai tên “@%(name)s” được xem phản ánh này. Xin ghi đúng họ tên."),
                field="text",
                name=mention.written,
            )
        if len(mention.user_ids) > 1:
            raise Invalid(
                _("Có nhiều người tên “@%(name)s”. Xin ghi đủ họ tên, hoặc chọn trong danh sách."),
                field="text",
                name=mention.written,
            )
        user_ids.append(mention.user_ids[0])
    return user_ids


def _actor_of(user: User) -> Actor:
    return Actor(user.role, user.id, user.unit_id, user.name, audit.user_key(user.id))
