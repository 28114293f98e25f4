"""Pages of instruments and methods: list them, compare two, check a new version and publish it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.errors import Conflict, Invalid, TooMany, _
from backend.surveys.forms import differences, documents, publishing
from backend.surveys.forms.differences import ItemChange, ItemDifference
from backend.surveys.forms.instruments import Instrument
from backend.surveys.forms.publishing import SurveyDocument
from backend.surveys.rounds import queries
from backend.users.guard import allow
from backend.users.policy import Actor, Permission, can
from backend.web.forms import EMPTY, FormView, TypedDep
from backend.web.rendering import redirect_to, render_page

FORMS = "/khao-sat/mau"

router = APIRouter()
Viewer = Annotated[Actor, Depends(allow(Permission.VIEW_SURVEYS))]
Runner = Annotated[Actor, Depends(allow(Permission.RUN_SURVEYS))]


@router.get(FORMS)
def forms_page(request: Request, session: SessionDep, actor: Viewer, tu: str = "") -> Response:
    """Show every instrument and method. ``tu``: the key of the one whose text a new version starts from."""
    start = documents.write_toml(publishing.published_document(session, tu)) if tu else ""
    return _forms(request, session, actor, form=FormView({"toml": start}) if start else EMPTY)


@router.post(FORMS)
def take_form(request: Request, session: SessionDep, actor: Runner, form: TypedDep) -> Response:
    """Check a document and compare it with the version before, or publish it."""
    try:
        document = publishing.read_guarded(form.raw("toml").replace("\r\n", "\n"))
        if form.raw("act") != "publish":
            return _forms(request, session, actor, form=form.form(), document=document)
        publishing.publish_document(session, document, by=actor.key, now=clock.now())
    except (Invalid, Conflict, TooMany) as refusal:
        return _forms(request, session, actor, form=form.refused(refusal, "toml"), refused=refusal)
    notice = _("Đã công bố %(key)s; nội dung này không đổi được nữa.")
    return redirect_to(request, FORMS, flash=notice, key=document.key)


@router.get(FORMS + "/{instrument_key}/khac")
def comparison_page(
    request: Request, session: SessionDep, actor: Viewer, instrument_key: str, voi: str = ""
) -> Response:
    """Show the differences between two versions. ``voi``: the key of the earlier one."""
    after = publishing.check_document(publishing.published_document(session, instrument_key))
    key = voi or publishing.latest_before(session, after) or instrument_key
    before = publishing.check_document(publishing.published_document(session, key))
    return render_page(request, "surveys/form_changes.html", after=after, **_changes(before, after))


def _forms(
    request: Request,
    session: Session,
    actor: Actor,
    *,
    form: FormView = EMPTY,
    document: SurveyDocument | None = None,
    refused: Invalid | Conflict | TooMany | None = None,
) -> Response:
    key = publishing.latest_before(session, document) if document else None
    before = publishing.check_document(publishing.published_document(session, key)) if key else None
    return render_page(
        request,
        "surveys/forms.html",
        refused.status if refused else 200,
        form=form,
        faults=refused.errors[1:] if isinstance(refused, Invalid) else (),
        instruments=[queries.instrument_of(version) for version in queries.list_versions(session)],
        methods=queries.list_methods(session),
        document=document,
        may_run=can(actor, Permission.RUN_SURVEYS),
        **(_changes(before, document) if before and document else {}),
    )


def _changes(before: SurveyDocument, after: SurveyDocument) -> dict[str, Any]:
    items: list[ItemDifference] = []
    if isinstance(before.subject, Instrument) and isinstance(after.subject, Instrument):
        items = differences.compare_versions(before.subject, after.subject)
    changed = [item for item in items if item.change is not ItemChange.SAME]
    codes = {item.code for item in changed}
    rest = [
        value
        for value in documents.list_changes(before.raw, after.raw)
        if not differences.covers_path(codes, value.path)
    ]
    return {
        "before": before,
        "items": changed,
        "same": len(items) - len(changed),
        "rest": rest,
        "change_names": differences.NAMES,
    }
