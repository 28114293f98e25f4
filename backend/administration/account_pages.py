"""Pages for administrators: find accounts, add one, change one. ``closing_pages`` close them and give new passwords."""

import secrets
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import audit, clock
from backend.administration import handover
from backend.administration.changes import list_changes
from backend.administration.texts import ACTION_NAMES, FIELD_NAMES
from backend.db import SessionDep
from backend.errors import Conflict, Invalid, NotFound, _
from backend.units import queries as units
from backend.users import account_changes, queries, service
from backend.users.guard import allow
from backend.users.models import STAFF, Role, User
from backend.users.policy import Actor, Permission
from backend.users.queries import AccountFilter
from backend.users.texts import ROLE_NAMES
from backend.web.forms import EMPTY, ID_MOST, FormReader, FormView, TypedDep
from backend.web.rendering import choose_language, redirect_to, remember_language, render_page
from backend.worktime.calendar import local_time

ACCOUNTS = "/tai-khoan"
SEARCH_MOST = 100  # characters of a search
STATES = {"": None, "mo": True, "khoa": False}  # open and closed accounts, as the address writes them

router = APIRouter()
Administrator = Annotated[Actor, Depends(allow(Permission.MANAGE_USERS))]


@router.get(ACCOUNTS)
def show_accounts(
    request: Request,
    session: SessionDep,
    actor: Administrator,
    q: str = "",
    role: str = "",
    unit: str = "",
    state: str = "",
    after: str = "",
) -> Response:
    """Show the accounts that fit. A role, a unit or a state that does not exist is told at its field."""
    typed = {"q": q, "role": role, "unit": unit, "state": state}
    try:
        wanted = _read_filter(typed)
    except Invalid as refusal:
        errors = {error.field or "q": error for error in refusal.errors}
        return _list(request, session, AccountFilter(), FormView(typed, errors), typed, None, refusal.status)
    return _list(request, session, wanted, FormView(typed), typed, _read_id(after))


@router.get(f"{ACCOUNTS}/them")
def new_account_form(request: Request, session: SessionDep, actor: Administrator) -> Response:
    return _new_form(request, session)


@router.post(ACCOUNTS)
def add_account(request: Request, session: SessionDep, actor: Administrator, form: TypedDep) -> Response:
    """Create an account with a random password, which is displayed once."""
    password = secrets.token_urlsafe(12)
    try:
        role, unit_id = read_role_and_unit(form)
        user = service.create_user(
            session,
            email=form.raw("email"),
            name=form.raw("name"),
            password=password,
            role=role,
            unit_id=unit_id,
            now=clock.now(),
            by=actor.key,
        )
    except Invalid as refusal:
        return _new_form(request, session, refusal.status, form=form.form(refusal))
    return account_page(request, session, user.id, new_password=password)


@router.post(f"{ACCOUNTS}/xem")
def look(request: Request, session: SessionDep, actor: Administrator, form: TypedDep) -> Response:
    """Display the form of a new account again with the typed values, in another language."""
    choose_language(request, form.raw("lang"))
    return remember_language(request, _new_form(request, session, form=form.form()))


@router.get(ACCOUNTS + "/{user_id}")
def show_account(request: Request, session: SessionDep, actor: Administrator, user_id: int) -> Response:
    return account_page(request, session, user_id)


@router.post(ACCOUNTS + "/{user_id}")
def change_account(
    request: Request, session: SessionDep, actor: Administrator, user_id: int, form: TypedDep
) -> Response:
    """Change name, role and unit. Who has open tickets of a unit hands them over before leaving it."""
    try:
        role, unit_id = read_role_and_unit(form)
        _check_work(session, user_id, role, unit_id)
        account_changes.change_account(
            session, user_id, name=form.raw("name"), role=role, unit_id=unit_id, by=actor, now=clock.now()
        )
    except (Invalid, Conflict) as refusal:
        return account_page(request, session, user_id, refusal.status, form=form.refused(refusal, "unit"))
    return redirect_to(request, f"{ACCOUNTS}/{user_id}", flash=_("Đã lưu tài khoản."))


def read_role_and_unit(form: FormReader) -> tuple[Role, int | None]:
    """Return role and unit as chosen. Raises Invalid at ``role`` and ``unit``."""
    role = form.choice("role", [role.value for role in STAFF], _("Hãy chọn một vai trò."))
    unit_id = form.integer("unit", _("Xin chọn cơ quan trong danh sách."))
    form.check()
    return Role(role), unit_id


def _check_work(session: Session, user_id: int, role: Role, unit_id: int | None) -> None:
    """Refuse to take somebody out of a unit while tickets there wait for this person. Raises Conflict."""
    user = service.find_account(session, user_id)
    leaves = unit_id != user.unit_id or (role is not user.role and not handover.may_handle(role))
    if leaves and (work := handover.count_work(session, user)).total:
        sentence = _("Người này còn %(n)s phản ánh đang mở. Hãy bàn giao trước khi đổi cơ quan hoặc vai trò.")
        raise Conflict(sentence, field="unit", n=work.total)


def account_page(
    request: Request,
    session: Session,
    user_id: int,
    status: int = 200,
    *,
    form: FormView = EMPTY,
    new_password: str = "",
    template: str = "administration/account.html",
    **more: Any,
) -> Response:
    """Show an account with its open work and its history. Raises NotFound."""
    user = queries.find_account_with_unit(session, user_id)
    if user is None:
        raise NotFound
    return render_page(
        request,
        template,
        status,
        form=form,
        user=user,
        work=handover.count_work(session, user),
        colleagues=handover.list_colleagues(session, user),
        changes=list_changes(session, audit.user_key(user_id)),
        unit_names=_unit_names(session),
        action_names=ACTION_NAMES,
        field_names=FIELD_NAMES,
        new_password=new_password,
        **_choices(session, user),
        **more,
    )


def _unit_names(session: Session) -> dict[int, str]:
    return {unit.id: unit.name for unit in units.list_receiving(session, local_time(clock.now()).date())}


def _choices(session: Session, user: User | None = None) -> dict[str, Any]:
    """Return the roles and units to choose from. The unit that somebody has now is among them, even a former one."""
    offered = list(units.list_receiving(session, local_time(clock.now()).date()))
    if user is not None and user.unit is not None and user.unit not in offered:
        offered.insert(0, user.unit)
    return {"roles": [(role.value, ROLE_NAMES[role]) for role in STAFF], "units": offered, "role_names": ROLE_NAMES}


def _new_form(request: Request, session: Session, status: int = 200, *, form: FormView = EMPTY) -> Response:
    return render_page(
        request, "administration/new_account.html", status, form=form, keep_at=f"{ACCOUNTS}/xem", **_choices(session)
    )


def _list(
    request: Request,
    session: Session,
    wanted: AccountFilter,
    form: FormView,
    typed: dict[str, str],
    after: int | None,
    status: int = 200,
) -> Response:
    page = queries.search_accounts(session, wanted, after=after)
    parameters = {name: value for name, value in typed.items() if value}
    first_page = f"{ACCOUNTS}?{urlencode(parameters)}" if parameters else ACCOUNTS
    return render_page(
        request,
        "administration/accounts.html",
        status,
        form=form,
        page=page,
        older=f"{ACCOUNTS}?{urlencode(parameters | {'after': page.after})}" if page.after else None,
        newest=first_page if after is not None else None,
        filtered=bool(parameters),
        **_choices(session),
    )


def _read_filter(typed: dict[str, str]) -> AccountFilter:
    """Read the filter of the address. Raises Invalid at ``role``, ``unit`` or ``state``."""
    refusals = []
    if typed["role"] and typed["role"] not in [role.value for role in STAFF]:
        refusals.append(Invalid(_("Hãy chọn một vai trò."), field="role"))
    if typed["unit"] and _read_id(typed["unit"]) is None:
        refusals.append(Invalid(_("Xin chọn cơ quan trong danh sách."), field="unit"))
    if typed["state"] not in STATES:
        refusals.append(Invalid(_("Hãy chọn một trong các mục."), field="state"))
    Invalid.collect(refusals)
    role = Role(typed["role"]) if typed["role"] else None
    return AccountFilter(typed["q"][:SEARCH_MOST], role, _read_id(typed["unit"]), STATES[typed["state"]])


def _read_id(typed: str) -> int | None:
    """Return an id as the address has it; None for anything else."""
    is_number = typed.isascii() and typed.isdigit() and len(typed) <= 10
    return int(typed) if is_number and int(typed) <= ID_MOST else None
