"""The pages on which a sender follows a ticket with number and secret, reads the answer and replies to a question."""

from fastapi import APIRouter, Depends, Request, Response

from backend import clock
from backend.attachments import queries as attachments
from backend.attachments.streaming import photo_response
from backend.db import SessionDep
from backend.errors import DomainError, NotFound, TooMany, _
from backend.public import access
from backend.public.ticket_view import (
    TICKET,
    ask_secret_again,
    done_page,
    find_opened_ticket,
    follow_page,
    ticket_page,
    typed_values,
)
from backend.tickets import queries, service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel
from backend.tickets.senders.sender_rights import tell_sender
from backend.users.guard import allow_everybody
from backend.users.policy import SENDER
from backend.web.forms import TypedDep
from backend.web.rendering import address_of, choose_language, redirect_to, remember_language

router = APIRouter(dependencies=[Depends(allow_everybody)])


@router.get("/theo-doi", include_in_schema=False)
def follow_form(request: Request, so: str = "") -> Response:
    """Ask for number and secret. The QR code of a receipt fills in the number (``so``)."""
    return follow_page(request, number=so[:40])


@router.post("/theo-doi", include_in_schema=False)
def open_by_secret(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """Open a ticket for an hour. An unknown number and a wrong secret get the same answer."""
    number = typed.raw("number")
    now = clock.now()
    try:
        ticket = queries.for_sender(session, number, typed.raw("secret"), address=address_of(request), now=now)
    except (NotFound, TooMany) as refusal:
        response = follow_page(request, number=number[:40], refusal=refusal, typed=typed, status=refusal.status)
        if isinstance(refusal, TooMany):
            response.headers["Retry-After"] = str(refusal.retry_after)
        return response
    tell_sender(session, ticket, now)
    if typed_values(typed):
        response = ticket_page(request, session, ticket, typed=typed)
    else:
        response = redirect_to(request, TICKET)
    access.grant_access(response, ticket.id)
    return response


@router.get(TICKET, include_in_schema=False)
def followed_ticket(request: Request, session: SessionDep) -> Response:
    """Show the ticket that this browser opened."""
    ticket = find_opened_ticket(request, session)
    if ticket is None:
        return redirect_to(request, "/theo-doi", flash=_("Xin nhập mã số và mã bí mật để xem phản ánh."), kind="info")
    return ticket_page(request, session, ticket)


@router.post(f"{TICKET}/doc", include_in_schema=False)
def read_answer(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """Show the answer that came while the page was open.

    Only a POST counts as reading: some programs open links before people do, and those must not count.
    """
    ticket = find_opened_ticket(request, session)
    if ticket is None:
        return ask_secret_again(request, typed)
    tell_sender(session, ticket, clock.now())
    return done_page(request, session, ticket, typed, (), "")


@router.post(TICKET, include_in_schema=False)
def keep_typed(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """Show the page again with everything typed: in another language if one was chosen, or after Enter in a field."""
    ticket = find_opened_ticket(request, session)
    choose_language(request, typed.raw("lang"))
    if ticket is None:
        return remember_language(request, ask_secret_again(request, typed))
    return remember_language(request, ticket_page(request, session, ticket, typed=typed))


@router.post(f"{TICKET}/tra-loi", include_in_schema=False)
def reply_to_question(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """Send the sender's reply to the unit's question. The pause ends and the clock runs again."""
    ticket = find_opened_ticket(request, session)
    if ticket is None:
        return ask_secret_again(request, typed)
    reply = service.ActionRequest(Event.INFO_RECEIVED, text=typed.raw("text"), channel=Channel.WEB)
    try:
        with session.begin_nested():
            service.apply(session, ticket.id, reply, SENDER, now=clock.now())
    except DomainError as refusal:
        return ticket_page(request, session, ticket, typed=typed, refusal=refusal)
    confirmation = _("Đã gửi phần bổ sung. Cơ quan tiếp tục giải quyết.")
    return done_page(request, session, ticket, typed, ("text",), confirmation)


@router.get(f"{TICKET}/anh/{{place}}", include_in_schema=False)
def show_photo(request: Request, session: SessionDep, place: int) -> Response:
    """Show a photo of the opened ticket. Senders have no other address for it."""
    ticket_id = access.granted_ticket(request)
    if ticket_id is None:
        raise NotFound
    return photo_response(attachments.find_photo(session, ticket_id, place), place)


@router.post("/theo-doi/roi", include_in_schema=False)
def leave_ticket(request: Request) -> Response:
    """Close the ticket in this browser before the hour is over."""
    response = redirect_to(
        request, "/theo-doi", flash=_("Đã đóng. Máy này không còn mở được phản ánh nếu không có mã bí mật.")
    )
    access.end_access(response)
    return response
