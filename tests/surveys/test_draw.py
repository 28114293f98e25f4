"""From lists to ballots: what an officer gives `survey plan` and `survey draw`, and what comes back."""

import csv
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
import segno
from docx.enum.section import WD_SECTION

from analytics.sampling.ballot_number import read_ballot_number
from backend.surveys.forms.instruments import shipped_instrument
from tests.command import Command

Lists = tuple[Path, Path]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(monkeypatch)


@pytest.fixture
def lists(tmp_path: Path) -> Lists:
    """Eight districts of 4 communes of 3 villages of 40 or 41 households; the units as a spreadsheet saves them."""
    units = ["level,code,name,parent,grade,households"]
    households = ["village,code,name,address"]
    for d in range(8):
        units.append(f"huyện,D{d},Huyện {d},,{'I' if d < 4 else 'II'},")
        for c in range(4):
            units.append(f"Xã,D{d}C{c},Xã {d}.{c},D{d},,")
            for v in range(3):
                village = f"D{d}C{c}V{v}"
                units.append(f"thôn,{village},Bản {d}.{c}.{v},D{d}C{c},,{40 + d % 2}")
                households += [f"{village},{h:03d},Giàng A {village}-{h},Nhà số {h}" for h in range(40 + d % 2)]
    files = tmp_path / "units.csv", tmp_path / "households.csv"
    files[0].write_text("\n".join(units) + "\n", encoding="utf-8-sig")
    files[1].write_text("\n".join(households) + "\n", encoding="utf-8")
    return files


@pytest.fixture
def draw(command: Command, lists: Lists, tmp_path: Path) -> Callable[..., dict[str, object]]:
    def run(folder: str, *more: object, seed: int = 2023) -> dict[str, object]:
        return command.json(*words(lists, tmp_path / folder, seed), *more)

    return run


def words(lists: Lists, out: Path, seed: int = 2023) -> list[object]:
    units, households = lists
    asked = ["survey", "draw", "--design", "lai-chau-2023", "--units", units, "--households", households]
    return [*asked, "--seed", seed, "--out", out]


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def test_officer_draws_the_sample_of_2023(draw: Callable[..., dict[str, object]], tmp_path: Path) -> None:
    result = draw("out")
    rows = table(tmp_path / "out" / "sample.csv")
    assert (result["villages"], result["ballots"], len(rows)) == (18, 558, 558)
    assert result["known_households"] == 8 * 12 * 40.5
    assert sum(float(row["weight"]) for row in rows) == pytest.approx(result["estimated_households"])
    assert len({row["ballot"] for row in rows}) == 558
    assert all(read_ballot_number(row["ballot"]) == row["ballot"] for row in rows)
    for row in rows:
        p = float(row["p_district"]) * (3 / 4) * (2 / 3) * 31 / (40 + int(row["district"][1]) % 2)
        assert float(row["p"]) == pytest.approx(p)
        assert float(row["weight"]) == pytest.approx(1 / p)
        assert float(row["p_district"]) == {"I": 0.5, "II": 0.25}[row["stratum"]]
        assert (row["psu"], row["fpc"]) == (row["district"], "4")
    assert {row["district"] for row in rows if row["stratum"] == "II"} == {rows[-1]["district"]}
    assert result["single_unit_strata"] == ["II"]


def test_same_seed_and_lists_in_another_order_give_the_same_files(
    draw: Callable[..., dict[str, object]], lists: Lists, tmp_path: Path
) -> None:
    first = draw("one", "--no-print")
    for path in lists:
        header, *rows = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([header, *reversed(rows)]) + "\n", encoding="utf-8")
    assert draw("two", "--no-print") == first
    for name in ("sample.csv", "reserves.csv", "units.csv", "draw.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    draw("three", "--no-print", seed=2024)
    assert (tmp_path / "three" / "sample.csv").read_bytes() != (tmp_path / "one" / "sample.csv").read_bytes()


def test_units_are_drawn_first_and_households_when_they_are_listed(
    command: Command, lists: Lists, draw: Callable[..., dict[str, object]], tmp_path: Path
) -> None:
    units, _households = lists
    asked = ["survey", "draw", "--design", "lai-chau-2023", "--units", units, "--seed", 2023]
    assert command.json(*asked, "--out", tmp_path / "first")["ballots"] == 0
    assert sorted(path.name for path in (tmp_path / "first").iterdir()) == ["draw.json", "reserves.csv", "units.csv"]
    draw("then", "--no-print")
    villages = {row["village"] for row in table(tmp_path / "first" / "units.csv")}
    assert villages == {row["village"] for row in table(tmp_path / "then" / "sample.csv")}


def test_names_of_households_stand_on_the_field_list_alone(
    draw: Callable[..., dict[str, object]], tmp_path: Path
) -> None:
    draw("out")
    out = tmp_path / "out"
    rows = table(out / "sample.csv")
    with_name = [path.name for path in sorted(out.rglob("*")) if path.is_file() and "Giàng A" in text_of(path)]
    assert with_name == ["field-list.docx"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    printed = text_of(out / "field-list.docx")
    assert all(row["ballot"] in printed for row in rows)
    assert all(f"Giàng A {row['village']}-{int(row['household'])}" in printed for row in rows)


def text_of(path: Path) -> str:
    if path.suffix != ".docx":
        return path.read_text(encoding="utf-8")
    document = docx.Document(str(path))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def test_every_ballot_has_its_number_its_questions_and_a_code_of_its_own(
    draw: Callable[..., dict[str, object]], tmp_path: Path
) -> None:
    draw("out", "--link", "https://example.vn/phieu/")
    rows = table(tmp_path / "out" / "sample.csv")
    village = rows[0]["village"]
    numbers = [row["ballot"] for row in rows if row["village"] == village]
    (file,) = (tmp_path / "out" / "ballots").glob(f"*_{village}.docx")
    assert len(list((tmp_path / "out" / "ballots").iterdir())) == 18
    printed = text_of(file)
    assert [number for number in numbers if printed.count(number) == 1] == numbers
    assert village not in printed
    for slot in shipped_instrument("feedback-1").slots:
        assert printed.count(slot.text.vi) == 31
    assert "00-00000-0" not in printed
    document = docx.Document(str(file))
    embedded = [blip.embed for blip in document.element.body.iter() if blip.tag.endswith("}blip")]
    assert [document.part.related_parts[rel].blob for rel in embedded] == [code(number) for number in numbers]
    assert [section.footer.paragraphs[0].text for section in document.sections] == [
        f"Số phiếu {number}, trang " for number in numbers
    ]
    assert {section.start_type for section in document.sections[1:]} == {WD_SECTION.ODD_PAGE}
    assert printed.count("Nhóm tuổi:") == 31
    with zipfile.ZipFile(file) as parts:
        assert sum(name.startswith("word/media/") for name in parts.namelist()) == 31


def code(number: str) -> bytes:
    picture = io.BytesIO()
    segno.make(f"https://example.vn/phieu/{number}", error="m").save(picture, kind="png", scale=4, border=2)
    return picture.getvalue()


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("which", "old", "new", "says"),
    [
        (0, "Xã,D0C1,", "Xã,D0C0,", "units.csv, dòng 7: mã “D0C0” đã có ở một dòng trước."),
        (0, "Xã 0.1,D0,", "Xã 0.1,D9,", "units.csv, dòng 7: mã “D0C1” thuộc “D9”, nhưng danh sách đơn vị không có"),
        (0, "Huyện 0,,I,", "Huyện 0,,III,", "units.csv, dòng 2: mã “D0” thuộc tầng “III” mà thiết kế không có."),
        (0, "Huyện 0,,I,", "Huyện 0,,,", "units.csv, dòng 2: mã “D0” thiếu tầng ở cột “grade”."),
        (0, "thôn,D0C0V0", "tổ,D0C0V0", "units.csv, dòng 4: thiết kế không có cấp “tổ”."),
        (0, "level,code", "cap,code", "units.csv: thiếu cột level."),
        (0, "Xã 0.1,D0,,", "Xã 0.1,D0,,,,", "units.csv, dòng 7: Dòng có 8 ô, cần 6."),
        (1, "D0C0V0,001,", "D0C0V0,000,", "households.csv, dòng 3: mã “000” đã có ở một dòng trước."),
        (1, "D0C0V0,001,", "D0C0V7,001,", "households.csv, dòng 3: mã “001” thuộc “D0C0V7”"),
        (1, "D0C0V0,001,", "D0C0V0,,", "households.csv, dòng 3: thiếu mã"),
        (1, "Nhà số 1\n", '"Nhà số 1\n', "households.csv, dòng 3: Dòng có dấu ngoặc kép không đóng"),
    ],
)
def test_lists_with_a_fault_are_refused_with_its_line_and_nothing_is_written(
    command: Command, lists: Lists, tmp_path: Path, which: int, old: str, new: str, says: str
) -> None:
    spoil(lists[which], old, new)
    assert says in command.refusal(*words(lists, tmp_path / "out"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["households.csv", "units.csv"]


def test_village_short_of_households_is_named_with_its_line(command: Command, lists: Lists, tmp_path: Path) -> None:
    draw_first = [*words(lists, tmp_path / "out"), "--no-print"]
    command.json(*draw_first)
    village = table(tmp_path / "out" / "sample.csv")[0]["village"]
    kept = [
        line for line in lists[1].read_text().splitlines() if not line.startswith((f"{village},02", f"{village},03"))
    ]
    lists[1].write_text("\n".join(kept))
    line = 1 + [row.split(",")[1] for row in lists[0].read_text(encoding="utf-8-sig").splitlines()].index(village)
    refusal = command.refusal(*words(lists, tmp_path / "again"))
    assert f"units.csv, dòng {line}: “{village}” có 2" in refusal
    assert "hộ trong danh sách, thiết kế cần 31." in refusal
    assert not (tmp_path / "again").exists()


def test_many_faults_are_told_together_and_cut_short(command: Command, lists: Lists, tmp_path: Path) -> None:
    lists[1].write_text("village,code\n" + "NOWHERE,1\n" * 30)
    refusal = command.refusal(*words(lists, tmp_path / "out")).splitlines()
    assert (len(refusal), refusal[-1]) == (21, "Và 10 chỗ khác cần sửa.")


def test_folder_with_content_is_left_alone(command: Command, lists: Lists, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "kept.txt").write_text("kept")
    assert "đã có nội dung" in command.refusal(*words(lists, out))
    assert [path.name for path in out.iterdir()] == ["kept.txt"]


def test_printing_that_fails_leaves_nothing_behind(
    command: Command, lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backend.commands.survey.samples.print_ballots", full)
    assert "Không ghi được" in command.refusal(*words(lists, tmp_path / "out"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["households.csv", "units.csv"]


def test_codes_do_not_lead_out_of_the_folder(command: Command, lists: Lists, tmp_path: Path) -> None:
    for path in lists:
        path.write_text(
            path.read_text(encoding="utf-8").replace("D0C", "../../D0C").replace("D1C", "/etc/D1C"), encoding="utf-8"
        )
    command.json(*words(lists, tmp_path / "out"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["households.csv", "out", "units.csv"]
    assert len(list((tmp_path / "out" / "ballots").iterdir())) == 18


def test_semicolons_of_a_spreadsheet_are_read(command: Command, lists: Lists, tmp_path: Path) -> None:
    for path in lists:
        path.write_text(path.read_text(encoding="utf-8").replace(",", ";"), encoding="utf-8")
    assert command.json(*words(lists, tmp_path / "out"), "--no-print")["ballots"] == 558


def test_own_design_is_read_from_a_file(command: Command, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    shipped_one = Path("analytics/data/designs/lai-chau-2023.toml").read_text(encoding="utf-8")
    own.write_text(shipped_one.replace("take = 31", "take = 15"), encoding="utf-8")
    assert command.json("survey", "plan", "--design", own)["outlooks"][0]["ballots"] == 270
    own.write_text(shipped_one.replace("take = 31", "tale = 31"), encoding="utf-8")
    assert "chưa đúng" in command.refusal("survey", "plan", "--design", own)
    assert "Không có thiết kế “nothing”" in command.refusal("survey", "plan", "--design", "nothing")


def test_plan_shows_what_558_ballots_can_tell(command: Command) -> None:
    plan = command.json("survey", "plan", "--design", "lai-chau-2023", "--cost-village", 500, "--cost-interview", 50)
    whole = plan["outlooks"][0]
    assert (whole["ballots"], round(whole["margin"], 2), whole["needed"]["villages"]) == (558, 1.71, 9)
    assert whole["ranks"]["units"] == 63
    shown = command.run("survey", "plan", "--design", "lai-chau-2023").stdout
    assert "1,71" in shown
    assert "một xã" in shown
    assert json.dumps(plan)


def test_plan_refuses_what_cannot_be(command: Command) -> None:
    asked = ("survey", "plan", "--design", "lai-chau-2023")
    assert "Độ tin cậy" in command.refusal(*asked, "--level", "95")
    assert "một cấp đơn vị" in command.refusal(*asked, "--icc", "hamlet=0.1")
    assert "một cấp đơn vị" in command.refusal(*asked, "--icc", "nhiều")


@pytest.mark.parametrize(
    ("design", "ballots", "psu"), [("communes-all", 1140, "village"), ("communes-drawn", 540, "commune")]
)
def test_province_without_districts_is_drawn_by_either_shipped_design(
    command: Command, tmp_path: Path, design: str, ballots: int, psu: str
) -> None:
    """38 communes of 3 to 6 villages: every village by size and as many ballots each gives nearly equal weights."""
    units, households = ["level,code,name,parent,stratum,households"], ["village,code"]
    for c in range(38):
        sizes = [60 + 7 * ((c + v) % 5) for v in range(3 + c % 4)]
        units.append(f"commune,{c:05d},Xã {c},,{'phường' if c < 4 else 'xã'},{sum(sizes)}")
        for v, size in enumerate(sizes):
            units.append(f"village,{c:05d}-{v},Bản {v},{c:05d},,{size}")
            households += [f"{c:05d}-{v},{h}" for h in range(size)]
    files = tmp_path / "units.csv", tmp_path / "households.csv"
    for path, rows in zip(files, (units, households), strict=True):
        path.write_text("\n".join(rows), encoding="utf-8")
    asked = ["survey", "draw", "--design", design, "--units", files[0], "--households", files[1], "--seed", 26]
    result = command.json(*asked, "--out", tmp_path / "out", "--no-print")
    sample = table(tmp_path / "out" / "sample.csv")
    assert (result["ballots"], len(sample)) == (ballots, ballots)
    assert all(row["psu"] == row[psu] for row in sample)
    assert "fpc" not in rows[0]
    assert result["single_unit_strata"] == []
    # Sizes are exact, so within a commune (or a stratum of communes) the estimate of households is exact too.
    assert result["estimated_households"] == pytest.approx(result["known_households"])


def test_codes_that_lost_their_zeros_are_refused(command: Command, lists: Lists, tmp_path: Path) -> None:
    spoil(lists[1], "D0C0V0,001,", "D0C0V0,1,")
    spoil(lists[1], "D0C0V0,002,", "D0C0V0,01,")
    assert "chỉ khác số 0 ở đầu" in command.refusal(*words(lists, tmp_path / "out"))


def test_lists_below_a_separator_line_are_read_like_any(draw: Callable[..., dict[str, object]], lists: Lists) -> None:
    as_usual = draw("first", "--no-print")
    for path in lists:
        path.write_text("sep=,\n" + path.read_text(encoding="utf-8-sig"), encoding="utf-8-sig")
    assert draw("second", "--no-print") == as_usual
