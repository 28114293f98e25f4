"""The addresses of drafts: save what is typed, drop it, see who else is writing."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.drafts import service
from backend.desk.drafts.queries import read_drafts
from backend.desk.inbox.filters import INBOX
from backend.desk.page_state import TicketPageView
from backend.desk.ticket_lists import read_list
from backend.desk.ticket_view import ticket_page
from backend.desk.typed_texts import PageTexts
from backend.errors import DomainError, _
from backend.tickets import queries
from backend.tickets.models import Ticket
from backend.tickets.service import policy_subject
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import TypedDep
from backend.web.rendering import error_sentence, redirect_to, render_page, translate_for
from backend.worktime.calendar import local_time

SAVED = _("Đã lưu nháp lúc %(time)s.")

router = APIRouter()
Viewer = Annotated[Actor, Depends(allow(Permission.VIEW_TICKET))]


@router.post(INBOX + "/{number}/nhap")
def save_draft(request: Request, session: SessionDep, actor: Viewer, number: str, form: TypedDep) -> Response:
    """Save what is typed. The page's script sends ``quiet`` and gets the sentence about it; a button leads back."""
    ticket, now = queries.for_staff(session, number, actor), clock.now()
    page_texts = PageTexts(session, actor, ticket, form)
    if not form.ticked("quiet"):
        return _answer_button(request, session, actor, ticket, page_texts, now)
    try:
        draft = service.save_draft(
            session,
            actor.user_id or 0,
            ticket.id,
            page_texts.unsent(),
            version=min(page_texts.seen or ticket.version, ticket.version),
            revision=form.integer("revision") or 0,
            now=now,
        )
    except DomainError as refusal:
        return JSONResponse({"text": error_sentence(request, refusal)}, refusal.status)
    return JSONResponse(
        {
            "text": translate_for(request, SAVED, time=f"{local_time(now):%H:%M}") if draft else "",
            "revision": draft.revision if draft else 0,
        }
    )


@router.post(INBOX + "/{number}/bo-nhap")
def drop_draft(request: Request, session: SessionDep, actor: Viewer, number: str, form: TypedDep) -> Response:
    """Remove the reader's draft and show the page without it."""
    ticket = queries.for_staff(session, number, actor)
    service.drop_draft(session, actor.user_id or 0, ticket.id)
    return redirect_to(request, read_list(form.raw("list")).ticket_address(number), flash=_("Đã bỏ bản nháp."))


@router.get(INBOX + "/{number}/dang-soan")
def show_writers(request: Request, session: SessionDep, actor: Viewer, number: str, version: int = 0) -> Response:
    """Show who else is writing, and whether something was recorded since the page was read, as a part of the page."""
    ticket = queries.for_staff(session, number, actor)
    drafts = read_drafts(session, ticket.id, policy_subject(ticket), actor.user_id, clock.now())
    return render_page(
        request, "desk/_writers.html", secret=True, drafts=drafts, ticket=ticket, changed=ticket.version > version > 0
    )


def _answer_button(
    request: Request, session: Session, actor: Actor, ticket: Ticket, page_texts: PageTexts, now: datetime
) -> Response:
    """Save by a button. A draft that is too large stays on the page that says so."""
    ticket_list = read_list(page_texts.form.raw("list"))
    if page_texts.keep(now):
        address = ticket_list.ticket_address(ticket.number)
        return redirect_to(request, address, flash=SAVED, time=f"{local_time(now):%H:%M}")
    refusal = service.DraftTooLarge()
    view = TicketPageView(ticket_list, typed=page_texts.form.form(), notice=refusal)
    return ticket_page(request, session, ticket, actor, refusal.status, view)
