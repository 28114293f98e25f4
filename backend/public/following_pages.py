"""A citizen follows feedback with number and secret, replies to a question, reads the answer."""

from fastapi import APIRouter, Depends, Request, Response

from backend import clock
from backend.attachments import queries as attachments
from backend.attachments.streaming import picture
from backend.db import SessionDep
from backend.errors import DomainError, NotFound, TooMany, _
from backend.public import access
from backend.public.ticket_view import KEPT, TICKET, ask_again, follow_page, opened, tell, ticket_page
from backend.tickets import queries, service
from backend.tickets.lifecycle import Event
from backend.users.guard import public
from backend.users.policy import SENDER
from backend.web.forms import TypedDep
from backend.web.rendering import address_of, redirect

router = APIRouter(dependencies=[Depends(public)])


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
    tell(session, ticket, now)
    kept = any(typed.raw(name) for name in KEPT)
    response = ticket_page(request, session, ticket, typed=typed) if kept else redirect(request, TICKET)
    access.grant(response, ticket.id)
    return response


@router.get(TICKET, include_in_schema=False)
def followed_ticket(request: Request, session: SessionDep) -> Response:
    """The ticket that this browser opened."""
    ticket = opened(request, session)
    if ticket is None:
        return redirect(request, "/theo-doi", flash=_("Xin nhập mã số và mã bí mật để xem phản ánh."), kind="info")
    return ticket_page(request, session, ticket)


@router.post(f"{TICKET}/doc", include_in_schema=False)
def read_answer(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """Show the answer that came while the page was open."""
    ticket = opened(request, session)
    if ticket is None:
        return ask_again(request, typed)
    tell(session, ticket, clock.now())
    return redirect(request, TICKET)


@router.post(f"{TICKET}/tra-loi", include_in_schema=False)
def reply(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """The sender tells what the unit asked for; the clock goes on."""
    ticket = opened(request, session)
    if ticket is None:
        return ask_again(request, typed)
    change = service.ActionRequest(Event.INFO_RECEIVED, text=typed.raw("text"))
    try:
        with session.begin_nested():
            service.apply(session, ticket.id, change, SENDER, now=clock.now())
    except DomainError as refusal:
        return ticket_page(request, session, ticket, typed=typed, refusal=refusal)
    return redirect(request, TICKET, flash=_("Đã gửi phần bổ sung. Cơ quan tiếp tục giải quyết."))


@router.get(f"{TICKET}/anh/{{place}}", include_in_schema=False)
def photo(request: Request, session: SessionDep, place: int) -> Response:
    """A photo of the opened ticket; there is no other address for it."""
    ticket_id = access.granted(request)
    if ticket_id is None:
        raise NotFound
    return picture(attachments.nth(session, ticket_id, place), place)


@router.post("/theo-doi/roi", include_in_schema=False)
def leave(request: Request) -> Response:
    """Close the ticket on this browser before its hour is over."""
    response = redirect(
        request, "/theo-doi", flash=_("Đã đóng. Máy này không còn mở được phản ánh nếu không có mã bí mật.")
    )
    access.leave(response)
    return response
