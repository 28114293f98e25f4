"""The address at which a sender asks the level above for a second look at an answer or a refusal."""

from fastapi import APIRouter, Depends, Request, Response

from backend import clock
from backend.db import SessionDep
from backend.errors import DomainError, Invalid, _
from backend.public.ticket_view import TICKET, ask_secret_again, done_page, find_opened_ticket, ticket_page
from backend.tickets.second_looks import service
from backend.users.guard import allow_everybody
from backend.web.forms import TypedDep

FIELD = "look_reason"

router = APIRouter(dependencies=[Depends(allow_everybody)])


@router.post(f"{TICKET}/cap-tren-xem-lai", include_in_schema=False)
def ask_second_look(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """Ask for the second look with the sender's reason. A ticket gets one; a second press is refused."""
    ticket = find_opened_ticket(request, session)
    if ticket is None:
        return ask_secret_again(request, typed)
    try:
        with session.begin_nested():
            service.ask_second_look(session, ticket.id, typed.raw(FIELD), now=clock.now())
    except DomainError as refusal:
        return ticket_page(request, session, ticket, typed=typed, refusal=_at_field(refusal))
    confirmation = _("Đã ghi yêu cầu. Cấp trên sẽ xem lại và trả lời bạn.")
    return done_page(request, session, ticket, typed, (FIELD,), confirmation)


def _at_field(refusal: DomainError) -> DomainError:
    """Move a refusal from ``text``, the service's name, to the field of the page."""
    return refusal.at(FIELD) if isinstance(refusal, Invalid) and refusal.field == "text" else refusal
