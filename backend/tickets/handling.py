"""A ticket as staff see it, and the actions on it. What can be done is the table in ``deeds``."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.errors import Conflict, DomainError, NotFound, _
from backend.forms import Typed, TypedDep
from backend.tickets import letters, queries, service
from backend.tickets.deeds import DEEDS, Deed, change_of
from backend.tickets.ticket_view import INBOX, Tried, ticket_page
from backend.users.guard import allow
from backend.users.policy import Action, Actor
from backend.web import page, redirect

router = APIRouter()
Viewer = Annotated[Actor, Depends(allow(Action.VIEW_TICKET))]


@router.get(INBOX + "/{number}")
def ticket(request: Request, session: SessionDep, actor: Viewer, number: str) -> Response:
    return ticket_page(request, session, queries.for_staff(session, number, actor), actor)


@router.get(INBOX + "/{number}/phieu-huong-dan")
def letter(request: Request, session: SessionDep, actor: Viewer, number: str) -> Response:
    """The guidance letter of a redirected ticket, to be read and printed."""
    found = letters.guidance(session, queries.for_staff(session, number, actor))
    return page(request, "tickets/letter.html", letter=found, back=f"{INBOX}/{number}")


@router.get(INBOX + "/{number}/phieu-huong-dan.docx")
def letter_file(session: SessionDep, actor: Viewer, number: str) -> Response:
    found = letters.guidance(session, queries.for_staff(session, number, actor))
    return letters.download(found)


@router.post(INBOX + "/{number}/nguoi-gui")
def contact(
    request: Request,
    session: SessionDep,
    actor: Annotated[Actor, Depends(allow(Action.VIEW_CONTACT))],
    number: str,
) -> Response:
    """Show who sent it, after writing down who looked. A POST, for a link must not leave such a trace by itself."""
    shown = queries.for_staff(session, number, actor)
    service.record_contact_read(session, shown, actor, now=clock.now())
    return ticket_page(request, session, shown, actor, with_contact=True)


def _route(deed: Deed) -> Callable[..., Response]:
    """The address of a deed, open to whoever has its right at all."""
    may = Annotated[Actor, Depends(allow(deed.right))]

    def act(request: Request, session: SessionDep, actor: may, number: str, form: TypedDep) -> Response:
        return _do(request, session, actor, number, form, deed)

    return act


for _deed in DEEDS.values():
    router.add_api_route(f"{INBOX}/{{number}}/{_deed.path}", _route(_deed), methods=["POST"], name=_deed.path)


def _do(request: Request, session: Session, actor: Actor, number: str, form: Typed, deed: Deed) -> Response:
    """One action: done and back to the ticket; or only looked at; or the ticket with the refusal and what was typed."""
    ticket_id = queries.for_staff(session, number, actor).id
    try:
        version = form.integer("version")
        change = change_of(session, deed, form)
        form.check()
        if form.ticked("look"):
            effect = service.preview(session, ticket_id, change, actor, now=clock.now())
            tried = Tried(deed, form.form(), effect=effect)
            return ticket_page(request, session, queries.for_staff(session, number, actor), actor, tried=tried)
        if version is None:
            raise Conflict(_("Trang này đã cũ. Xin xem lại trước khi tiếp tục."))
        with session.begin_nested():  # what was written before a refusal goes with it, the page is read afterwards
            service.apply(session, ticket_id, change, actor, now=clock.now(), version=version)
    except DomainError as refusal:
        current = queries.for_staff(session, number, actor)  # NotFound again, where it must not be seen
        tried = Tried.refused(deed, form, refusal)
        return ticket_page(request, session, current, actor, refusal.status, tried=tried)
    return redirect(request, _after(session, deed, number, actor), flash=deed.done)


def _after(session: Session, deed: Deed, number: str, actor: Actor) -> str:
    """Back to the ticket, or to the inbox when whoever gave it away may not see it any more."""
    if not deed.leaves:
        return f"{INBOX}/{number}"
    try:
        queries.for_staff(session, number, actor)
    except NotFound:
        return INBOX
    return f"{INBOX}/{number}"
