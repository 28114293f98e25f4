"""New versions of instruments and new methods from TOML: read, check, compare and publish them.

The pages and the commands of instruments and methods ask here. A published document never changes.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.methods import METHODS, BilingualText, IndexMethod, MethodError, parse_method
from backend import audit
from backend.errors import Conflict, Invalid, NotFound, _
from backend.jobs.guarded import limits_for, run_guarded
from backend.surveys.ballot_files.layout import HELD_COLUMNS, PARTICULARS
from backend.surveys.forms import instruments
from backend.surveys.forms.documents import check_length, days_in, line_of, read_toml
from backend.surveys.forms.instruments import SHIPPED, Instrument, InstrumentError
from backend.surveys.models import InstrumentVersion, MethodVersion
from backend.surveys.rounds import queries, service
from backend.surveys.rounds.service import CODE

MOST_FAULTS = 100


@dataclass(frozen=True)
class SurveyDocument:
    """A document that passed all checks: of an instrument or of a method."""

    raw: Mapping[str, Any]
    subject: Instrument | IndexMethod

    @property
    def key(self) -> str:
        return self.subject.key if isinstance(self.subject, Instrument) else self.subject.code

    @property
    def name(self) -> BilingualText:
        return self.subject.name


def read_document(text: str) -> SurveyDocument:
    """Read and check TOML. Raises Invalid with every fault: line, path and what is wrong."""
    raw = read_toml(text)
    for path in days_in(raw):
        sentence = _("%(path)s: giá trị phải thuộc kiểu %(kind)s của TOML.")
        raise _with_line(text, Invalid(sentence, path=path, kind="string"))
    try:
        return check_document(raw)
    except InstrumentError as error:
        # Finding the lines of thousands of faults would take long, and nobody reads so many.
        faults = tuple(_with_line(text, fault) for fault in error.faults[:MOST_FAULTS])
        raise Invalid(_("Mẫu phiếu chưa đúng."), field="toml", errors=faults) from None


def read_guarded(text: str) -> SurveyDocument:
    """Do the same in a child process with limits on time and memory: web processes read typed documents this way."""
    check_length(text)
    return run_guarded(read_document, text, limits=limits_for(len(text)), field="toml")


def check_document(raw: Mapping[str, Any]) -> SurveyDocument:
    """Return the instrument or the method of a document. Raises InstrumentError, Invalid."""
    is_method = "question" not in raw and ("aggregation" in raw or "tree" in raw)
    return SurveyDocument(raw, _method(raw) if is_method else instruments.parse_instrument(raw))


def publish_document(session: Session, document: SurveyDocument, *, by: str, now: datetime) -> bool:
    """Publish a document for good. False where the same document was published before. Raises Invalid, Conflict."""
    if isinstance(document.subject, Instrument):
        Invalid.collect(list(_unfit(session, document.subject)))
        before = session.scalar(select(InstrumentVersion.id).where(_same_version(document.subject)))
        stored = service.publish_instrument(session, document.subject, now).id
        chain = f"instrument:{stored}" if stored != before else None
    else:
        chain = _publish_method(session, document.subject, document.raw, now)
    if chain:
        mark = instruments.checksum_of(document.raw)
        audit.record(session, chain, "published", actor=by, now=now, data={"sha256": mark}, first=True)
    return chain is not None


def published_document(session: Session, key: str) -> Mapping[str, Any]:
    """Return the document of an instrument or a method by its key. Raises NotFound."""
    if (raw := shipped_document(key)) is not None:
        return raw
    code, _dash, version = key.rpartition("-")
    for statement in (
        select(InstrumentVersion.document).filter_by(code=code, version=version),
        select(MethodVersion.document).filter_by(code=key),
    ):
        document: Mapping[str, Any] | None = session.scalars(statement).one_or_none()
        if document is not None:
            return document
    raise NotFound(_("Không có mẫu phiếu hay phương pháp này."))


def shipped_document(key: str) -> Mapping[str, Any] | None:
    """Return the document of an instrument or a method of the package, without a database; none for another key."""
    if key in SHIPPED:
        return instruments.shipped_instrument(key).document
    if key in METHODS:
        return tomllib.loads((files("analytics") / PurePath("data", f"{key}.toml").as_posix()).read_text("utf-8"))
    return None


def latest_before(session: Session, document: SurveyDocument) -> str | None:
    """Return the key of the document with which a new one is compared: the newest other version of the same instrument,
    or the method of the same or the years before; none where there is no such document."""
    if isinstance(document.subject, Instrument):
        code = document.subject.code
        versions = [version for version in queries.list_versions(session) if version.code == code]
        keys = [f"{version.code}-{version.version}" for version in versions]
    else:
        first_year = document.subject.first_year
        methods = sorted(queries.list_methods(session), key=lambda method: -method.first_year)
        keys = [method.code for method in methods if method.first_year <= first_year]
    return next((key for key in keys if key != document.key), None)


def _same_version(instrument: Instrument) -> Any:
    return (InstrumentVersion.code == instrument.code) & (InstrumentVersion.version == instrument.version)


def _with_line(text: str, fault: Invalid) -> Invalid:
    """Return the fault with its line before the path (12: question[1].code), as compilers do. The line becomes part of
    a parameter, so the sentence stays one message for translation."""
    path = str(fault.params["path"])
    line = line_of(text, path)
    place = f"{line}: {path}" if line else path
    return Invalid(fault.message, field="toml", errors=(), **{**fault.params, "path": place})


def _method(raw: Mapping[str, Any]) -> IndexMethod:
    try:
        method = parse_method(raw)
    except (MethodError, TypeError, AttributeError, OverflowError) as error:
        sentence = _("Phương pháp chưa đúng: %(why)s.")
        raise Invalid(sentence, field="toml", why=str(error)) from None
    if not (isinstance(raw["code"], str) and CODE.fullmatch(raw["code"])):
        raise Invalid(_("Mã phương pháp có chữ thường không dấu, số và gạch nối, 3 đến 40 ký tự."), field="toml")
    return method


def _unfit(session: Session, instrument: Instrument) -> Iterator[Invalid]:
    """Yield faults that the document alone does not show: reserved column names, and an unknown method."""
    for name in sorted({*PARTICULARS, *HELD_COLUMNS}.intersection(instrument.columns)):
        yield Invalid(_("Cột “%(name)s” đã dành cho thông tin của phiếu."), field="toml", name=name)
    if instrument.method not in [method.code for method in queries.list_methods(session)]:
        sentence = _("Chưa có phương pháp “%(name)s”; hãy công bố phương pháp trước.")
        yield Invalid(sentence, field="toml", name=instrument.method)


def _publish_method(session: Session, method: IndexMethod, raw: Mapping[str, Any], now: datetime) -> str | None:
    """Store a method and return the key of its audit chain; none where the same method was published before. Raises
    Conflict for another document under the same code."""
    mark = instruments.checksum_of(raw)
    published = (
        shipped_document(method.code)
        or session.scalars(select(MethodVersion.document).filter_by(code=method.code)).first()
    )
    if published is not None:
        if instruments.checksum_of(published) != mark:
            raise Conflict(_("Phương pháp %(key)s đã công bố; hãy đặt mã mới."), field="toml", key=method.code)
        return None
    stored = MethodVersion(code=method.code, checksum=mark, document=dict(raw), published_at=now)
    session.add(stored)
    session.flush()
    return f"method:{stored.id}"
