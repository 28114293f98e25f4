"""Accounts, for administrators: list, add, close and open again, give a new password."""

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
from backend.web.forms import EMPTY, FormReader, FormView, TypedDep
from backend.web.rendering import choose_language, redirect_to, remember_language, render_page, translate_for
from backend.worktime.calendar import local_time

ACCOUNTS = "/tai-khoan"
NEW_ACCOUNT = ("email", "name", "role", "unit")

router = APIRouter()
Administrator = Annotated[Actor, Depends(allow(Permission.MANAGE_USERS))]


@router.get(ACCOUNTS)
def show_accounts(request: Request, session: SessionDep, actor: Administrator) -> Response:
    return _page(request, session)


@router.post(ACCOUNTS)
def add_account(request: Request, session: SessionDep, actor: Administrator, form: TypedDep) -> Response:
    """A new account with a random password, shown once."""
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
    return _page(request, session, shown=(user, password))


@router.post("/tai-khoan/{user_id}/dong")
def close_account(
    request: Request, session: SessionDep, actor: Administrator, user_id: int, form: TypedDep
) -> Response:
    """The account is closed and signed out everywhere with the next request it makes."""
    user = service.set_active(session, user_id, False, by=actor, now=clock.now())
    done = _("Đã khóa tài khoản số %(id)s và kết thúc mọi phiên của nó.")
    return _done(request, session, form, done, user)


@router.post("/tai-khoan/{user_id}/mo")
def open_again(request: Request, session: SessionDep, actor: Administrator, user_id: int, form: TypedDep) -> Response:
    user = service.set_active(session, user_id, True, by=actor, now=clock.now())
    return _done(request, session, form, _("Đã mở lại tài khoản số %(id)s."), user)


@router.post("/tai-khoan/{user_id}/mat-khau-moi")
def reset_password(
    request: Request, session: SessionDep, actor: Administrator, user_id: int, form: TypedDep
) -> Response:
    """The new password stands on this answer alone: nobody can look it up afterwards."""
    shown = service.reset_password(session, user_id, by=actor, now=clock.now())
    return _page(request, session, form=form.form(), shown=shown)


@router.post(f"{ACCOUNTS}/xem")
def look(request: Request, session: SessionDep, actor: Administrator, form: TypedDep) -> Response:
    """The page again with what was typed, in another language."""
    choose_language(request, form.raw("lang"))
    return remember_language(request, _page(request, session, form=form.form()))


def _done(request: Request, session: Session, form: FormReader, done: str, user: User) -> Response:
    """Back to the list; with what was typed for a new account, if anything was."""
    if not any(form.raw(name).strip() for name in NEW_ACCOUNT):
        return redirect_to(request, ACCOUNTS, flash=done, id=user.id)
    return _page(request, session, form=form.form(), done=translate_for(request, done, id=user.id))


def _page(
    request: Request,
    session: Session,
    status: int = 200,
    *,
    form: FormView = EMPTY,
    shown: tuple[User, str] | None = None,
    done: str = "",
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
        shown=shown,
        done=done,
        keep_at=f"{ACCOUNTS}/xem",
    )
