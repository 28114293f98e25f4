"""A ticket as staff see it, and the actions on it. What can be done is the table in ``deeds``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep, transaction
from backend.desk.actions import DEEDS, TicketAction, change_of
from backend.desk.ticket_view import INBOX, ActionAttempt, ticket_page
from backend.documents import guidance_letter
from backend.errors import Conflict, DomainError, Forbidden, NotFound, _
from backend.tickets import queries, service
from backend.tickets.service import ActionRequest
from backend.users.guard import MaybeActor, allow
from backend.users.policy import Actor, Permission
from backend.web.forms import FormReader, TypedDep
from backend.web.rendering import redirect_to, render_page

router = APIRouter()
Viewer = Annotated[Actor, Depends(allow(Permission.VIEW_TICKET))]


@router.get(INBOX + "/{number}")
def show_ticket(request: Request, session: SessionDep, actor: Viewer, number: str) -> Response:
    return ticket_page(request, session, queries.for_staff(session, number, actor), actor)


@router.get(INBOX + "/{number}/phieu-huong-dan")
def send_letter(request: Request, session: SessionDep, actor: Viewer, number: str) -> Response:
    """The guidance letter of a redirected ticket, to be read and printed."""
    found = guidance_letter.guidance_letter(session, queries.for_staff(session, number, actor))
    return render_page(
        request, "documents/letter.html", letter=found, letters=guidance_letter, back=f"{INBOX}/{number}"
    )


@router.get(INBOX + "/{number}/phieu-huong-dan.docx")
def letter_file(session: SessionDep, actor: Viewer, number: str) -> Response:
    found = guidance_letter.guidance_letter(session, queries.for_staff(session, number, actor))
    return guidance_letter.letter_response(found)


@router.post(INBOX + "/{number}/nguoi-gui")
def show_contact(
    request: Request,
    session: SessionDep,
    actor: Annotated[Actor, Depends(allow(Permission.VIEW_CONTACT))],
    number: str,
) -> Response:
    """Show who sent it, after writing down who looked. A POST, for a link must not leave such a trace by itself."""
    shown = queries.for_staff(session, number, actor)
    service.record_contact_read(session, shown, actor, now=clock.now())
    return ticket_page(request, session, shown, actor, with_contact=True)


@dataclass(frozen=True)
class ActionGuard:
    """The dependency of a deed's address: open to whoever has its right at all; who has not is written down."""

    deed: TicketAction

    @property
    def action(self) -> Permission:
        """The policy that the route names."""
        return self.deed.right

    def __call__(self, number: str, actor: MaybeActor) -> Actor | None:
        try:
            return allow(self.action)(actor)
        except Forbidden as refusal:
            if actor is not None:
                _record_refusal(number, actor, self.deed, refusal)
            raise


def _record_refusal(number: str, actor: Actor, deed: TicketAction, refusal: DomainError) -> None:
    """Write down an attempt that never came to the ticket's service."""
    with transaction() as session:
        ticket_id = queries.id_of(session, number)
    service.record_refused(actor, deed.event, ticket_id, refusal, clock.now())


def _route(deed: TicketAction) -> Callable[..., Response]:
    """The address of a deed."""
    may = Annotated[Actor, Depends(ActionGuard(deed))]

    def act(request: Request, session: SessionDep, actor: may, number: str, form: TypedDep) -> Response:
        return _do(request, session, actor, number, form, deed)

    return act


for _deed in DEEDS.values():
    router.add_api_route(f"{INBOX}/{{number}}/{_deed.path}", _route(_deed), methods=["POST"], name=_deed.path)


def _do(
    request: Request, session: Session, actor: Actor, number: str, form: FormReader, deed: TicketAction
) -> Response:
    """One action: done and back to the ticket; or only looked at; or the ticket with the refusal and what was typed."""
    try:
        ticket_id = queries.for_staff(session, number, actor).id
        version, change = _requested_action(session, form, deed)
    except DomainError as refusal:
        if not form.ticked("look"):
            _record_refusal(number, actor, deed, refusal)
        return _show_again(request, session, actor, number, ActionAttempt.refused(deed, form, refusal), refusal.status)
    try:
        if form.ticked("look"):
            effect = service.preview_change(session, ticket_id, change, actor, now=clock.now())
            return _show_again(request, session, actor, number, ActionAttempt(deed, form.form(), effect=effect))
        with session.begin_nested():  # what was written before a refusal goes with it, the page is read afterwards
            service.apply(session, ticket_id, change, actor, now=clock.now(), version=version)
    except DomainError as refusal:
        return _show_again(request, session, actor, number, ActionAttempt.refused(deed, form, refusal), refusal.status)
    return redirect_to(request, _address_after(session, deed, number, actor), flash=deed.done)


def _requested_action(session: Session, form: FormReader, deed: TicketAction) -> tuple[int | None, ActionRequest]:
    """The version that the page showed and the change that its form asks for. Looking ahead needs no version."""
    version = form.integer("version")
    change = change_of(session, deed, form)
    form.check()
    if version is None and not form.ticked("look"):
        raise Conflict(_("Trang này đã cũ. Xin xem lại trước khi tiếp tục."))
    return version, change


def _show_again(
    request: Request, session: Session, actor: Actor, number: str, tried: ActionAttempt, status: int = 200
) -> Response:  # fmt: skip
    """The ticket as it stands now; NotFound again, where it must not be seen."""
    return ticket_page(request, session, queries.for_staff(session, number, actor), actor, status, tried=tried)


def _address_after(session: Session, deed: TicketAction, number: str, actor: Actor) -> str:
    """Back to the ticket, or to the inbox when whoever gave it away may not see it any more."""
    if not deed.leaves:
        return f"{INBOX}/{number}"
    try:
        queries.for_staff(session, number, actor)
    except NotFound:
        return INBOX
    return f"{INBOX}/{number}"
