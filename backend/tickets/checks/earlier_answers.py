"""A repeat names the ticket that was answered before (NĐ 154/2026, Điều 4, điểm h). The reference is checked here.

The earlier ticket must be one that the officer may see, and it must have an answer in writing. The two senders are the
same where they gave the same telephone, e-mail address or chat. Otherwise the officer says in words why it is the same
matter, and the sender gets the number alone: the answer was written to somebody else.
"""

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from backend import audit
from backend.deadlines.events import TicketEvent
from backend.errors import Invalid, _
from backend.tickets import projection
from backend.tickets.checks.action_request import Notes, TicketCase, policy_subject
from backend.tickets.lifecycle import ANSWERS
from backend.tickets.models import Contact, Ticket
from backend.tickets.reception.receipts import read_number
from backend.users.policy import Permission, can

NUMBER_MOST: Final = 40
REPEAT: Final = "repeat"  # the ground of refusal that needs an earlier answer
PHONE_DIGITS: Final = 9  # the last digits of a telephone number, without 0 or +84


def check_earlier(case: TicketCase) -> Notes:
    """Return the notes about the earlier ticket. Raises Invalid at the fields ``earlier`` and ``earlier_words``.

    ``earlier_answer`` is the id of the answer's text; ``same_sender`` says whether this sender may read it.
    """
    ticket = _visible_ticket(case)
    answer = _written_answer(case.session, ticket)
    if ticket.open:
        raise Invalid(_("Phản ánh đó đang được xử lý nên chưa dùng làm căn cứ được."), field="earlier")
    same = _same_sender(case.session, case.ticket.id, ticket.id)
    if not same and not case.request.earlier.words.strip():
        raise Invalid(
            _("Hai phản ánh không cùng điện thoại hay thư điện tử. Xin ghi vì sao bạn chắc là cùng một việc."),
            field="earlier_words",
        )
    return {"earlier": ticket.id, "earlier_answer": answer.data["message"], "same_sender": same}


def _visible_ticket(case: TicketCase) -> Ticket:
    """Return the ticket with the number. One that the actor must not see is not there, as everywhere."""
    number = case.request.earlier.number.strip()[:NUMBER_MOST]
    if not number:
        raise Invalid(_("Xin ghi mã số của phản ánh đã được trả lời."), field="earlier")
    statement = select(Ticket).where(Ticket.number == read_number(number)).options(joinedload(Ticket.category))
    ticket = case.session.scalar(statement)
    if ticket is None or not can(case.actor, Permission.VIEW_TICKET, policy_subject(ticket)):
        raise Invalid(_("Không tìm thấy phản ánh mang mã số này."), field="earlier")
    if ticket.id == case.ticket.id:
        raise Invalid(_("Đây là mã số của chính phản ánh này."), field="earlier")
    return ticket


def _written_answer(session: Session, ticket: Ticket) -> TicketEvent:
    """Return the latest answer that has a text. Cases of other systems came without one."""
    history = projection.events_of(audit.list_entries(session, audit.ticket_chain(ticket.id)))
    answers = (event for event in reversed(history) if event.event in ANSWERS and "message" in event.data)
    answer = next(answers, None)
    if answer is None:
        raise Invalid(_("Phản ánh đó chưa được trả lời bằng văn bản."), field="earlier")
    return answer


def _same_sender(session: Session, ticket_id: int, earlier_id: int) -> bool:
    contact, earlier = (session.get(Contact, of) for of in (ticket_id, earlier_id))
    if contact is None or earlier is None:
        return False
    return not _addresses(contact).isdisjoint(_addresses(earlier))


def _addresses(contact: Contact) -> set[str]:
    """Return what a contact can be reached by, in one form each."""
    digits = "".join(letter for letter in contact.phone or "" if letter.isdigit())
    phone = digits[-PHONE_DIGITS:] if len(digits) >= PHONE_DIGITS else ""
    chat = f"chat:{contact.chat_id}" if contact.chat_id is not None else ""
    return {address for address in (phone, (contact.email or "").strip().lower(), chat) if address}
