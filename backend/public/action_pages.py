"""A sender disputes a pause, confirms or does not, has it taken up again, withdraws, reads the guidance letter."""

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.documents import guidance_letter
from backend.errors import Conflict, DomainError, Invalid, NotFound, _
from backend.public.sender_actions import open_wishes
from backend.public.ticket_view import KEPT, TICKET, ask_again, done_page, find_opened, ticket_page
from backend.tickets import dossier, service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.sender_rights import check_read
from backend.tickets.service import ActionRequest
from backend.users.guard import allow_everybody
from backend.users.policy import SENDER
from backend.web.forms import FormReader, TypedDep
from backend.web.rendering import redirect_to, render_page

router = APIRouter(dependencies=[Depends(allow_everybody)])
ASK = _("Xin nhập mã số và mã bí mật để xem phản ánh.")


@router.post(f"{TICKET}/khong-tam-dung", include_in_schema=False)
def dispute_pause(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """The sender does not accept that the clock stood still; the province judges it, not the unit."""
    change = ActionRequest(Event.PAUSE_DISPUTED, typed.raw("objection"), pause=typed.integer("pause"))
    done = _("Đã ghi ý kiến của bạn. Cấp tỉnh sẽ xem xét và báo lại.")
    return _do(request, session, typed, change, "objection", done)


@router.post(f"{TICKET}/dong-y", include_in_schema=False)
def confirm_answer(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    return _do(request, session, typed, ActionRequest(Event.CONFIRMED), "", _("Cảm ơn bạn đã xác nhận."))


@router.post(f"{TICKET}/chua-xong", include_in_schema=False)
def not_solved(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    return _send_back(request, session, typed, Event.DISPUTED)


@router.post(f"{TICKET}/xu-ly-lai", include_in_schema=False)
def reopen_ticket(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    return _send_back(request, session, typed, Event.REOPENED)


@router.get(f"{TICKET}/rut", include_in_schema=False)
def withdraw_page(request: Request, session: SessionDep) -> Response:
    """Asks once more before a ticket is withdrawn."""
    ticket = find_opened(request, session)
    if ticket is None:
        return redirect_to(request, "/theo-doi", flash=ASK, kind="info")
    return _ask_once_more(request, session, ticket, None)


@router.post(f"{TICKET}/rut", include_in_schema=False)
def withdraw_ticket(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """Done from the page that asks once more; from the ticket's page that one comes first, with all that was typed."""
    if not typed.ticked("sure"):
        ticket = find_opened(request, session)
        return ask_again(request, typed) if ticket is None else _ask_once_more(request, session, ticket, typed)
    return _do(
        request, session, typed, ActionRequest(Event.WITHDRAWN), "", _("Đã rút phản ánh. Bạn có thể gửi phản ánh mới.")
    )


@router.get(f"{TICKET}/phieu-huong-dan", include_in_schema=False)
def send_letter(request: Request, session: SessionDep) -> Response:
    found = guidance_letter.guidance_letter(session, _told_ticket(request, session))
    return render_page(
        request, "documents/letter.html", secret=True, letter=found, letters=guidance_letter, back=TICKET
    )


@router.get(f"{TICKET}/phieu-huong-dan.docx", include_in_schema=False)
def letter_file(request: Request, session: SessionDep) -> Response:
    return guidance_letter.letter_response(guidance_letter.guidance_letter(session, _told_ticket(request, session)))


def _ask_once_more(request: Request, session: Session, ticket: Ticket, typed: FormReader | None) -> Response:
    if "rut" not in open_wishes(dossier.read_dossier(session, ticket, clock.now())):
        refusal = Conflict(_("Phản ánh này không còn rút được nữa."))
        return ticket_page(request, session, ticket, typed=typed, refusal=refusal)
    kept = {name: typed.raw(name) for name in KEPT if typed.raw(name)} if typed else {}
    return render_page(request, "public/withdraw.html", secret=True, number=ticket.number, kept=kept, keep_at=TICKET)


def _told_ticket(request: Request, session: Session) -> Ticket:
    """The opened ticket, once its sender has read the decision."""
    ticket = find_opened(request, session)
    if ticket is None or ticket.told_at is None:
        raise NotFound
    return ticket


def _send_back(request: Request, session: Session, typed: FormReader, event: Event) -> Response:
    change = ActionRequest(event, typed.raw("wish"))
    return _do(request, session, typed, change, "wish", _("Đã ghi yêu cầu. Phản ánh được giải quyết lại với hạn mới."))


def _do(
    request: Request, session: Session, typed: FormReader, change: ActionRequest, field: str, done: str
) -> Response:
    """One wish: done and back to the ticket, or the ticket with the refusal and what was typed."""
    ticket = find_opened(request, session)
    if ticket is None:
        return ask_again(request, typed)
    now = clock.now()
    try:
        typed.check()
        check_read(ticket, change.event)
    except DomainError as refusal:
        service.record_refused(SENDER, change.event, ticket.id, refusal, now)
        return ticket_page(request, session, ticket, typed=typed, refusal=refusal)
    try:
        with session.begin_nested():
            service.apply(session, ticket.id, change, SENDER, now=now)
    except DomainError as refusal:
        return ticket_page(request, session, ticket, typed=typed, refusal=_at_field(refusal, field))
    used = (field, "pause") if field else ("sure",)
    return done_page(request, session, ticket, typed, used, done)


def _at_field(refusal: DomainError, field: str) -> DomainError:
    """The refusal at the text of its own form: several on the page have one."""
    if isinstance(refusal, Invalid) and refusal.field == "text" and field:
        return Invalid(refusal.message, field=field, errors=(), **refusal.params)
    return refusal
