"""Ballots typed in one by one: by an officer, a second time by somebody else, or by the respondent.

They are judged by the same code as the rows of a file, so that no way in is easier than another.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import audit
from backend.errors import Conflict, Invalid, NotFound, _
from backend.surveys.ballot_files import ballot_rules
from backend.surveys.ballot_files.answers import BLANK, AnswerReader, Answers
from backend.surveys.ballot_files.faults import TEXTS, BallotFault, BallotFinding
from backend.surveys.ballot_files.importing import ImportActor
from backend.surveys.ballot_files.layout import BANDS, FORM, NUMBER, WEIGHT, read_header, template_header
from backend.surveys.ballot_files.particulars import ParticularsReader, Respondent, number_of
from backend.surveys.forms.instruments import AnswerSlot
from backend.surveys.models import Ballot, BallotBatch, BallotSource, IssuedBallot, RepeatBallot, RepeatReason, Round
from backend.surveys.rounds import queries, service
from backend.worktime.calendar import local_time

Values = Mapping[str, str]


@dataclass(frozen=True)
class EntryComparison:
    """Two entries of one ballot: how many answers were compared, and the slots that differ with both answers."""

    number: str
    why: RepeatReason
    fields: int
    differing: list[tuple[AnswerSlot, int | None, int | None]]


def enter_ballot(
    session: Session,
    found: Round,
    values: Values,
    source: BallotSource,
    *,
    who: ImportActor,
    now: datetime,
    replace: bool = False,
) -> Ballot:
    """Store one ballot. ``values``: text by column. Raises Invalid with every reason at its column, Conflict where the
    number was entered before; with ``replace`` that ballot is set aside."""
    today = local_time(now).date()
    _hold(session, found)
    respondent, answers = _judge_entry(session, found, values, today)
    if before := _find_ballot(session, found.id, respondent.number):
        if not replace:
            raise Conflict(_("Phiếu số %(number)s đã được nhập."), field=NUMBER, number=respondent.number)
        _set_aside(session, before, who, now)
    valid, marks = ballot_rules.apply_rules(
        ballot_rules.shipped_rules(), queries.instrument_of(found.instrument), answers
    )
    batch = _batch(session, found, source, who, now)
    ballot = Ballot(
        round_id=found.id,
        batch_id=batch.id,
        number=respondent.number,
        unit_id=respondent.unit_id,
        stratum=respondent.stratum,
        psu=respondent.psu,
        weight=respondent.weight,
        answers=_answer_list(answers),
        valid=bool(valid[0]),
        marks=marks[0],
        age=respondent.age,
        sex=respondent.sex,
        ethnicity=respondent.ethnicity,
        entered_on=respondent.day or today,
    )
    session.add(ballot)
    if ballot.valid:
        batch.accepted += 1
    else:
        batch.invalid += 1
    return ballot


def enter_again(
    session: Session, found: Round, values: Values, why: RepeatReason, *, who: ImportActor, now: datetime
) -> EntryComparison:
    """Keep a second entry beside the first and compare them. The first entry is never shown before, and a second entry
    by the same account is refused: it would not be independent."""
    today = local_time(now).date()
    number = _number(found, values)
    first = _find_ballot(session, found.id, number)
    if first is None:
        raise Invalid(_("Chưa có lần nhập đầu của phiếu số %(number)s."), field=NUMBER, number=number)
    batch = session.get_one(BallotBatch, first.batch_id)
    if why is RepeatReason.ENTRY and batch.user_id is not None and batch.user_id == who.user_id:
        raise Conflict(_("Lần nhập thứ hai phải do người khác làm."), field=NUMBER)
    if why is RepeatReason.ENTRY and not is_drawn(found, number):
        raise Conflict(_("Phiếu số %(number)s không thuộc mẫu được nhập lại."), field=NUMBER, number=number)
    _respondent, answers = _judge_entry(session, found, values, today)
    again = RepeatBallot(
        round_id=found.id, number=number, why=why, answers=_answer_list(answers), user_id=who.user_id, entered_on=today
    )
    try:
        with session.begin_nested():
            session.add(again)
    except IntegrityError:
        raise Conflict(_("Phiếu số %(number)s đã được nhập lại."), field=NUMBER, number=number) from None
    return _compare(found, first, again)


def is_drawn(found: Round, number: str) -> bool:
    """Whether a ballot is in the share that is entered twice: by a hash of round and number, so that nobody chooses."""
    digest = hashlib.sha256(f"{found.code}:{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < found.second_share * 2**64


def list_awaited(session: Session, found: Round, limit: int = 100) -> list[str]:
    """Numbers drawn for a second entry that have none yet."""
    done = set(session.scalars(select(RepeatBallot.number).filter_by(round_id=found.id, why=RepeatReason.ENTRY)))
    numbers = session.scalars(select(Ballot.number).where(Ballot.round_id == found.id, ~Ballot.withdrawn))
    return sorted(number for number in numbers if number not in done and is_drawn(found, number))[:limit]


def compare_entries(session: Session, found: Round) -> list[EntryComparison]:
    """Every second entry beside its first, field by field."""
    pairs = session.execute(
        select(RepeatBallot, Ballot)
        .join(Ballot, (Ballot.round_id == RepeatBallot.round_id) & (Ballot.number == RepeatBallot.number))
        .where(RepeatBallot.round_id == found.id, ~Ballot.withdrawn)
        .order_by(RepeatBallot.why, RepeatBallot.number)
    ).all()
    return [_compare(found, first, again) for again, first in pairs]


def find_issued(session: Session, code: str) -> tuple[IssuedBallot, Round]:
    """The ballot of a respondent's code, with its round. Raises NotFound, Conflict when it was used."""
    asked = select(IssuedBallot).where(IssuedBallot.code_hash == service.code_hash(code))
    slip = session.scalars(asked.execution_options(populate_existing=True)).one_or_none()
    if slip is None:
        raise NotFound(_("Không có phiếu khảo sát này."))
    if slip.used_on is not None or _find_ballot(session, slip.round_id, slip.number):
        raise Conflict(_("Phiếu này đã được trả lời. Cảm ơn bạn."))
    codes = session.scalars(select(Round.code).filter_by(id=slip.round_id)).one()
    return slip, queries.round_called(session, codes)


def store_response(session: Session, code: str, answers: Values, now: datetime) -> None:
    """Store the answers of a respondent; the place in the sample is that of the ballot which was handed out."""
    _hold(session, find_issued(session, code)[1])
    slip, found = find_issued(session, code)  # as it stands now that nobody else may answer or draw anew
    own = {column: answers.get(column, "") for column in queries.instrument_of(found.instrument).columns}
    bands = {column: answers.get(column, "") for column in BANDS.values()}
    place = {NUMBER: slip.number, WEIGHT: repr(slip.weight)}
    ballot = enter_ballot(
        session, found, {**own, **bands, **place}, BallotSource.RESPONDENT, who=ImportActor(), now=now
    )
    ballot.unit_id, ballot.stratum, ballot.psu = slip.unit_id, slip.stratum, slip.psu
    slip.used_on = local_time(now).date()


def _hold(session: Session, found: Round) -> None:
    """Hold the round before anything is judged or locked: the sample stays what it is until the ballot is stored."""
    service.lock_round(session, found.id)
    session.refresh(found, ["draw"])


def _set_aside(session: Session, ballot: Ballot, who: ImportActor, now: datetime) -> None:
    """A ballot that was typed wrongly stays, marked, and is not counted."""
    batch = session.get_one(BallotBatch, ballot.batch_id, with_for_update=True, populate_existing=True)
    ballot.withdrawn = True
    if ballot.valid:
        batch.accepted -= 1
    else:
        batch.invalid -= 1
    data = {"batch": batch.id}
    audit.record(session, f"survey:{ballot.round_id}", "replaced", actor=who.key, now=now, data=data)
    session.flush()


def _judge_entry(session: Session, found: Round, values: Values, today: date) -> tuple[Respondent, Answers]:
    frame = queries.round_frame(session, found, today, _number(found, values))
    given = {**values, FORM: frame.instrument.key}
    header = [
        name for name in template_header(frame.instrument) if name in set(frame.instrument.columns) or given.get(name)
    ]
    if NUMBER not in header:
        header.insert(0, NUMBER)
    layout = read_header(header, frame.instrument)
    cells = [given.get(name, "") for name in header]
    judged = AnswerReader(frame.instrument).judge([[cells[place] for place in layout.answers]])
    findings = list(judged.findings.get(0, []))
    respondent = ParticularsReader(frame, layout, None).of(cells, findings)
    if not findings and bool((judged.answers == BLANK).all()):
        findings.append(BallotFinding(NUMBER, BallotFault.BLANK_BALLOT))
    Invalid.collect(
        [Invalid(TEXTS[one.fault], field=one.column or NUMBER, errors=(), **one.params) for one in findings]
    )
    return respondent, judged.answers


def _number(found: Round, values: Values) -> str:
    return number_of(values.get(NUMBER, ""), drawn=found.draw is not None)


def _batch(session: Session, found: Round, source: BallotSource, who: ImportActor, now: datetime) -> BallotBatch:
    """What one person enters on one day is one batch, so that a bad day can be withdrawn. Its moment is the day's
    beginning."""
    start = local_time(now).replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = {"round_id": found.id, "source": source, "user_id": who.user_id, "created_at": start}
    own = select(BallotBatch).filter_by(**wanted).where(BallotBatch.withdrawn_at.is_(None)).with_for_update()
    batch = session.scalars(own.limit(1)).one_or_none()
    if batch is None:
        batch = BallotBatch(**wanted, accepted=0, invalid=0, held=0, already=0)
        session.add(batch)
        session.flush()
    return batch


def _find_ballot(session: Session, round_id: int, number: str) -> Ballot | None:
    return session.scalars(
        select(Ballot).where(Ballot.round_id == round_id, Ballot.number == number, ~Ballot.withdrawn)
    ).one_or_none()


def _answer_list(answers: Answers) -> list[int | None]:
    return [None if value == BLANK else int(value) for value in answers[0].tolist()]


def _compare(found: Round, first: Ballot, again: RepeatBallot) -> EntryComparison:
    slots: Sequence[AnswerSlot] = queries.instrument_of(found.instrument).slots
    pairs = zip(slots, first.answers, again.answers, strict=True)
    return EntryComparison(again.number, again.why, len(slots), [(s, a, b) for s, a, b in pairs if a != b])
