"""A worker is killed (SIGKILL) in the middle of each kind of long work. Nobody else does the work while its lease
lasts; then the sweep, or a new request, has it done, once; what was reported before is kept."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from backend import clock, db
from backend.calendars import service as calendars
from backend.calendars.tasks import recount_tickets
from backend.errors import Conflict
from backend.indicators.filters import DashboardFilters
from backend.indices.models import IndexRun
from backend.indices.runs import requests
from backend.indices.runs import service as runs
from backend.indices.runs.tasks import run_index as count_index
from backend.jobs import lease as leases
from backend.jobs.models import JobStage, LongJob
from backend.jobs.service import sweep_jobs
from backend.reports import service as reports
from backend.reports.models import ReportFile
from backend.reports.service import ReportSubject
from backend.reports.tasks import make_report as make_report
from backend.settings import ROOT
from backend.surveys.ballot_files import waiting
from backend.surveys.ballot_files.tasks import import_file
from backend.surveys.models import Ballot
from backend.surveys.rounds import service as surveys
from backend.tickets import projection
from backend.tickets.models import Ticket
from backend.users.models import Role
from backend.users.policy import Actor
from backend.worktime import service as worktime
from backend.worktime.models import CalendarVersion
from tests.databases import for_processes
from tests.factories import World
from tests.waiting import wait_until, wait_until_somebody_is_blocked

pytestmark = pytest.mark.processes

ABOUT = ReportSubject("lai-chau", 2023, 2022)
MARCH = (date(2026, 3, 1), date(2026, 3, 31))
BALLOTS = """so_phieu,mau_phieu,don_vi,tang,cum,trong_so,ngay,nhom_tuoi,gioi_tinh,dan_toc,q37,q38,q39
S-1,feedback-1,03388,T1,01,1,05/11/2026,25-34,nam,kinh,4,5,3
S-2,feedback-1,03388,T1,01,1,05/11/2026,25-34,nữ,kinh,4,4,3
"""
PATIENCE = 120.0  # seconds
QUICKLY_DRAWN = "from backend.reports import service; service.pictures = lambda blocks: []"


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    monkeypatch.setenv("LANGNGHE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(reports, "pictures", lambda _blocks: [])  # charts are tested elsewhere
    with for_processes("jobs", monkeypatch) as url:
        yield url


@dataclass(frozen=True)
class LongWork:
    """One kind of long work. ``ask`` returns the job's id; ``block`` holds something back so that the work stands still
    in the middle; ``results`` counts what the work stores; ``repeatable``: a person may ask for the same again."""

    ask: Callable[[Session, datetime], int]
    task: Callable[[int], None]
    module: str
    function: str
    block: str
    results: Callable[[Session], int]
    expected: int
    repeatable: bool


def ask_report(session: Session, now: datetime) -> int:
    return reports.begin_report(session, ABOUT, user_id=None, now=now)


def ask_index(session: Session, now: datetime) -> int:
    return requests.begin_run(session, DashboardFilters(None, *MARCH, None, chosen=True), 7, user_id=None, now=now)


def ask_import(session: Session, now: datetime) -> int:
    plan = surveys.RoundPlan(
        "thu", "Thử", "feedback-1", "12", 2026, date(2026, 11, 1), date(2026, 12, 31), planned_n=60
    )
    surveys.open_round(session, plan, by="system", now=now)
    return waiting.begin_import(session, "thu", BALLOTS.encode(), "phieu.csv", None, now).id


def ask_recount(session: Session, now: datetime) -> int:
    for n in range(3):
        World(session).receive(now, email=f"nguoi{n}@example.vn")
    held = session.get_one(CalendarVersion, worktime.active_id(session))
    fresh = CalendarVersion(code="vn", version=99, document=held.document, basis="Thử", created_at=now)
    session.add(fresh)
    session.flush()
    return calendars.activate_version(
        session, fresh.id, held.id, actor=Actor(Role.ADMINISTRATOR, key="system"), now=now
    ).id


def count_rows(model: type[db.Base]) -> Callable[[Session], int]:
    return lambda session: session.scalar(select(func.count()).select_from(model)) or 0


def count_recounted(session: Session) -> int:
    assert list(projection.check_all(session)) == []
    versions = session.scalars(select(CalendarVersion.id).where(CalendarVersion.version == 99))
    return session.scalar(select(func.count()).where(Ticket.calendar_id.in_(versions.all()))) or 0


KINDS = {
    "report": LongWork(
        ask_report, make_report, "backend.reports.tasks", "make_report", "LOCK TABLE report_files IN EXCLUSIVE MODE",
        count_rows(ReportFile), 2, repeatable=True,
    ),
    "index run": LongWork(
        ask_index, count_index, "backend.indices.runs.tasks", "run_index", "LOCK TABLE index_values IN EXCLUSIVE MODE",
        count_rows(IndexRun), 1, repeatable=True,
    ),
    "import": LongWork(
        ask_import, import_file, "backend.surveys.ballot_files.tasks", "import_file",
        "LOCK TABLE survey_batches IN EXCLUSIVE MODE",
        count_rows(Ballot), 2, repeatable=False,
    ),
    "recount": LongWork(
        ask_recount, recount_tickets, "backend.calendars.tasks", "recount_tickets",
        "SELECT id FROM tickets WHERE id = (SELECT max(id) FROM tickets) FOR UPDATE", count_recounted, 3,
        repeatable=False,
    ),
}  # fmt: skip


def killed_in_the_middle(work: LongWork, job_id: int, url: str, tmp_path: Path) -> None:
    """A worker takes the job up, stands still in the middle, and is killed there."""
    with create_engine(url, poolclass=NullPool).connect() as blocker:
        blocker.execute(text(work.block))
        program = f"{QUICKLY_DRAWN}; from {work.module} import {work.function} as task; task({job_id})"
        environment = os.environ | {"LANGNGHE_DATABASE_URL": url, "LANGNGHE_DATA_DIR": str(tmp_path)}
        with subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=ROOT) as worker:
            try:
                wait_until_somebody_is_blocked(blocker, worker, PATIENCE)
            finally:
                worker.send_signal(signal.SIGKILL)
        blocker.rollback()


def job_of(job_id: int) -> LongJob:
    with db.transaction() as session:
        return session.get_one(LongJob, job_id)


def lease_runs_out(job_id: int) -> None:
    with db.transaction() as session:
        session.get_one(LongJob, job_id).next_at = clock.now() - timedelta(seconds=1)


def sweep_once(work: LongWork) -> list[int]:
    return sweep_jobs(clock.now(), lambda kind, job_id: work.task(job_id))


@pytest.mark.parametrize("kind", KINDS)
def test_work_of_a_killed_worker_is_done_by_the_next_one_and_once(kind: str, url: str, tmp_path: Path) -> None:
    work = KINDS[kind]
    with db.transaction() as session:
        job_id = work.ask(session, clock.now())
    killed_in_the_middle(work, job_id, url, tmp_path)
    left = job_of(job_id)
    assert (left.stage, left.attempts) == (JobStage.RUNNING, 1)
    assert sweep_once(work) == []
    work.task(job_id)  # the broker delivers it again while the lease lasts: nobody does it twice at once
    assert (job_of(job_id).stage, job_of(job_id).attempts) == (JobStage.RUNNING, 1)
    lease_runs_out(job_id)
    assert sweep_once(work) == [job_id]
    ended = job_of(job_id)
    assert (ended.stage, ended.attempts, ended.done) == (JobStage.DONE, 2, ended.total)
    work.task(job_id)
    with db.transaction() as session:
        assert work.results(session) >= work.expected if kind == "report" else work.results(session) == work.expected
        assert job_of(job_id).attempts == 2
    if kind == "recount":
        assert left.done == 2, "what was counted before the kill was reported"
        assert ended.total == 3, "and is not counted again"


@pytest.mark.parametrize("kind", [kind for kind, work in KINDS.items() if work.repeatable])
def test_a_new_request_has_lost_work_done_again(kind: str, url: str, tmp_path: Path) -> None:
    work = KINDS[kind]
    with db.transaction() as session:
        job_id = work.ask(session, clock.now())
    killed_in_the_middle(work, job_id, url, tmp_path)
    with pytest.raises(Conflict), db.transaction() as session:
        work.ask(session, clock.now())
    lease_runs_out(job_id)
    with db.transaction() as session:
        assert work.ask(session, clock.now()) == job_id
    work.task(job_id)
    assert job_of(job_id).stage is JobStage.DONE


def test_a_worker_that_lost_its_lease_stores_nothing(url: str) -> None:
    """It was only slow: its work went to another worker, which has finished when the first one comes to its end."""
    with db.transaction() as session:
        job_id = ask_index(session, clock.now())
    real = runs.make_run
    seen: list[int] = []

    def slow(*given: object, **named: object) -> int:
        if not seen:
            seen.append(job_id)
            lease_runs_out(job_id)
            assert sweep_once(KINDS["index run"]) == [job_id]
        return real(*given, **named)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "make_run", slow)
        count_index(job_id)
    with db.transaction() as session:
        assert session.scalars(select(IndexRun.id)).all() == [int(job_of(job_id).note)]
    assert job_of(job_id).attempts == 2


def test_work_that_kills_every_worker_is_given_up_and_said_so(url: str) -> None:
    with db.transaction() as session:
        job_id = ask_index(session, clock.now())
    for _attempt in range(3):
        with db.transaction() as session:
            assert leases.take_lease(session, requests.INDEX_RUN, job_id, clock.now())
        lease_runs_out(job_id)
        sweep_jobs(clock.now(), lambda kind, job_id: None)
    assert job_of(job_id).stage is JobStage.STOPPED and "Hãy thử lại" in job_of(job_id).note
    with db.transaction() as session:
        assert ask_index(session, clock.now()) != job_id, "and can be asked for again"


def test_a_living_worker_keeps_its_lease(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that reports nothing for longer than a lease lasts."""
    monkeypatch.setattr(leases, "RENEWED_EVERY", timedelta(seconds=0.05))
    with db.transaction() as session:
        job_id = ask_index(session, clock.now())
    real = runs.make_run

    def slow(*given: object, **named: object) -> int:
        lease_runs_out(job_id)
        wait_until(lambda: job_of(job_id).is_cared_for(clock.now()), PATIENCE)
        return real(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "make_run", slow)
    count_index(job_id)
    assert (job_of(job_id).stage, job_of(job_id).attempts) == (JobStage.DONE, 1)


def test_two_requests_at_once_are_one_job(url: str) -> None:
    with db.transaction() as first:
        job_id = ask_index(first, clock.now())
        first.flush()
        with create_engine(url, poolclass=NullPool).connect() as other:
            other.execute(text("SET lock_timeout = '200ms'"))
            with pytest.raises(Exception, match="lock timeout"):
                ask_index(Session(other), clock.now())
    with pytest.raises(Conflict), db.transaction() as second:
        ask_index(second, clock.now())
    assert job_of(job_id).stage is JobStage.ASKED
