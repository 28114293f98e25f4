"""The page of saved views, and of how the inbox is shown."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.inbox import choices as inbox_choices
from backend.desk.inbox import texts, views
from backend.desk.inbox.choices import read_reader
from backend.desk.inbox.filters import ADDRESS_MOST, INBOX, InboxFilter, read_filter
from backend.desk.inbox.models import InboxDensity, SavedView
from backend.desk.inbox.pages import read_views
from backend.errors import Conflict, DomainError, Forbidden, Invalid, _
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import FormReader, FormView, TypedDep
from backend.web.rendering import language_of, redirect_to, render_page

VIEWS: Final = INBOX + "/bo-loc"
UNREADABLE: Final = _("Bộ lọc này có mục không còn dùng được. Hãy lọc lại rồi lưu.")

router = APIRouter()
Reader = Annotated[Actor, Depends(allow(Permission.VIEW_INBOX))]


@router.get(VIEWS)
def show_views(request: Request, session: SessionDep, actor: Reader) -> Response:
    return _views_page(request, session, actor)


@router.post(VIEWS)
def change_views(request: Request, session: SessionDep, actor: Reader, form: TypedDep) -> Response:
    """Save, rename, replace or delete a view, choose the one that the inbox opens with, or the way it is shown.

    ``act`` says which. A refusal shows the page with the sentence at its field and everything that was typed.
    """
    act = form.choice("act", _ACTS, _("Hãy bấm một trong các nút có trên trang."))
    try:
        form.check()
        with session.begin_nested():
            return _ACTS[act](request, session, actor, form)
    except (Invalid, Conflict, Forbidden) as refusal:
        field = f"name-{form.raw('view')}" if act == "rename" else "name"
        return _views_page(request, session, actor, refusal.status, form=_refused(form, refusal, field))


def _refused(form: FormReader, refusal: DomainError, field: str) -> FormView:
    """Return the form as typed. The name of each view has a field of its own."""
    shown = form.refused(refusal, field)
    return FormView(shown.values, {field if name == "name" else name: error for name, error in shown.errors.items()})


def _save(request: Request, session: Session, actor: Actor, form: FormReader) -> Response:
    inbox_filter, shared = _typed_filter(request, session, actor, form), form.ticked("shared")
    view = views.save_view(session, actor, form.raw("name"), inbox_filter, shared=shared, now=clock.now())
    return redirect_to(request, inbox_filter.address(view=view.id), flash=_("Đã lưu bộ lọc."))


def _replace(request: Request, session: Session, actor: Actor, form: FormReader) -> Response:
    inbox_filter, view = _typed_filter(request, session, actor, form), _typed_view(session, actor, form)
    views.replace_filter(session, actor, view, inbox_filter)
    return redirect_to(request, inbox_filter.address(view=view.id), flash=_("Đã thay bộ lọc."))


def _rename(request: Request, session: Session, actor: Actor, form: FormReader) -> Response:
    view = _typed_view(session, actor, form)
    views.rename_view(session, actor, view, form.raw(f"name-{view.id}"))
    return redirect_to(request, VIEWS, flash=_("Đã đổi tên bộ lọc."))


def _delete(request: Request, session: Session, actor: Actor, form: FormReader) -> Response:
    views.delete_view(session, actor, _typed_view(session, actor, form))
    return redirect_to(request, VIEWS, flash=_("Đã xóa bộ lọc."))


def _open_with(request: Request, session: Session, actor: Actor, form: FormReader) -> Response:
    views.set_default(session, actor, _typed_view(session, actor, form) if form.raw("view") else None)
    return redirect_to(request, VIEWS, flash=_("Đã chọn bộ lọc mở đầu tiên."))


def _show_as(request: Request, session: Session, actor: Actor, form: FormReader) -> Response:
    density = form.choice("density", tuple(InboxDensity))
    columns = [name for name in views.COLUMNS if form.ticked(f"column-{name}")]
    form.check()
    views.set_display(session, actor, columns, InboxDensity(density))
    return redirect_to(request, VIEWS, flash=_("Đã lưu cách hiện danh sách."))


_ACTS: Final[Mapping[str, Callable[[Request, Session, Actor, FormReader], Response]]] = {
    "save": _save,
    "replace": _replace,
    "rename": _rename,
    "delete": _delete,
    "open": _open_with,
    "show": _show_as,
}


def _typed_filter(request: Request, session: Session, actor: Actor, form: FormReader) -> InboxFilter:
    """Return the filters that the form carries. Raises Invalid where they cannot be read."""
    query = form.raw("query")
    fields = dict(parse_qsl(query)) if len(query) <= ADDRESS_MOST else {}
    reader = read_reader(session, actor, clock.now())
    choices = inbox_choices.read_choices(session, reader, fields.get("unit", ""), language_of(request))
    if not fields:
        raise Invalid(UNREADABLE, field="name")
    try:
        return read_filter(fields, choices)
    except Invalid:
        raise Invalid(UNREADABLE, field="name") from None


def _typed_view(session: Session, actor: Actor, form: FormReader) -> SavedView:
    """Return the view that the form names. Raises Invalid where it names none, NotFound for one that is not there."""
    view_id = form.integer("view")
    if view_id is None:
        form.refuse("view", _("Hãy chọn một bộ lọc."))
    form.check()
    return views.find_view(views.read_setting(session, actor).views, view_id)


def _views_page(
    request: Request, session: Session, actor: Actor, status: int = 200, *, form: FormView | None = None
) -> Response:
    reader = read_reader(session, actor, clock.now())
    setting = views.read_setting(session, actor)
    choices = inbox_choices.read_choices(session, reader, "", language_of(request))
    filters = read_views(setting.views, choices)
    options = texts.filter_options(choices, language_of(request), ended=False)
    described = {view_id: texts.filter_values(inbox_filter, options) for view_id, inbox_filter in filters.items()}
    return render_page(
        request,
        "desk/inbox/views.html",
        status,
        form=form or FormView(),
        stored=setting.views,
        described=described,
        changeable={view.id for view in setting.views if views.may_change(actor, view)},
        display=setting.display,
        columns=views.COLUMNS if reader.everywhere else [name for name in views.COLUMNS if name != "unit"],
        densities=InboxDensity,
        texts=texts,
    )
