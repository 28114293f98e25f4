"""Ballots in: faulty rows are held with the right reason, the rest goes in, and nothing goes in twice."""

import io
import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.files.faults import FileRefused, TableFault
from backend.surveys.ballot_files.faults import BallotFault
from backend.surveys.models import Ballot, BallotBatch, Round
from backend.surveys.rounds import queries, service
from tests.ballots import FORM, HEADER, ROUND, as_csv, as_xlsx, bring_in, held, row
from tests.command import Command


def counted(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Ballot).where(~Ballot.withdrawn)) or 0


BLANKS = dict.fromkeys(FORM.columns, "")
ROW_FAULTS: list[tuple[dict[str, str], str, BallotFault]] = [
    ({"q01": "0"}, "q01", BallotFault.SCALE_FROM_ZERO),
    ({"q02": "4,0"}, "q02", BallotFault.DECIMAL_COMMA),
    ({"q03": "6"}, "q03", BallotFault.OUT_OF_RANGE),
    ({"q04": "3.5"}, "q04", BallotFault.NOT_WHOLE),
    ({"q05": "hài lòng"}, "q05", BallotFault.TEXT_IN_NUMBER),
    ({"q06": "=A1+1"}, "q06", BallotFault.FORMULA),
    ({"q07": "#N/A"}, "q07", BallotFault.ERROR_CELL),
    ({"q08": "-1"}, "q08", BallotFault.OUT_OF_RANGE),
    ({"p2_1": "2"}, "p2_1", BallotFault.OUT_OF_RANGE),
    ({"so_phieu": ""}, "so_phieu", BallotFault.NUMBER_MISSING),
    ({"so_phieu": "=HYPERLINK(1)"}, "so_phieu", BallotFault.FORMULA),
    ({"mau_phieu": "household-2022"}, "mau_phieu", BallotFault.WRONG_FORM),
    ({"don_vi": "03387"}, "don_vi", BallotFault.UNIT_GONE),
    ({"don_vi": "99999"}, "don_vi", BallotFault.UNIT_UNKNOWN),
    ({"don_vi": ""}, "don_vi", BallotFault.UNIT_MISSING),
    ({"trong_so": "0"}, "trong_so", BallotFault.WEIGHT_NOT_POSITIVE),
    ({"trong_so": "-2"}, "trong_so", BallotFault.WEIGHT_NOT_POSITIVE),
    ({"trong_so": ""}, "trong_so", BallotFault.WEIGHT_MISSING),
    ({"trong_so": "9000"}, "trong_so", BallotFault.WEIGHT_HUGE),
    ({"trong_so": "1,5"}, "trong_so", BallotFault.DECIMAL_COMMA),
    ({"trong_so": "nan"}, "trong_so", BallotFault.TEXT_IN_NUMBER),
    ({"cum": ""}, "cum", BallotFault.LABEL_MISSING),
    ({"ngay": "31/02/2026"}, "ngay", BallotFault.DATE_WRONG),
    ({"ngay": "10/11/2027"}, "ngay", BallotFault.DATE_FUTURE),
    ({"ngay": "10/01/2026"}, "ngay", BallotFault.DATE_BEFORE),
    ({"nhom_tuoi": "41"}, "nhom_tuoi", BallotFault.EXACT_AGE),
    ({"gioi_tinh": "x"}, "gioi_tinh", BallotFault.BAND_UNKNOWN),
    (BLANKS, "", BallotFault.BLANK_BALLOT),
]


def test_each_kind_of_fault_is_held_with_its_reason_and_the_rest_goes_in_once(
    session: Session, opened: Round, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    good = [row(number) for number in range(1, 41)]
    faulty = [row(100 + place, **change) for place, (change, _column, _fault) in enumerate(ROW_FAULTS)]
    twice = [row(900), row(900, q01="1")]
    content = as_csv([*good, *faulty, *twice])
    outcome = bring_in(content, now)
    found = held(session, outcome)
    assert (outcome.accepted, outcome.invalid, outcome.held) == (40, 0, len(faulty) + 2)
    reasons = {
        one.line: [str(f.reason) for f in one.findings]
        for one in queries.list_held(session, outcome.batch_id, limit=None)
    }
    table = []
    for place, (_change, column, fault) in enumerate(ROW_FAULTS):
        line = 42 + place
        assert found[line] == [(column, fault)], ROW_FAULTS[place]
        table.append(f"line {line}, {column or '(row)'}: {fault.value}: {reasons[line][0]}")
    for line in (42 + len(faulty), 43 + len(faulty)):
        assert found[line] == [("so_phieu", BallotFault.DUPLICATE_IN_FILE)]
        table.append(f"line {line}, so_phieu: {BallotFault.DUPLICATE_IN_FILE.value}: {reasons[line][0]}")
    assert "Phường Tân Phong (03408)" in reasons[42 + 12][0]
    again = bring_in(content, now)
    assert again.repeated and again.batch_id == outcome.batch_id and counted(session) == 40
    same_rows = bring_in(as_csv(list(reversed(good))), now)
    assert (same_rows.accepted, same_rows.already, same_rows.held) == (0, 40, 0) and counted(session) == 40
    changed = bring_in(as_csv([row(1, q01="5" if row(1)["q01"] != "5" else "4"), row(41)]), now)
    assert held(session, changed) == {2: [("so_phieu", BallotFault.DUPLICATE_STORED)]} and counted(session) == 41
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *table, ""]))


def workbook_with(change: Callable[[str], str], rows: int = 4) -> bytes:
    """A workbook whose sheet is changed as XML."""
    source, target = io.BytesIO(as_xlsx([row(number) for number in range(1, rows + 1)])), io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name).decode()
            new.writestr(name, change(text) if name.endswith("sheet1.xml") else text)
    return target.getvalue()


def with_part(name: str, content: bytes) -> bytes:
    target = io.BytesIO(as_xlsx([row(1)]))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr(name, content)
    return target.getvalue()


def renamed(old: str, new: str) -> list[str]:
    return [new if name == old else name for name in HEADER]


def swapped() -> list[str]:
    header = HEADER.copy()
    first, second = header.index("q03"), header.index("q04")
    header[first], header[second] = header[second], header[first]
    return header


def columns_hidden(text: str) -> str:
    return text.replace("<sheetData>", '<cols><col min="12" max="12" width="0" hidden="1"/></cols><sheetData>')


def header_merged(text: str) -> str:
    return text.replace("</sheetData>", '</sheetData><mergeCells><mergeCell ref="A1:B1"/></mergeCells>')


def with_entities(text: str) -> str:
    head, _mark, rest = text.partition("?>")
    return f'{head}?><!DOCTYPE x [<!ENTITY a "aaaa">]>{rest}'


def zero_to_four() -> bytes:
    rows = [row(number) for number in range(1, 61)]
    for one in rows:
        one |= {f"q{item:02d}": str(int(one[f"q{item:02d}"]) - 1) for item in range(1, 40)}
    return as_csv(rows)


FILE_FAULTS: list[tuple[BallotFault | TableFault, Callable[[], bytes]]] = [
    (TableFault.EMPTY_FILE, lambda: b""),
    (TableFault.EMPTY_FILE, lambda: as_csv([])),
    (BallotFault.UNKNOWN_COLUMN, lambda: as_csv([row(1, q99="3")], [*HEADER, "q99"])),
    (BallotFault.MISSING_COLUMN, lambda: as_csv([row(1)], [name for name in HEADER if name != "q07"])),
    (BallotFault.COLUMN_TWICE, lambda: as_csv([row(1)], [*HEADER, "q07"])),
    (BallotFault.COLUMN_ORDER, lambda: as_csv([row(1)], swapped())),
    (BallotFault.SHIFTED_SCALE, zero_to_four),
    (BallotFault.DELIMITER, lambda: as_csv([row(1)], separator="~")),
    (TableFault.ENCODING, lambda: as_csv([row(1)]).decode().encode("utf-16")),
    (TableFault.NOT_A_TABLE, lambda: b"\x00\x01\x02 not a table"),
    (TableFault.NOT_A_TABLE, lambda: as_xlsx([row(1)])[:-30]),
    (TableFault.NOT_A_TABLE, lambda: workbook_with(lambda text: text[:-40])),
    (TableFault.ENCRYPTED, lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)),
    (TableFault.MACROS, lambda: with_part("xl/vbaProject.bin", b"Sub AutoOpen()")),
    (TableFault.ZIP_BOMB, lambda: with_part("xl/media/large.bin", bytes(10_000_000))),
    (TableFault.UNSAFE_XML, lambda: workbook_with(with_entities)),
    (TableFault.HIDDEN_COLUMN, lambda: workbook_with(columns_hidden)),
    (TableFault.MERGED_HEADER, lambda: workbook_with(header_merged)),
]


@pytest.mark.parametrize(
    ("fault", "make"), FILE_FAULTS, ids=[f"{fault.value}-{n}" for n, (fault, _m) in enumerate(FILE_FAULTS)]
)
def test_a_faulty_file_is_refused_whole(
    session: Session, opened: Round, now: datetime, fault: BallotFault, make: Callable[[], bytes]
) -> None:
    with pytest.raises(FileRefused) as refused:
        bring_in(make(), now)
    assert refused.value.fault is fault and "%(" not in str(refused.value)
    assert counted(session) == 0 and session.scalar(select(func.count()).select_from(BallotBatch)) == 0


def test_what_a_sheet_hides_or_merges_is_held(session: Session, opened: Round, now: datetime) -> None:
    def change(text: str) -> str:
        text = text.replace('<row r="3">', '<row r="3" hidden="1">')
        text = text.replace("</sheetData>", '</sheetData><mergeCells><mergeCell ref="L4:M4"/></mergeCells>')
        before, mark, after = text.partition('<row r="5">')
        return before + mark + after.replace("<c><v>1</v></c>", "<c><f>1+0</f><v>1</v></c>", 1)

    outcome = bring_in(workbook_with(change, 6), now)
    found = held(session, outcome)
    assert {line: [fault for _column, fault in findings] for line, findings in found.items()} == {
        3: [BallotFault.HIDDEN_ROW],
        4: [BallotFault.MERGED_CELLS],
        5: [BallotFault.FORMULA],
    }
    assert outcome.accepted == 3


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (b'"P0002","household-2023"\n', BallotFault.RAGGED),
        (as_csv([row(2, cum="b\udcff")]).splitlines()[1] + b"\n", BallotFault.NOT_UTF8),
        (as_csv([row(2, q01="\x00")]).splitlines()[1] + b"\n", BallotFault.NUL),
        (b"x" * 250_000 + b"\n", BallotFault.TOO_LONG),
    ],
)
def test_a_broken_line_is_held_and_the_next_is_read(
    session: Session, opened: Round, now: datetime, broken: bytes, fault: BallotFault
) -> None:
    header, first = as_csv([row(1)]).splitlines()
    outcome = bring_in(b"\xef\xbb\xbf" + header + b"\n" + broken + first + b"\n", now)
    assert [findings[0][1] for findings in held(session, outcome).values()] == [fault]
    assert outcome.accepted == 1


def test_semicolons_and_a_byte_order_mark_are_read_as_excel_writes_them(
    session: Session, opened: Round, now: datetime
) -> None:
    assert bring_in(b"\xef\xbb\xbf" + as_csv([row(1), row(2)], separator=";"), now).accepted == 2


def test_held_rows_come_back_as_a_file_that_goes_in_once_mended(
    session: Session, opened: Round, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Command(monkeypatch)
    source, mend = tmp_path / "phieu.csv", tmp_path / "sua.csv"
    source.write_bytes(as_csv([row(1), row(2, q01="=1+1"), row(3, q02="9")]))
    printed = command.json("survey", "import", source, "--round", ROUND, "--held", mend)
    assert (printed["accepted"], printed["held"]) == (1, 2)
    text = mend.read_text(encoding="utf-8-sig")
    assert "'=1+1" in text and text.splitlines()[0].endswith("dong,cot,ly_do")
    unchanged = command.json("survey", "import", mend, "--round", ROUND)
    assert (unchanged["accepted"], unchanged["held"]) == (0, 2)
    mend.write_text(text.replace("'=1+1", "2").replace(",9,", ",4,"), encoding="utf-8")
    assert command.json("survey", "import", mend, "--round", ROUND)["accepted"] == 2
    assert counted(session) == 3


def test_a_mended_workbook_goes_in(
    session: Session, opened: Round, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Command(monkeypatch)
    source, mend = tmp_path / "phieu.xlsx", tmp_path / "sua.xlsx"
    source.write_bytes(as_xlsx([row(1), row(2, trong_so="1,5")]))
    assert command.json("survey", "import", source, "--round", ROUND, "--held", mend)["held"] == 1
    text = mend.read_bytes()
    with zipfile.ZipFile(io.BytesIO(text)) as package:
        assert "<f>" not in package.read("xl/worksheets/sheet1.xml").decode()
    book = openpyxl.load_workbook(mend)
    sheet = book.active
    place = HEADER.index("trong_so") + 1
    assert sheet.cell(2, place).value == "1,5"
    sheet.cell(2, place).value = 1.5
    book.save(mend)
    assert command.json("survey", "import", mend, "--round", ROUND)["accepted"] == 1


def test_a_withdrawn_batch_is_not_counted_and_may_come_again(session: Session, opened: Round, now: datetime) -> None:
    content = as_csv([row(number) for number in range(1, 31)])
    first = bring_in(content, now)
    service.withdraw_batch(session, first.batch_id, "Nhập nhầm đợt", by="system", user_id=None, now=now)
    session.commit()
    assert counted(session) == 0 and session.scalar(select(func.count()).select_from(Ballot)) == 30
    again = bring_in(content, now)
    assert not again.repeated and again.accepted == 30 and counted(session) == 30


def test_a_blank_drops_the_answer_and_a_rule_drops_the_ballot(session: Session, opened: Round, now: datetime) -> None:
    few = row(1, q01="", q02="", p2_1="", p2_2="", p2_3="", p2_4="", p2_5="", p2_6="", p2_7="")
    mostly = row(2, **{f"q{item:02d}": "" for item in range(1, 21)})
    same = row(3, **{f"q{item:02d}": "4" for item in range(1, 40)})
    outcome = bring_in(as_csv([few, mostly, same]), now)
    assert (outcome.accepted, outcome.invalid, outcome.held) == (2, 1, 0)
    stored = {one.number: one for one in session.scalars(select(Ballot))}
    places = {slot.code: place for place, slot in enumerate(FORM.slots)}
    first = stored["P0001"].answers
    assert first[places["policy.accountability.1"]] is None and first[places["channel_used"]] is None
    assert stored["P0002"].marks == ["mostly-blank"] and not stored["P0002"].valid
    assert stored["P0003"].marks == ["all-same"] and stored["P0003"].valid
    ticked = [int(row(3)[f"p2_{option}"]) for option in range(1, 8)]
    assert stored["P0003"].answers[places["channel_used"]] == sum(bit << place for place, bit in enumerate(ticked))


def test_a_ballot_keeps_a_day_and_no_order(session: Session, opened: Round, now: datetime) -> None:
    rows = [row(number, ngay="2026-11-10 09:31:07") for number in range(1, 60)]
    bring_in(as_csv(rows), now)
    kept = session.execute(select(Ballot.number, Ballot.entered_on).order_by(Ballot.id)).all()
    assert {day for _number, day in kept} == {date(2026, 11, 10)}
    assert [number for number, _day in kept] != sorted(number for number, _day in kept)
