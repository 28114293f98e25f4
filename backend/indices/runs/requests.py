"""Index runs that a page requests: a job for the worker, and the lists of runs that the pages show."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from backend import db
from backend.errors import NotFound, _
from backend.indicators.filters import DashboardFilters, sees_all
from backend.indices.models import IndexPublication, IndexRun
from backend.indices.runs import service as runs
from backend.jobs import lease as leases
from backend.jobs.lease import JobLease
from backend.jobs.models import UNDER_WAY, JobStage, LongJob
from backend.jobs.service import JobKind, ask_job
from backend.units.models import Unit
from backend.users.models import Role, User
from backend.users.policy import Actor, Permission, PolicySubject, can
from backend.worktime.calendar import ZONE

INDEX_RUN = JobKind(
    "indices.run", busy=_("Lần tính này đang chạy."), failed=_("Không tính được. Hãy báo người quản trị.")
)
LISTED = 50


@dataclass(frozen=True)
class RunListing:
    """A run as a list shows it. ``publication``: none where the run is not published. ``publisher``: the name of the
    account that published it."""

    run: IndexRun
    unit: Unit | None
    publication: IndexPublication | None
    publisher: str | None


def begin_run(session: Session, filters: DashboardFilters, seed: int, *, user_id: int | None, now: datetime) -> int:
    """Store a job for a run and return its id. A lost job about the same run is started again. Raises Conflict while a
    worker is computing the same run."""
    subject = json.dumps(
        [filters.unit.id if filters.unit else None, str(filters.first), str(filters.last), seed], separators=(",", ":")
    )
    return ask_job(session, INDEX_RUN, subject, now=now, user_id=user_id, total=1).id


def run_job(job_id: int, clock: Callable[[], datetime]) -> None:
    """Compute and store the run of a job. When the job is done, its note is the id of the run."""

    def work(lease: JobLease) -> None:
        now = clock()
        unit_id, first, last, seed = json.loads(lease.subject)
        with db.transaction() as session:
            unit = session.get_one(Unit, unit_id) if unit_id else None
            actor = Actor(Role.MANAGER, key="system")
            today = now.astimezone(ZONE).date()
            run_request = runs.prepare_request(
                session, unit, date.fromisoformat(first), date.fromisoformat(last), actor, today
            )
            run_id = runs.make_run(session, run_request, unit, seed=seed, now=now, user_id=lease.user_id)
            leases.finish_job(session, lease, now=clock(), note=str(run_id))

    leases.run_job(INDEX_RUN, job_id, clock, work)


def list_jobs(session: Session, since: datetime) -> Sequence[LongJob]:
    """Return the runs under way, and those stopped since then."""
    recent = LongJob.stage.in_(UNDER_WAY) | ((LongJob.stage == JobStage.STOPPED) & (LongJob.updated_at >= since))
    statement = select(LongJob).where(LongJob.kind == INDEX_RUN.name, recent)
    return session.scalars(statement.order_by(LongJob.id.desc()).limit(LISTED)).all()


def list_runs(session: Session, actor: Actor) -> list[RunListing]:
    """Return the runs that this actor may see, the latest first."""
    statement = _with_publication().order_by(IndexRun.id.desc()).limit(LISTED)
    if not sees_all(actor):
        statement = statement.where(IndexRun.unit_id == actor.unit_id)
    return [RunListing(*row) for row in session.execute(statement).tuples()]


def find_listing(session: Session, run_id: int, actor: Actor) -> RunListing:
    """Return a run with its publication. Raises NotFound where there is none, or where this actor may not see it."""
    row = session.execute(_with_publication().where(IndexRun.id == run_id)).tuples().one_or_none()
    listing = RunListing(*row) if row is not None else None
    if listing is None or not may_see(listing.run, actor):
        raise NotFound(_("Không có lần tính này."))
    return listing


def published_of(session: Session, filters: DashboardFilters) -> IndexRun | None:
    """Return the latest published run about exactly this unit and period; none without."""
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
    """Return whether an actor may see a run: of a unit, where the actor may see its figures; of the province, where the
    actor sees all units."""
    if run.unit_id is None:
        return sees_all(actor)
    return can(actor, Permission.VIEW_FIGURES, PolicySubject(run.unit_id))


def _with_publication() -> Select[IndexRun, Unit, IndexPublication, str]:
    """Select runs with the columns of `RunListing`, in its order."""
    return (
        select(IndexRun, Unit, IndexPublication, User.name)
        .outerjoin(Unit, Unit.id == IndexRun.unit_id)
        .outerjoin(IndexPublication, IndexPublication.run_id == IndexRun.id)
        .outerjoin(User, User.id == IndexPublication.user_id)
    )
