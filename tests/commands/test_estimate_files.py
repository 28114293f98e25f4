"""Files of ballots as other programs save them, and what a file leaves open."""

import pytest
from openpyxl import Workbook

from tests.commands.estimating import refusal, rows, run
from tests.places import CASES

SCORES = ("--items", "q37..q39", "--index", "feedback=q37..q39")


@pytest.fixture
def ballots(tmp_path):
    """Writes a CSV of these lines and gives its path."""

    def write(*lines, name="ballots.csv"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def test_code_outside_the_scale_is_refused_until_it_is_declared_missing():
    path = CASES / "estimate" / "missing-code.csv"
    sentence = refusal(path, *SCORES)
    assert sentence.startswith("missing-code.csv: Cột “q38”, dòng 3: 99 không có trong thang từ 1 đến 5.")
    answer = {row["variable"]: row for row in rows(path, *SCORES, "--missing", "99")}
    assert (answer["q38"]["estimate"], answer["q38"]["n"]) == (4.0, 2)
    assert (answer["q39"]["estimate"], answer["q39"]["n"]) == (4.5, 2)
    assert answer["feedback"]["estimate"] == pytest.approx(85.5556, abs=1e-4)


def test_label_whose_marks_stand_apart_is_the_same_domain():
    answer = rows(CASES / "estimate" / "nfd-label.csv", "--by", "xa", "--items", "q1")
    assert [(row["domain"], row["n"], row["estimate"]) for row in answer] == [("ALL", 4, 3.5), ("Bắc Hà", 4, 3.5)]


def test_separator_line_is_no_heading():
    answer = rows(CASES / "estimate" / "sep-line.csv", "--by", "xa", "--items", "q1")
    assert [(row["domain"], row["estimate"]) for row in answer[1:]] == [("A", 4), ("B", 5)]


def test_first_visible_sheet_is_read_and_the_hidden_one_is_named():
    path = CASES / "estimate" / "hidden-first-sheet.xlsx"
    assert rows(path, "--items", "q1")[0]["estimate"] == 4.5
    assert "trang “moi” (không đọc trang ẩn: cu)" in run(path, "--items", "q1").stderr


@pytest.mark.parametrize(
    "name", ["chartsheet-first.xlsx", "strict.xlsx", "sharedstrings-capital.xlsx", "sharedstrings-elsewhere.xlsx"]
)
def test_workbooks_of_other_programs_are_read(name):
    answer = rows(CASES / "xlsx" / name, "--items", "q37..q39")
    assert [(row["estimate"], row["n"]) for row in answer] == [(4, 3), (5, 3), (3, 3)]


@pytest.mark.parametrize(
    ("lines", "domains"),
    [
        (["g,q", "Xã Bum Nưa,4", "bum nưa ,5", "XÃ BUM NƯA,3"], ["Xã Bum Nưa"]),
        (["g,q", "Khoá học,4", "Khóa học,5", "Khoa học,3"], ["Khoa học", "Khoá học"]),
        (["g,q", "Đoàn Kết,4", "Ðoàn Kết,5"], ["Đoàn Kết"]),
        (["g,q", "Xã A,4", "Phường A,5"], ["Phường A", "Xã A"]),
    ],
)
def test_writings_of_one_name_are_one_domain(ballots, lines, domains):
    answer = rows(ballots(*lines), "--items", "q", "--by", "g")
    assert sorted(row["domain"] for row in answer[1:]) == domains


def test_condition_means_the_label_however_it_is_written(ballots):
    path = ballots("g,q", "Nữ,4", "Nữ,5", "nữ,3", "Nam,1")
    assert rows(path, "--items", "q", "--where", 'g == "NỮ"')[0]["n"] == 3


@pytest.mark.parametrize(
    ("lines", "options", "sentence"),
    [
        (["g,q", "01,4", "1,5"], ("--by", "g"), "chỉ khác số 0 ở đầu"),
        (["g,q", "a,4", "NA,5"], ("--by", "g"), "Cột “g”, dòng 3: nhãn “NA”"),
        (["g,q", "Xã A,4", "Phường A,5", "A,3"], ("--by", "g"), "có thể là Xã A, Phường A"),
        (["g,q", "a,4", "b,5", "Tổng cộng,9"], (), "có lẽ là dòng tổng"),
        (["g;q;w", "a;4;1.250", "b;5;2.500"], ("--weights", "w"), "Cột “w”, dòng 2: “1.250” có thể là số lẻ"),
        (["g\tq\tw", "a\t4\t1.250", "b\t5\t2.500"], ("--weights", "w"), "“1.250” có thể là số lẻ"),
        (["g,q,w", 'a,4,"1,250"', "b,5,2"], ("--weights", "w"), "“1,250” có thể là số lẻ"),
        (["g;q,w", "a;4,1"], (), "Không rõ các cột cách nhau bằng dấu nào"),
        (["g,q", "a,0"], (), "Cột “q”, dòng 2: 0 không có trong thang từ 1 đến 5"),
    ],
)
def test_what_is_ambiguous_is_asked_for(ballots, lines, options, sentence):
    assert sentence in refusal(ballots(*lines), "--items", "q", *options)


@pytest.mark.parametrize(("decimal", "weights"), [(",", (1250, 2500.5)), (".", (1.25, None))])
def test_decimal_sign_that_is_given_is_used(ballots, decimal, weights):
    path = ballots("q;w", "4;1.250", "2;2.500,5" if weights[1] else "2;2.500")
    answer = rows(path, "--items", "q", "--weights", "w", "--decimal", decimal)
    heavy, light = weights[0], weights[1] or 2.5
    assert answer[0]["estimate"] == pytest.approx((4 * heavy + 2 * light) / (heavy + light))


def test_label_na_is_a_name_where_nothing_is_declared_missing(ballots):
    path = ballots("g,q", "a,4", "NA,5")
    assert [row["domain"] for row in rows(path, "--items", "q", "--by", "g", "--missing", "")] == ["ALL", "NA", "a"]
    assert [row["domain"] for row in rows(path, "--items", "q", "--by", "g", "--missing", "NA")] == ["ALL", "a"]


def workbook_of_scores(tmp_path, *, hidden=None, merged=None, second=None):
    book = Workbook()
    for row in (["g", "q"], ["a", 4], ["a", 5], ["b", 3]):
        book.active.append(row)
    if hidden:
        book.active.row_dimensions[hidden].hidden = True
    if merged:
        book.active.merge_cells(merged)
    if second:
        book.create_sheet(second).append(["g", "q"])
    book.save(tmp_path / "scores.xlsx")
    return tmp_path / "scores.xlsx"


def test_nothing_of_a_workbook_is_left_out_in_silence(tmp_path):
    assert "scores.xlsx, trang “Sheet”: Dòng 3: Dòng bị ẩn" in refusal(
        workbook_of_scores(tmp_path, hidden=3), "--items", "q"
    )
    assert "Dòng 3: Ô bị gộp (A3:A4)" in refusal(workbook_of_scores(tmp_path, merged="A3:A4"), "--items", "q")
    assert "Trang “hai” cũng có dữ liệu" in refusal(workbook_of_scores(tmp_path, second="hai"), "--items", "q")
