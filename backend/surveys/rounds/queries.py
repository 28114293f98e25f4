"""What pages, commands and estimation read of surveys: instruments, rounds with their counts, batches, held rows,
samples and counted ballots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from analytics.methods import METHODS, IndexMethod, load_method, parse_method
from backend.errors import NotFound, _
from backend.surveys.ballot_files import ballot_rules
from backend.surveys.ballot_files.faults import BallotFault, BallotFinding
from backend.surveys.ballot_files.frame import RoundFrame, SamplePlace
from backend.surveys.ballot_files.layout import AGE, ETHNICITY, SEX, STRATUM, UNIT
from backend.surveys.forms.instruments import Instrument, parse_instrument
from backend.surveys.models import Ballot, BallotBatch, HeldRow, InstrumentVersion, IssuedBallot, MethodVersion, Round
from backend.surveys.samples.unit_codes import read_unit_codes
from backend.units.models import Unit

PAGE = 50
LONG_PAGE = 1_000  # rows read at a time where all are wanted


@dataclass(frozen=True)
class RoundProgress:
    """A round with its ballots so far: those that count, and the invalid ones."""

    round: Round
    counted: int
    invalid: int


@dataclass(frozen=True)
class HeldRowView:
    """A held row as a page shows it."""

    line: int
    findings: list[BallotFinding]
    cells: list[str]


@dataclass(frozen=True, eq=False)
class CountedBallots:
    """The ballots of a round that count. ``scores``: ballots x slots, NaN where blank. ``populations``: first-stage
    units in the population of the stratum, as in `IssuedBallot`. ``labels``: for each column of particulars, the value
    of each ballot."""

    instrument: Instrument
    scores: NDArray[np.float64]
    weights: NDArray[np.float64]
    strata: list[str | None]
    psu: list[str | None]
    populations: list[int | None]
    labels: dict[str, list[str | None]]

    @property
    def n(self) -> int:
        return len(self.weights)


def list_versions(session: Session) -> Sequence[InstrumentVersion]:
    """Return every published instrument, the newest version of each first."""
    order = (InstrumentVersion.code, InstrumentVersion.version.desc())
    return session.scalars(select(InstrumentVersion).order_by(*order)).all()


def find_instrument(session: Session, key: str) -> Instrument:
    """Return a published instrument by its key (household-2023). Raises NotFound."""
    code, _dash, version = key.rpartition("-")
    stored = session.scalars(select(InstrumentVersion).filter_by(code=code, version=version)).one_or_none()
    if stored is None:
        raise NotFound(_("Không có mẫu phiếu này."))
    return instrument_of(stored)


def list_methods(session: Session) -> list[IndexMethod]:
    """Return the methods of the package, then those published here."""
    stored = session.scalars(select(MethodVersion).order_by(MethodVersion.code))
    return [*map(load_method, METHODS), *(parse_method(version.document) for version in stored)]


def find_method(session: Session, code: str) -> IndexMethod:
    """Return a method of the package or a published one. Raises NotFound."""
    if code in METHODS:
        return load_method(code)
    stored = session.scalars(select(MethodVersion).filter_by(code=code)).one_or_none()
    if stored is None:
        raise NotFound(_("Không có phương pháp này."))
    return parse_method(stored.document)


def instrument_of(version: InstrumentVersion) -> Instrument:
    """Return the parsed instrument. A stored version never changes, so each process parses it once."""
    return _parse_cached(_DocumentKey(version.checksum, version))


@dataclass(frozen=True)
class _DocumentKey:
    checksum: str
    version: InstrumentVersion

    def __hash__(self) -> int:
        return hash(self.checksum)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _DocumentKey) and self.checksum == other.checksum


@lru_cache(maxsize=32)
def _parse_cached(document: _DocumentKey) -> Instrument:
    return parse_instrument(document.version.document)


def round_called(session: Session, code: str) -> Round:
    """Return a round with its instrument and unit. Raises NotFound."""
    survey_round = session.scalars(
        select(Round).filter_by(code=code).options(joinedload(Round.instrument), joinedload(Round.unit))
    ).one_or_none()
    if survey_round is None:
        raise NotFound(_("Không có đợt khảo sát này."))
    return survey_round


def list_rounds(session: Session) -> list[RoundProgress]:
    """Return every round with its numbers of ballots, the latest first."""
    counted = func.count(Ballot.id).filter(Ballot.valid)
    invalid = func.count(Ballot.id).filter(~Ballot.valid)
    tallies = (
        select(Ballot.round_id, counted.label("counted"), invalid.label("invalid"))
        .where(~Ballot.withdrawn)
        .group_by(Ballot.round_id)
        .subquery()
    )
    rows = session.execute(
        select(Round, tallies.c.counted, tallies.c.invalid)
        .outerjoin(tallies, tallies.c.round_id == Round.id)
        .options(joinedload(Round.unit), joinedload(Round.instrument))
        .order_by(Round.first_day.desc(), Round.id.desc())
    ).all()
    return [RoundProgress(row.Round, row.counted or 0, row.invalid or 0) for row in rows]


def count_ballots(session: Session, round_id: int) -> tuple[int, int]:
    """Return the number of ballots that count, and of stored ballots that are invalid."""
    rows = session.execute(
        select(Ballot.valid, func.count()).where(Ballot.round_id == round_id, ~Ballot.withdrawn).group_by(Ballot.valid)
    ).all()
    numbers = {bool(valid): int(number) for valid, number in rows}
    return numbers.get(True, 0), numbers.get(False, 0)


def list_batches(session: Session, round_id: int, limit: int = 200) -> Sequence[BallotBatch]:
    """Return the batches of a round, the latest first."""
    return session.scalars(
        select(BallotBatch).filter_by(round_id=round_id).order_by(BallotBatch.id.desc()).limit(limit)
    ).all()


def find_batch(session: Session, batch_id: int) -> BallotBatch:
    """Return a batch with its round. Raises NotFound."""
    batch = session.scalars(
        select(BallotBatch)
        .join(BallotBatch.round)
        .options(contains_eager(BallotBatch.round))
        .where(BallotBatch.id == batch_id)
    ).one_or_none()
    if batch is None:
        raise NotFound(_("Không có lô phiếu này."))
    return batch


def list_held(session: Session, batch_id: int, *, after: int = 0, limit: int | None = PAGE) -> list[HeldRowView]:
    """Return held rows in the order of the file, from the line after ``after``."""
    rows = select(HeldRow).where(HeldRow.batch_id == batch_id, HeldRow.line > after).order_by(HeldRow.line)
    return [HeldRowView(row.line, _findings_of(row), row.cells) for row in session.scalars(rows.limit(limit))]


def each_held(session: Session, batch_id: int) -> Iterator[HeldRowView]:
    """Yield all held rows in the order of the file, page by page."""
    after = 0
    while rows := list_held(session, batch_id, after=after, limit=LONG_PAGE):
        yield from rows
        after = rows[-1].line


def _findings_of(row: HeldRow) -> list[BallotFinding]:
    return [BallotFinding(column, BallotFault(fault), params) for column, fault, params in row.findings]


def round_frame(session: Session, survey_round: Round, today: date, number: str | None = None) -> RoundFrame:
    """Return what the ballots of this round are judged against. With ``number``, only the place of this ballot in the
    sample is read."""
    has_sample = survey_round.draw is not None
    return RoundFrame(
        instrument=instrument_of(survey_round.instrument),
        units=read_unit_codes(session, survey_round.first_day),
        first_day=survey_round.first_day,
        today=today,
        rules=ballot_rules.shipped_rules(),
        sample=sample_places(session, survey_round.id, number) if has_sample else None,
        draw=survey_round.draw["sha256"] if survey_round.draw else None,
    )


@dataclass(frozen=True)
class DrawnStratum:
    """A stratum of the sample. ``psus``: first-stage units in the sample; ``population``: in the population, none where
    they were drawn with probability proportional to size. ``drawn``: ballots drawn; ``returned``: ballots of these that
    came in and count."""

    stratum: str | None
    psus: int
    population: int | None
    drawn: int
    returned: int


def drawn_strata(session: Session, round_id: int) -> list[DrawnStratum]:
    """Return the sample by strata, with the number of ballots that came back."""
    returned = (Ballot.round_id == IssuedBallot.round_id) & (Ballot.number == IssuedBallot.number) & ~Ballot.withdrawn
    rows = session.execute(
        select(
            IssuedBallot.stratum,
            func.count(IssuedBallot.psu.distinct()),
            func.min(IssuedBallot.population),
            func.count(),
            func.count(Ballot.id).filter(Ballot.valid),
        )
        .outerjoin(Ballot, returned)
        .where(IssuedBallot.round_id == round_id)
        .group_by(IssuedBallot.stratum)
        .order_by(IssuedBallot.stratum)
    )
    return [DrawnStratum(*row) for row in rows]


def sample_places(session: Session, round_id: int, number: str | None = None) -> dict[str, SamplePlace]:
    """Return the places of the drawn ballots by number; with ``number``, of this ballot only."""
    columns = (IssuedBallot.number, IssuedBallot.unit_id, Unit.code, IssuedBallot.stratum, IssuedBallot.psu)
    rows = select(*columns, IssuedBallot.weight).outerjoin(Unit, Unit.id == IssuedBallot.unit_id)
    rows = rows.where(IssuedBallot.round_id == round_id)
    if number is not None:
        rows = rows.where(IssuedBallot.number == number)
    return {
        row.number: SamplePlace(row.unit_id, row.code, row.stratum, row.psu, row.weight)
        for row in session.execute(rows)
    }


def counted_ballots(session: Session, survey_round: Round) -> CountedBallots:
    """Return the ballots that count, for estimation. Their order is that of random keys, so it shows nothing."""
    instrument = instrument_of(survey_round.instrument)
    bands = (Ballot.age, Ballot.sex, Ballot.ethnicity)
    rows = session.execute(
        select(Ballot.answers, Ballot.weight, Ballot.stratum, Ballot.psu, IssuedBallot.population, Unit.code, *bands)
        .outerjoin(IssuedBallot, (IssuedBallot.round_id == Ballot.round_id) & (IssuedBallot.number == Ballot.number))
        .outerjoin(Unit, Unit.id == Ballot.unit_id)
        .where(Ballot.round_id == survey_round.id, Ballot.valid, ~Ballot.withdrawn)
        .order_by(Ballot.id)
    ).all()
    scores = np.array([row.answers for row in rows], dtype=np.float64).reshape(len(rows), len(instrument.slots))
    return CountedBallots(
        instrument=instrument,
        scores=scores,
        weights=np.array([row.weight for row in rows], dtype=np.float64),
        strata=[row.stratum for row in rows],
        psu=[row.psu for row in rows],
        populations=[row.population for row in rows],
        labels={
            STRATUM: [row.stratum for row in rows],
            UNIT: [row.code for row in rows],
            AGE: [row.age for row in rows],
            SEX: [row.sex for row in rows],
            ETHNICITY: [row.ethnicity for row in rows],
        },
    )
