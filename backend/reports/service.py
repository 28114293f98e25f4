"""Reports made, kept and edited: what the command, the page and the task do alike."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, defer

from backend import db
from backend.documents import places
from backend.errors import Conflict, DomainError, Invalid, NotFound, _
from backend.indices.models import FigureKind, PublishedFigure
from backend.jobs import progress
from backend.jobs.progress import Job, WorkStage
from backend.reports import docx, figures, xlsx
from backend.reports.blocks import pictures
from backend.reports.content.context import gather_context
from backend.reports.content.facts import reporting_units
from backend.reports.content.outline import ReportOutline as Composed
from backend.reports.content.outline import compose_report, default_texts
from backend.reports.models import ReportFile, ReportText, StoredReport
from backend.worktime.calendar import local_time

KIND = "report.sipas"
# Work that has not moved for so long died with its worker; the longest task is shorter (worker.task_time_limit).
SILENT = timedelta(minutes=15)
STEPS = 4  # figures read, document, workbook, charts
DOCX, XLSX = "bao-cao-sipas.docx", "bang-so-lieu.xlsx"
MEDIA = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "svg": "image/svg+xml",
    "png": "image/png",
}
FAILED = _("Có lỗi khi lập báo cáo. Hãy thử lại; nếu vẫn lỗi, hãy báo người quản trị.")
Step = Callable[[int], None]


@dataclass(frozen=True)
class ReportSubject:
    """Which report: unit, year, year compared with."""

    geography: str
    year: int
    against: int

    @property
    def subject(self) -> str:
        return f"{self.geography}:{self.year}:{self.against}"

    @classmethod
    def of_subject(cls, subject: str) -> "ReportSubject":
        geography, year, against = subject.split(":")
        return cls(geography, int(year), int(against))


@dataclass(frozen=True)
class WrittenReport:
    """A report written: its parts, and its files by name."""

    report: Composed
    files: Mapping[str, bytes]
    inputs_hash: bytes


def list_choices(session: Session) -> dict[str, list[int]]:
    """Units that have a report, with the years of their published figures, latest first."""
    rows = session.execute(
        select(PublishedFigure.geography, PublishedFigure.year)
        .where(PublishedFigure.kind == FigureKind.SATISFACTION, PublishedFigure.geography.in_(reporting_units()))
        .distinct()
    )
    found: dict[str, list[int]] = {code: [] for code in reporting_units()}
    for geography, year in rows:
        found[geography].append(year)
    return {code: sorted(years, reverse=True) for code, years in found.items()}


def check_subject(session: Session, about: ReportSubject) -> None:
    """Raises NotFound or Invalid where there can be no such report."""
    years = list_choices(session).get(about.geography)
    if years is None:
        raise NotFound(_("Chưa có mẫu báo cáo cho đơn vị này."))
    if about.year not in years or about.against not in years:
        raise Invalid(_("Chưa có số liệu công bố của đơn vị này cho một trong hai năm."), field="nam")
    if about.against >= about.year:
        raise Invalid(_("Năm so sánh phải trước năm báo cáo."), field="so-voi")


def read_texts(session: Session, about: ReportSubject) -> dict[str, str]:
    """The author's own texts, by place."""
    rows = session.execute(
        select(ReportText.place, ReportText.text)
        .join(StoredReport, StoredReport.id == ReportText.report_id)
        .filter_by(geography=about.geography, year=about.year, against=about.against)
    )
    return {row.place: row.text for row in rows}


def save_texts(
    session: Session, about: ReportSubject, written: Mapping[str, str], *, user_id: int | None, now: datetime
) -> None:
    """Keep what the author wrote in these places; an empty text gives the place back its hint. Others stay."""
    report_id = _ensure(session, about)
    for place, text in written.items():
        if place not in places.KEYS:
            raise Invalid(_("Báo cáo không có chỗ nào như vậy."), field=place)
        values = {"text": places.clean_place(place, text), "user_id": user_id, "updated_at": now}
        statement = insert(ReportText).values(report_id=report_id, place=place, **values)
        session.execute(statement.on_conflict_do_update(index_elements=["report_id", "place"], set_=values))


def keep_texts(
    session: Session, about: ReportSubject, document: bytes, *, user_id: int | None, now: datetime
) -> list[str]:
    """Read the places of a report that was edited by hand, keep them, and return their keys. What a report fills in by
    itself and nobody changed is not the author's."""
    unchanged = default_texts(
        gather_context(session, about.geography, about.year, about.against, local_time(now).date())
    )
    found = {
        key: text for key, text in places.read_back(document).items() if _words(unchanged.get(key, "")) != _words(text)
    }
    save_texts(session, about, found, user_id=user_id, now=now)
    return sorted(found)


def make(session: Session, about: ReportSubject, now: datetime, step: Step = lambda done: None) -> WrittenReport:
    """Write all files of a report from stored values; ``step`` is told after each of the ``STEPS``."""
    context = gather_context(session, about.geography, about.year, about.against, local_time(now).date())
    own = {place: text for place, text in read_texts(session, about).items() if text}
    report = compose_report(context, own)
    step(1)
    files = {DOCX: docx.write_docx(report)}
    step(2)
    files[XLSX] = xlsx.write_xlsx(report)
    step(3)
    for number, picture in enumerate(pictures(report.blocks), start=1):
        name = f"hinh-{number}-{picture.key.replace('.', '-')}"
        files[f"{name}.svg"] = figures.draw_svg(picture)
        files[f"{name}.png"] = figures.draw_png(picture, titled=True)
    step(4)
    return WrittenReport(report, files, _hash(report))


def store_files(session: Session, about: ReportSubject, made: WrittenReport, now: datetime) -> None:
    """Keep the files in place of the last ones."""
    report = session.get_one(StoredReport, _ensure(session, about), with_for_update=True)
    for old in session.scalars(select(ReportFile).filter_by(report_id=report.id)).all():
        session.delete(old)
    session.flush()
    for name, content in made.files.items():
        media_type = MEDIA[name.rpartition(".")[2]]
        session.add(ReportFile(report_id=report.id, name=name, media_type=media_type, content=content))
    report.made_at, report.inputs_hash = now, made.inputs_hash
    session.flush()


def begin_report(session: Session, about: ReportSubject, *, user_id: int | None, now: datetime) -> int:
    """Note that the report is to be made, and return the job's id. Raises Conflict while somebody is at it."""
    check_subject(session, about)
    session.get_one(StoredReport, _ensure(session, about), with_for_update=True)
    running = latest_job(session, about)
    if running is not None and at_work(running, now):
        raise Conflict(_("Báo cáo này đang được lập. Hãy đợi xong rồi lập lại."))
    if running is not None and running.stage is WorkStage.RUNNING:
        progress.stop(session, running.id, now=now, note=FAILED)
    return progress.start(session, KIND, about.subject, now=now, user_id=user_id, total=STEPS).id


def run_job(job_id: int, clock: Callable[[], datetime]) -> None:
    """Make the report of a job, telling how far it is. A job that has ended is left alone: a task may come twice."""
    with db.transaction() as session:
        job = progress.find(session, job_id, KIND)
        about, ended = ReportSubject.of_subject(job.subject), job.stage is not WorkStage.RUNNING
    if ended:
        return
    try:
        with db.transaction() as session:
            made = make(session, about, clock(), lambda done: _advance(job_id, done, clock()))
        with db.transaction() as session:
            store_files(session, about, made, clock())
            progress.finish(session, job_id, now=clock())
    except Exception as error:
        note = error.message if isinstance(error, DomainError) and not error.params else FAILED
        with db.transaction() as session:
            progress.stop(session, job_id, now=clock(), note=note)
        raise


def end_unreachable(session: Session, job_id: int, now: datetime) -> None:
    """Nobody could be asked to make it."""
    progress.stop(session, job_id, now=now, note=_("Chưa gọi được bộ phận lập báo cáo. Hãy thử lại sau ít phút."))


def latest_job(session: Session, about: ReportSubject) -> Job | None:
    """The last time that this report was to be made."""
    return session.scalar(
        select(Job).where(Job.kind == KIND, Job.subject == about.subject).order_by(Job.id.desc()).limit(1)
    )


def at_work(job: Job, now: datetime) -> bool:
    """Whether somebody is at it: running, and not silent for too long."""
    return job.stage is WorkStage.RUNNING and now - job.updated_at < SILENT


def find_report(session: Session, about: ReportSubject) -> tuple[StoredReport | None, list[ReportFile]]:
    """The report as last made and its files, without their contents."""
    report = session.scalar(
        select(StoredReport).filter_by(geography=about.geography, year=about.year, against=about.against)
    )
    if report is None:
        return None, []
    files = session.scalars(
        select(ReportFile).filter_by(report_id=report.id).order_by(ReportFile.name).options(defer(ReportFile.content))
    )
    return report, list(files)


def find_file(session: Session, about: ReportSubject, name: str) -> tuple[bytes, str]:
    """A file's content and media type. Raises NotFound."""
    found = session.execute(
        select(ReportFile.content, ReportFile.media_type)
        .join(StoredReport, StoredReport.id == ReportFile.report_id)
        .where(
            StoredReport.geography == about.geography,
            StoredReport.year == about.year,
            StoredReport.against == about.against,
        )
        .where(ReportFile.name == name)
    ).one_or_none()
    if found is None:
        raise NotFound
    return found[0], found[1]


def _advance(job_id: int, done: int, now: datetime) -> None:
    """In a transaction of its own, so that the page sees it while the work goes on."""
    with db.transaction() as session:
        progress.advance(session, job_id, done, now=now)


def _ensure(session: Session, about: ReportSubject) -> int:
    key = {"geography": about.geography, "year": about.year, "against": about.against}
    session.execute(insert(StoredReport).values(key).on_conflict_do_nothing(index_elements=list(key)))
    return session.scalars(select(StoredReport.id).filter_by(**key)).one()


def _hash(report: Composed) -> bytes:
    """Of everything that is said: the parts of the report and the author's texts."""
    text = json.dumps([repr(report.blocks), dict(report.texts)], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).digest()


def _words(text: str) -> str:
    return " ".join(text.split())
