"""The addresses of a sender's actions: dispute a pause, confirm or dispute the answer, reopen, withdraw; and the
guidance letter."""

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.documents import guidance_letter
from backend.errors import Conflict, DomainError, Invalid, NotFound, _
from backend.public.sender_actions import list_open_actions
from backend.public.ticket_view import (
    TICKET,
    ask_secret_again,
    done_page,
    find_opened_ticket,
    ticket_page,
    typed_values,
)
from backend.tickets import service
from backend.tickets.dossier import read_dossier
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Ticket
from backend.tickets.senders.sender_rights import check_read
from backend.tickets.service import ActionRequest
from backend.users.guard import allow_everybody
from backend.users.policy import SENDER
from backend.web.forms import FormReader, TypedDep
from backend.web.rendering import redirect_to, render_page

router = APIRouter(dependencies=[Depends(allow_everybody)])
ASK = _("Xin nhập mã số và mã bí mật để xem phản ánh.")


@router.post(f"{TICKET}/khong-tam-dung", include_in_schema=False)
def dispute_pause(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """Record that the sender does not accept a pause. The province judges the dispute, not the unit."""
    dispute = ActionRequest(
        Event.PAUSE_DISPUTED, typed.raw("objection"), pause=typed.integer("pause"), channel=Channel.WEB
    )
    confirmation = _("Đã ghi ý kiến của bạn. Cấp tỉnh sẽ xem xét và báo lại.")
    return _act(request, session, typed, dispute, "objection", confirmation)


@router.post(f"{TICKET}/dong-y", include_in_schema=False)
def confirm_answer(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    return _act(request, session, typed, ActionRequest(Event.CONFIRMED), "", _("Cảm ơn bạn đã xác nhận."))


@router.post(f"{TICKET}/chua-xong", include_in_schema=False)
def dispute_answer(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    return _send_back(request, session, typed, Event.DISPUTED)


@router.post(f"{TICKET}/xu-ly-lai", include_in_schema=False)
def reopen_ticket(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    return _send_back(request, session, typed, Event.REOPENED)


@router.get(f"{TICKET}/rut", include_in_schema=False)
def withdraw_page(request: Request, session: SessionDep) -> Response:
    """Ask once more before a ticket is withdrawn."""
    ticket = find_opened_ticket(request, session)
    if ticket is None:
        return redirect_to(request, "/theo-doi", flash=ASK, kind="info")
    return _confirm_withdrawal(request, session, ticket, None)


@router.post(f"{TICKET}/rut", include_in_schema=False)
def withdraw_ticket(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """Withdraw the ticket, or ask once more with all typed texts if the button was on the ticket's page."""
    if not typed.ticked("sure"):
        ticket = find_opened_ticket(request, session)
        if ticket is None:
            return ask_secret_again(request, typed)
        return _confirm_withdrawal(request, session, ticket, typed)
    confirmation = _("Đã rút phản ánh. Bạn có thể gửi phản ánh mới.")
    return _act(request, session, typed, ActionRequest(Event.WITHDRAWN), "", confirmation)


@router.get(f"{TICKET}/phieu-huong-dan", include_in_schema=False)
def show_letter(request: Request, session: SessionDep) -> Response:
    letter = guidance_letter.guidance_letter(session, _find_decided_ticket(request, session))
    return render_page(
        request, "documents/letter.html", secret=True, letter=letter, letters=guidance_letter, back=TICKET
    )


@router.get(f"{TICKET}/phieu-huong-dan.docx", include_in_schema=False)
def letter_file(request: Request, session: SessionDep) -> Response:
    letter = guidance_letter.guidance_letter(session, _find_decided_ticket(request, session))
    return guidance_letter.letter_response(letter)


def _confirm_withdrawal(request: Request, session: Session, ticket: Ticket, typed: FormReader | None) -> Response:
    """Show the page that asks whether to withdraw, or the ticket's page where that is no longer possible."""
    if "rut" not in list_open_actions(read_dossier(session, ticket, clock.now())):
        refusal = Conflict(_("Phản ánh này không còn rút được nữa."))
        return ticket_page(request, session, ticket, typed=typed, refusal=refusal)
    values = typed_values(typed)
    return render_page(request, "public/withdraw.html", secret=True, number=ticket.number, kept=values, keep_at=TICKET)


def _find_decided_ticket(request: Request, session: Session) -> Ticket:
    """Return the opened ticket. Raises NotFound where none is open or its sender has not read the decision yet."""
    ticket = find_opened_ticket(request, session)
    if ticket is None or ticket.told_at is None:
        raise NotFound
    return ticket


def _send_back(request: Request, session: Session, typed: FormReader, event: Event) -> Response:
    """Have an answered or refused ticket handled again, with the sender's reason."""
    confirmation = _("Đã ghi yêu cầu. Phản ánh được giải quyết lại với hạn mới.")
    return _act(
        request, session, typed, ActionRequest(event, typed.raw("reason"), channel=Channel.WEB), "reason", confirmation
    )


def _act(
    request: Request,
    session: Session,
    typed: FormReader,
    action_request: ActionRequest,
    field: str,
    confirmation: str,
) -> Response:
    """Carry out an action and go back to the ticket; or show the ticket with the refusal and everything typed.

    ``field`` is the name of the action's text field, empty where it has none.
    """
    ticket = find_opened_ticket(request, session)
    if ticket is None:
        return ask_secret_again(request, typed)
    now = clock.now()
    try:
        typed.check()
        check_read(ticket, action_request.event)
    except DomainError as refusal:
        service.record_refused(SENDER, action_request.event, ticket.id, refusal, now)
        return ticket_page(request, session, ticket, typed=typed, refusal=refusal)
    try:
        with session.begin_nested():
            service.apply(session, ticket.id, action_request, SENDER, now=now)
    except DomainError as refusal:
        return ticket_page(request, session, ticket, typed=typed, refusal=_at_field(refusal, field))
    used = (field, "pause") if field else ("sure",)
    return done_page(request, session, ticket, typed, used, confirmation)


def _at_field(refusal: DomainError, field: str) -> DomainError:
    """Move a refusal from ``text``, the service's name, to the action's own field: the page has several texts."""
    if isinstance(refusal, Invalid) and refusal.field == "text" and field:
        return Invalid(refusal.message, field=field, errors=(), **refusal.params)
    return refusal
