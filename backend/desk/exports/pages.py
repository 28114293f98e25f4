"""Exports: ask for one, look at the own ones, download a file."""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from backend import clock
from backend.db import SessionDep, transaction
from backend.desk.exports import service
from backend.desk.exports.lists import LISTS, TICKED, find_list
from backend.desk.exports.models import ExportFormat, ListExport
from backend.errors import Forbidden, Invalid, NotFound, _
from backend.jobs.broker import hand_to_worker
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import ID_MOST, TypedDep
from backend.web.rendering import language_of, redirect_to, render_page, wants_fragment
from backend.worktime.calendar import local_time

EXPORTS = "/xuat"
FILTERS_MOST = 4_000  # characters of the query of an address
MEDIA = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

router = APIRouter()
# Each list has its own permission; ``service`` asks for it when the file is made and when it is downloaded.
Member = Annotated[Actor, Depends(allow(Permission.USE_ACCOUNT))]


@router.post(EXPORTS)
def ask_for_export(request: Request, session: SessionDep, actor: Member, form: TypedDep) -> Response:
    """Export a list with the filters of its address, or the ticked rows. A short one is downloaded at once."""
    filters = form.raw("filters")
    picks = " ".join(value for value in form.data.getlist("pick") if isinstance(value, str))
    if len(filters) + len(picks) > FILTERS_MOST:
        raise Invalid(_("Bộ lọc quá dài."), field="filters")
    export, job = service.ask_export(
        session,
        actor,
        form.raw("list") or TICKED,
        form.raw("format"),
        dict(parse_qsl(filters)) | ({"pick": picks} if picks else {}),
        language=language_of(request),
        now=clock.now(),
    )
    if job is None:
        return redirect_to(request, f"{EXPORTS}/{export.id}/{file_name(export)}")
    response = redirect_to(request, EXPORTS, flash=_("Danh sách dài nên tệp đang được lập."), kind="info")
    response.background = BackgroundTask(hand_to_worker, job.kind, job.id)
    return response


@router.get(EXPORTS)
def exports_page(request: Request, session: SessionDep, actor: Member) -> Response:
    """Show the own exports; the list refreshes itself while one is being written."""
    exports = service.list_exports(session, actor)
    return render_page(
        request,
        "desk/exports.html",
        block="exports" if wants_fragment(request) else None,
        exports=exports,
        lists=LISTS,
        now=clock.now(),
        file_name=file_name,
        hours=int(service.KEPT_FOR.total_seconds() // 3600),
    )


@router.get(EXPORTS + "/{export_id}/{name}")
def download_export(request: Request, actor: Member, export_id: int, name: str) -> Response:
    """Send the file to its owner. A file of somebody else, one that is gone and one that never was get the same answer:
    the list of the own exports, with a notice."""
    refusal: NotFound | Forbidden | None = None
    with transaction() as session:
        try:
            export, path = service.open_export(session, actor, min(export_id, ID_MOST), clock.now())
        except (NotFound, Forbidden) as refused:
            refusal = refused  # a file that is removed for want of a right stays removed
    if refusal is not None:
        return redirect_to(request, EXPORTS, flash=refusal.message, kind="warning")
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type=MEDIA[export.file_format], filename=file_name(export), headers=headers)


def file_name(export: ListExport) -> str:
    """Return the name under which a file is downloaded: the list and the day, such as ``hop-thu-20261122.csv``."""
    return f"{find_list(export.list_key).file_name}-{local_time(export.asked_at):%Y%m%d}.{export.file_format.value}"
