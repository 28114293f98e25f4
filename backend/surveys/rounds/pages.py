"""Pages for survey officers: rounds, files of ballots, batches, figures, and instruments as trees."""

import io
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask

from backend import clock
from backend.db import SessionDep
from backend.errors import Conflict, Invalid, TooMany, _
from backend.files.dates import DateOrder
from backend.files.numbers import DecimalSign
from backend.files.options import ReadOptions
from backend.jobs.broker import hand_to_worker
from backend.jobs.models import JobStage
from backend.surveys.ballot_files import ballot_templates, importing, waiting
from backend.surveys.ballot_files.ballot_reading import read_ballots_guarded
from backend.surveys.ballot_files.ballot_rules import shipped_rules
from backend.surveys.ballot_files.faults import BallotFinding
from backend.surveys.ballot_files.importing import ImportActor
from backend.surveys.ballot_files.read_choices import read_choices
from backend.surveys.forms.instruments import Aspect
from backend.surveys.models import BallotSource
from backend.surveys.rounds import figures, queries, service
from backend.surveys.samples import totals
from backend.units import queries as units
from backend.users.guard import allow
from backend.users.policy import Actor, Permission, can
from backend.web.forms import EMPTY, FILES, FormReader, FormView, TypedDep
from backend.web.rendering import language_of, redirect_to, render_page, translate_for, wants_fragment
from backend.worktime.calendar import local_time

PAGE = "/khao-sat"
SOURCE_NAMES = {
    BallotSource.FILE: _("Tệp"),
    BallotSource.ENTRY: _("Nhập tay"),
    BallotSource.RESPONDENT: _("Người dân tự trả lời"),
}
ASPECTS = {
    Aspect.PERCEPTION: _("Nhận định, đánh giá"),
    Aspect.SATISFACTION: _("Mức độ hài lòng"),
    Aspect.EXPECTATION: _("Nhu cầu, mong đợi"),
}
DATE_ORDERS = [
    (DateOrder.DMY, _("ngày trước tháng: 5/10 là ngày 5 tháng 10")),
    (DateOrder.MDY, _("tháng trước ngày: 5/10 là ngày 10 tháng 5")),
    (DateOrder.YMD, _("năm trước: 2026-10-05")),
]
DECIMAL_SIGNS = [(DecimalSign.COMMA, _("dấu phẩy: 3,5")), (DecimalSign.POINT, _("dấu chấm: 3.5"))]
CHOICES = ("dates", "decimal", "missing")
PREVIEWED = 50

router = APIRouter()
Viewer = Annotated[Actor, Depends(allow(Permission.VIEW_SURVEYS))]
Runner = Annotated[Actor, Depends(allow(Permission.RUN_SURVEYS))]


@router.get(PAGE)
def rounds_page(request: Request, session: SessionDep, actor: Viewer) -> Response:
    """Show every round, and the form that opens a new one."""
    return _rounds(request, session, actor)


@router.post(PAGE)
def open_round(request: Request, session: SessionDep, actor: Runner, form: TypedDep) -> Response:
    """Open a round from the form."""
    try:
        plan = _plan(form)
        service.open_round(session, plan, by=actor.key, now=clock.now())
    except (Invalid, Conflict) as refusal:
        return _rounds(request, session, actor, refusal.status, form.refused(refusal, "code"))
    return redirect_to(request, f"{PAGE}/dot/{plan.code}", flash=_("Đã mở đợt khảo sát."))


@router.get(PAGE + "/mau/{instrument_key}")
def instrument_page(request: Request, session: SessionDep, actor: Viewer, instrument_key: str) -> Response:
    """Show an instrument as a readable tree."""
    return render_page(
        request,
        "surveys/instrument.html",
        instrument=queries.find_instrument(session, instrument_key),
        aspects=ASPECTS,
    )


@router.get(PAGE + "/mau/{instrument_key}/tep-mau.xlsx")
def template_file(request: Request, session: SessionDep, actor: Viewer, instrument_key: str) -> Response:
    """Send the workbook in which ballots are filled in."""
    instrument = queries.find_instrument(session, instrument_key)
    stream = io.BytesIO()
    ballot_templates.template_workbook(stream, instrument, shipped_rules(), language_of(request))
    return _workbook(stream, f"mau-{instrument.key}.xlsx")


@router.get(PAGE + "/dot/{survey_code}")
def round_page(request: Request, session: SessionDep, actor: Viewer, survey_code: str) -> Response:
    """Show a round: its ballots, batches and figures."""
    return _round(request, session, actor, survey_code)


@router.post(PAGE + "/dot/{survey_code}/tep", max_body_size=FILES)
def take_file(request: Request, session: SessionDep, actor: Runner, survey_code: str, form: TypedDep) -> Response:
    """Check a file, or import it. The import has its own transaction and stores the whole file or nothing."""
    files = form.files("file")
    now = clock.now()
    try:
        if not files:
            raise Invalid(_("Hãy chọn một tệp CSV hoặc XLSX."), field="file")
        options = read_choices(form.raw("dates"), form.raw("decimal"), form.raw("missing"))
        content = files[0].file.read()
        stream = io.BytesIO(content)
        if form.raw("act") == "check":
            today = local_time(now).date()
            reading = importing.read_file(stream, survey_code, today, options=options, reader=read_ballots_guarded)
            return _round(
                request, session, actor, survey_code, form=form.form(), reading=reading, name=files[0].filename
            )
        name = files[0].filename or ""
        if len(content) > waiting.LARGE:
            return _leave_to_worker(request, session, actor, survey_code, content, name, options)
        who = ImportActor(actor.key, actor.user_id)
        outcome = importing.import_file(
            stream, survey_code, file_name=name, who=who, now=now, options=options, reader=read_ballots_guarded
        )
    except (Invalid, Conflict, TooMany) as refusal:
        return _round(request, session, actor, survey_code, refusal.status, form=form.refused(refusal, "file"))
    path = f"{PAGE}/lo/{outcome.batch_id}"
    if outcome.repeated:
        notice = _("Tệp này đã được nhập trước đây; không thêm phiếu nào.")
        return redirect_to(request, path, flash=notice, kind="info")
    notice = _("Đã nhập %(accepted)s phiếu; giữ lại %(held)s dòng.")
    return redirect_to(request, path, flash=notice, accepted=outcome.accepted, held=outcome.held)


@router.get(PAGE + "/viec/{import_id}")
def job_page(request: Request, session: SessionDep, actor: Viewer, import_id: int) -> Response:
    """Show how far the import of a large file is; the page refreshes itself."""
    job = waiting.job_of(session, import_id)
    block = "standing" if wants_fragment(request) else None
    file = waiting.waiting_file(job.subject)
    return render_page(request, "surveys/job.html", block=block, job=job, waiting=file, stages=JobStage)


@router.get(PAGE + "/lo/{batch_id}")
def batch_page(request: Request, session: SessionDep, actor: Viewer, batch_id: int, sau: int = 0) -> Response:
    """Show a batch with its held rows."""
    return _batch(request, session, actor, batch_id, after=sau)


@router.get(PAGE + "/lo/{batch_id}/can-sua.xlsx")
def held_file(request: Request, session: SessionDep, actor: Runner, batch_id: int) -> Response:
    """Send held rows as a workbook in which they can be corrected, with the reasons in the reader's language."""
    batch = queries.find_batch(session, batch_id)
    rows = ((row.line, row.findings, row.cells) for row in queries.list_held(session, batch_id, limit=None))
    stream = io.BytesIO()

    def sentence_of(finding: BallotFinding) -> str:
        return translate_for(request, finding.reason.message, **finding.params)

    ballot_templates.held_workbook(stream, batch.header, rows, sentence_of)
    return _workbook(stream, f"can-sua-lo-{batch_id}.xlsx")


@router.post(PAGE + "/lo/{batch_id}/rut")
def withdraw_batch(request: Request, session: SessionDep, actor: Runner, batch_id: int, form: TypedDep) -> Response:
    """Withdraw the whole batch."""
    try:
        service.withdraw_batch(
            session, batch_id, form.raw("reason"), by=actor.key, user_id=actor.user_id, now=clock.now()
        )
    except (Invalid, Conflict) as refusal:
        return _batch(request, session, actor, batch_id, refusal.status, form=form.refused(refusal, "code"))
    return redirect_to(request, f"{PAGE}/lo/{batch_id}", flash=_("Đã rút cả lô; phiếu của lô không còn được tính."))


def _leave_to_worker(
    request: Request, session: Session, actor: Actor, code: str, content: bytes, name: str, options: ReadOptions
) -> Response:
    """Leave a large file to the worker. The job is handed over after it is committed."""
    queries.round_called(session, code)
    job = waiting.begin_import(session, code, content, name, actor.user_id, clock.now(), options)
    response = redirect_to(request, f"{PAGE}/viec/{job.id}")
    response.background = BackgroundTask(hand_to_worker, job.kind, job.id)
    return response


def _rounds(request: Request, session: Session, actor: Actor, status: int = 200, form: FormView = EMPTY) -> Response:
    return render_page(
        request,
        "surveys/rounds.html",
        status,
        form=form,
        rounds=queries.list_rounds(session),
        instruments=[queries.instrument_of(version) for version in queries.list_versions(session)],
        units=units.list_receiving(session, local_time(clock.now()).date()),
        may_run=can(actor, Permission.RUN_SURVEYS),
    )


def _round(
    request: Request,
    session: Session,
    actor: Actor,
    code: str,
    status: int = 200,
    *,
    form: FormView = EMPTY,
    reading: object = None,
    name: str | None = None,
) -> Response:
    survey_round = queries.round_called(session, code)
    counted, invalid = queries.count_ballots(session, survey_round.id)
    survey_figures = no_figures = None
    try:
        survey_figures = figures.estimate_round(session, survey_round)
    except Conflict as refusal:
        no_figures = refusal
    return render_page(
        request,
        "surveys/round.html",
        status,
        form=form,
        round=survey_round,
        instrument=queries.instrument_of(survey_round.instrument),
        counted=counted,
        invalid=invalid,
        batches=queries.list_batches(session, survey_round.id),
        source_names=SOURCE_NAMES,
        figures=survey_figures,
        total_names=totals.NAMES,
        refused=no_figures,
        reading=reading,
        file_name=name,
        previewed=PREVIEWED,
        date_orders=[(order.value, translate_for(request, text)) for order, text in DATE_ORDERS],
        decimal_signs=[(sign.value, translate_for(request, text)) for sign, text in DECIMAL_SIGNS],
        choices_open=any(form.value(name) or form.error(name) for name in CHOICES) or form.error("file"),
        may_run=can(actor, Permission.RUN_SURVEYS),
    )


def _batch(
    request: Request,
    session: Session,
    actor: Actor,
    batch_id: int,
    status: int = 200,
    *,
    form: FormView = EMPTY,
    after: int = 0,
) -> Response:
    batch = queries.find_batch(session, batch_id)
    rows = queries.list_held(session, batch_id, after=after)
    return render_page(
        request,
        "surveys/batch.html",
        status,
        form=form,
        batch=batch,
        held=rows,
        older=f"{PAGE}/lo/{batch_id}?sau={rows[-1].line}" if len(rows) == queries.PAGE else None,
        source_names=SOURCE_NAMES,
        may_run=can(actor, Permission.RUN_SURVEYS),
    )


def _plan(form: FormReader) -> service.RoundPlan:
    first, last = form.day("first_day"), form.day("last_day")
    year, planned = form.integer("year"), form.integer("planned_n")
    share = form.integer("second_percent")
    for name, value in (("first_day", first), ("last_day", last), ("year", year), ("planned_n", planned)):
        if value is None and not any(refusal.field == name for refusal in form.refusals):
            form.refuse(name, _("Hãy điền mục này."))
    form.check()
    return service.RoundPlan(
        code=form.raw("code").strip(),
        name=form.raw("name"),
        instrument=form.raw("instrument"),
        unit_code=form.raw("unit") or "12",
        year=min(year or 0, 9999),
        first_day=first or date.min,
        last_day=last or date.min,
        planned_n=planned or 0,
        second_share=(share or 0) / 100,
    )


def _workbook(stream: io.BytesIO, name: str) -> Response:
    headers = {"Content-Disposition": f"attachment; filename={name}", "Cache-Control": "private, no-store"}
    return Response(stream.getvalue(), media_type=ballot_templates.XLSX, headers=headers)
