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
from backend.desk.typed_texts import TypedText, fields_of, left_typed, something_typed, typed_texts
from backend.documents import guidance_letter
from backend.errors import Conflict, DomainError, Forbidden, NotFound, _
from backend.tickets import queries, service
from backend.tickets.service import ActionRequest
from backend.users.guard import MaybeActor, allow
from backend.users.policy import Actor, Permission
from backend.web.forms import FormReader, TypedDep
from backend.web.rendering import (
    choose_language,
    error_sentence,
    redirect_to,
    remember_language,
    render_page,
    translate_for,
)

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
    form: TypedDep,
) -> Response:
    """Show who sent it, after writing down who looked. A POST, for a link must not leave such a trace by itself."""
    shown = queries.for_staff(session, number, actor)
    service.record_contact_read(session, shown, actor, now=clock.now())
    return ticket_page(request, session, shown, actor, typed=form.form(), with_contact=True)


@router.post(INBOX + "/{number}/xem")
def look(request: Request, session: SessionDep, actor: Viewer, number: str, form: TypedDep) -> Response:
    """The page again with all that was typed: in another language where one was chosen, or after Enter in a field."""
    shown = queries.for_staff(session, number, actor)
    choose_language(request, form.raw("lang"))
    return remember_language(request, ticket_page(request, session, shown, actor, typed=form.form()))


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
    return _address_after(request, session, actor, number, form, deed)


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
    """The ticket as it stands now; NotFound again, where it must not be seen, with the texts if there are any."""
    try:
        shown = queries.for_staff(session, number, actor)
    except NotFound as gone:
        if texts := typed_texts(tried.form):
            return _left(request, texts, error_sentence(request, gone), "warning", gone.status)
        raise
    return ticket_page(request, session, shown, actor, status, tried=tried)


def _address_after(
    request: Request, session: Session, actor: Actor, number: str, form: FormReader, deed: TicketAction
) -> Response:
    """Back to the ticket, or to the inbox when whoever gave it away may not see it any more. Where something was typed
    for another action the page answers at once with all of it: a redirect would lose it."""
    try:
        shown = queries.for_staff(session, number, actor)
    except NotFound:
        if texts := typed_texts(form.rest(fields_of(deed))):
            return _left(request, texts, translate_for(request, deed.done), "success", 200)
        return redirect_to(request, INBOX, flash=deed.done)
    rest = left_typed(form, deed, queries.list_course(session, shown.id, internal=True))
    if not something_typed(rest):
        return redirect_to(request, f"{INBOX}/{number}", flash=deed.done)
    return ticket_page(request, session, shown, actor, typed=rest, done=deed.done)


def _left(request: Request, texts: list[TypedText], told: str, kind: str, status: int) -> Response:
    return render_page(request, "desk/left.html", status, secret=True, texts=texts, told=told, kind=kind)
