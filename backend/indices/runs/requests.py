"""A run asked for on a page: noted as a job, counted by a worker, found again by its address."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from backend import db
from backend.errors import Conflict, DomainError, NotFound, _
from backend.indicators.filters import DashboardFilters, sees_all
from backend.indices.models import IndexPublication, IndexRun
from backend.indices.runs import service as runs
from backend.jobs import progress
from backend.jobs.progress import Job, WorkStage
from backend.units.models import Unit
from backend.users.models import Role, User
from backend.users.policy import Actor, Permission, PolicySubject, can
from backend.worktime.calendar import ZONE

KIND = "index-run"
UNREACHABLE = _("Chưa giao được việc cho tiến trình nền. Hãy thử lại sau.")
FAILED = _("Không tính được. Hãy báo người quản trị.")
LISTED = 50


@dataclass(frozen=True)
class RunListing:
    """A run as it stands in a list. ``publication`` None: not published. ``publisher``: the account's name."""

    run: IndexRun
    unit: Unit | None
    publication: IndexPublication | None
    publisher: str | None


def begin_run(session: Session, filters: DashboardFilters, seed: int, *, user_id: int | None, now: datetime) -> int:
    """Note that a run is to be made, and return the job's id. Raises Conflict while the same one is under way."""
    subject = json.dumps(
        [filters.unit.id if filters.unit else None, str(filters.first), str(filters.last), seed], separators=(",", ":")
    )
    same = session.scalar(select(Job.id).filter_by(kind=KIND, subject=subject, stage=WorkStage.RUNNING).limit(1))
    if same is not None:
        raise Conflict(_("Lần tính này đang chạy."))
    return progress.start(session, KIND, subject, now=now, user_id=user_id, total=1).id


def run_job(job_id: int, now: datetime) -> None:
    """Count and store the run of a job; a refusal or a failure ends the job with a sentence."""
    try:
        with db.transaction() as session:
            job = progress.find(session, job_id, KIND)
            if job.stage is not WorkStage.RUNNING:
                return
            unit_id, first, last, seed = json.loads(job.subject)
            unit = session.get_one(Unit, unit_id) if unit_id else None
            actor = Actor(Role.MANAGER, key="system")
            today = now.astimezone(ZONE).date()
            asked = runs.prepare_request(
                session, unit, date.fromisoformat(first), date.fromisoformat(last), actor, today
            )
            run_id = runs.make_run(session, asked, unit, seed=seed, now=now, user_id=job.user_id)
            progress.finish(session, job_id, now=now, note=str(run_id))
    except Exception as error:
        with db.transaction() as session:
            progress.stop(session, job_id, now=now, note=str(error) if isinstance(error, DomainError) else FAILED)
        raise


def end_unreachable(session: Session, job_id: int, now: datetime) -> None:
    """The broker does not answer: the job ends, so that it can be asked for again."""
    progress.stop(session, job_id, now=now, note=UNREACHABLE)


def list_jobs(session: Session, since: datetime) -> Sequence[Job]:
    """Runs under way, and those that came to nothing since then."""
    recent = (Job.stage == WorkStage.RUNNING) | ((Job.stage == WorkStage.STOPPED) & (Job.updated_at >= since))
    return session.scalars(select(Job).where(Job.kind == KIND, recent).order_by(Job.id.desc()).limit(LISTED)).all()


def list_runs(session: Session, actor: Actor) -> list[RunListing]:
    """The runs this actor may see, the latest first."""
    statement = _with_publication().order_by(IndexRun.id.desc()).limit(LISTED)
    if not sees_all(actor):
        statement = statement.where(IndexRun.unit_id == actor.unit_id)
    return [RunListing(run, unit, made, who) for run, unit, made, who in session.execute(statement)]


def find_listing(session: Session, run_id: int, actor: Actor) -> RunListing:
    """A run with its publication. Raises NotFound where there is none, or none for this actor."""
    row = session.execute(_with_publication().where(IndexRun.id == run_id)).one_or_none()
    if row is None or not may_see(row[0], actor):
        raise NotFound(_("Không có lần tính này."))
    run, unit, made, who = row
    return RunListing(run, unit, made, who)


def published_of(session: Session, filters: DashboardFilters) -> IndexRun | None:
    """The run last published about exactly this unit and period."""
    unit_id = filters.unit.id if filters.unit else None
    same = {"unit_id": unit_id, "first_day": filters.first, "last_day": filters.last}
    return session.scalar(
        select(IndexRun)
        .join(IndexPublication, IndexPublication.run_id == IndexRun.id)
        .filter_by(**same)
        .order_by(IndexRun.id.desc())
        .limit(1)
    )


def may_see(run: IndexRun, actor: Actor) -> bool:
    """A run about a unit is for who may see its figures, one about the province for who sees all."""
    if run.unit_id is None:
        return sees_all(actor)
    return can(actor, Permission.VIEW_FIGURES, PolicySubject(run.unit_id))


def _with_publication() -> Select[IndexRun, Unit, IndexPublication, str]:
    return (
        select(IndexRun, Unit, IndexPublication, User.name)
        .outerjoin(Unit, Unit.id == IndexRun.unit_id)
        .outerjoin(IndexPublication, IndexPublication.run_id == IndexRun.id)
        .outerjoin(User, User.id == IndexPublication.user_id)
    )
