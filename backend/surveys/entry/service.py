"""Ballots that are typed one by one: by an officer, a second time by somebody else, or by the respondent.

They are judged by the same code as the rows of a file, so the same rules hold for every way in.
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
    """Two entries of one ballot. ``fields``: how many answers were compared. ``differing``: the slots that differ, with
    the first and the second answer."""

    number: str
    why: RepeatReason
    fields: int
    differing: list[tuple[AnswerSlot, int | None, int | None]]


def enter_ballot(
    session: Session,
    survey_round: Round,
    values: Values,
    source: BallotSource,
    *,
    who: ImportActor,
    now: datetime,
    replace: bool = False,
) -> Ballot:
    """Store one ballot. ``values``: text by column. With ``replace``, a ballot of the same number is set aside. Raises
    Invalid with every reason at its column; Conflict where the number was entered before, without ``replace``."""
    today = local_time(now).date()
    _hold(session, survey_round)
    respondent, answers = _judge_entry(session, survey_round, values, today)
    if earlier := _find_ballot(session, survey_round.id, respondent.number):
        if not replace:
            raise Conflict(_("Phiếu số %(number)s đã được nhập."), field=NUMBER, number=respondent.number)
        _set_aside(session, earlier, who, now)
    batch = _batch(session, survey_round, source, who, now)
    ballot = _new_ballot(survey_round, batch, respondent, answers, today)
    session.add(ballot)
    if ballot.valid:
        batch.accepted += 1
    else:
        batch.invalid += 1
    return ballot


def _new_ballot(
    survey_round: Round, batch: BallotBatch, respondent: Respondent, answers: Answers, today: date
) -> Ballot:
    instrument = queries.instrument_of(survey_round.instrument)
    valid, marks = ballot_rules.apply_rules(ballot_rules.shipped_rules(), instrument, answers)
    return Ballot(
        round_id=survey_round.id,
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


def enter_again(
    session: Session, survey_round: Round, values: Values, why: RepeatReason, *, who: ImportActor, now: datetime
) -> EntryComparison:
    """Store a second entry beside the first and compare them.

    The first entry is never shown before. A second entry by the same account is refused, because it would not be
    independent. Raises Invalid without a first entry or for wrong answers; Conflict for the same account, a ballot that
    is not drawn for a second entry, or a third entry.
    """
    today = local_time(now).date()
    number = _number(survey_round, values)
    first = _find_ballot(session, survey_round.id, number)
    if first is None:
        raise Invalid(_("Chưa có lần nhập đầu của phiếu số %(number)s."), field=NUMBER, number=number)
    batch = session.get_one(BallotBatch, first.batch_id)
    same_account = batch.user_id is not None and batch.user_id == who.user_id
    if why is RepeatReason.ENTRY and same_account:
        raise Conflict(_("Lần nhập thứ hai phải do người khác làm."), field=NUMBER)
    if why is RepeatReason.ENTRY and not is_drawn(survey_round, number):
        raise Conflict(_("Phiếu số %(number)s không thuộc mẫu được nhập lại."), field=NUMBER, number=number)
    _respondent, answers = _judge_entry(session, survey_round, values, today)
    repeat = RepeatBallot(
        round_id=survey_round.id,
        number=number,
        why=why,
        answers=_answer_list(answers),
        user_id=who.user_id,
        entered_on=today,
    )
    try:
        with session.begin_nested():
            session.add(repeat)
    except IntegrityError:
        raise Conflict(_("Phiếu số %(number)s đã được nhập lại."), field=NUMBER, number=number) from None
    return _compare(survey_round, first, repeat)


def is_drawn(survey_round: Round, number: str) -> bool:
    """Return whether a ballot is drawn for a second entry. A hash of round and number decides, so that nobody can
    choose."""
    digest = hashlib.sha256(f"{survey_round.code}:{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < survey_round.second_share * 2**64


def list_awaited(session: Session, survey_round: Round, limit: int = 100) -> list[str]:
    """Return the ballot numbers that are drawn for a second entry and do not have one yet."""
    repeated = set(
        session.scalars(select(RepeatBallot.number).filter_by(round_id=survey_round.id, why=RepeatReason.ENTRY))
    )
    numbers = session.scalars(select(Ballot.number).where(Ballot.round_id == survey_round.id, ~Ballot.withdrawn))
    return sorted(number for number in numbers if number not in repeated and is_drawn(survey_round, number))[:limit]


def compare_entries(session: Session, survey_round: Round) -> list[EntryComparison]:
    """Compare every second entry with its first, field by field."""
    pairs = session.execute(
        select(RepeatBallot, Ballot)
        .join(Ballot, (Ballot.round_id == RepeatBallot.round_id) & (Ballot.number == RepeatBallot.number))
        .where(RepeatBallot.round_id == survey_round.id, ~Ballot.withdrawn)
        .order_by(RepeatBallot.why, RepeatBallot.number)
    ).all()
    return [_compare(survey_round, first, repeat) for repeat, first in pairs]


def find_issued(session: Session, code: str) -> tuple[IssuedBallot, Round]:
    """Return the ballot slip of a respondent's code, with its round. Raises NotFound; Conflict where it was
    answered."""
    with_code = select(IssuedBallot).where(IssuedBallot.code_hash == service.code_hash(code))
    slip = session.scalars(with_code.execution_options(populate_existing=True)).one_or_none()
    if slip is None:
        raise NotFound(_("Không có phiếu khảo sát này."))
    if slip.used_on is not None or _find_ballot(session, slip.round_id, slip.number):
        raise Conflict(_("Phiếu này đã được trả lời. Cảm ơn bạn."))
    round_code = session.scalars(select(Round.code).filter_by(id=slip.round_id)).one()
    return slip, queries.round_called(session, round_code)


def store_response(session: Session, code: str, answers: Values, now: datetime) -> None:
    """Store the answers of a respondent. The place in the sample is that of the ballot slip. Raises as `find_issued`
    and `enter_ballot`."""
    _hold(session, find_issued(session, code)[1])
    # Read again under the lock: nobody else can answer it or replace the sample now.
    slip, survey_round = find_issued(session, code)
    own = {column: answers.get(column, "") for column in queries.instrument_of(survey_round.instrument).columns}
    bands = {column: answers.get(column, "") for column in BANDS.values()}
    place = {NUMBER: slip.number, WEIGHT: repr(slip.weight)}
    ballot = enter_ballot(
        session, survey_round, {**own, **bands, **place}, BallotSource.RESPONDENT, who=ImportActor(), now=now
    )
    ballot.unit_id, ballot.stratum, ballot.psu = slip.unit_id, slip.stratum, slip.psu
    slip.used_on = local_time(now).date()


def _hold(session: Session, survey_round: Round) -> None:
    """Lock the round before anything is judged: the sample cannot change until the ballot is stored."""
    service.lock_round(session, survey_round.id)
    session.refresh(survey_round, ["draw"])


def _set_aside(session: Session, ballot: Ballot, who: ImportActor, now: datetime) -> None:
    """Withdraw a ballot that was typed wrongly: it stays, marked, and does not count."""
    batch = session.get_one(BallotBatch, ballot.batch_id, with_for_update=True, populate_existing=True)
    ballot.withdrawn = True
    if ballot.valid:
        batch.accepted -= 1
    else:
        batch.invalid -= 1
    data = {"batch": batch.id}
    audit.record(session, f"survey:{ballot.round_id}", "replaced", actor=who.key, now=now, data=data)
    session.flush()


def _judge_entry(session: Session, survey_round: Round, values: Values, today: date) -> tuple[Respondent, Answers]:
    """Judge a typed ballot like a file of one row. Raises Invalid with every reason at its column."""
    frame = queries.round_frame(session, survey_round, today, _number(survey_round, values))
    texts = {**values, FORM: frame.instrument.key}
    needed = {NUMBER, *frame.instrument.columns}
    header = [name for name in template_header(frame.instrument) if name in needed or texts.get(name)]
    layout = read_header(header, frame.instrument)
    cells = [texts.get(name, "") for name in header]
    judged = AnswerReader(frame.instrument).judge([[cells[position] for position in layout.answers]])
    findings = list(judged.findings.get(0, []))
    respondent = ParticularsReader(frame, layout, None).of(cells, findings)
    if not findings and bool((judged.answers == BLANK).all()):
        findings.append(BallotFinding(NUMBER, BallotFault.BLANK_BALLOT))
    Invalid.collect([_refusal_of(finding) for finding in findings])
    return respondent, judged.answers


def _refusal_of(finding: BallotFinding) -> Invalid:
    return Invalid(TEXTS[finding.fault], field=finding.column or NUMBER, errors=(), **finding.params)


def _number(survey_round: Round, values: Values) -> str:
    return number_of(values.get(NUMBER, ""), drawn=survey_round.draw is not None)


def _batch(session: Session, survey_round: Round, source: BallotSource, who: ImportActor, now: datetime) -> BallotBatch:
    """Return the batch of what one person enters on one day, so that a day with errors can be withdrawn as a whole. Its
    moment is the beginning of the day."""
    start = local_time(now).replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = {"round_id": survey_round.id, "source": source, "user_id": who.user_id, "created_at": start}
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


def _compare(survey_round: Round, first: Ballot, repeat: RepeatBallot) -> EntryComparison:
    slots: Sequence[AnswerSlot] = queries.instrument_of(survey_round.instrument).slots
    answers = zip(slots, first.answers, repeat.answers, strict=True)
    differing = [(slot, before, after) for slot, before, after in answers if before != after]
    return EntryComparison(repeat.number, repeat.why, len(slots), differing)
