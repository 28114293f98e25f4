"""The survey round of the demonstration: synthetic ballots with days of the last month, imported like a file."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from io import BytesIO

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from backend import db
from backend.files.sheets import Value, write_workbook
from backend.surveys.ballot_files import importing
from backend.surveys.ballot_files.importing import ImportActor
from backend.surveys.models import BallotBatch, Round
from backend.surveys.rounds import service, synthetic
from backend.units.models import Succession, Unit

CODE = "minh-hoa"
NAME = "Khảo sát minh họa (558 phiếu giả)"
FIELD_DAYS = 30


def load_survey(until: date, now: datetime) -> int:
    """Open the round and import its ballots, once, and return how many were added. An interrupted load goes on."""
    first = until - timedelta(days=FIELD_DAYS)
    with db.transaction() as session:
        survey_round = session.scalar(select(Round).filter_by(code=CODE))
        if survey_round is None:
            service.publish_shipped(session, now)
            plan = service.RoundPlan(CODE, NAME, "household-2023", "12", first.year, first, until, synthetic.N)
            survey_round = service.open_round(session, plan, by="system", now=now)
        elif session.scalar(select(BallotBatch.id).filter_by(round_id=survey_round.id).limit(1)) is not None:
            return 0
        first = survey_round.first_day
        successors = _successors(session)
    file = BytesIO()
    write_workbook(file, {"Phiếu": _move_ballots(first, successors)})
    file.seek(0)
    outcome = importing.import_file(file, CODE, file_name="minh-hoa.xlsx", who=ImportActor(), now=now)
    return outcome.accepted


def _successors(session: Session) -> dict[str, str]:
    """Return the code of the successor of each commune that ended with the merger of 2025."""
    former, successor = aliased(Unit), aliased(Unit)
    pairs = (
        select(former.code, successor.code)
        .select_from(Succession)
        .join(former, former.id == Succession.former_id)
        .join(successor, successor.id == Succession.successor_id)
    )
    return dict(session.execute(pairs).all())


def _move_ballots(first: date, successors: Mapping[str, str]) -> Iterator[Sequence[Value]]:
    """Yield the ballots of 2023 with days from ``first`` on and the communes of today."""
    rows = synthetic.synthetic_rows()
    header = list(next(rows))
    yield header
    unit, day = header.index("don_vi"), header.index("ngay")
    dated = {text: f"{first + timedelta(days=n):%d/%m/%Y}" for n, text in enumerate(synthetic.INTERVIEWED)}
    for row in rows:
        cells = list(row)
        cells[unit] = successors[str(cells[unit])]
        cells[day] = dated[str(cells[day])]
        yield cells
