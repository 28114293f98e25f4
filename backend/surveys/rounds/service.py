"""Changes of surveys: publish an instrument, open a round, store known totals, withdraw a batch, issue ballots."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from backend import audit
from backend.db import AdvisoryLock, hold_lock
from backend.errors import Conflict, Invalid, NotFound, _
from backend.files.text import clean_text
from backend.surveys.ballot_files.particulars import LABEL_MOST, NUMBER_MOST
from backend.surveys.forms import instruments
from backend.surveys.forms.instruments import Instrument
from backend.surveys.models import Ballot, BallotBatch, InstrumentVersion, IssuedBallot, Round
from backend.surveys.samples.totals import KnownTotals
from backend.units.directory import find_unit

CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]")
CODE_BYTES = 16


@dataclass(frozen=True)
class RoundPlan:
    """What the form or the command says about a new round. ``second_share``: the share of ballots, 0 to 1, that is
    drawn for a second entry."""

    code: str
    name: str
    instrument: str
    unit_code: str
    year: int
    first_day: date
    last_day: date
    planned_n: int
    second_share: float = 0.0


@dataclass(frozen=True)
class BallotSlip:
    """A drawn ballot: its number and its place in the sample. ``population``: first-stage units in the population of
    its stratum; none where they were drawn with probability proportional to size, or where it is not known."""

    number: str
    unit_id: int | None
    stratum: str | None
    psu: str | None
    weight: float
    population: int | None = None


def publish_instrument(session: Session, instrument: Instrument, now: datetime) -> InstrumentVersion:
    """Store a version of an instrument. The same document again changes nothing. Raises Conflict for another document
    under the same version."""
    stored = session.scalars(
        select(InstrumentVersion).filter_by(code=instrument.code, version=instrument.version)
    ).one_or_none()
    if stored is None:
        stored = InstrumentVersion(
            code=instrument.code,
            version=instrument.version,
            checksum=instrument.checksum,
            document=instrument.document,
            published_at=now,
        )
        session.add(stored)
        session.flush()
    elif stored.checksum != instrument.checksum:
        sentence = _("Phiên bản %(key)s đã công bố với nội dung khác; hãy đặt phiên bản mới.")
        raise Conflict(sentence, field="toml", key=instrument.key)
    return stored


def publish_shipped(session: Session, now: datetime) -> None:
    """Publish the instruments of the package."""
    for key in instruments.SHIPPED:
        publish_instrument(session, instruments.shipped_instrument(key), now)


def open_round(session: Session, plan: RoundPlan, *, by: str, now: datetime) -> Round:
    """Open a round. Raises Invalid with every refusal at its field; Conflict where the code is in use."""
    instrument = _instrument(session, plan.instrument)
    unit = find_unit(session, plan.unit_code, plan.first_day)
    Invalid.collect(_wrong_plan(plan, instrument, unit is not None))
    if session.scalar(select(Round.id).filter_by(code=plan.code)) is not None:
        raise Conflict(_("Mã đợt khảo sát “%(code)s” đã có."), field="code", code=plan.code)
    assert instrument is not None  # noqa: S101 - refused above where it is none
    assert unit is not None  # noqa: S101 - refused above where it is none
    survey_round = Round(
        code=plan.code,
        name=clean_text(plan.name, limit=200, field="name"),
        instrument_id=instrument.id,
        unit_id=unit.id,
        year=plan.year,
        first_day=plan.first_day,
        last_day=plan.last_day,
        planned_n=plan.planned_n,
        second_share=plan.second_share,
        created_at=now,
    )
    session.add(survey_round)
    session.flush()
    data = {"instrument": plan.instrument, "planned": plan.planned_n}
    audit.record(session, f"survey:{survey_round.id}", "opened", actor=by, now=now, data=data, first=True)
    return survey_round


def bring_to(
    session: Session, survey_round: Round, known_totals: KnownTotals | None, *, by: str, now: datetime
) -> None:
    """Store the known totals to which the weights of the round are adjusted; none: the weights are those of the
    draw."""
    lock_round(session, survey_round.id)
    survey_round.totals = known_totals.document if known_totals else None
    data = {"totals": instruments.checksum_of(known_totals.document) if known_totals else None}
    audit.record(session, f"survey:{survey_round.id}", "weighted", actor=by, now=now, data=data)
    session.flush()


def withdraw_batch(
    session: Session, batch_id: int, reason: str, *, by: str, user_id: int | None, now: datetime
) -> BallotBatch:
    """Withdraw a whole batch: its ballots stay, are marked, and no longer count. Raises NotFound; Conflict where it was
    withdrawn before; Invalid without a reason."""
    round_id = session.scalar(select(BallotBatch.round_id).where(BallotBatch.id == batch_id))
    if round_id is None:
        raise NotFound
    lock_round(session, round_id)
    batch = session.scalars(select(BallotBatch).where(BallotBatch.id == batch_id).with_for_update()).one()
    if batch.withdrawn_at is not None:
        raise Conflict(_("Lô này đã được rút."))
    reason = clean_text(reason, limit=500, field="reason")
    if not reason:
        raise Invalid(_("Hãy ghi lý do rút lô."), field="reason")
    batch.withdrawn_at, batch.withdrawn_by, batch.reason = now, user_id, reason
    session.execute(update(Ballot).where(Ballot.batch_id == batch_id).values(withdrawn=True))
    audit.record(session, f"survey:{batch.round_id}", "withdrawn", actor=by, now=now, data={"batch": batch_id})
    session.flush()
    return batch


def issue_ballots(
    session: Session, round_id: int, slips: Iterable[BallotSlip], *, coded: bool = True
) -> dict[str, str]:
    """Store drawn ballots. With ``coded``, return the respondent's code by ballot number; only its hash is stored.
    Raises Invalid for a number, weight or label that cannot be stored."""
    codes: dict[str, str] = {}
    rows = []
    for slip in slips:
        _check_slip(slip)
        if coded:
            codes[slip.number] = secrets.token_urlsafe(CODE_BYTES)
        code = codes.get(slip.number)
        rows.append({"round_id": round_id, **asdict(slip), "code_hash": code and code_hash(code)})
    session.execute(insert(IssuedBallot), rows)
    return codes


def _check_slip(slip: BallotSlip) -> None:
    if not 1 <= len(slip.number) <= NUMBER_MOST or not slip.weight > 0:
        raise Invalid(_("Phiếu phát ra cần số phiếu và trọng số lớn hơn 0."))
    if max(len(slip.stratum or ""), len(slip.psu or "")) > LABEL_MOST:
        raise Invalid(_("Tên tầng hoặc cụm của mẫu dài quá %(most)s ký tự; hãy dùng mã ngắn."), most=LABEL_MOST)


def lock_round(session: Session, round_id: int) -> None:
    """Lock a round until the transaction ends, so that its ballots and its history are written one after the other."""
    hold_lock(session, AdvisoryLock.SURVEY_ROUND, round_id)


def code_hash(code: str) -> bytes:
    return hashlib.sha256(b"ballot:" + code.encode("utf-8", "replace")).digest()


def _instrument(session: Session, key: str) -> InstrumentVersion | None:
    code, _dash, version = key.rpartition("-")
    return session.scalars(select(InstrumentVersion).filter_by(code=code, version=version)).one_or_none()


def _wrong_plan(plan: RoundPlan, instrument: InstrumentVersion | None, unit: bool) -> list[Invalid]:
    usable = instrument is not None and instruments.parse_instrument(instrument.document).complete
    refusals = {
        ("code", _("Mã đợt có chữ thường không dấu, số và gạch nối, 3 đến 40 ký tự.")): CODE.fullmatch(plan.code),
        ("name", _("Hãy đặt tên đợt khảo sát.")): plan.name.strip(),
        ("instrument", _("Hãy chọn một mẫu phiếu đầy đủ.")): usable,
        ("unit", _("Xin chọn cơ quan trong danh sách.")): unit,
        ("year", _("Năm khảo sát từ 2000 đến 2100.")): 2000 <= plan.year <= 2100,
        ("last_day", _("Ngày kết thúc không thể trước ngày bắt đầu.")): plan.first_day <= plan.last_day,
        ("planned_n", _("Số phiếu dự kiến từ 1 đến 10.000.000.")): 1 <= plan.planned_n <= 10_000_000,
        ("second_share", _("Tỷ lệ nhập lại từ 0 đến 1.")): 0 <= plan.second_share <= 1,
    }
    return [Invalid(sentence, field=field) for (field, sentence), fine in refusals.items() if not fine]
