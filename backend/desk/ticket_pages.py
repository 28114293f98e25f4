"""The page of a ticket for staff, its guidance letter, and one address for each action of the table in ``actions``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep, transaction
from backend.desk.action_forms import read_action_request
from backend.desk.actions import ACTIONS, TicketAction
from backend.desk.inbox.filters import INBOX
from backend.desk.inbox.return_path import list_address, ticket_address
from backend.desk.ticket_view import ActionAttempt, ticket_page
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
def show_letter(request: Request, session: SessionDep, actor: Viewer, number: str) -> Response:
    """Show the guidance letter of a redirected ticket as a page to read and print."""
    letter = guidance_letter.guidance_letter(session, queries.for_staff(session, number, actor))
    return render_page(
        request, "documents/letter.html", letter=letter, letters=guidance_letter, back=f"{INBOX}/{number}"
    )


@router.get(INBOX + "/{number}/phieu-huong-dan.docx")
def letter_file(session: SessionDep, actor: Viewer, number: str) -> Response:
    letter = guidance_letter.guidance_letter(session, queries.for_staff(session, number, actor))
    return guidance_letter.letter_response(letter)


@router.post(INBOX + "/{number}/nguoi-gui")
def show_contact(
    request: Request,
    session: SessionDep,
    actor: Annotated[Actor, Depends(allow(Permission.VIEW_CONTACT))],
    number: str,
    form: TypedDep,
) -> Response:
    """Show the sender's contact, and record who looked at it. It is a POST, so that no link leaves such a record."""
    ticket = queries.for_staff(session, number, actor)
    service.record_contact_read(session, ticket, actor, now=clock.now())
    return ticket_page(request, session, ticket, actor, typed=form.form(), with_contact=True)


@router.post(INBOX + "/{number}/xem")
def keep_typed(request: Request, session: SessionDep, actor: Viewer, number: str, form: TypedDep) -> Response:
    """Show the page again with everything typed: in another language if one was chosen, or after Enter in a field."""
    ticket = queries.for_staff(session, number, actor)
    choose_language(request, form.raw("lang"))
    return remember_language(request, ticket_page(request, session, ticket, actor, typed=form.form()))


@dataclass(frozen=True)
class ActionGuard:
    """The dependency that protects an action's address: it needs the action's permission and records who lacks it."""

    ticket_action: TicketAction

    @property
    def action(self) -> Permission:
        """The permission of the route; the test that walks over all routes reads it."""
        return self.ticket_action.permission

    def __call__(self, number: str, actor: MaybeActor) -> Actor | None:
        try:
            return allow(self.action)(actor)
        except Forbidden as refusal:
            if actor is not None:
                _record_refusal(number, actor, self.ticket_action, refusal)
            raise


def _record_refusal(number: str, actor: Actor, action: TicketAction, refusal: DomainError) -> None:
    """Record an attempt that was refused before it reached the service of tickets."""
    with transaction() as session:
        ticket_id = queries.id_of(session, number)
    service.record_refused(actor, action.event, ticket_id, refusal, clock.now())


def _route(action: TicketAction) -> Callable[..., Response]:
    """Return the handler of an action's address."""
    permitted = Annotated[Actor, Depends(ActionGuard(action))]

    def act(request: Request, session: SessionDep, actor: permitted, number: str, form: TypedDep) -> Response:
        return _act(request, session, actor, number, form, action)

    return act


for _action in ACTIONS.values():
    router.add_api_route(f"{INBOX}/{{number}}/{_action.path}", _route(_action), methods=["POST"], name=_action.path)


def _act(
    request: Request, session: Session, actor: Actor, number: str, form: FormReader, action: TicketAction
) -> Response:
    """Carry out an action and go back to the ticket; or show only its preview; or show the refusal with all texts."""
    preview_only = form.ticked("preview")
    try:
        ticket_id = queries.for_staff(session, number, actor).id
        version, action_request = _read_request(session, form, action)
    except DomainError as refusal:
        if not preview_only:
            _record_refusal(number, actor, action, refusal)
        attempt = ActionAttempt.refused(action, form, refusal)
        return _show_again(request, session, actor, number, attempt, refusal.status)
    try:
        if preview_only:
            preview = service.preview_change(session, ticket_id, action_request, actor, now=clock.now())
            return _show_again(request, session, actor, number, ActionAttempt(action, form.form(), preview=preview))
        with session.begin_nested():  # a refusal undoes what the action wrote; the page is read afterwards
            service.apply(session, ticket_id, action_request, actor, now=clock.now(), version=version)
    except DomainError as refusal:
        attempt = ActionAttempt.refused(action, form, refusal)
        return _show_again(request, session, actor, number, attempt, refusal.status)
    return _answer_done(request, session, actor, number, form, action)


def _read_request(session: Session, form: FormReader, action: TicketAction) -> tuple[int | None, ActionRequest]:
    """Return the ticket's version as the page showed it, and what the form asks for. A preview needs no version.

    Raises Invalid for wrong fields, Conflict where the version is missing.
    """
    version = form.integer("version")
    action_request = read_action_request(session, action, form)
    form.check()
    if version is None and not form.ticked("preview"):
        raise Conflict(_("Trang này đã cũ. Xin xem lại trước khi tiếp tục."))
    return version, action_request


def _show_again(
    request: Request, session: Session, actor: Actor, number: str, attempt: ActionAttempt, status: int = 200
) -> Response:  # fmt: skip
    """Show the ticket as it is now, with the attempt. Where the actor may not see the ticket any more, show only the
    texts, or raise NotFound if nothing was typed."""
    try:
        ticket = queries.for_staff(session, number, actor)
    except NotFound as refusal:
        if texts := typed_texts(attempt.form):
            return _texts_page(request, texts, error_sentence(request, refusal), "warning", refusal.status)
        raise
    return ticket_page(request, session, ticket, actor, status, attempt=attempt)


def _answer_done(
    request: Request, session: Session, actor: Actor, number: str, form: FormReader, action: TicketAction
) -> Response:
    """Redirect to the ticket, or to the inbox where the actor gave the ticket away and may not see it any more.

    If something was typed for another action, answer with the page and all its texts: a redirect would lose them.
    """
    try:
        ticket = queries.for_staff(session, number, actor)
    except NotFound:
        if texts := typed_texts(form.rest(fields_of(action))):
            return _texts_page(request, texts, translate_for(request, action.confirmation), "success", 200)
        return redirect_to(request, list_address(form.raw("from")), flash=action.confirmation)
    rest = left_typed(form, action, queries.list_course(session, ticket.id, internal=True))
    if not something_typed(rest):
        return redirect_to(request, ticket_address(number, form.raw("from")), flash=action.confirmation)
    return ticket_page(request, session, ticket, actor, typed=rest, confirmation=action.confirmation)


def _texts_page(request: Request, texts: list[TypedText], sentence: str, kind: str, status: int) -> Response:
    """Show only what was typed, for a ticket that is out of sight."""
    return render_page(request, "desk/left.html", status, secret=True, texts=texts, told=sentence, kind=kind)
