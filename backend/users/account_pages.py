"""Pages for administrators: list accounts, add one, close and open it again, give a new password."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.errors import Invalid, _
from backend.units import queries as units
from backend.users import queries, service
from backend.users.guard import allow
from backend.users.models import STAFF, Role, User
from backend.users.policy import Actor, Permission
from backend.users.texts import ROLE_NAMES
from backend.web.forms import EMPTY, FormView, TypedDep
from backend.web.rendering import redirect_to, render_page
from backend.worktime.calendar import local_time

ACCOUNTS = "/tai-khoan"

router = APIRouter()
Administrator = Annotated[Actor, Depends(allow(Permission.MANAGE_USERS))]


@router.get(ACCOUNTS)
def show_accounts(request: Request, session: SessionDep, actor: Administrator) -> Response:
    return _page(request, session)


@router.post(ACCOUNTS)
def add_account(request: Request, session: SessionDep, actor: Administrator, form: TypedDep) -> Response:
    """Create an account with a random password, which is displayed once."""
    password = secrets.token_urlsafe(12)
    try:
        role = form.choice("role", [role.value for role in STAFF], _("Hãy chọn một vai trò."))
        unit_id = form.integer("unit", _("Xin chọn cơ quan trong danh sách."))
        form.check()
        user = service.create_user(
            session,
            email=form.raw("email"),
            name=form.raw("name"),
            password=password,
            role=Role(role),
            unit_id=unit_id,
            now=clock.now(),
            by=actor.key,
        )
    except Invalid as refusal:
        return _page(request, session, refusal.status, form=form.form(refusal))
    return _page(request, session, new_password=(user, password))


@router.post("/tai-khoan/{user_id}/dong")
def close_account(request: Request, session: SessionDep, actor: Administrator, user_id: int) -> Response:
    """Close an account and end all its sessions."""
    user = service.set_active(session, user_id, False, by=actor, now=clock.now())
    return redirect_to(
        request, ACCOUNTS, flash=_("Đã đóng tài khoản số %(id)s và kết thúc mọi phiên của nó."), id=user.id
    )


@router.post("/tai-khoan/{user_id}/mo")
def open_again(request: Request, session: SessionDep, actor: Administrator, user_id: int) -> Response:
    user = service.set_active(session, user_id, True, by=actor, now=clock.now())
    return redirect_to(request, ACCOUNTS, flash=_("Đã mở lại tài khoản số %(id)s."), id=user.id)


@router.post("/tai-khoan/{user_id}/mat-khau-moi")
def reset_password(request: Request, session: SessionDep, actor: Administrator, user_id: int) -> Response:
    """Give an account a new password. Only this answer displays it; nobody can look it up later."""
    return _page(request, session, new_password=service.reset_password(session, user_id, by=actor, now=clock.now()))


def _page(
    request: Request,
    session: Session,
    status: int = 200,
    *,
    form: FormView = EMPTY,
    new_password: tuple[User, str] | None = None,
) -> Response:
    return render_page(
        request,
        "users/accounts.html",
        status,
        form=form,
        accounts=queries.list_accounts(session),
        units=units.list_receiving(session, local_time(clock.now()).date()),
        roles=[(role.value, ROLE_NAMES[role]) for role in STAFF],
        role_names=ROLE_NAMES,
        shown=new_password,
    )
