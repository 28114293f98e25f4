"""Import of a file of ballots: it is read and judged first, then stored completely in one transaction or not at all.

The page, the worker and the command import here.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, BinaryIO, Final

from psycopg.types.json import Jsonb
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend import audit, db
from backend.errors import Conflict, _
from backend.files.options import NOTHING_SAID, ReadOptions
from backend.files.tables import TableForm
from backend.surveys.ballot_files import statements as sql
from backend.surveys.ballot_files.answers import BLANK
from backend.surveys.ballot_files.ballot_reading import BallotReader, read_ballots
from backend.surveys.ballot_files.faults import BallotFault, BallotFinding
from backend.surveys.ballot_files.layout import NUMBER
from backend.surveys.ballot_files.quarantine import BallotReading, QuarantineRow
from backend.surveys.models import BallotBatch, BallotSource, Round
from backend.surveys.rounds import queries, service
from backend.worktime.calendar import local_time

NAME_MOST: Final = 120
PIECE: Final = 1 << 20


@dataclass(frozen=True)
class ImportActor:
    """Who imports. ``key``: the name in the history; ``user_id``: the account, none for the system."""

    key: str = "system"
    user_id: int | None = None


@dataclass(frozen=True)
class ImportOutcome:
    """The result of an import. ``repeated``: the same file was imported before, so nothing was stored; the numbers are
    those of its batch. ``already``: ballots that the round already had, with the same content. ``form``: how the file
    is written; ``days``: the first and the last day of its ballots."""

    batch_id: int
    repeated: bool
    rows: int
    accepted: int
    invalid: int
    held: int
    already: int
    form: TableForm | None = None
    days: tuple[date, date] | None = None


def read_file(
    stream: BinaryIO,
    code: str,
    today: date,
    told: Callable[[int], None] = lambda _rows: None,
    options: ReadOptions = NOTHING_SAID,
    *,
    reader: BallotReader = read_ballots,
) -> BallotReading:
    """Read and judge a file for a round; store nothing. Raises FileRefused, NotFound."""
    return _read(stream, code, today, told, options, reader)[0]


def _read(
    stream: BinaryIO,
    code: str,
    today: date,
    report: Callable[[int], None],
    options: ReadOptions,
    reader: BallotReader,
) -> tuple[BallotReading, str | None]:
    """Return what was read, and the SHA-256 of the sample by which it was judged."""
    with db.transaction() as session:
        frame = queries.round_frame(session, queries.round_called(session, code), today)
    return reader(stream, frame, report, options), frame.draw


def import_file(
    stream: BinaryIO,
    code: str,
    *,
    file_name: str,
    who: ImportActor,
    now: datetime,
    told: Callable[[int], None] = lambda _rows: None,
    options: ReadOptions = NOTHING_SAID,
    reader: BallotReader = read_ballots,
) -> ImportOutcome:
    """Import a file into a round. ``told`` is called with the number of rows read so far.

    A file that was imported and not withdrawn is not imported again: the outcome is that of its batch. Raises
    FileRefused, NotFound; Conflict where the sample of the round was replaced meanwhile.
    """
    digest = _digest(stream)
    with db.transaction() as session:
        survey_round = queries.round_called(session, code)
        if earlier := _same_file(session, survey_round.id, digest):
            return _outcome(earlier, repeated=True)
    today = local_time(now).date()
    reading, draw = _read(stream, code, today, told, options, reader)
    with db.transaction() as session:
        service.lock_round(session, survey_round.id)
        if not _has_sample(session, survey_round.id, draw):
            raise Conflict(_("Mẫu đã rút của đợt vừa được thay; hãy nhập lại tệp."), field="file")
        if earlier := _same_file(session, survey_round.id, digest):
            return _outcome(earlier, repeated=True)
        batch = BallotBatch(
            round_id=survey_round.id,
            source=BallotSource.FILE,
            file_name=_printable(file_name),
            sha256=digest,
            header=list(reading.header),
            user_id=who.user_id,
            created_at=now,
        )
        _store(session, survey_round, batch, reading, today)
        data = {"batch": batch.id, "accepted": batch.accepted, "invalid": batch.invalid, "held": batch.held}
        audit.record(session, f"survey:{survey_round.id}", "imported", actor=who.key, now=now, data=data)
        return replace(_outcome(batch, repeated=False), form=reading.form, days=reading.days)


def _printable(file_name: str) -> str:
    return "".join(c for c in file_name if c.isprintable())[-NAME_MOST:]


def _has_sample(session: Session, round_id: int, draw: str | None) -> bool:
    """Return whether the sample of the round is the one with this SHA-256; none: it has no sample."""
    stored = session.get_one(Round, round_id).draw or {}
    return bool(stored.get("sha256") == draw)


def _store(session: Session, survey_round: Round, batch: BallotBatch, reading: BallotReading, today: date) -> None:
    """Store the batch, its ballots and its held rows in the caller's transaction."""
    session.add(batch)
    session.flush()
    session.execute(text(sql.STAGE))
    session.execute(text("TRUNCATE staged_ballots"))
    db.copy_rows(session, sql.COPY_BALLOTS, _staging_rows(reading, today))
    conflicting, batch.already = _stored_before(session, survey_round.id, reading)
    session.execute(text("ANALYZE staged_ballots"))
    added = session.execute(text(sql.COUNT_ADDED), {"round_id": survey_round.id, "batch_id": batch.id}).all()
    counts = {bool(valid): int(number) for valid, number in added}
    batch.accepted, batch.invalid = counts.get(True, 0), counts.get(False, 0)
    held_rows = sorted([*reading.held, *conflicting], key=lambda row: row.line)
    batch.held = len(held_rows)
    db.copy_rows(session, sql.COPY_HELD, _held_rows(batch.id, held_rows))
    session.flush()


def _staging_rows(reading: BallotReading, today: date) -> Iterator[tuple[Any, ...]]:
    """Yield rows in the order of ``sql.COPY_BALLOTS``. Arrays are written in PostgreSQL's text form, which is faster
    than element by element."""
    texts = {value: str(value) for value in range(1 << 15)} | {BLANK: "NULL"}
    rows = zip(reading.lines, reading.respondents, reading.answers, reading.valid, reading.marks, strict=True)
    for line, respondent, answers, valid, marks in rows:
        yield (
            line,
            respondent.number,
            respondent.unit_id,
            respondent.stratum,
            respondent.psu,
            respondent.weight,
            "{" + ",".join([texts[value] for value in answers.tolist()]) + "}",
            valid,
            "{" + ",".join(marks) + "}",
            respondent.age,
            respondent.sex,
            respondent.ethnicity,
            respondent.day or today,
        )


def _stored_before(session: Session, round_id: int, reading: BallotReading) -> tuple[list[QuarantineRow], int]:
    """Return the rows to hold because the round has their number with other content, and the number of rows that the
    round already has with the same content."""
    conflicting, same = [], 0
    for row in session.execute(text(sql.KNOWN), {"round_id": round_id}):
        if row.same:
            same += 1
            continue
        finding = BallotFinding(NUMBER, BallotFault.DUPLICATE_STORED, {"batch": row.batch_id})
        conflicting.append(QuarantineRow(row.line, reading.cells_of(row.line), [finding]))
    return conflicting, same


def _held_rows(batch_id: int, rows: Sequence[QuarantineRow]) -> Iterator[tuple[Any, ...]]:
    """Yield rows in the order of ``sql.COPY_HELD``."""
    for row in rows:
        findings = [[finding.column, finding.fault.value, dict(finding.params)] for finding in row.findings]
        # PostgreSQL's JSON accepts neither NUL nor lone surrogates. The reason says that the cell had them.
        yield batch_id, row.line, Jsonb(findings), Jsonb([storable_cell(cell) for cell in row.cells])


def storable_cell(cell: str) -> str:
    """Return the cell as the database can store it: at most 2,000 characters, NUL and lone surrogates replaced by
    U+FFFD."""
    if cell.isascii() and "\x00" not in cell:
        return cell[:2000]
    return "".join("\ufffd" if c == "\x00" or "\ud800" <= c <= "\udfff" else c for c in cell[:2000])


def _digest(stream: BinaryIO) -> bytes:
    digest = hashlib.sha256()
    stream.seek(0)
    while piece := stream.read(PIECE):
        digest.update(piece)
    stream.seek(0)
    return digest.digest()


def _same_file(session: Session, round_id: int, digest: bytes) -> BallotBatch | None:
    return session.scalars(
        select(BallotBatch).where(
            BallotBatch.round_id == round_id, BallotBatch.sha256 == digest, BallotBatch.withdrawn_at.is_(None)
        )
    ).one_or_none()


def _outcome(batch: BallotBatch, *, repeated: bool) -> ImportOutcome:
    rows = batch.accepted + batch.invalid + batch.held + batch.already
    return ImportOutcome(batch.id, repeated, rows, batch.accepted, batch.invalid, batch.held, batch.already)
