"""The page of a ticket for staff, its guidance letter, and one address for each action of the table in ``actions``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep, transaction
from backend.desk.action_forms import read_action_request
from backend.desk.actions import ACTIONS, TicketAction
from backend.desk.answer_fields import with_proposal
from backend.desk.notices.reading import note_ticket_read
from backend.desk.page_state import ActionAttempt, TicketPageView
from backend.desk.replies.insertion import insert_template
from backend.desk.ticket_lists import TicketList, find_neighbours, read_list
from backend.desk.ticket_view import INBOX, ticket_page
from backend.desk.typed_texts import PageTexts, TypedText, fields_of, typed_texts
from backend.documents import guidance_letter
from backend.errors import Conflict, DomainError, Forbidden, NotFound, _
from backend.tickets import queries, service
from backend.tickets.lifecycle import Event
from backend.tickets.service import ActionRequest
from backend.users.guard import MaybeActor, allow
from backend.users.policy import Actor, Permission
from backend.web.forms import FormReader, FormView, TypedDep
from backend.web.rendering import (
    choose_language,
    error_sentence,
    redirect_to,
    remember_language,
    render_page,
    translate_for,
)

NEXT, SIGN_OUT = "next", "sign-out"  # values of the field ``act``
SIGN_OUT_AT = "/dang-xuat"

router = APIRouter()
Viewer = Annotated[Actor, Depends(allow(Permission.VIEW_TICKET))]


@router.get(INBOX + "/{number}")
def show_ticket(
    request: Request,
    session: SessionDep,
    actor: Viewer,
    number: str,
    list: str = "",  # noqa: A002 - name in the address
    course: str = "",
) -> Response:
    """Show the ticket. ``list`` is the address of the list from which it was opened."""
    view = TicketPageView(read_list(list or _came_from(request)), whole_course=course == "all")
    ticket = queries.for_staff(session, number, actor)
    note_ticket_read(request, session, actor, ticket.id)
    return ticket_page(request, session, ticket, actor, view=view)


def _came_from(request: Request) -> str:
    """Return path and query of the page whose link was followed, if it is one of ours."""
    referrer = urlsplit(request.headers.get("referer", ""))
    if referrer.netloc != request.headers.get("host"):
        return ""
    return f"{referrer.path}?{referrer.query}" if referrer.query else referrer.path


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
    PageTexts(session, actor, ticket, form).keep(clock.now())
    view = TicketPageView(read_list(form.raw("list")), typed=form.form(), with_contact=True)
    return ticket_page(request, session, ticket, actor, view=view)


@router.post(INBOX + "/{number}/xem")
def keep_typed(request: Request, session: SessionDep, actor: Viewer, number: str, form: TypedDep) -> Response:
    """Keep everything typed and show the page again: in another language if one was chosen, with the text of a template
    where a button asks for it, or after Enter in a field.

    Whoever signs out goes on to the address of signing out, with the same method.
    """
    ticket = queries.for_staff(session, number, actor)
    form, refusal = insert_template(session, actor, ticket, form, clock.now())
    PageTexts(session, actor, ticket, form).keep(clock.now())
    if form.raw("act") == SIGN_OUT:
        return RedirectResponse(SIGN_OUT_AT, 307)
    choose_language(request, form.raw("lang"))
    typed = form.refused(refusal, "") if refusal else with_proposal(form, ticket.content)
    view = TicketPageView(read_list(form.raw("list")), typed=typed)
    status = refusal.status if refusal else 200
    return remember_language(request, ticket_page(request, session, ticket, actor, status, view))


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
    """Carry out an action and go on; or show only its preview; or show the refusal with all texts."""
    preview_only = form.ticked("preview")
    try:
        ticket = queries.for_staff(session, number, actor)
        version, action_request = _read_request(session, form, action)
    except DomainError as refusal:
        if not preview_only:
            _record_refusal(number, actor, action, refusal)
        attempt = ActionAttempt.refused(action, form, refusal)
        return _show_again(request, session, actor, number, form, attempt, refusal.status)
    ticket_list = read_list(form.raw("list"))
    following = ""
    if form.raw("act") == NEXT:
        following = find_neighbours(session, actor, ticket_list, ticket, clock.now()).next
    try:
        if preview_only:
            preview = service.preview_change(session, ticket.id, action_request, actor, now=clock.now(), take=True)
            attempt = ActionAttempt(action, form.form(), preview=preview)
            return _show_again(request, session, actor, number, form, attempt)
        with session.begin_nested():  # a refusal undoes what the action wrote; the page is read afterwards
            service.apply(session, ticket.id, action_request, actor, now=clock.now(), version=version, take=True)
    except DomainError as refusal:
        attempt = ActionAttempt.refused(action, form, refusal)
        return _show_again(request, session, actor, number, form, attempt, refusal.status)
    return _answer_done(request, session, actor, number, form, action, ticket_list, following)


def _read_request(session: Session, form: FormReader, action: TicketAction) -> tuple[int | None, ActionRequest]:
    """Return the ticket's version as the page showed it, and what the form asks for. A preview needs no version.

    An internal note fits every version. Raises Invalid for wrong fields, Conflict where the version is missing.
    """
    version = form.integer("version")
    action_request = read_action_request(session, action, form)
    form.check()
    if action.event is Event.NOTED:
        return None, action_request
    if version is None and not form.ticked("preview"):
        raise Conflict(_("Trang này đã cũ. Xin xem lại trước khi tiếp tục."))
    return version, action_request


def _show_again(
    request: Request,
    session: Session,
    actor: Actor,
    number: str,
    form: FormReader,
    attempt: ActionAttempt,
    status: int = 200,
) -> Response:
    """Show the ticket as it is now, with the attempt. Where the actor may not see the ticket any more, show only the
    texts, or raise NotFound if nothing was typed."""
    try:
        ticket = queries.for_staff(session, number, actor)
    except NotFound as refusal:
        if texts := typed_texts(attempt.form):
            return _texts_page(request, texts, error_sentence(request, refusal), "warning", refusal.status)
        raise
    texts_of_page = PageTexts(session, actor, ticket, form)
    texts_of_page.keep(clock.now())
    view = TicketPageView(read_list(form.raw("list")), attempt, seen=texts_of_page.seen)
    return ticket_page(request, session, ticket, actor, status, view)


def _answer_done(
    request: Request,
    session: Session,
    actor: Actor,
    number: str,
    form: FormReader,
    action: TicketAction,
    ticket_list: TicketList,
    following: str,
) -> Response:
    """Go on to the next ticket, to the same one, or to the list where the actor may not see the ticket any more.

    What was typed for another action stays as a draft. Where there can be no draft, the answer shows those texts: a
    redirect would lose them.
    """
    target = ticket_list.ticket_address(following) if following else ticket_list.address
    try:
        ticket = queries.for_staff(session, number, actor)
    except NotFound:
        if texts := typed_texts(form.rest(fields_of(action))):
            return _texts_page(request, texts, translate_for(request, action.confirmation), "success", 200)
        return redirect_to(request, target, flash=action.confirmation)
    texts_of_page = PageTexts(session, actor, ticket, form)
    if not texts_of_page.keep(clock.now(), used=fields_of(action)):
        rest = FormView(texts_of_page.unsent(fields_of(action)))
        view = TicketPageView(ticket_list, typed=rest, confirmation=action.confirmation)
        return ticket_page(request, session, ticket, actor, view=view)
    if form.raw("act") == NEXT:
        what = translate_for(request, action.confirmation)
        return redirect_to(request, target, flash=_("%(number)s: %(what)s"), number=number, what=what)
    return redirect_to(request, ticket_list.ticket_address(number), flash=action.confirmation)


def _texts_page(request: Request, texts: list[TypedText], sentence: str, kind: str, status: int) -> Response:
    """Show only what was typed, for a ticket that is out of sight."""
    return render_page(request, "desk/left.html", status, secret=True, texts=texts, told=sentence, kind=kind)
