"""The page where a round gets its drawn sample and the known totals of its weights."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.errors import Conflict, Invalid, TooMany, _
from backend.surveys.models import Round
from backend.surveys.rounds import queries, service
from backend.surveys.samples import sampling, totals
from backend.users.guard import allow
from backend.users.policy import Actor, Permission, can
from backend.web.forms import EMPTY, FILES, FormReader, FormView, TypedDep
from backend.web.rendering import choose_language, redirect_to, remember_language, render_page

TOTALS_MOST = 100_000  # characters
DESIGN = "/khao-sat/dot/{survey_code}/mau-rut"

router = APIRouter()
Viewer = Annotated[Actor, Depends(allow(Permission.VIEW_SURVEYS))]
Runner = Annotated[Actor, Depends(allow(Permission.RUN_SURVEYS))]


@router.get(DESIGN)
def design_page(request: Request, session: SessionDep, actor: Viewer, survey_code: str) -> Response:
    """Show the sample by strata, and the known totals."""
    return _page(request, session, actor, queries.round_called(session, survey_code))


@router.post(DESIGN, max_body_size=FILES)
def take_sample(request: Request, session: SessionDep, actor: Runner, survey_code: str, form: TypedDep) -> Response:
    """Make a file of drawn ballots the sample of the round."""
    survey_round = queries.round_called(session, survey_code)
    files = form.files("sample")
    try:
        if not files:
            raise Invalid(_("Hãy chọn tệp sample.csv của lần chọn mẫu."), field="sample")
        name = (files[0].filename or "")[-100:]
        slips = sampling.read_sample_guarded(files[0].file.read(), name, sampling.standings_of(session, survey_round))
        now = clock.now()
        sampling.take_sample(session, survey_round, slips, {"file": name}, coded=False, by=actor.key, now=now)
    except (Invalid, Conflict, TooMany) as refusal:
        return _page(request, session, actor, survey_round, form=form.refused(refusal, "sample"), refused=refusal)
    notice = _("Đợt khảo sát đã có mẫu; từ nay chỉ nhận phiếu có trong mẫu.")
    if _changed(form, totals.stored_totals(survey_round.totals)):
        return _page(request, session, actor, survey_round, form=form.form(), notice=notice)
    return _back_to_design(request, survey_round, notice)


@router.post(DESIGN + "/xem")
def look(request: Request, session: SessionDep, actor: Runner, survey_code: str, form: TypedDep) -> Response:
    """Show the page again with the typed texts: after Enter in a field, or in another language."""
    choose_language(request, form.raw("lang"))
    survey_round = queries.round_called(session, survey_code)
    return remember_language(request, _page(request, session, actor, survey_round, form=form.form()))


def _changed(form: FormReader, stored: totals.KnownTotals | None) -> bool:
    """Return whether the form holds other totals than those that are stored."""
    if "totals" not in form.data:
        return False
    text, source = (stored.text, stored.source) if stored else ("", "")
    typed = form.raw("totals").replace("\r\n", "\n").strip()
    return typed != text.strip() or form.raw("source").strip() != source.strip()


@router.post(DESIGN + "/tong")
def bring_to_totals(request: Request, session: SessionDep, actor: Runner, survey_code: str, form: TypedDep) -> Response:
    """Store the known totals of the weights. With an empty form, the weights are those of the draw again."""
    survey_round = queries.round_called(session, survey_code)
    try:
        known_totals = _totals(form)
    except Invalid as refusal:
        return _page(request, session, actor, survey_round, form=form.form(refusal), refused=refusal)
    service.bring_to(session, survey_round, known_totals, by=actor.key, now=clock.now())
    return _back_to_design(request, survey_round, _("Đã ghi cách tính trọng số của đợt."))


def _totals(form: FormReader) -> totals.KnownTotals | None:
    text, trim = form.raw("totals"), form.raw("trim").strip().replace(",", ".")
    if len(text) > TOTALS_MOST:
        raise Invalid(_("Dài quá %(limit)s ký tự. Hãy viết ngắn lại."), field="totals", limit=TOTALS_MOST)
    if not text.strip() and not trim:
        return None
    try:
        most = float(trim) if trim else None
    except ValueError:
        raise Invalid(_("Hãy nhập một số."), field="trim") from None
    return totals.read_totals(text, form.raw("source"), most)


def _page(
    request: Request,
    session: Session,
    actor: Actor,
    survey_round: Round,
    *,
    form: FormView = EMPTY,
    refused: Invalid | Conflict | TooMany | None = None,
    notice: str = "",
) -> Response:
    may_run = can(actor, Permission.RUN_SURVEYS)
    return render_page(
        request,
        "surveys/design.html",
        refused.status if refused else 200,
        form=form,
        faults=refused.errors[1:] if isinstance(refused, Invalid) else (),
        round=survey_round,
        strata=queries.drawn_strata(session, survey_round.id),
        known=totals.stored_totals(survey_round.totals),
        total_names=totals.NAMES,
        may_run=may_run,
        done=notice,
        keep_at=f"{DESIGN.format(survey_code=survey_round.code)}/xem" if may_run else "",
    )


def _back_to_design(request: Request, survey_round: Round, notice: str) -> Response:
    return redirect_to(request, DESIGN.format(survey_code=survey_round.code), flash=notice)
