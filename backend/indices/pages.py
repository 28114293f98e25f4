"""Pages of the indices: the two sides compared, runs with everything they came from, and published figures entered with
their document."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from analytics.methods import METHODS, load_method
from backend import clock, db
from backend.db import SessionDep
from backend.errors import Conflict, Invalid, TooMany, _
from backend.indicators.filters import FIELDS, DashboardFilters, read_filters, sees_all, units_to_choose, usual_period
from backend.indices import texts as indices
from backend.indices import two_sides
from backend.indices.charts import draw_pictures
from backend.indices.measures import own_survey
from backend.indices.measures.values import RunValue
from backend.indices.published import entry
from backend.indices.published.queries import MARKS
from backend.indices.published.shipped_figures import GEOGRAPHIES, national_figure
from backend.indices.runs import requests
from backend.indices.runs import service as runs
from backend.indices.translated_texts import TranslatedText
from backend.jobs.broker import hand_to_worker
from backend.jobs.service import LATER
from backend.units.models import Unit
from backend.users.guard import allow
from backend.users.policy import Actor, Permission, PolicySubject, can
from backend.web.forms import EMPTY, FILES, FormReader, FormView, TypedDep
from backend.web.rendering import (
    choose_language,
    language_of,
    redirect_to,
    remember_language,
    render_page,
    translate_for,
)
from backend.worktime.calendar import ZONE

SIDES, RUNS, ENTRY = "/chi-so/hai-mat", "/chi-so/lan-tinh", "/chi-so/so-cong-bo"

router = APIRouter()
Viewer = Annotated[Actor, Depends(allow(Permission.VIEW_FIGURES))]
Runner = Annotated[Actor, Depends(allow(Permission.RUN_INDICES))]


@router.get(SIDES)
def sides_page(request: Request, session: SessionDep, actor: Viewer) -> Response:
    """Show the two sides of the unit and the period in the address, counted now."""
    frame = _frame(request, session, actor)
    try:
        filters = read_filters(session, request.query_params, actor, frame["today"])
    except Invalid as refusal:
        form = FormView({name: request.query_params.get(name, "") for name in FIELDS}, _by_field(refusal))
        return render_page(request, "indices/sides.html", 422, form=form, board=None, **frame)
    board = two_sides.compare_units(session, filters, actor, frame["today"])
    places = two_sides.place_units(session, board)
    return render_page(
        request,
        "indices/sides.html",
        form=_filters_form(filters),
        filters=filters,
        board=board,
        places=places,
        plane=two_sides.draw_plane(places, board),
        pictures=draw_pictures(
            board,
            places,
            two_sides.comparison_rows(session, board),
            partial(translate_for, request),
            language_of(request),
        ),
        published=requests.published_of(session, filters),
        may_run=can(actor, Permission.RUN_INDICES),
        may_read=_may_read(actor),
        rounds=_rounds(session, actor),
        national=national_figure,
        **frame,
    )


@router.get(RUNS)
def runs_page(request: Request, session: SessionDep, actor: Viewer) -> Response:
    """List the runs that this actor may see and those under way, with a form for actors who may start one."""
    frame = _frame(request, session, actor)
    return render_page(
        request,
        "indices/runs.html",
        listed=requests.list_runs(session, actor),
        jobs=requests.list_jobs(session, clock.now() - timedelta(days=1)) if can(actor, Permission.RUN_INDICES) else [],
        may_run=can(actor, Permission.RUN_INDICES),
        **frame,
    )


@router.post(RUNS)
def start_run(request: Request, actor: Runner, form: TypedDep) -> Response:
    """Start a run. The job is committed before it is handed on, so that the worker finds it."""
    now = clock.now()
    with db.transaction() as session:
        filters = read_filters(session, {name: form.raw(name) for name in FIELDS}, actor, now.astimezone(ZONE).date())
        try:
            job_id = requests.begin_run(session, filters, _seed(form), user_id=actor.user_id, now=now)
        except Conflict as refusal:
            return redirect_to(request, RUNS, flash=refusal.message, kind="info")
    if not hand_to_worker(requests.INDEX_RUN.name, job_id):
        return redirect_to(request, RUNS, flash=LATER, kind="info")
    return redirect_to(request, RUNS, flash=_("Đã bắt đầu tính. Tải lại trang để xem kết quả."), kind="info")


@router.get(RUNS + "/{run_id}")
def run_page(request: Request, session: SessionDep, actor: Viewer, run_id: int) -> Response:
    """Show one run: the question, what it was counted from, whether it still holds, and every value."""
    listing = requests.find_listing(session, run_id, actor)
    values = runs.values_of(session, run_id)
    unit_ids = {value.unit_id for value in values if value.unit_id is not None}
    units_by_id = {unit.id: unit for unit in session.query(Unit).where(Unit.id.in_(unit_ids))}
    return render_page(
        request,
        "indices/run.html",
        found=listing,
        values=values,
        units=units_by_id,
        verification=runs.verify_run(session, run_id) if "kiem-tra" in request.query_params else None,
        filters=DashboardFilters(listing.unit, listing.run.first_day, listing.run.last_day, None, chosen=True),
        may_run=can(actor, Permission.RUN_INDICES),
        may_read=_may_read(actor),
        rounds=_rounds(session, actor),
        **_frame(request, session, actor),
    )


@router.post(RUNS + "/{run_id}/cong-bo")
def publish_run(request: Request, session: SessionDep, actor: Runner, run_id: int) -> Response:
    """Publish a run if its digits hold. A run is published once and for good."""
    requests.find_listing(session, run_id, actor)
    runs.publish_run(session, run_id, user_id=actor.user_id or 0, now=clock.now())
    return redirect_to(request, f"{RUNS}/{run_id}", flash=_("Đã công bố lần tính này."))


@router.get(ENTRY)
def entry_page(request: Request, session: SessionDep, actor: Runner) -> Response:
    """Show the form for published figures."""
    return _entry(request, EMPTY)


@router.post(ENTRY, max_body_size=FILES)
def enter_figures(request: Request, session: SessionDep, actor: Runner, form: TypedDep) -> Response:
    """Store a table of published figures, typed or uploaded, and show what does not add up in it."""
    try:
        with session.begin_nested():
            entered = entry.enter_table(session, _document(form), _table(form), entry.read_figures_guarded)
    except Invalid as refusal:
        return _entry(request, form.form(refusal), 422, faults=refusal.errors)
    except Conflict as refusal:
        return _entry(request, form.refused(refusal, "ma-van-ban"), 409)
    except TooMany as refusal:
        return _entry(request, form.refused(refusal, "bang"), refusal.status)
    return _entry(request, EMPTY, entered=entered)


@router.post(ENTRY + "/xem", max_body_size=FILES)
def look_at_figures(request: Request, actor: Runner, form: TypedDep) -> Response:
    """Show the form again with everything that was typed, in another language."""
    choose_language(request, form.raw("lang"))
    return remember_language(request, _entry(request, form.form()))


def _entry(request: Request, form: FormView, status: int = 200, **more: Any) -> Response:
    language = language_of(request)
    methods = [(code, getattr(load_method(code).name, language)) for code in METHODS if load_method(code).nodes]
    context = {"entered": None, "faults": ()} | more
    return render_page(
        request, "indices/entry.html", status, form=form, methods=methods, geographies=list(GEOGRAPHIES.items()),
        columns=entry.COLUMNS, names=GEOGRAPHIES, said=partial(_text_in, language=language),
        enter_at=ENTRY, keep_at=f"{ENTRY}/xem", **context,
    )  # fmt: skip


def _text_in(text: str, language: str) -> str:
    return text.in_language(language) if isinstance(text, TranslatedText) else text


def _document(form: FormReader) -> entry.PublishedDocument:
    year = form.raw("nam").strip()
    return entry.PublishedDocument(
        geography=form.raw("noi"),
        year=int(year) if year.isascii() and year.isdigit() and len(year) == 4 else 0,
        method=form.raw("phuong-phap"),
        source=form.raw("ma-van-ban").strip(),
        title=form.text("van-ban", limit=500),
    )


def _table(form: FormReader) -> str:
    files = form.files("tep")
    return entry.read_file(files[0].file.read(entry.MOST_BYTES + 1)) if files else form.raw("bang")


def _seed(form: FormReader) -> int:
    return form.integer("so-gieo") or runs.SEED


def _frame(request: Request, session: Session, actor: Actor) -> dict[str, Any]:
    today = clock.now().astimezone(ZONE).date()
    language = language_of(request)
    return {
        "today": today,
        "units_listed": units_to_choose(session, actor, today),
        "sees_all": sees_all(actor),
        "usual": usual_period(today),
        "words": indices,
        "marks": {mark.value: text for mark, text in MARKS.items()},
        "write": partial(_write, language=language),
        "associated": partial(indices.association_sentence, say=partial(translate_for, request), language=language),
    }


def _may_read(actor: Actor) -> Callable[[Unit | None], bool]:
    """Return the question whether the tickets behind a figure of a unit, or of all, may be opened."""
    return lambda unit: can(actor, Permission.VIEW_TICKET, PolicySubject(unit.id if unit else None))


def _rounds(session: Session, actor: Actor) -> dict[int, str]:
    """Return the code of each survey round whose ballot counts this actor may open."""
    return own_survey.round_codes(session) if can(actor, Permission.VIEW_SURVEYS) else {}


def _write(value: RunValue | None, part: str = "value", *, language: str) -> str:
    return "–" if value is None else indices.value_text(value, getattr(value, part), language)


def _by_field(refusal: Invalid) -> dict[str, Invalid]:
    return {error.field: error for error in refusal.errors if error.field}


def _filters_form(filters: DashboardFilters) -> FormView:
    unit = filters.unit.code if filters.unit else ""
    return FormView({"don-vi": unit, "tu": f"{filters.first:%d/%m/%Y}", "den": f"{filters.last:%d/%m/%Y}"})
