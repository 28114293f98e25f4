"""The pages of reply templates: a list with search, one template with its versions, a new one."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.replies import service
from backend.desk.replies.models import ReplyKind, ReplyTemplate, ReplyVersion
from backend.desk.replies.placeholders import CONDITIONS, PLACEHOLDERS
from backend.desk.replies.preview import FilledExample, fill_examples
from backend.desk.replies.service import ReplyFields
from backend.desk.replies.texts import KIND_NAMES
from backend.errors import Conflict, DomainError, Invalid, _
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import FormReader, FormView, TypedDep
from backend.web.rendering import redirect_to, render_page

TEMPLATES: Final = "/mau-tra-loi"
PREVIEW, SAVE, RESTORE = "preview", "save", "restore"  # values of the field ``act``
PRESS_A_BUTTON: Final = _("Hãy bấm một trong các nút có trên trang.")
_WORDS: Final[dict[str, Any]] = {
    "kind_names": KIND_NAMES,
    "placeholders": PLACEHOLDERS,
    "conditions": CONDITIONS,
    "name_most": service.NAME_MOST,
    "body_most": service.BODY_MOST,
}

router = APIRouter()
TemplateReader = Annotated[Actor, Depends(allow(Permission.VIEW_TEMPLATE))]
TemplateEditor = Annotated[Actor, Depends(allow(Permission.EDIT_TEMPLATE))]


@router.get(TEMPLATES)
def show_templates(request: Request, session: SessionDep, actor: TemplateReader, q: str = "") -> Response:
    """Show the templates that the reader may use. ``q`` holds words to look for."""
    form, status = FormView({"q": q}), 200
    try:
        templates = service.list_templates(session, actor, q)
    except Invalid as refusal:
        form, status = FormView({"q": q}, {"q": refusal}), refusal.status
        templates = []
    return render_page(
        request,
        "desk/replies/templates.html",
        status,
        form=form,
        templates=templates,
        kind_names=KIND_NAMES,
        may_add=_may_add(actor),
    )


@router.get(f"{TEMPLATES}/them")
def show_new_form(request: Request, actor: TemplateEditor) -> Response:
    return _new_page(request, FormView({"in_use": "1"}))


@router.post(TEMPLATES)
def add_template(request: Request, session: SessionDep, actor: TemplateEditor, form: TypedDep) -> Response:
    """Save a new template, or show what it says of a made-up ticket."""
    try:
        act = form.choice("act", (PREVIEW, SAVE), PRESS_A_BUTTON)
        fields = _read_fields(form)
        if act == PREVIEW:
            return _new_page(request, form.form(), examples=fill_examples(service.check_fields(fields).body))
        with session.begin_nested():
            template = service.add_template(session, actor, fields, clock.now())
    except DomainError as refusal:
        return _new_page(request, form.refused(refusal, "name"), refusal.status)
    return redirect_to(request, f"{TEMPLATES}/{template.id}", flash=_("Đã thêm mẫu trả lời."))


@router.get(TEMPLATES + "/{template_id}")
def show_template(
    request: Request, session: SessionDep, actor: TemplateReader, template_id: int, version: str = ""
) -> Response:
    """Show a template; with ``version`` one of its older versions."""
    template = service.find_template(session, actor, template_id)
    older = service.find_version(session, template, _version_number(version)) if version else None
    return _template_page(request, session, actor, template, older=older)


@router.post(TEMPLATES + "/{template_id}")
def change_template(
    request: Request, session: SessionDep, actor: TemplateEditor, template_id: int, form: TypedDep
) -> Response:
    """Save a new version, bring an older one back, or show what the typed text says of a made-up ticket."""
    template = service.find_template(session, actor, template_id)
    try:
        act = form.choice("act", (PREVIEW, SAVE, RESTORE), PRESS_A_BUTTON)
        if act == RESTORE:
            return _restore(request, session, actor, template_id, form)
        fields = _read_fields(form)
        if act == PREVIEW:
            examples = fill_examples(service.check_fields(fields).body)
            return _template_page(request, session, actor, template, form=form.form(), examples=examples)
        with session.begin_nested():
            version = form.integer("version")
            service.change_template(session, actor, template_id, fields, version=version, now=clock.now())
    except DomainError as refusal:
        view = form.refused(refusal, "name")
        if isinstance(refusal, Conflict):  # the reader is told; whoever saves again means it
            view = FormView({**view.values, "version": str(template.version)}, view.errors)
        return _template_page(request, session, actor, template, refusal.status, form=view)
    return redirect_to(request, f"{TEMPLATES}/{template_id}", flash=_("Đã lưu mẫu trả lời."))


def _restore(request: Request, session: Session, actor: Actor, template_id: int, form: FormReader) -> Response:
    number = form.integer("older")
    form.check()
    with session.begin_nested():
        version = form.integer("version")
        service.restore_version(session, actor, template_id, number or 0, version=version, now=clock.now())
    return redirect_to(request, f"{TEMPLATES}/{template_id}", flash=_("Đã lấy lại bản cũ thành bản mới nhất."))


def _version_number(typed: str) -> int:
    """Return the number of a version in an address; 0, which no version has, for anything else."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 6 else 0


def _read_fields(form: FormReader) -> ReplyFields:
    """Return what was typed. Raises Invalid where no kind was chosen."""
    kind = form.choice("kind", tuple(ReplyKind))
    form.check()
    return ReplyFields(ReplyKind(kind), form.raw("name"), form.raw("body"), form.ticked("in_use"))


def _may_add(actor: Actor) -> bool:
    return service.may_edit(actor, ReplyTemplate(unit_id=service.owner_of_new(actor)))


def _new_page(
    request: Request, form: FormView, status: int = 200, *, examples: list[FilledExample] | None = None
) -> Response:
    return render_page(request, "desk/replies/new.html", status, form=form, examples=examples or [], **_WORDS)


def _template_page(
    request: Request,
    session: Session,
    actor: Actor,
    template: ReplyTemplate,
    status: int = 200,
    *,
    form: FormView | None = None,
    examples: list[FilledExample] | None = None,
    older: ReplyVersion | None = None,
) -> Response:
    values = {"kind": template.kind.value, "name": template.name, "body": template.body}
    values |= {"in_use": "1"} if template.in_use else {}
    return render_page(
        request,
        "desk/replies/template.html",
        status,
        form=form or FormView(values),
        reply=template,
        may_edit=service.may_edit(actor, template),
        versions=service.list_versions(session, template),
        older=older,
        examples=examples or [],
        **_WORDS,
    )
