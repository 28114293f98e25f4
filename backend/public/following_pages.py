"""A citizen follows feedback with number and secret, replies to a question, reads the answer."""

from fastapi import APIRouter, Depends, Request, Response

from backend import clock
from backend.attachments import queries as attachments
from backend.attachments.streaming import photo_response
from backend.db import SessionDep
from backend.errors import DomainError, NotFound, TooMany, _
from backend.public import access
from backend.public.ticket_view import KEPT, TICKET, ask_again, done_page, find_opened, follow_page, ticket_page
from backend.tickets import queries, service
from backend.tickets.lifecycle import Event
from backend.tickets.sender_rights import tell_sender
from backend.users.guard import allow_everybody
from backend.users.policy import SENDER
from backend.web.forms import TypedDep
from backend.web.rendering import address_of, choose_language, redirect_to, remember_language

router = APIRouter(dependencies=[Depends(allow_everybody)])


@router.get("/theo-doi", include_in_schema=False)
def follow_form(request: Request, so: str = "") -> Response:
    """Asks for number and secret; a QR code of a receipt brings the number along."""
    return follow_page(request, number=so[:40])


@router.post("/theo-doi", include_in_schema=False)
def open_by_secret(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """Open a ticket for an hour. An unknown number and a wrong secret get the same answer."""
    number = typed.raw("number")
    now = clock.now()
    try:
        ticket = queries.for_sender(session, number, typed.raw("secret"), address=address_of(request), now=now)
    except (NotFound, TooMany) as error:
        response = follow_page(request, number=number[:40], error=error, kept=typed, status=error.status)
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    tell_sender(session, ticket, now)
    kept = any(typed.raw(name) for name in KEPT)
    response = ticket_page(request, session, ticket, typed=typed) if kept else redirect_to(request, TICKET)
    access.grant_access(response, ticket.id)
    return response


@router.get(TICKET, include_in_schema=False)
def followed_ticket(request: Request, session: SessionDep) -> Response:
    """The ticket that this browser opened."""
    ticket = find_opened(request, session)
    if ticket is None:
        return redirect_to(request, "/theo-doi", flash=_("Xin nhập mã số và mã bí mật để xem phản ánh."), kind="info")
    return ticket_page(request, session, ticket)


@router.post(f"{TICKET}/doc", include_in_schema=False)
def read_answer(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """Show the answer that came while the page was open. A POST alone counts as reading: programs that look into links
    before people do must not."""
    ticket = find_opened(request, session)
    if ticket is None:
        return ask_again(request, typed)
    tell_sender(session, ticket, clock.now())
    return done_page(request, session, ticket, typed, (), "")


@router.post(TICKET, include_in_schema=False)
def keep_typed(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """The page again with all that was typed: in another language where one was chosen, or after Enter in a field."""
    ticket = find_opened(request, session)
    choose_language(request, typed.raw("lang"))
    if ticket is None:
        return remember_language(request, ask_again(request, typed))
    return remember_language(request, ticket_page(request, session, ticket, typed=typed))


@router.post(f"{TICKET}/tra-loi", include_in_schema=False)
def reply_to_question(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """The sender tells what the unit asked for; the clock goes on."""
    ticket = find_opened(request, session)
    if ticket is None:
        return ask_again(request, typed)
    change = service.ActionRequest(Event.INFO_RECEIVED, text=typed.raw("text"))
    try:
        with session.begin_nested():
            service.apply(session, ticket.id, change, SENDER, now=clock.now())
    except DomainError as refusal:
        return ticket_page(request, session, ticket, typed=typed, refusal=refusal)
    done = _("Đã gửi phần bổ sung. Cơ quan tiếp tục giải quyết.")
    return done_page(request, session, ticket, typed, ("text",), done)


@router.get(f"{TICKET}/anh/{{place}}", include_in_schema=False)
def show_photo(request: Request, session: SessionDep, place: int) -> Response:
    """A photo of the opened ticket; there is no other address for it."""
    ticket_id = access.granted_ticket(request)
    if ticket_id is None:
        raise NotFound
    return photo_response(attachments.find_photo(session, ticket_id, place), place)


@router.post("/theo-doi/roi", include_in_schema=False)
def leave_ticket(request: Request) -> Response:
    """Close the ticket on this browser before its hour is over."""
    response = redirect_to(
        request, "/theo-doi", flash=_("Đã đóng. Máy này không còn mở được phản ánh nếu không có mã bí mật.")
    )
    access.end_access(response)
    return response
