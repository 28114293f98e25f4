"""Pages where ballots are typed: by an officer, a second time by another officer, or by the respondent with a code."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.errors import Conflict, Invalid, _
from backend.surveys.ballot_files.ballot_rules import shipped_rules
from backend.surveys.ballot_files.importing import ImportActor
from backend.surveys.ballot_files.layout import BANDS, DAY, NUMBER, PSU, STRATUM, UNIT, WEIGHT
from backend.surveys.entry import service as entry
from backend.surveys.forms.instruments import Instrument
from backend.surveys.models import BallotSource, RepeatReason, Round
from backend.surveys.rounds import queries
from backend.users.guard import allow, allow_everybody
from backend.users.policy import Actor, Permission
from backend.web.forms import EMPTY, FormReader, FormView, TypedDep
from backend.web.rendering import choose_language, redirect_to, remember_language, render_page

ROUND = "/khao-sat/dot/{survey_code}"
# Carried over to the next ballot: an officer enters the ballots of one village together.
STICKY = (UNIT, STRATUM, PSU, WEIGHT, DAY)
TYPED = (NUMBER, *STICKY, *BANDS.values())
WHY_NAMES = {RepeatReason.ENTRY: _("Nhập lại"), RepeatReason.RECHECK: _("Phúc tra")}

router = APIRouter()
Viewer = Annotated[Actor, Depends(allow(Permission.VIEW_SURVEYS))]
Runner = Annotated[Actor, Depends(allow(Permission.RUN_SURVEYS))]


@router.get(ROUND + "/nhap")
def entry_page(request: Request, session: SessionDep, actor: Runner, survey_code: str) -> Response:
    """Show the form of one ballot. What stays the same in a village is filled in from the ballot before."""
    carried = {name: request.query_params.get(name, "")[:60] for name in STICKY}
    return _entry(request, queries.round_called(session, survey_code), form=FormView(carried))


@router.post(ROUND + "/nhap")
def enter_ballot(request: Request, session: SessionDep, actor: Runner, survey_code: str, form: TypedDep) -> Response:
    """Store the ballot and offer the next one."""
    survey_round = queries.round_called(session, survey_code)
    values = _values(form, queries.instrument_of(survey_round.instrument))
    who = ImportActor(actor.key, actor.user_id)
    try:
        replace = form.ticked("thay")
        entry.enter_ballot(session, survey_round, values, BallotSource.ENTRY, who=who, now=clock.now(), replace=replace)
    except (Invalid, Conflict) as refusal:
        return _entry(request, survey_round, refusal.status, form=form.refused(refusal, NUMBER))
    return _next_form(request, f"/khao-sat/dot/{survey_code}/nhap", values, _("Đã lưu phiếu. Nhập phiếu tiếp theo."))


@router.post(ROUND + "/nhap/xem")
def look_at_entry(request: Request, session: SessionDep, actor: Runner, survey_code: str, form: TypedDep) -> Response:
    """Show the form again with everything that was typed, in another language."""
    choose_language(request, form.raw("lang"))
    survey_round = queries.round_called(session, survey_code)
    return remember_language(request, _entry(request, survey_round, form=form.form()))


@router.get(ROUND + "/nhap-lai")
def again_page(request: Request, session: SessionDep, actor: Runner, survey_code: str) -> Response:
    """Show the form of a second entry, without the answers of the first."""
    return _show_again(request, session, queries.round_called(session, survey_code))


@router.post(ROUND + "/nhap-lai")
def enter_again(request: Request, session: SessionDep, actor: Runner, survey_code: str, form: TypedDep) -> Response:
    """Store the second entry and go to the comparison."""
    survey_round = queries.round_called(session, survey_code)
    values = _values(form, queries.instrument_of(survey_round.instrument))
    why = RepeatReason.RECHECK if form.raw("why") == RepeatReason.RECHECK else RepeatReason.ENTRY
    try:
        entry.enter_again(
            session, survey_round, values, why, who=ImportActor(actor.key, actor.user_id), now=clock.now()
        )
    except (Invalid, Conflict) as refusal:
        return _show_again(request, session, survey_round, refusal.status, form=form.refused(refusal, NUMBER))
    return redirect_to(request, f"/khao-sat/dot/{survey_code}/doi-chieu", flash=_("Đã lưu lần nhập thứ hai."))


@router.post(ROUND + "/nhap-lai/xem")
def look_at_second_entry(
    request: Request, session: SessionDep, actor: Runner, survey_code: str, form: TypedDep
) -> Response:
    """Show the form of a second entry again with everything that was typed, in another language."""
    choose_language(request, form.raw("lang"))
    survey_round = queries.round_called(session, survey_code)
    return remember_language(request, _show_again(request, session, survey_round, form=form.form()))


@router.get(ROUND + "/doi-chieu")
def comparison_page(request: Request, session: SessionDep, actor: Viewer, survey_code: str) -> Response:
    """Show second entries beside the first ones, field by field."""
    survey_round = queries.round_called(session, survey_code)
    pairs = entry.compare_entries(session, survey_round)
    fields = sum(pair.fields for pair in pairs)
    differing = sum(len(pair.differing) for pair in pairs)
    return render_page(
        request,
        "surveys/comparison.html",
        round=survey_round,
        pairs=pairs,
        agreement=1 - differing / fields if fields else None,
        why_names=WHY_NAMES,
    )


@router.get("/phieu/{slip}", dependencies=[Depends(allow_everybody)])
def respondent_page(request: Request, session: SessionDep, slip: str) -> Response:
    """Show the form to a respondent with a ballot's code."""
    _issued, survey_round = entry.find_issued(session, slip)
    return _respondent(request, survey_round)


@router.post("/phieu/{slip}", dependencies=[Depends(allow_everybody)])
def respond_to_survey(request: Request, session: SessionDep, slip: str, form: TypedDep) -> Response:
    """Store the answers of a respondent, once. Of the person only bands of age, sex and ethnicity are stored."""
    _issued, survey_round = entry.find_issued(session, slip)
    values = _values(form, queries.instrument_of(survey_round.instrument))
    try:
        entry.store_response(session, slip, values, clock.now())
    except Invalid as refusal:
        return _respondent(request, survey_round, refusal.status, form=form.refused(refusal, NUMBER))
    return render_page(request, "surveys/thanks.html", secret=True)


@router.post("/phieu/{slip}/xem", dependencies=[Depends(allow_everybody)])
def look_at_response(request: Request, session: SessionDep, slip: str, form: TypedDep) -> Response:
    """Show a respondent the form again with the chosen answers, in another language."""
    choose_language(request, form.raw("lang"))
    _issued, survey_round = entry.find_issued(session, slip)
    return remember_language(request, _respondent(request, survey_round, form=form.form()))


def _values(form: FormReader, instrument: Instrument) -> dict[str, str]:
    return {name: form.raw(name)[:200] for name in (*TYPED, *instrument.columns)}


def _entry(request: Request, survey_round: Round, status: int = 200, *, form: FormView = EMPTY) -> Response:
    address = f"{ROUND.format(survey_code=survey_round.code)}/nhap"
    return render_page(
        request,
        "surveys/entry.html",
        status,
        secret=True,
        form=form,
        again=None,
        enter_at=address,
        keep_at=f"{address}/xem",
        **_frame(survey_round),
    )


def _show_again(
    request: Request, session: Session, survey_round: Round, status: int = 200, *, form: FormView = EMPTY
) -> Response:
    address = f"{ROUND.format(survey_code=survey_round.code)}/nhap-lai"
    return render_page(
        request,
        "surveys/entry.html",
        status,
        secret=True,
        form=form,
        again=entry.list_awaited(session, survey_round),
        enter_at=address,
        keep_at=f"{address}/xem",
        **_frame(survey_round),
    )


def _respondent(request: Request, survey_round: Round, status: int = 200, *, form: FormView = EMPTY) -> Response:
    address = request.url.path.removesuffix("/xem")
    return render_page(
        request,
        "surveys/respondent.html",
        status,
        secret=True,
        form=form,
        enter_at=address,
        keep_at=f"{address}/xem",
        **_frame(survey_round),
    )


def _frame(survey_round: Round) -> dict[str, Any]:
    return {
        "round": survey_round,
        "instrument": queries.instrument_of(survey_round.instrument),
        "bands": shipped_rules().bands,
        "band_columns": BANDS,
    }


def _next_form(request: Request, path: str, values: Mapping[str, str], notice: str) -> Response:
    carried = {name: values[name] for name in STICKY if values[name]}
    return redirect_to(request, f"{path}?{urlencode(carried)}" if carried else path, flash=notice)
