"""Ballots as other programs save them, and what a file leaves open."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.surveys.models import Ballot
from backend.surveys.rounds import service
from tests.command import Command
from tests.places import CASES

ROUND = "gop-y-2026"
HEADER = "so_phieu,mau_phieu,don_vi,tang,cum,trong_so,ngay,nhom_tuoi,gioi_tinh,dan_toc,q37,q38,q39"


@pytest.fixture
def command(session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.chdir(tmp_path)
    plan = service.RoundPlan(ROUND, "Góp ý", "feedback-1", "12", 2026, date(2026, 11, 1), date(2026, 11, 30), 20)
    service.publish_shipped(session, now)
    service.open_round(session, plan, by="system", now=now)
    session.commit()
    return Command(monkeypatch)


def ballots(*rows: str, header: str = HEADER) -> str:
    Path("phieu.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return "phieu.csv"


def ballot(number: int, day: str = "05/11/2026", weight: str = "1", answers: str = "4,5,3") -> str:
    return f"S-{number},feedback-1,03388,T1,01,{weight},{day},25-34,nam,kinh,{answers}"


def outcome(command: Command, *words: object) -> Any:
    return command.json("survey", "import", *words, "--round", ROUND)


def test_ballots_below_a_separator_line_are_taken(command: Command) -> None:
    assert outcome(command, CASES / "ballots" / "sep.csv")["accepted"] == 1


@pytest.mark.parametrize("name", ["sharedstrings-capital", "sharedstrings-elsewhere", "chartsheet-first", "strict"])
def test_workbooks_of_other_programs_are_taken(command: Command, name: str) -> None:
    path = CASES / "xlsx" / f"{name}.xlsx"
    assert outcome(command, path, "--check")["accepted"] == 3
    printed = command.run("survey", "import", path, "--round", ROUND).stdout
    assert "XLSX, trang “Phiếu”; từ ngày 05/11/2026 đến ngày 05/11/2026" in printed


def test_ballots_with_the_month_first_are_refused_until_the_order_is_given(command: Command, session: Session) -> None:
    path = ballots(ballot(1, "11/05/2026"), ballot(2, "11/17/2026"))
    sentence = command.refusal("survey", "import", path, "--round", ROUND)
    assert sentence.startswith("phieu.csv: Cột “ngay”, dòng 3: “11/17/2026”")
    assert session.scalars(select(Ballot)).all() == []
    assert outcome(command, path, "--dates", "mdy")["accepted"] == 2
    assert sorted(session.scalars(select(Ballot.entered_on))) == [date(2026, 11, 5), date(2026, 11, 17)]


def test_declared_codes_for_no_answer_are_no_answers(command: Command, session: Session) -> None:
    path = ballots(ballot(1, answers="4,99,3"), ballot(2))
    assert outcome(command, path, "--check")["held"] == 1
    assert outcome(command, path, "--missing", "9,99")["accepted"] == 2
    answers = session.scalars(select(Ballot.answers).where(Ballot.number == "S-1")).one()
    assert list(answers) == [4, None, 3]


def test_weights_that_may_be_thousands_are_asked_for(command: Command, session: Session) -> None:
    rows = [ballot(number, weight="1.250").replace(",", ";") for number in (1, 2)]
    path = ballots(*rows, header=HEADER.replace(",", ";"))
    sentence = command.refusal("survey", "import", path, "--round", ROUND)
    assert "“1.250” có thể là số lẻ" in sentence
    assert "dòng 2" in sentence
    assert outcome(command, path, "--decimal", ".")["accepted"] == 2
    assert set(session.scalars(select(Ballot.weight))) == {1.25}


def test_ballot_numbers_that_differ_in_leading_zeros_are_held(command: Command) -> None:
    path = ballots(*(ballot(1).replace("S-1", number) for number in ("0012", "12", "13")))
    result = outcome(command, path)
    assert (result["accepted"], result["held"]) == (1, 2)
