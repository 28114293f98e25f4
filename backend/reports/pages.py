"""The page of reports: choose the years, write the author's own texts, start the writing of the files, download
them."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock, db
from backend.db import SessionDep
from backend.documents.places import MOST, PLACES, read_back_guarded
from backend.errors import Conflict, Invalid, NotFound, TooMany, _
from backend.jobs.broker import hand_to_worker
from backend.jobs.models import JobStage
from backend.jobs.service import LATER
from backend.reports import service
from backend.reports.content.facts import reporting_units
from backend.reports.service import ReportSubject
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import EMPTY, FILES, FormReader, FormView, TypedDep
from backend.web.rendering import redirect_to, render_page, wants_fragment

PAGE = "/bao-cao"

router = APIRouter()
Author = Annotated[Actor, Depends(allow(Permission.MAKE_REPORTS))]


@router.get(PAGE)
def report_page(request: Request, session: SessionDep, actor: Author) -> Response:
    """Show the report of the address, or the latest possible one. An HTMX request gets only the progress."""
    about = _subject_of(session, dict(request.query_params))
    return _page(request, session, about, block="standing" if wants_fragment(request) else None)


@router.post(PAGE)
def start_report(request: Request, actor: Author, form: TypedDep) -> Response:
    """Save the texts of the page and start writing the report. The job is committed before it is handed over, so that
    the worker finds it."""
    now = clock.now()
    with db.transaction() as session:
        about = _subject_of(session, _fields(form))
        try:
            _save(session, about, form, actor)
        except Invalid as refusal:
            return _page(request, session, about, status=refusal.status, form=form.form(refusal))
        try:
            job_id = service.begin_report(session, about, user_id=actor.user_id, now=now)
        except Conflict:
            return redirect_to(request, report_address(about), flash=_("Báo cáo này đang được lập."), kind="info")
    if not hand_to_worker(service.REPORT.name, job_id):
        return redirect_to(request, report_address(about), flash=LATER, kind="info")
    return redirect_to(request, report_address(about), flash=_("Đã bắt đầu lập báo cáo."), kind="info")


@router.post(PAGE + "/loi-van")
def save_texts(request: Request, session: SessionDep, actor: Author, form: TypedDep) -> Response:
    """Save the author's texts. They go into the report when it is written the next time."""
    about = _subject_of(session, _fields(form))
    try:
        _save(session, about, form, actor)
    except Invalid as refusal:
        return _page(request, session, about, status=refusal.status, form=form.form(refusal))
    return redirect_to(request, report_address(about), flash=_("Đã lưu lời văn. Hãy lập lại báo cáo để đưa vào."))


def _save(session: Session, about: ReportSubject, form: FormReader, actor: Actor) -> None:
    """Save the texts. Every button of the page sends them, and each saves them, so that no typed text is lost. Raises
    Invalid."""
    for place in PLACES:
        form.text(place.key, limit=MOST, multiline=True)
    form.check()
    written = {place.key: form.raw(place.key) for place in PLACES if place.key in form.data}
    if written:
        service.save_texts(session, about, written, user_id=actor.user_id, now=clock.now())


@router.post(PAGE + "/giu-lai", max_body_size=FILES)
def keep_edited(request: Request, session: SessionDep, actor: Author, form: TypedDep) -> Response:
    """Take the author's texts from a document that was edited by hand."""
    about = _subject_of(session, _fields(form))
    try:
        files = form.files("tep")
        _save(session, about, form, actor)
        if not files:
            raise Invalid(_("Hãy chọn tệp báo cáo .docx đã sửa."), field="tep")
        changed_places = service.keep_texts(
            session,
            about,
            files[0].file.read(),
            user_id=actor.user_id,
            now=clock.now(),
            read_places=read_back_guarded,
        )
    except (Invalid, TooMany) as refusal:
        return _page(request, session, about, status=refusal.status, form=form.refused(refusal, "tep"))
    if not changed_places:
        return redirect_to(request, report_address(about), flash=_("Trong tệp không có lời văn nào mới."), kind="info")
    return redirect_to(
        request, report_address(about), flash=_("Đã giữ lại lời văn của %(n)s chỗ."), n=len(changed_places)
    )


@router.get(PAGE + "/tai", dependencies=[Depends(allow(Permission.MAKE_REPORTS))])
def download_file(request: Request, session: SessionDep) -> Response:
    """Send a file of the report."""
    about = _subject_of(session, dict(request.query_params))
    name = request.query_params.get("tep", service.DOCX)
    if not any(file.name == name for file in service.find_report(session, about)[1]):
        raise Invalid(_("Báo cáo chưa được lập, hoặc không có tệp này."))
    content, media_type = service.find_file(session, about, name)
    stem, _dot, ending = name.rpartition(".")
    saved = f"{stem}-{about.geography}-{about.year}.{ending}"
    headers = {
        "Content-Disposition": f"attachment; filename={saved}",
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(content, media_type=media_type, headers=headers)


def report_address(about: ReportSubject, path: str = PAGE, **more: str) -> str:
    """Return the address of a report's page, or of one of its files."""
    query = {"don-vi": about.geography, "nam": about.year, "so-voi": about.against} | more
    return f"{path}?{urlencode(query)}"


def _fields(form: Any) -> dict[str, str]:
    return {name: form.raw(name) for name in ("don-vi", "nam", "so-voi")}


def _subject_of(session: Session, query: dict[str, str]) -> ReportSubject:
    """Return the report that an address or a form names. A missing unit or year means the first unit, the latest year
    with figures, and the latest year before it. Raises Invalid."""
    years = service.list_choices(session)
    geography = query.get("don-vi") or next(iter(years), "")
    years_with_figures = years.get(geography, [])
    year = _year(query.get("nam", ""), years_with_figures[0] if years_with_figures else 0)
    earlier = [other for other in years_with_figures if other < year]
    about = ReportSubject(geography, year, _year(query.get("so-voi", ""), earlier[0] if earlier else 0))
    try:
        service.check_subject(session, about)
    except NotFound as refusal:
        raise Invalid(refusal.message, field="don-vi") from refusal
    return about


def _year(typed: str, usual: int) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) == 4 else usual


def _page(
    request: Request,
    session: Session,
    about: ReportSubject,
    *,
    status: int = 200,
    form: FormView = EMPTY,
    block: str | None = None,
) -> Response:
    now: datetime = clock.now()
    report, files = service.find_report(session, about)
    job = service.latest_job(session, about)
    written = service.read_texts(session, about)
    return render_page(
        request,
        "reports/report.html",
        status,
        block=block,
        about=about,
        units=list(reporting_units().items()),
        years=[(year, year) for year in service.list_choices(session)[about.geography]],
        main_files=[file for file in files if file.name in (service.DOCX, service.XLSX)],
        charts_made=[file for file in files if file.name not in (service.DOCX, service.XLSX)],
        docx=service.DOCX,
        report=report,
        job=job,
        running=job is not None and job.is_cared_for(now),
        stopped=job is not None and job.stage is not JobStage.DONE and not job.is_cared_for(now),
        why=_failure_text(job),
        places=PLACES,
        written=written,
        most=MOST,
        address=report_address,
        form=form,
    )


def _failure_text(job: Any) -> str:
    """Return why the last attempt failed. A worker that died left no note."""
    return job.note if job is not None and job.note else service.FAILED
