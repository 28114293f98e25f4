"""Pages for administrators: the categories of feedback, and where complaints about conduct go."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.administration.changes import list_changes
from backend.administration.texts import ACTION_NAMES, CLASS_NAMES, FIELD_NAMES
from backend.db import SessionDep
from backend.errors import Invalid, _
from backend.tickets.models import CategoryClass
from backend.tickets.reception import categories
from backend.tickets.reception.categories import CategoryFields
from backend.units import conduct_desks
from backend.units import queries as units
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import EMPTY, FormReader, FormView, TypedDep
from backend.web.rendering import redirect_to, render_page
from backend.worktime.calendar import local_time

CATEGORIES, ROUTING = "/loai-phan-anh", "/noi-nhan-hanh-vi"

router = APIRouter()
Administrator = Annotated[Actor, Depends(allow(Permission.CONFIGURE))]


@router.get(CATEGORIES)
def show_categories(request: Request, session: SessionDep, actor: Administrator) -> Response:
    return render_page(
        request,
        "administration/categories.html",
        categories=categories.list_all(session),
        class_names=CLASS_NAMES,
    )


@router.get(f"{CATEGORIES}/them")
def new_category_form(request: Request, session: SessionDep, actor: Administrator) -> Response:
    position = max((category.position for category in categories.list_all(session)), default=0) + 1
    return _new_form(request, form=FormView({"position": str(position), "listed": "1"}))


@router.post(CATEGORIES)
def add_category(request: Request, session: SessionDep, actor: Administrator, form: TypedDep) -> Response:
    try:
        wanted_class = form.choice("class", [value.value for value in CategoryClass])
        fields = _read_fields(form)
        form.check()
        category = categories.add_category(session, fields, CategoryClass(wanted_class), by=actor, now=clock.now())
    except Invalid as refusal:
        return _new_form(request, refusal.status, form=form.form(refusal))
    return redirect_to(request, f"{CATEGORIES}/{category.code}", flash=_("Đã thêm loại phản ánh."))


@router.get(CATEGORIES + "/{category_code}")
def show_category(request: Request, session: SessionDep, actor: Administrator, category_code: str) -> Response:
    return _category_page(request, session, category_code)


@router.post(CATEGORIES + "/{category_code}")
def change_category(
    request: Request, session: SessionDep, actor: Administrator, category_code: str, form: TypedDep
) -> Response:
    try:
        fields = _read_fields(form)
        form.check()
        categories.change_category(session, category_code, fields, by=actor, now=clock.now())
    except Invalid as refusal:
        return _category_page(request, session, category_code, refusal.status, form=form.form(refusal))
    return redirect_to(request, f"{CATEGORIES}/{category_code}", flash=_("Đã lưu loại phản ánh."))


def _read_fields(form: FormReader) -> CategoryFields:
    position = form.integer("position", _("Thứ tự là một số từ 0 đến 9999."))
    return CategoryFields(
        form.raw("name_vi"),
        form.raw("name_en"),
        contact_required=form.ticked("contact_required"),
        listed=form.ticked("listed"),
        position=position or 0,
    )


def _new_form(request: Request, status: int = 200, *, form: FormView = EMPTY) -> Response:
    return render_page(
        request,
        "administration/new_category.html",
        status,
        form=form,
        classes=[(value.value, name) for value, name in CLASS_NAMES.items()],
    )


def _category_page(
    request: Request, session: Session, code: str, status: int = 200, *, form: FormView | None = None
) -> Response:
    category = categories.find_category(session, code)
    values = {
        "name_vi": category.name_vi,
        "name_en": category.name_en,
        "position": str(category.position),
        "contact_required": "1" if category.contact_required else "",
        "listed": "1" if category.listed else "",
    }
    return render_page(
        request,
        "administration/category.html",
        status,
        form=form or FormView(values),
        category=category,
        class_names=CLASS_NAMES,
        changes=list_changes(session, categories.category_chain(code)),
        action_names=ACTION_NAMES,
        field_names=FIELD_NAMES,
    )


@router.get(ROUTING)
def show_routing(request: Request, session: SessionDep, actor: Administrator) -> Response:
    """Show for each unit which other unit handles complaints about its conduct."""
    today = local_time(clock.now()).date()
    return render_page(request, "administration/routing.html", desks=conduct_desks.list_desks(session, today))


@router.get(ROUTING + "/{unit_id}")
def show_desk(request: Request, session: SessionDep, actor: Administrator, unit_id: int) -> Response:
    return _desk_page(request, session, unit_id)


@router.post(ROUTING + "/{unit_id}")
def set_desk(request: Request, session: SessionDep, actor: Administrator, unit_id: int, form: TypedDep) -> Response:
    now = clock.now()
    try:
        desk_id = form.integer("desk", _("Xin chọn cơ quan trong danh sách."))
        form.check()
        today = local_time(now).date()
        conduct_desks.set_conduct_desk(session, unit_id, desk_id, by=actor.key, now=now, today=today)
    except Invalid as refusal:
        return _desk_page(request, session, unit_id, refusal.status, form=form.form(refusal))
    return redirect_to(request, f"{ROUTING}/{unit_id}", flash=_("Đã lưu nơi nhận phản ánh về hành vi."))


def _desk_page(
    request: Request, session: Session, unit_id: int, status: int = 200, *, form: FormView = EMPTY
) -> Response:
    unit = conduct_desks.find_receiving(session, unit_id)
    receiving_units = units.list_receiving(session, local_time(clock.now()).date())
    return render_page(
        request,
        "administration/desk.html",
        status,
        form=form,
        unit=unit,
        offices=[(office.id, office.name) for office in receiving_units if office.id != unit_id],
        changes=list_changes(session, conduct_desks.unit_chain(unit_id)),
        unit_names={office.id: office.name for office in receiving_units},
        action_names=ACTION_NAMES,
        field_names=FIELD_NAMES,
    )
