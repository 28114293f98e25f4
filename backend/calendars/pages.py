"""Pages of work calendars. Everybody with an account reads them; the administrator makes and activates versions."""

from datetime import timedelta
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask

from backend import clock
from backend.calendars import calendar_form, day_changes, editing, months, moves, queries, service, texts
from backend.calendars.calendar_form import EditedForm
from backend.calendars.queries import StoredCalendar
from backend.db import SessionDep
from backend.errors import Invalid, TooMany, _
from backend.jobs.broker import hand_to_worker
from backend.jobs.service import find_job
from backend.units import queries as units
from backend.users.guard import allow
from backend.users.policy import Actor, Permission, can
from backend.web.forms import FormView, TypedDep
from backend.web.rendering import choose_language, language_of, redirect_to, remember_language, render_page
from backend.worktime import service as worktime
from backend.worktime.calendar import WorkCalendar, local_time

HOME = "/lich-lam-viec"
ROWS, CHANGES = 50, 60  # tickets and days listed in a preview
REFRESH = 3  # seconds

router = APIRouter()
Reader = Annotated[Actor, Depends(allow(Permission.USE_ACCOUNT))]
Administrator = Annotated[Actor, Depends(allow(Permission.MANAGE_CALENDARS))]


@router.get(HOME)
def show_calendars(request: Request, session: SessionDep, actor: Reader) -> Response:
    """Show all versions, with a mark at those in force."""
    return render_page(
        request,
        "calendars/list.html",
        versions=queries.list_versions(session),
        may_edit=can(actor, Permission.MANAGE_CALENDARS),
        in_force=worktime.active_id(session),
    )


@router.get(HOME + "/{calendar_id}")
def show_calendar(
    request: Request, session: SessionDep, actor: Reader, calendar_id: int, nam: int | None = None
) -> Response:
    """Show one version, one year at a time."""
    version = queries.find_version(session, calendar_id)
    calendar = worktime.load_calendar(session, calendar_id)
    years = [year for year, _announced in calendar.years]
    this_year = local_time(clock.now()).year
    year = next((year for year in (nam, this_year) if year in years), years[-1])
    return render_page(
        request,
        "calendars/version.html",
        version=version,
        calendar=calendar,
        years=years,
        year=year,
        months=months.months_of(calendar, year),
        changes=_changes(session, version, calendar),
        may_edit=can(actor, Permission.MANAGE_CALENDARS),
        words=texts,
        changes_most=CHANGES,
    )


@router.get(HOME + "/{calendar_id}/sua")
def edit_form(request: Request, session: SessionDep, actor: Administrator, calendar_id: int) -> Response:
    """Show the form of a new version, filled from an existing one."""
    version = queries.find_version(session, calendar_id)
    values = editing.texts_of(worktime.load_calendar(session, calendar_id), language_of(request)) | {"basis": ""}
    return _edit(request, session, version, EditedForm(FormView(values)))


@router.post(HOME + "/{calendar_id}/sua")
def edit_calendar(
    request: Request, session: SessionDep, actor: Administrator, form: TypedDep, calendar_id: int
) -> Response:
    """Store a new version; or fill the form from a file and store nothing yet."""
    version = queries.find_version(session, calendar_id)
    try:
        if form.raw("do") == "import":
            return _edit(request, session, version, calendar_form.fill_from_file(form, language_of(request)))
        form_texts = calendar_form.texts_to_save(form)
        scope, basis = form.raw("scope"), form.raw("basis")
        saved = service.save_version(session, scope, form_texts, basis, actor=actor, now=clock.now())
    except (Invalid, TooMany) as refusal:
        return _edit(request, session, version, calendar_form.form_again(form, refusal), refusal.status)
    flash = _("Đã lưu bản mới. Bản này chưa được áp dụng; hãy xem trước rồi áp dụng.")
    return redirect_to(request, f"{HOME}/{saved.id}/xem-truoc", flash=flash)


@router.post(HOME + "/{calendar_id}/sua/xem")
def look_at_edited(
    request: Request, session: SessionDep, actor: Administrator, form: TypedDep, calendar_id: int
) -> Response:
    """Show the form again with everything that was typed, in another language."""
    choose_language(request, form.raw("lang"))
    version = queries.find_version(session, calendar_id)
    return remember_language(request, _edit(request, session, version, calendar_form.form_as_typed(form)))


@router.get(HOME + "/{calendar_id}/xem-truoc")
def show_preview(request: Request, session: SessionDep, actor: Administrator, calendar_id: int) -> Response:
    """Show which open tickets would move, and by how much, if the version were put in force now."""
    version = queries.find_version(session, calendar_id)
    calendar = worktime.load_calendar(session, calendar_id)
    return render_page(
        request,
        "calendars/preview.html",
        version=version,
        changes=_changes(session, version, calendar),
        preview=moves.preview_moves(session, worktime.find_version(session, calendar_id), clock.now(), ROWS),
        seen=worktime.in_force(session).get(version.code, 0),
        words=texts,
        rows_most=ROWS,
        changes_most=CHANGES,
    )


@router.post(HOME + "/{calendar_id}/ap-dung")
def activate_version(
    request: Request, session: SessionDep, actor: Administrator, form: TypedDep, calendar_id: int
) -> Response:
    """Put the version in force, and show the progress of the recount."""
    previewed = form.integer("seen")
    if previewed is None:
        raise Invalid(_("Hãy xem trước các hạn thay đổi rồi mới áp dụng."))
    job = service.activate_version(session, calendar_id, previewed, actor=actor, now=clock.now())
    response = redirect_to(
        request, f"{HOME}/tien-do/{job.id}", flash=_("Đã áp dụng. Hạn của các phản ánh đang mở được tính lại.")
    )
    response.background = BackgroundTask(hand_to_worker, job.kind, job.id)  # after the commit
    return response


@router.get(HOME + "/tien-do/{job_id}")
def show_recount(request: Request, session: SessionDep, actor: Administrator, job_id: int) -> Response:
    """Show the progress of a recount. The page reloads itself while it runs."""
    job = find_job(session, service.RECOUNT, job_id)
    running = job.under_way
    version = queries.find_version(session, int(job.subject))
    silent = running and clock.now() - job.updated_at > timedelta(minutes=1)
    return render_page(
        request, "calendars/progress.html", job=job, version=version, running=running, silent=silent, refresh=REFRESH
    )


def _changes(
    session: Session, version: StoredCalendar, calendar: WorkCalendar
) -> list[tuple[months.CalendarDay, months.CalendarDay]]:
    """Return the days that differ from the calendar in force: one more than the page lists, if there are so many."""
    active = worktime.in_force(session)
    before = active.get(version.code, active.get(worktime.DEFAULT))
    if before is None or before == version.id:
        return []
    return list(islice(months.day_differences(worktime.load_calendar(session, before), calendar), CHANGES + 1))


def _edit(
    request: Request, session: Session, version: StoredCalendar, edited: EditedForm, status: int = 200
) -> Response:
    receiving_units = units.list_receiving(session, local_time(clock.now()).date())
    scopes = [(worktime.DEFAULT, texts.WHOLE_PROVINCE)]
    scopes += [(worktime.UNIT + unit.code, unit.name) for unit in receiving_units]
    return render_page(
        request,
        "calendars/edit.html",
        status,
        enter_at=f"{HOME}/{version.id}/sua",
        keep_at=f"{HOME}/{version.id}/sua/xem",
        form=edited.form,
        version=version,
        notice=edited.notice,
        changes=edited.changes,
        brought=day_changes.write_changes(edited.changes),
        confirmed_days=edited.confirmed_days,
        scopes=scopes,
        scope=version.code if version.code in dict(scopes) else worktime.DEFAULT,
        weekdays=texts.WEEKDAYS,
        words=texts,
    )
