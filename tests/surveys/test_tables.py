"""Files as table programs and other systems write them, two at once, and one that is cut off in the middle."""

import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime
from typing import Any
from unicodedata import normalize

import openpyxl
import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from backend import audit
from backend.errors import Conflict, Invalid
from backend.files.faults import FileRefused, TableFault
from backend.surveys.ballot_files.faults import BallotFault
from backend.surveys.ballot_files.importing import ImportActor, ImportOutcome
from backend.surveys.entry import service as entry
from backend.surveys.models import Ballot, BallotBatch, BallotSource, HeldRow, Round
from backend.surveys.rounds import queries, service
from backend.surveys.samples import sampling
from tests.ballots import HEADER, ROUND, as_csv, as_xlsx, bring_in, held, row
from tests.chains import first_break
from tests.threads import at_once
from tests.waiting import wait_until


def test_what_a_table_program_makes_of_cells_is_seen(session: Session, opened: Round, now: datetime) -> None:
    """Written by openpyxl: a score that became a day or TRUE, a formula, an error, merged cells, a hidden row."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEADER)
    for number in range(1, 13):
        sheet.append([int(text) if text.isdigit() and name[0] in "pqe" else text for name, text in row(number).items()])
    q01 = HEADER.index("q01") + 1
    for line, value in ((2, date(2026, 4, 3)), (3, True), (4, "=3+1"), (5, "#REF!"), (6, "４"), (7, " 4 "), (8, 4.0)):
        sheet.cell(line, q01).value = value
    sheet.cell(9, HEADER.index("ngay") + 1).value = datetime(2026, 11, 10, 9, 31, 7)  # noqa: DTZ001 - as typed
    sheet.cell(10, HEADER.index("don_vi") + 1).value = 3388
    sheet.row_dimensions[11].hidden = True
    sheet.merge_cells(start_row=12, end_row=13, start_column=q01, end_column=q01)
    stream = io.BytesIO()
    book.save(stream)
    outcome = bring_in(stream.getvalue(), now)
    assert {line: found[0][1] for line, found in held(session, outcome).items()} == {
        2: BallotFault.DATE_LIKE,
        3: BallotFault.TEXT_IN_NUMBER,
        4: BallotFault.FORMULA,
        5: BallotFault.ERROR_CELL,
        6: BallotFault.TEXT_IN_NUMBER,
        11: BallotFault.HIDDEN_ROW,
        12: BallotFault.MERGED_CELLS,
        13: BallotFault.MERGED_CELLS,
    }
    assert outcome.accepted == 4


def test_letters_whose_marks_stand_apart_are_the_same_village(session: Session, opened: Round, now: datetime) -> None:
    whole, apart = as_csv([row(1, cum="bản Tả")]), as_csv([row(2, cum="bản Tả")])
    bring_in(whole, now)
    assert bring_in(normalize("NFD", apart.decode()).encode(), now).accepted == 1
    assert session.scalars(select(Ballot.psu).distinct()).all() == ["bản Tả"]


def another_sheet(state: str) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx([row(1)])))
    more = book.create_sheet("thêm", 0)
    more.append(HEADER)
    more.append([row(2)[name] for name in HEADER])
    more.sheet_state = state
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def as_the_system_of_windows() -> bytes:
    return as_csv([row(1, gioi_tinh="@")]).decode().replace("bản", "ban").encode().replace(b"@", b"n\xfd\xde")


@pytest.mark.parametrize(
    ("fault", "make"),
    [
        (TableFault.ENCODING, as_the_system_of_windows),
        (BallotFault.DELIMITER, lambda: b"BANG NHAP PHIEU\n" + as_csv([row(1)])),
        (TableFault.MORE_SHEETS, lambda: another_sheet("visible")),
        (TableFault.MORE_SHEETS, lambda: another_sheet("hidden")),
    ],
)
def test_a_file_that_would_lose_ballots_or_letters_is_refused(
    session: Session, opened: Round, now: datetime, fault: BallotFault, make: Callable[[], bytes]
) -> None:
    with pytest.raises(FileRefused) as refused:
        bring_in(make(), now)
    assert refused.value.fault is fault


def open_round(session: Session, code: str, now: datetime) -> Round:
    plan = service.RoundPlan(code, "Thử", "household-2023", "12", 2026, date(2026, 11, 1), date(2026, 12, 31), 600)
    return service.open_round(session, plan, by="system", now=now)


@pytest.fixture
def round_id(committed: Engine, now: datetime) -> int:
    with Session(committed) as session:
        known = session.scalars(select(Round).filter_by(code=ROUND)).one_or_none()
        made = known or open_round(session, ROUND, now)
        session.commit()
        return made.id


def test_imports_at_once_and_a_withdrawal_bring_in_each_ballot_once_and_keep_one_history(
    committed: Engine, round_id: int, now: datetime
) -> None:
    with Session(committed) as session:
        done = session.scalar(select(func.count()).select_from(Ballot)) or 0
    first = bring_in(as_csv([row(number) for number in range(500, 510)]), now).batch_id
    same = as_csv([row(number) for number in range(1, 40)])
    overlapping = as_csv([row(number) for number in range(20, 60)])

    def withdraw() -> None:
        with Session(committed) as session:
            service.withdraw_batch(session, first, "Nhầm", by="system", user_id=None, now=now)
            session.commit()

    with ThreadPoolExecutor(4) as pool:
        imports = [pool.submit(bring_in, content, now) for content in (same, same, overlapping)]
        gone = pool.submit(withdraw)
        outcomes: list[ImportOutcome] = [one.result() for one in imports]
        gone.result()
    assert sum(one.repeated for one in outcomes) == 1
    with Session(committed) as session:
        numbers = session.scalars(select(Ballot.number).where(~Ballot.withdrawn)).all()
        assert len(numbers) == len({*numbers}) == 59 + done
        assert first_break(audit.list_entries(session, f"survey:{round_id}")) is None


def test_four_who_type_one_ballot_anew_at_once_leave_one_that_counts(
    committed: Engine, round_id: int, now: datetime
) -> None:
    def typed(*, anew: bool) -> int:
        with Session(committed) as session:
            found = queries.round_called(session, ROUND)
            ballot = entry.enter_ballot(
                session, found, row(2000), BallotSource.ENTRY, who=ImportActor(), now=now, replace=anew
            )
            session.commit()
            return ballot.batch_id

    batch_id = typed(anew=False)
    assert at_once(4, lambda _i: typed(anew=True)) == [batch_id] * 4
    with Session(committed) as session:
        ballots = session.scalars(select(Ballot).where(Ballot.number == row(2000)["so_phieu"])).all()
        assert len(ballots) == 5 and sum(not ballot.withdrawn for ballot in ballots) == 1
        assert session.get_one(BallotBatch, batch_id).accepted == 1


def until_it_waits(committed: Engine, act: Future[Any]) -> None:
    """Until the other one waits for the round, or did not."""
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    waiting = text(f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND {here}")
    with committed.connect() as connection:
        wait_until(lambda: act.done() or connection.scalar(waiting))


def sampled(session: Session, code: str, now: datetime) -> dict[str, str]:
    slips = [service.BallotSlip(f"26-{code}", None, "A", "bản 1", 2.0)]
    found = queries.round_called(session, code)
    return sampling.take_sample(session, found, slips, {}, coded=True, by="system", now=now)


def test_a_ballot_typed_while_a_sample_is_taken_is_judged_by_that_sample(committed: Engine, now: datetime) -> None:
    with Session(committed) as session:
        open_round(session, "luc-rut", now)
        session.commit()

    def typed() -> None:
        with Session(committed) as session:
            found = queries.round_called(session, "luc-rut")
            entry.enter_ballot(session, found, row(1), BallotSource.ENTRY, who=ImportActor(), now=now)
            session.commit()

    with ThreadPoolExecutor(1) as pool, Session(committed) as session:
        sampled(session, "luc-rut", now)
        ballot = pool.submit(typed)
        until_it_waits(committed, ballot)
        session.commit()
        with pytest.raises(Invalid) as refused:
            ballot.result()
    assert "không có trong mẫu đã rút" in str(refused.value.errors[0])


def test_no_sample_is_taken_over_an_answer_that_is_being_stored(committed: Engine, now: datetime) -> None:
    with Session(committed) as session:
        open_round(session, "luc-dap", now)
        (code,) = sampled(session, "luc-dap", now).values()
        session.commit()

    def taken() -> None:
        with Session(committed) as session:
            sampled(session, "luc-dap", now)
            session.commit()

    with ThreadPoolExecutor(1) as pool, Session(committed) as session:
        entry.store_response(session, code, row(1), now)
        sample = pool.submit(taken)
        until_it_waits(committed, sample)
        session.commit()
        with pytest.raises(Conflict, match="không thay mẫu"):
            sample.result()
    with Session(committed) as session, pytest.raises(Conflict, match="đã được trả lời"):
        entry.find_issued(session, code)


def test_an_import_that_is_cut_off_leaves_nothing_and_goes_in_when_repeated(
    committed: Engine, round_id: int, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = as_csv([row(number) for number in range(1000, 1030)] + [row(1030, q01="9")])

    def lost(*_given: object, **_named: object) -> None:
        raise ConnectionError

    def stored() -> list[int | None]:
        with Session(committed) as session:
            return [session.scalar(select(func.count()).select_from(table)) for table in (Ballot, BallotBatch, HeldRow)]

    before = stored()
    with monkeypatch.context() as patched:
        patched.setattr("backend.surveys.ballot_files.importing.audit.record", lost)  # the last step before the commit
        with pytest.raises(ConnectionError):
            bring_in(content, now)
    assert stored() == before
    outcome = bring_in(content, now)
    assert (outcome.accepted, outcome.held) == (30, 1) and not outcome.repeated
    with Session(committed) as session:
        assert len(queries.list_held(session, outcome.batch_id)) == 1
