"""Reports: write their files, store them, and keep the author's own texts. The command, the page and the task ask
here."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, defer

from backend import db
from backend.documents import places
from backend.errors import Invalid, NotFound, _
from backend.indices.models import FigureKind, PublishedFigure
from backend.jobs import lease as leases
from backend.jobs.lease import JobLease
from backend.jobs.models import LongJob
from backend.jobs.service import JobKind, ask_job, find_latest_job
from backend.reports import docx, figures, xlsx
from backend.reports.blocks import pictures
from backend.reports.content.context import gather_context
from backend.reports.content.facts import reporting_units
from backend.reports.content.outline import ReportOutline as Composed
from backend.reports.content.outline import compose_report, default_texts
from backend.reports.models import ReportFile, ReportText, StoredReport
from backend.worktime.calendar import local_time

STEPS = 4  # figures read, document, workbook, charts
DOCX, XLSX = "bao-cao-sipas.docx", "bang-so-lieu.xlsx"
MEDIA = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "svg": "image/svg+xml",
    "png": "image/png",
}
FAILED = _("Có lỗi khi lập báo cáo. Hãy thử lại; nếu vẫn lỗi, hãy báo người quản trị.")
REPORT = JobKind("reports.make", busy=_("Báo cáo này đang được lập. Hãy đợi xong rồi lập lại."), failed=FAILED)
Step = Callable[[int], None]


@dataclass(frozen=True)
class ReportSubject:
    """The subject of a report: the unit, the year, and the year with which it is compared."""

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
    """A written report: its parts, and its files by name. ``inputs_hash``: SHA-256 of all its values and texts."""

    report: Composed
    files: Mapping[str, bytes]
    inputs_hash: bytes


def list_choices(session: Session) -> dict[str, list[int]]:
    """Return the units that can have a report, with the years of their published figures, the latest first."""
    rows = session.execute(
        select(PublishedFigure.geography, PublishedFigure.year)
        .where(PublishedFigure.kind == FigureKind.SATISFACTION, PublishedFigure.geography.in_(reporting_units()))
        .distinct()
    )
    years_of: dict[str, list[int]] = {code: [] for code in reporting_units()}
    for geography, year in rows:
        years_of[geography].append(year)
    return {code: sorted(years, reverse=True) for code, years in years_of.items()}


def check_subject(session: Session, about: ReportSubject) -> None:
    """Raise NotFound or Invalid where there can be no such report."""
    years = list_choices(session).get(about.geography)
    if years is None:
        raise NotFound(_("Chưa có mẫu báo cáo cho đơn vị này."))
    if about.year not in years or about.against not in years:
        raise Invalid(_("Chưa có số liệu công bố của đơn vị này cho một trong hai năm."), field="nam")
    if about.against >= about.year:
        raise Invalid(_("Năm so sánh phải trước năm báo cáo."), field="so-voi")


def read_texts(session: Session, about: ReportSubject) -> dict[str, str]:
    """Return the author's own texts, by place."""
    rows = session.execute(
        select(ReportText.place, ReportText.text)
        .join(StoredReport, StoredReport.id == ReportText.report_id)
        .filter_by(geography=about.geography, year=about.year, against=about.against)
    )
    return {row.place: row.text for row in rows}


def save_texts(
    session: Session, about: ReportSubject, written: Mapping[str, str], *, user_id: int | None, now: datetime
) -> None:
    """Store the author's texts of these places. An empty text restores the hint of its place. Other places stay."""
    report_id = _ensure(session, about)
    for place, text in written.items():
        if place not in places.KEYS:
            raise Invalid(_("Báo cáo không có chỗ nào như vậy."), field=place)
        values = {"text": places.clean_place(place, text), "user_id": user_id, "updated_at": now}
        statement = insert(ReportText).values(report_id=report_id, place=place, **values)
        session.execute(statement.on_conflict_do_update(index_elements=["report_id", "place"], set_=values))


def keep_texts(
    session: Session,
    about: ReportSubject,
    document: bytes,
    *,
    user_id: int | None,
    now: datetime,
    read_places: Callable[[bytes], dict[str, str]] = places.read_back,
) -> list[str]:
    """Read the places of a report that was edited by hand, store them, and return their keys. Texts that the report
    filled in by itself and that nobody changed are not the author's, so they are not stored."""
    unchanged = default_texts(
        gather_context(session, about.geography, about.year, about.against, local_time(now).date())
    )
    changed = {
        key: text for key, text in read_places(document).items() if _words(unchanged.get(key, "")) != _words(text)
    }
    save_texts(session, about, changed, user_id=user_id, now=now)
    return sorted(changed)


def make(session: Session, about: ReportSubject, now: datetime, step: Step = lambda _number: None) -> WrittenReport:
    """Write all files of a report from stored values. ``step`` is called with 1, 2 ... after each of the ``STEPS``."""
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


def store_files(session: Session, about: ReportSubject, written: WrittenReport, now: datetime) -> None:
    """Store the files of a report in place of the earlier ones."""
    report = session.get_one(StoredReport, _ensure(session, about), with_for_update=True)
    for old in session.scalars(select(ReportFile).filter_by(report_id=report.id)).all():
        session.delete(old)
    session.flush()
    for name, content in written.files.items():
        media_type = MEDIA[name.rpartition(".")[2]]
        session.add(ReportFile(report_id=report.id, name=name, media_type=media_type, content=content))
    report.made_at, report.inputs_hash = now, written.inputs_hash
    session.flush()


def begin_report(session: Session, about: ReportSubject, *, user_id: int | None, now: datetime) -> int:
    """Store a job for the report and return its id. Raises Conflict while a worker is writing it."""
    check_subject(session, about)
    return ask_job(session, REPORT, about.subject, now=now, user_id=user_id, total=STEPS).id


def run_job(job_id: int, clock: Callable[[], datetime]) -> None:
    """Write the report of a job and report progress."""

    def work(lease: JobLease) -> None:
        about = ReportSubject.of_subject(lease.subject)
        with db.transaction() as session:
            written = make(session, about, clock(), lambda number: leases.report_progress(lease, number, clock))
        with db.transaction() as session:
            store_files(session, about, written, clock())
            leases.finish_job(session, lease, now=clock())

    leases.run_job(REPORT, job_id, clock, work)


def latest_job(session: Session, about: ReportSubject) -> LongJob | None:
    """Return the latest job about this report."""
    return find_latest_job(session, REPORT, about.subject)


def find_report(session: Session, about: ReportSubject) -> tuple[StoredReport | None, list[ReportFile]]:
    """Return the stored report and its files, without their contents; none and no files before the first one."""
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
    """Return content and media type of a file. Raises NotFound."""
    file = session.execute(
        select(ReportFile.content, ReportFile.media_type)
        .join(StoredReport, StoredReport.id == ReportFile.report_id)
        .where(
            StoredReport.geography == about.geography,
            StoredReport.year == about.year,
            StoredReport.against == about.against,
        )
        .where(ReportFile.name == name)
    ).one_or_none()
    if file is None:
        raise NotFound
    return file.content, file.media_type


def _ensure(session: Session, about: ReportSubject) -> int:
    """Return the id of the report's row; insert the row where there is none."""
    key = {"geography": about.geography, "year": about.year, "against": about.against}
    session.execute(insert(StoredReport).values(key).on_conflict_do_nothing(index_elements=list(key)))
    return session.scalars(select(StoredReport.id).filter_by(**key)).one()


def _hash(report: Composed) -> bytes:
    """Return the SHA-256 of the parts of the report and the author's texts."""
    text = json.dumps([repr(report.blocks), dict(report.texts)], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).digest()


def _words(text: str) -> str:
    return " ".join(text.split())
