"""A drawn sample and the ballots that come back: places by number, codes on paper alone, errors of the design."""

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import docx
import pytest
import segno
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend import db
from backend.surveys.ballot_files import importing
from backend.surveys.ballot_files.faults import BallotFault
from backend.surveys.ballot_files.importing import ImportActor, ImportOutcome
from backend.surveys.entry import service as entry
from backend.surveys.models import Ballot, BallotSource, IssuedBallot
from backend.surveys.rounds import figures, queries
from backend.users.guard import COOKIE
from backend.users.models import Role
from tests.command import Command
from tests.factories import World
from tests.signing_in import signed_in

DESIGN = """
code = "thu"
name_vi = "Chọn thử"
name_en = "Trial"
year = 2026
source = "-"
[ranking]
units = 63
spread = 3.3
[evidence]
stages = "?"
[[stage]]
level = "commune"
name_vi = "xã"
name_en = "commune"
select = "all"
of = 2
[[stage]]
level = "village"
name_vi = "thôn"
name_en = "village"
select = "srswor"
take = 3
[[stage]]
level = "household"
name_vi = "hộ"
name_en = "household"
select = "srswor"
take = 4
"""
COMMUNES = {"03388": 5, "03408": 4}
ROUND = "mau-2026"


@pytest.fixture
def command(session: Session, monkeypatch: pytest.MonkeyPatch, now: datetime) -> Command:
    command = Command(monkeypatch)
    opened = ["survey", "open", ROUND, "--instrument", "feedback-1", "--first", "2026-11-01", "--last", "2026-12-31"]
    assert command.run(*opened).exit_code == 0
    return command


@pytest.fixture
def draw(command: Command, tmp_path: Path) -> Callable[..., list[dict[str, str]]]:
    """Two communes, villages of 6 to 10 households; the rows of sample.csv."""
    units, households = ["level,code,name,parent"], ["village,code,name"]
    for commune, villages in COMMUNES.items():
        units.append(f"commune,{commune},Xã {commune},")
        for v in range(villages):
            units.append(f"village,{commune}-{v},Bản {v},{commune}")
            households += [f"{commune}-{v},{h},Chủ hộ {v}.{h}" for h in range(6 + v)]
    for name, lines in (("design.toml", [DESIGN]), ("units.csv", units), ("households.csv", households)):
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")

    def run(folder: str, *more: object, seed: int = 7) -> list[dict[str, str]]:
        asked = ["survey", "draw", "--design", tmp_path / "design.toml", "--units", tmp_path / "units.csv"]
        asked += ["--households", tmp_path / "households.csv", "--seed", seed, "--out", tmp_path / folder]
        command.json(*asked, *more)
        return list(csv.DictReader(io.StringIO((tmp_path / folder / "sample.csv").read_text(encoding="utf-8-sig"))))

    return run


def filled(number: str, place: int, **changed: str) -> dict[str, str]:
    scores = {f"q{item}": str(1 + (place * 7 + item + place % 3) % 5) for item in (37, 38, 39)}
    return {
        "so_phieu": number,
        "mau_phieu": "feedback-1",
        "gioi_tinh": ("nam", "nữ", "nữ")[place % 3],
        **scores,
    } | changed


def bring_in(rows: list[dict[str, str]], now: datetime) -> ImportOutcome:
    header = list(dict.fromkeys(name for row in rows for name in row))
    header.sort(key=lambda name: name in ("q37", "q38", "q39"))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, header, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return importing.import_file(
        io.BytesIO(stream.getvalue().encode()), ROUND, file_name="p.csv", who=ImportActor(), now=now
    )


def test_ballots_of_a_draw_get_their_places_and_others_are_held(
    command: Command, draw: Callable[..., list[dict[str, str]]], session: Session, tmp_path: Path, now: datetime
) -> None:
    sample = draw("out", "--no-print")
    said = command.run("survey", "sample", tmp_path / "out" / "sample.csv", "--round", ROUND)
    assert said.exit_code == 0 and "mẫu 24 phiếu" in said.stdout
    numbers = [row["ballot"] for row in sample]
    typed = numbers[1].replace("-", "")
    mistyped = f"{typed[:-1]}{(int(typed[-1]) + 1) % 10}"
    rows = [
        filled(numbers[0], 0),
        filled(typed, 1, tang=sample[1]["stratum"], cum=sample[1]["psu"], trong_so=f"{float(sample[1]['weight']):.2f}"),
        filled("P17", 2),
        filled(mistyped, 3),
        filled(numbers[2], 4, tang="khác"),
        filled(numbers[3], 5, trong_so="99"),
        filled(numbers[4], 6, don_vi="03408" if sample[4]["commune"] == "03388" else "03388"),
        filled(numbers[5], 7),
        filled(numbers[5].replace("-", " "), 8),
    ]
    outcome = bring_in(rows, now)
    session.expire_all()
    held = {one.line: one.findings for one in queries.list_held(session, outcome.batch_id)}
    assert {line: (found[0].column, found[0].fault) for line, found in held.items()} == {
        4: ("so_phieu", BallotFault.NOT_DRAWN),
        5: ("so_phieu", BallotFault.NUMBER_MISTYPED),
        6: ("tang", BallotFault.DRAW_DIFFERS),
        7: ("trong_so", BallotFault.DRAW_DIFFERS),
        8: ("don_vi", BallotFault.DRAW_DIFFERS),
        9: ("so_phieu", BallotFault.DUPLICATE_IN_FILE),
        10: ("so_phieu", BallotFault.DUPLICATE_IN_FILE),
    }
    assert outcome.accepted == 2
    stored = {one.number: one for one in session.scalars(select(Ballot))}
    units = {one.unit_id for one in stored.values()}
    assert stored.keys() == {numbers[0], numbers[1]} and None not in units
    for place in (0, 1):
        one, drawn = stored[numbers[place]], sample[place]
        assert (one.stratum, one.psu) == (drawn["stratum"], drawn["psu"])
        assert one.weight == float(drawn["weight"])


@pytest.mark.parametrize("written", ["{}", " {} ", "'{}", "\u00a0{}"])
def test_a_drawn_ballot_is_typed_with_its_number_as_a_table_writes_it(
    command: Command, draw: Callable[..., list[dict[str, str]]], session: Session, tmp_path: Path, now: datetime,
    written: str,
) -> None:  # fmt: skip
    number = draw("out", "--no-print")[0]["ballot"]
    command.run("survey", "sample", tmp_path / "out" / "sample.csv", "--round", ROUND)
    values = filled(written.format(number.replace("-", "")), 0)
    found = queries.round_called(session, ROUND)
    assert entry.enter_ballot(session, found, values, BallotSource.ENTRY, who=ImportActor(), now=now).number == number


def test_errors_of_a_round_are_those_of_its_design_with_the_finite_population(
    command: Command, draw: Callable[..., list[dict[str, str]]], tmp_path: Path, now: datetime
) -> None:
    sample = draw("out", "--no-print")
    command.run("survey", "sample", tmp_path / "out" / "sample.csv", "--round", ROUND)
    rows = [filled(row["ballot"], place) for place, row in enumerate(sample)]
    assert bring_in(rows, now).accepted == 24
    joined = tmp_path / "joined.csv"
    with joined.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*sample[0], "q37", "q38", "q39"])
        writer.writeheader()
        items = [{name: row[name] for name in ("q37", "q38", "q39")} for row in rows]
        writer.writerows(drawn | scores for drawn, scores in zip(sample, items, strict=True))
    columns = ["--strata", "stratum", "--psu", "psu", "--weights", "weight", "--fpc", "fpc"]
    printed = command.run(
        "estimate", joined, *columns, "--items", "q37,q38,q39", "--index", "group=q37..q39", "--format", "json"
    )
    expected = next(one for one in json.loads(printed.stdout) if one["variable"] == "group")
    ours = {one["variable"]: one for one in command.json("survey", "estimate", "--round", ROUND)}["service.feedback"]
    assert ours["fpc"] is True and ours["df"] == 4
    for name in ("estimate", "se", "lo", "hi", "deff"):
        assert ours[name] == pytest.approx(expected[name], rel=1e-12)
    without = command.run(
        "estimate", joined, *columns[:-2], "--items", "q37,q38,q39", "--index", "group=q37..q39", "--format", "json"
    )
    loose = next(one for one in json.loads(without.stdout) if one["variable"] == "group")
    assert loose["se"] > 1.2 * ours["se"]
    assert "tổng thể hữu hạn" in command.run("survey", "estimate", "--round", ROUND).stdout


def test_codes_of_respondents_are_on_the_printed_ballots_alone(
    command: Command,
    draw: Callable[..., list[dict[str, str]]],
    client: TestClient,
    session: Session,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes = [f"ma-{place:03d}-khong-ai-doan-duoc" for place in range(24)]
    left = iter(codes)
    monkeypatch.setattr("backend.surveys.rounds.service.secrets.token_urlsafe", lambda _size: next(left))
    sample = draw("out", "--round", ROUND, "--link", "https://khao-sat.vn/phieu/")
    first = tmp_path / "out" / "ballots" / f"{sample[0]['commune']}_{sample[0]['village']}.docx"
    document = docx.Document(str(first))
    embedded = [blip.embed for blip in document.element.body.iter() if blip.tag.endswith("}blip")]
    shown = [document.part.related_parts[rel].blob for rel in embedded]
    assert shown == [qr(f"https://khao-sat.vn/phieu/{code}") for code in codes[:4]]
    assert "quét mã này" in "\n".join(cell.text for table in document.tables for cell in table._cells)
    stored = "\n".join(
        str(row) for name in db.Base.metadata.tables for row in session.execute(text(f"SELECT * FROM {name}"))
    )
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file())
    assert not any(code in stored or code.encode() in written for code in codes)
    answers = {"q37": "4", "q38": "3", "q39": "5", "gioi_tinh": "nữ", "so_phieu": "khác", "trong_so": "900"}
    assert client.get(f"/phieu/{codes[1]}").status_code == 200
    assert client.post(f"/phieu/{codes[1]}", data=answers).status_code == 200
    one = session.scalars(select(Ballot)).one()
    assert (one.number, one.stratum, one.psu) == (sample[1]["ballot"], sample[1]["stratum"], sample[1]["psu"])
    assert one.weight == float(sample[1]["weight"])
    used = client.get(f"/phieu/{codes[1]}")
    assert used.status_code == 409 and "đã được trả lời" in used.text


def qr(content: str) -> bytes:
    picture = io.BytesIO()
    segno.make(content, error="m", micro=False).save(picture, kind="png", scale=4, border=2)
    return picture.getvalue()


def test_a_code_whose_paper_ballot_came_in_says_so(
    command: Command, draw: Callable[..., list[dict[str, str]]], client: TestClient, now: datetime, session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    left = iter(f"ma-{place}" for place in range(24))
    monkeypatch.setattr("backend.surveys.rounds.service.secrets.token_urlsafe", lambda _size: next(left))
    sample = draw("out", "--round", ROUND)
    assert client.get("/phieu/ma-0").status_code == 200
    assert bring_in([filled(sample[0]["ballot"], 0)], now).accepted == 1
    assert client.get("/phieu/ma-0").status_code == 409


def test_a_sample_is_replaced_until_ballots_came_in(
    command: Command, draw: Callable[..., list[dict[str, str]]], session: Session, tmp_path: Path, now: datetime
) -> None:
    draw("one", "--round", ROUND)
    first = session.scalars(select(IssuedBallot.code_hash)).all()
    sample = draw("two", "--round", ROUND)
    session.expire_all()
    again = session.scalars(select(IssuedBallot.code_hash)).all()
    assert len(again) == 24 and not {*first} & {*again}
    assert bring_in([filled(sample[0]["ballot"], 0)], now).accepted == 1
    file = tmp_path / "two" / "sample.csv"
    assert "không thay mẫu" in command.refusal("survey", "sample", file, "--round", ROUND)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("weight,stratum", "wt,stratum", "thiếu cột weight"),
        (",03388,03388-", ",03388,-", "sample.csv, dòng"),
        ("26-00002-", "26-00001-", "sample.csv, dòng 3: số phiếu “26-00001-"),
    ],
)
def test_a_file_of_a_sample_that_is_none_is_refused_with_its_line(
    command: Command, draw: Callable[..., list[dict[str, str]]], session: Session, tmp_path: Path, old: str, new: str,
    says: str,
) -> None:  # fmt: skip
    draw("out", "--no-print")
    file = tmp_path / "out" / "sample.csv"
    content = file.read_text(encoding="utf-8-sig")
    if says.endswith("dòng"):
        head, first, *rest = content.splitlines()
        cells = first.split(",")
        cells[head.split(",").index("weight")], cells[head.split(",").index("fpc")] = "-1", "2.5"
        content = "\n".join([head, ",".join(cells), *rest])
    else:
        assert old in content
        content = content.replace(old, new, 1)
    file.write_text(content, encoding="utf-8")
    assert says in command.refusal("survey", "sample", file, "--round", ROUND)
    assert session.scalars(select(IssuedBallot)).all() == []


def test_weights_are_brought_to_known_totals_and_the_page_says_so(
    command: Command, draw: Callable[..., list[dict[str, str]]], client: TestClient, session: Session, world: World,
    tmp_path: Path, now: datetime,
) -> None:  # fmt: skip
    sample = draw("out", "--no-print")
    client.cookies.set(COOKIE, signed_in(session, world.user(Role.SURVEY), now))
    page = f"/khao-sat/dot/{ROUND}/mau-rut"
    file = (tmp_path / "out" / "sample.csv").read_bytes()
    assert client.post(page, files={"sample": ("sample.csv", b"x,y\n1,2\n")}).status_code == 422
    assert client.post(page, files={"sample": ("sample.csv", file)}).status_code == 303
    shown = client.get(page).text
    assert "03388" in shown and "03408" in shown
    rows = [filled(row["ballot"], place) for place, row in enumerate(sample)]
    bring_in(rows, now)
    plain = command.json("survey", "estimate", "--round", ROUND)[1]
    typed = {"totals": "gioi_tinh; nam; 40\ngioi_tinh; nữ; 20", "source": "Niên giám thống kê"}
    assert client.post(page + "/tong", data=typed).status_code == 303
    brought = {one["variable"]: one for one in command.json("survey", "estimate", "--round", ROUND)}
    weights = [float(row["weight"]) for row in sample]
    expected = 0.0
    for sex, total in (("nam", 40), ("nữ", 20)):
        own = [(w, float(row["q37"])) for w, row in zip(weights, rows, strict=True) if row["gioi_tinh"] == sex]
        expected += total / 60 * sum(w * score for w, score in own) / sum(w for w, _score in own)
    assert brought["service.feedback.1"]["estimate"] == pytest.approx(20 * expected, rel=1e-12)
    assert brought["service.feedback.1"]["estimate"] != pytest.approx(plain["estimate"], rel=1e-6)
    assert brought["service.feedback.1"]["weights"] == "known totals"
    said = client.get(f"/khao-sat/dot/{ROUND}").text
    assert "Niên giám thống kê" in said and "Trọng số từ" in said
    for wrong in ("gioi_tinh; nam; 40", "gioi_tinh; nam; nhiều", "tuoi; 20; 5", "gioi_tinh; trai; 5"):
        answer = client.post(page + "/tong", data={"totals": wrong, "source": "" if wrong.endswith("40") else "x"})
        assert answer.status_code == 422
    assert client.post(page + "/tong", data={"totals": ""}).status_code == 303
    assert command.json("survey", "estimate", "--round", ROUND)[1]["estimate"] == plain["estimate"]


def test_who_does_not_tell_keeps_a_share_and_what_does_not_fit_is_said(
    command: Command, draw: Callable[..., list[dict[str, str]]], session: Session, tmp_path: Path, now: datetime
) -> None:
    sample = draw("out", "--no-print")
    command.run("survey", "sample", tmp_path / "out" / "sample.csv", "--round", ROUND)
    untold = {4: "", 9: ""}
    rows = [filled(row["ballot"], at, **({"gioi_tinh": ""} if at in untold else {})) for at, row in enumerate(sample)]
    bring_in(rows, now)
    file = tmp_path / "totals.csv"
    file.write_text("bien;gia_tri;tong\ngioi_tinh;nam;40\ngioi_tinh;nữ;20\ntang;03388;35\ntang;03408;25\n")
    assert command.run("survey", "weigh", file, "--round", ROUND, "--source", "Niên giám").exit_code == 0
    found = queries.round_called(session, ROUND)
    session.refresh(found)
    result = figures.estimate_round(session, found)
    assert result.brought is not None and result.brought.untold == {"gioi_tinh": 2, "tang": 0}
    printed = command.run("survey", "estimate", "--round", ROUND).stdout
    assert "2 phiếu không ghi gioi_tinh" in printed and "Niên giám" in printed
    file.write_text("tang;03388;35\ntang;03408;25\ntang;03999;5\n")
    command.run("survey", "weigh", file, "--round", ROUND, "--source", "Niên giám")
    assert "03999" in command.refusal("survey", "estimate", "--round", ROUND)
    uneven = "gioi_tinh; nam; 40\ngioi_tinh; nữ; 20\ntang; 03388; 35\ntang; 03408; 26"
    file.write_text(uneven)
    assert "cùng một tổng chung" in command.refusal("survey", "weigh", file, "--round", ROUND, "--source", "x")
