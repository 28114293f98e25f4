"""New versions of instruments and new methods from TOML: read with every fault, compared, published for ever."""

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
    """A document that was read and found fit: of an instrument, or of a method."""

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
        said = _("%(path)s: giá trị phải thuộc kiểu %(kind)s của TOML.")
        raise _with_line(text, Invalid(said, path=path, kind="string"))
    try:
        return check_document(raw)
    except InstrumentError as error:
        # To find the line of each of thousands of faults would take longer than anybody reads.
        faults = tuple(_with_line(text, fault) for fault in error.faults[:MOST_FAULTS])
        raise Invalid(_("Mẫu phiếu chưa đúng."), field="toml", errors=faults) from None


def read_guarded(text: str) -> SurveyDocument:
    """The same in a child process with limits: for what came from outside, in a process that others wait for."""
    check_length(text)
    return run_guarded(read_document, text, limits=limits_for(len(text)), field="toml")


def check_document(raw: Mapping[str, Any]) -> SurveyDocument:
    """The instrument or the method that a document holds. Raises InstrumentError, Invalid."""
    method = "question" not in raw and ("aggregation" in raw or "tree" in raw)
    return SurveyDocument(raw, _method(raw) if method else instruments.parse_instrument(raw))


def publish_document(session: Session, document: SurveyDocument, *, by: str, now: datetime) -> bool:
    """Store it for ever; False where the very same was there. Raises Invalid, Conflict."""
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
    """The document of an instrument or a method by its key. Raises NotFound."""
    if (raw := shipped_document(key)) is not None:
        return raw
    code, _dash, version = key.rpartition("-")
    for statement in (
        select(InstrumentVersion.document).filter_by(code=code, version=version),
        select(MethodVersion.document).filter_by(code=key),
    ):
        found: Mapping[str, Any] | None = session.scalars(statement).one_or_none()
        if found is not None:
            return found
    raise NotFound(_("Không có mẫu phiếu hay phương pháp này."))


def shipped_document(key: str) -> Mapping[str, Any] | None:
    """The document of the package, without a database."""
    if key in SHIPPED:
        return instruments.shipped_instrument(key).document
    if key in METHODS:
        return tomllib.loads((files("analytics") / PurePath("data", f"{key}.toml").as_posix()).read_text("utf-8"))
    return None


def latest_before(session: Session, document: SurveyDocument) -> str | None:
    """The key of what a new document is best compared with: another version of the same instrument, or the method of
    the years before."""
    if isinstance(document.subject, Instrument):
        same = [one for one in queries.list_versions(session) if one.code == document.subject.code]
        keys = [f"{one.code}-{one.version}" for one in same]
    else:
        first = document.subject.first_year
        keys = [
            one.code
            for one in sorted(queries.list_methods(session), key=lambda m: -m.first_year)
            if one.first_year <= first
        ]
    return next((key for key in keys if key != document.key), None)


def _same_version(instrument: Instrument) -> Any:
    return (InstrumentVersion.code == instrument.code) & (InstrumentVersion.version == instrument.version)


def _with_line(text: str, fault: Invalid) -> Invalid:
    """The line before the path, as compilers write it: the sentence stays one that is translated whole."""
    path = str(fault.params["path"])
    line = line_of(text, path)
    place = f"{line}: {path}" if line else path
    return Invalid(fault.message, field="toml", errors=(), **{**fault.params, "path": place})


def _method(raw: Mapping[str, Any]) -> IndexMethod:
    try:
        method = parse_method(raw)
    except (MethodError, TypeError, AttributeError, OverflowError) as error:
        said = _("Phương pháp chưa đúng: %(why)s.")
        raise Invalid(said, field="toml", why=str(error)) from None
    if not (isinstance(raw["code"], str) and CODE.fullmatch(raw["code"])):
        raise Invalid(_("Mã phương pháp có chữ thường không dấu, số và gạch nối, 3 đến 40 ký tự."), field="toml")
    return method


def _unfit(session: Session, instrument: Instrument) -> Iterator[Invalid]:
    """What the document alone does not show."""
    for name in sorted({*PARTICULARS, *HELD_COLUMNS}.intersection(instrument.columns)):
        yield Invalid(_("Cột “%(name)s” đã dành cho thông tin của phiếu."), field="toml", name=name)
    if instrument.method not in [one.code for one in queries.list_methods(session)]:
        said = _("Chưa có phương pháp “%(name)s”; hãy công bố phương pháp trước.")
        yield Invalid(said, field="toml", name=instrument.method)


def _publish_method(session: Session, method: IndexMethod, raw: Mapping[str, Any], now: datetime) -> str | None:
    """The chain of the new method's history, none where the very same was there."""
    mark = instruments.checksum_of(raw)
    known = (
        shipped_document(method.code)
        or session.scalars(select(MethodVersion.document).filter_by(code=method.code)).first()
    )
    if known is not None:
        if instruments.checksum_of(known) != mark:
            raise Conflict(_("Phương pháp %(key)s đã công bố; hãy đặt mã mới."), field="toml", key=method.code)
        return None
    stored = MethodVersion(code=method.code, checksum=mark, document=dict(raw), published_at=now)
    session.add(stored)
    session.flush()
    return f"method:{stored.id}"
