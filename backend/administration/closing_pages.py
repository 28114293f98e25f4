"""Pages for administrators that end something: close an account, give a new password, hand over open tickets.

Each has a page before it that says what will happen; the address of the action is the same.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.administration import handover
from backend.administration.account_pages import ACCOUNTS, account_page
from backend.administration.handover import OpenWork
from backend.db import SessionDep
from backend.errors import Conflict, Invalid, _
from backend.users import service
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import EMPTY, FormReader, TypedDep
from backend.web.rendering import redirect_to

CLOSE, RESET, HAND_OVER = (ACCOUNTS + "/{user_id}/" + verb for verb in ("dong", "mat-khau-moi", "ban-giao"))
CHOOSE_COLLEAGUE = _("Xin chọn một đồng nghiệp trong danh sách.")

router = APIRouter()
Administrator = Annotated[Actor, Depends(allow(Permission.MANAGE_USERS))]


@router.get(CLOSE)
def confirm_closing(request: Request, session: SessionDep, actor: Administrator, user_id: int) -> Response:
    """Say what closing the account does, and offer to hand over its open tickets."""
    return _confirm(request, session, user_id, "close")


@router.post(CLOSE)
def close_account(
    request: Request, session: SessionDep, actor: Administrator, user_id: int, form: TypedDep
) -> Response:
    """Close an account and end all its sessions; before that hand over its open tickets, if a colleague is chosen."""
    now = clock.now()
    try:
        to_user = form.integer("to_user", CHOOSE_COLLEAGUE)
        form.check()
        work = None
        if to_user is not None:
            work = handover.hand_over(session, user_id, to_user, by=actor, now=now)
        service.set_active(session, user_id, False, by=actor, now=now)
    except (Invalid, Conflict) as refusal:
        return _confirm(request, session, user_id, "close", refusal.status, form, refusal)
    address = f"{ACCOUNTS}/{user_id}"
    if work is not None and work.total:
        notice = _("Đã khóa tài khoản. Còn %(n)s phản ánh đang mở chưa bàn giao được.")
        return redirect_to(request, address, flash=notice, kind="warning", n=work.total)
    return redirect_to(request, address, flash=_("Đã khóa tài khoản và kết thúc mọi phiên của nó."))


@router.post(ACCOUNTS + "/{user_id}/mo")
def open_again(request: Request, session: SessionDep, actor: Administrator, user_id: int) -> Response:
    service.set_active(session, user_id, True, by=actor, now=clock.now())
    return redirect_to(request, f"{ACCOUNTS}/{user_id}", flash=_("Đã mở lại tài khoản."))


@router.get(RESET)
def confirm_reset(request: Request, session: SessionDep, actor: Administrator, user_id: int) -> Response:
    return _confirm(request, session, user_id, "reset")


@router.post(RESET)
def reset_password(request: Request, session: SessionDep, actor: Administrator, user_id: int) -> Response:
    """Give an account a new password. Only this answer displays it; nobody can look it up later."""
    _user, password = service.reset_password(session, user_id, by=actor, now=clock.now())
    return account_page(request, session, user_id, new_password=password)


@router.get(HAND_OVER)
def hand_over_form(request: Request, session: SessionDep, actor: Administrator, user_id: int) -> Response:
    return _confirm(request, session, user_id, "hand_over")


@router.post(HAND_OVER)
def hand_over(request: Request, session: SessionDep, actor: Administrator, user_id: int, form: TypedDep) -> Response:
    """Assign the open tickets of an account to a colleague; say how many could not be handed over."""
    try:
        to_user = form.integer("to_user", CHOOSE_COLLEAGUE)
        form.check()
        work = handover.hand_over(session, user_id, to_user, by=actor, now=clock.now())
    except Invalid as refusal:
        return _confirm(request, session, user_id, "hand_over", refusal.status, form, refusal)
    return redirect_to(request, f"{ACCOUNTS}/{user_id}", **_words_about(work))


def _words_about(work: OpenWork) -> dict[str, str]:
    if work.movable:
        return {"flash": _("Đã bàn giao một phần. Hãy bàn giao tiếp phần còn lại."), "kind": "warning"}
    if work.waiting:
        notice = _("Đã bàn giao. Phản ánh đang chờ người gửi hoặc chờ duyệt ở lại; lãnh đạo cơ quan giao lại sau.")
        return {"flash": notice, "kind": "warning"}
    return {"flash": _("Đã bàn giao mọi phản ánh đang mở.")}


def _confirm(
    request: Request,
    session: Session,
    user_id: int,
    what: str,
    status: int = 200,
    form: FormReader | None = None,
    refusal: Invalid | Conflict | None = None,
) -> Response:
    """Show the page before an action, with a refusal at its field if there is one."""
    view = form.refused(refusal, "to_user") if form is not None and refusal is not None else EMPTY
    template = "administration/confirm.html"
    return account_page(request, session, user_id, status, form=view, template=template, what=what)
