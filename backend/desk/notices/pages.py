"""The bell of staff and the list behind it. Addresses of actions only mark what was read."""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.ticket_view import INBOX
from backend.errors import _
from backend.tickets.models import TicketState
from backend.tickets.notices import queries, service
from backend.tickets.notices.texts import notice_title
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import ID_MOST, FormReader, TypedDep
from backend.web.rendering import Bell, redirect_to, render_page

NOTICES = "/thong-bao"

router = APIRouter()
Own = Annotated[Actor, Depends(allow(Permission.USE_ACCOUNT))]


def make_bell(session: Session, actor: Actor, *, counted: bool) -> Bell | None:
    """Return the bell of a person; None for a role without notices. Without ``counted`` it has no number."""
    if not queries.gets_notices(actor):
        return None
    return Bell(queries.count_unread(session, actor) if counted else None, queries.COUNTED)


def install(app: FastAPI) -> None:
    """Set the hook that counts at the bell of every page of staff."""
    app.state.make_bell = make_bell


@router.get(NOTICES)
def show_notices(request: Request, session: SessionDep, actor: Own, truoc: str = "") -> Response:
    """Show a page of the notices, latest first. ``truoc`` is the id before which the page begins."""
    page = queries.NoticePage((), None)
    arrivals = queries.NewArrivals()
    if queries.gets_notices(actor):
        page = queries.list_notices(session, actor, before=_read_id(truoc))
        arrivals = queries.find_arrivals(session, actor) if not truoc else arrivals
    return render_page(
        request,
        "desk/notices/list.html",
        notices=page.notices,
        older=f"{NOTICES}?truoc={page.older}" if page.older is not None else None,
        newest=NOTICES if truoc else None,
        arrivals=arrivals,
        counted=queries.COUNTED,
        opens_tickets=actor.role in queries.OPENS_TICKETS,
        title_of=notice_title,
    )


@router.get(NOTICES + "/tai")
def show_bell(request: Request, session: SessionDep, actor: Own, n: str = "") -> Response:
    """Return the bell alone, for the page that asks again; nothing where its number is the same as ``n``."""
    bell = make_bell(session, actor, counted=True)
    if bell is None or n == str(bell.count):
        return Response(status_code=204)
    request.state.bell = bell
    return render_page(request, "_bell.html")


@router.post(NOTICES + "/da-doc")
def mark_all(request: Request, session: SessionDep, actor: Own, form: TypedDep) -> Response:
    """Mark as read what the list showed: notices up to ``upto`` and new tickets up to ``seen``."""
    upto, seen = _number(form, "upto"), _number(form, "seen")
    service.mark_all_read(session, actor.user_id or 0, upto, seen, clock.now())
    return redirect_to(request, NOTICES, flash=_("Đã đánh dấu tất cả là đã đọc."))


@router.post(NOTICES + "/phan-anh-moi")
def see_new(request: Request, session: SessionDep, actor: Own, form: TypedDep) -> Response:
    """Note that the new tickets up to ``seen`` were looked at, and lead to them in the inbox."""
    service.mark_arrivals_seen(session, actor.user_id or 0, _number(form, "seen"))
    return redirect_to(request, f"{INBOX}?state={TicketState.NEW.value}")


@router.post(NOTICES + "/{notice_id}/da-doc")
def mark_one(request: Request, session: SessionDep, actor: Own, notice_id: int) -> Response:
    """Mark one notice as read. That of somebody else, and one that is gone, changes nothing."""
    service.mark_notice_read(session, actor.user_id or 0, notice_id, clock.now())
    return redirect_to(request, NOTICES)


def _number(form: FormReader, name: str) -> int:
    return _read_id(form.raw(name)) or 0


def _read_id(typed: str) -> int | None:
    """Return an id as the address or the form has it; None for anything else, which begins at the first page."""
    is_number = typed.isascii() and typed.isdigit() and len(typed) <= 18
    return min(int(typed), ID_MOST) if is_number else None
