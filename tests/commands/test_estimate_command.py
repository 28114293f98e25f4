"""The command that others check our estimates with."""

import csv
import gzip
import io
import zipfile
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from analytics.estimation.condition import ConditionError, parse_condition
from backend.commands.survey.estimate import COLUMNS
from tests.commands.estimating import refusal, rows, run
from tests.places import DATA

REFERENCE = str(DATA / "reference" / "ballots_35k.csv.gz")
BLANKS = DATA / "survey_r" / "blanks.csv"
DESIGN = ("--strata", "tinh", "--psu", "xa", "--weights", "w")


@pytest.fixture
def ballots(tmp_path):
    """Writes a CSV of these lines and gives its path."""

    def write(*lines, name="ballots.csv"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def test_reference_comes_out_as_in_r():
    answer = rows(
        REFERENCE, "--strata", "province", "--psu", "district", "--weights", "w", "--by", "province", "--items",
        "q01..q39", "--index", "policy=q01..q23", "--index", "service=q24..q39", "--index", "feedback=q37..q39",
        "--index", "sipas=q01..q39",
    )  # fmt: skip
    assert len(answer) == 64 * 43
    found = {(row["variable"], row["domain"]): row for row in answer}
    largest = 0.0
    row: Any
    for row in pd.read_csv(DATA / "reference" / "item_means_r.csv").itertuples():
        ours = found[row.item, "ALL" if row.domain == "ALL" else str(int(row.province))]
        largest = max(largest, abs(ours["estimate"] / row.mean - 1), abs(ours["se"] / row.se - 1))
    for _case, name, value, se, df, lo, hi in pd.read_csv(DATA / "reference" / "composite_r.csv").itertuples(False):
        ours = found[name, "ALL"]
        assert ours["df"] == df
        pairs = zip((ours["estimate"], ours["se"], ours["lo"], ours["hi"]), (value, se, lo, hi), strict=True)
        largest = max(largest, *(abs(mine / r - 1) for mine, r in pairs))
    assert largest < 1e-9, f"largest relative difference to R: {largest:.1e}"


def test_csv_and_json_hold_the_same_rows():
    asked = (BLANKS, *DESIGN, "--by", "tinh", "--items", "q1,q5", "--index", "i=q4,q5", "--single-psu", "adjust")
    result = run(*asked, "--format", "csv")
    table = list(csv.DictReader(io.StringIO(result.stdout)))
    assert tuple(table[0]) == COLUMNS
    wanted = [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows(*asked)]
    assert table == wanted
    assert [row["domain"] for row in table[::3]] == ["ALL", "01", "02", "03", "04", "05"]
    assert "nan" not in result.stdout.lower()
    assert "không có khoảng tin cậy" in result.stderr


def frames():
    return pd.read_csv(BLANKS, dtype={"tinh": str}).convert_dtypes()


def write_workbook(frame, path):
    book = Workbook()
    book.active.append(list(frame.columns))
    for row in frame.astype(object).where(frame.notna(), None).itertuples(index=False):
        book.active.append(list(row))
    book.save(path)


def test_every_kind_of_file_gives_the_same_answer(tmp_path):
    asked = (*DESIGN, "--by", "tuoi", "--items", "q1..q5", "--index", "i=q1..q5", "--single-psu", "average")
    expected = rows(BLANKS, *asked)
    frames().to_parquet(tmp_path / "ballots.parquet")
    write_workbook(frames(), tmp_path / "ballots.xlsx")
    (tmp_path / "ballots.csv.gz").write_bytes(gzip.compress(BLANKS.read_bytes()))
    (tmp_path / "semicolon.csv").write_text("\ufeff" + BLANKS.read_text(encoding="utf-8").replace(",", ";"), "utf-8")
    for name in ("ballots.parquet", "ballots.xlsx", "ballots.csv.gz", "semicolon.csv"):
        assert rows(tmp_path / name, *asked) == expected, name


@pytest.mark.parametrize("single", ["adjust", "average", "certainty"])
def test_condition_keeps_the_design_and_agrees_with_r(single):
    answer = rows(
        BLANKS, *DESIGN, "--fpc", "so_xa", "--where", 'gioi == "nam"', "--items", "q1..q5", "--single-psu", single
    )
    expected = pd.read_csv(DATA / "survey_r" / "blanks_r.csv").query(
        f"single == '{single}' and fpc == 'yes' and where == 'nam' and n > 0"
    )
    for ours, r in zip(answer, expected.itertuples(), strict=True):
        assert (ours["variable"], ours["n"], ours["df"]) == (r.variable, r.n, r.df)
        for key in ("estimate", "se", "lo", "hi", "deff"):
            assert ours[key] == pytest.approx(getattr(r, key), rel=1e-9)


@pytest.mark.parametrize(
    ("condition", "same"),
    [
        ("tinh == 1", 'tinh == "01"'),
        ("tinh in (1, 2,)", "tinh in ['01', '02']"),
        ("tinh < 3", "tinh in (1,2)"),
        ("w >= 0", "tinh != 99"),
        ("`gioi` != 'nam'", 'gioi == "nữ"'),
        ("gioi == nam", 'gioi == "nam"'),
        ("tuoi == 18-34", "tuoi in [18-34]"),
        ("tinh == 1 or tinh == 2", "tinh in (1, 2)"),
        ("tinh > 1 and tinh <= 3", "tinh >= 2 & tinh < 4"),
        ("gioi == nam and (tinh == 1 or tinh==2)", "tinh in (1,2) and gioi == nam"),
        ("tinh == 1 or tinh == 2 and gioi == nam", "tinh == 1 | (tinh == 2 AND gioi == nam)"),
    ],
)
def test_conditions_that_mean_the_same_give_the_same(condition, same):
    asked = (BLANKS, *DESIGN, "--items", "q1", "--single-psu", "adjust", "--where")
    assert rows(*asked, condition) == rows(*asked, same)


@pytest.mark.parametrize(
    "text",
    ["", "tinh", "tinh = 1", "tinh == ", "tinh == nữ giới", "tinh < 'a'", "tinh < a", "tinh in 1", "tinh in ()",
     "1 == 1", "__import__('os')", "tinh == 1 or 1", "tinh in (1, x", "tinh in (1 x)", "tinh in (1]", "a b == 1",
     "tinh == 1 and", "or tinh == 1", "(tinh == 1", "tinh == 1)", "tinh == 1 tuoi == 2", "tinh == and", "tinh == 'a",
     "tinh == `a`", "(" * 1000 + "tinh == 1" + ")" * 1000],
)  # fmt: skip
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(ConditionError):
        parse_condition(text)


def test_one_column_may_play_several_parts():
    answer = rows(BLANKS, "--by", "q1", "--where", "q1 > 2", "--items", "q1", "--weights", "w", "--strata", "q1")
    assert [(row["domain"], row["estimate"]) for row in answer[1:]] == [("3", 3), ("4", 4), ("5", 5)]


def test_blank_fulfils_no_condition():
    columns = {"a": [1, None, 2, None], "b": [None, 3, 3, None]}
    assert parse_condition("a != 1").holds(columns.get).tolist() == [False, False, True, False]
    assert parse_condition("a != 1 or b == 3").holds(columns.get).tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--items", "q9"), "blanks.csv: Tệp thiếu cột: q9."),
        (("--strata", "vùng", "--items", "q1"), "blanks.csv: Tệp thiếu cột: vùng."),
        (("--items", "gioi"), "blanks.csv: Cột “gioi”, dòng 2: “nam” không phải là số."),
        ((), "Hãy nêu --items hoặc --index."),
        (("--items", "q5..q1"), "Dãy “q5..q1” phải có dạng q01..q39."),
        (("--items", "q1..q99999999"), "Dãy “q1..q99999999” phải có dạng q01..q39."),
        (("--items", "q1", "--index", "i"), "Chỉ số “i” phải có dạng TÊN=q37..q39."),
        (("--items", "q1", "--index", "q1=q2"), "Tên “q1” được dùng hai lần."),
        (("--items", "q1", "--scale", "0"), "Điểm cao nhất của thang phải là số lớn hơn 0."),
        (("--items", "q1", "--level", "0.9999999999999"), "Độ tin cậy phải từ 0.5 đến dưới 1, thường là 0.95."),
        (("--items", "q1", "--level", "0.05"), "Độ tin cậy phải từ 0.5 đến dưới 1, thường là 0.95."),
        (("--items", "q1", "--fpc", "so_xa"), "Cả mẫu: số đơn vị của tổng thể không giống nhau"),
        (("--items", "q1", *DESIGN), "Tầng “05” chỉ có một đơn vị chọn mẫu"),
        (("--items", "q1", "--where", "tinh ~ 1"), "Không hiểu điều kiện “tinh ~ 1”"),
    ],
)
def test_faulty_request_gets_one_sentence_and_status_2(arguments, sentence):
    assert refusal(BLANKS, *arguments).startswith(sentence)


@pytest.mark.parametrize(
    ("lines", "arguments", "sentence"),
    [
        (["q,w", "1,2", "2,-1"], ("--weights", "w"), "Cột “w”, dòng 3: trọng số âm."),
        (["q,w", "1,2", "2,"], ("--weights", "w"), "Cột “w”, dòng 3: thiếu trọng số"),
        (["q,w", "1,2", "2,inf"], ("--weights", "w"), "Cột “w”, dòng 3: thiếu trọng số"),
        (["q,w", "1,0", "2,0"], ("--weights", "w"), "Cột “w”: mọi trọng số đều bằng 0."),
        (["q,w", '"3,5",1', "4.2,2"], (), "ballots.csv: Cột “q”: dòng 3 (“4.2”) và dòng 2 (“3,5”) dùng hai dấu"),
        (["q,w", "1,2", "inf,1"], (), "Cột “q”, dòng 3: điểm vô hạn hoặc quá lớn."),
        (["q,w", "1,a", "2,"], ("--strata", "w"), "Cột “w”, dòng 3: thiếu nhãn"),
        (["q,w", "1,ALL", "2,b"], ("--by", "w"), "Cột của --by có nhãn “ALL”"),
        (["q,w", "1,9", "2,-3"], ("--fpc", "w"), "Cột “w”, dòng 3: số đơn vị của tổng thể phải là số lớn hơn 0."),
        (["q,w", "1,9", "2,0.5"], ("--fpc", "w"), "Cột “w”, dòng 3: số đơn vị và tỷ lệ chọn mẫu lẫn lộn"),
        (["q,w,s", "1,9,a", "2,8,a"], ("--fpc", "w", "--strata", "s"), "Tầng “a”: số đơn vị của tổng thể không giống"),
        (["q,w", "1,1.5", "2,1.5"], ("--fpc", "w"), "Cả mẫu: mẫu có nhiều đơn vị hơn tổng thể."),
        (["q,w"], (), "Tệp “"),
        (["q,q", "1,1"], (), "ballots.csv: Tệp có hai cột cùng tên: q."),
    ],
)
def test_faulty_file_gets_one_sentence_and_status_2(ballots, lines, arguments, sentence):
    assert refusal(ballots(*lines), "--items", "q", *arguments).startswith(sentence)


def test_file_that_is_no_table_is_refused(tmp_path, ballots):
    assert refusal(tmp_path / "none.csv", "--items", "q").startswith("Không có tệp “")
    assert refusal(ballots("q", "1", name="ballots.txt"), "--items", "q").startswith("Chỉ đọc được tệp")
    with zipfile.ZipFile(tmp_path / "other.xlsx", "w") as other:
        other.writestr("a.txt", "a")
    assert refusal(tmp_path / "other.xlsx", "--items", "q") == "other.xlsx: Đây không phải tệp CSV hay XLSX đọc được."
    for name in ("ballots.parquet", "ballots.csv.gz"):
        assert refusal(ballots("q", "1", name=name), "--items", "q").startswith("Không đọc được tệp “")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Tệp trống hoặc không có dòng tiêu đề."),
        ("q,g\n1,nữ\n".encode("utf-16"), "phải ở dạng UTF-8"),
        ("q,g\n1,n\xfa\n".encode("latin-1"), "dòng 2 không phải là UTF-8"),
        (b"q,g\n1\n2,a\n", "có dòng 1 cột, trong khi dòng đầu có 2 cột."),
        (b"q,g\n1e200,a\n2,a\n", "Cột “q”, dòng 2: điểm vô hạn hoặc quá lớn."),
    ],
)
def test_file_that_cannot_be_read_says_why(tmp_path, content, sentence):
    path = tmp_path / "ballots.csv"
    path.write_bytes(content)
    assert sentence in refusal(path, "--items", "q", "--by", "g")


@pytest.mark.parametrize(
    "text",
    [
        "nhóm\tq\tw\na\t3.5\t1.5\nb\t2\t2\n",
        "nhóm;q;w\na;3,5;1,5\nb;2;2\n",
        "nhóm;q;w\na;3.5;1.5\nb;2;2\n",
        'q,"nhóm\ncủa phiếu",w,nhóm\n3.5,"a, b\nc",1.5,a\n2,,2,b\n',
    ],
)
def test_other_delimiters_decimal_commas_and_lines_within_texts_are_read(tmp_path, text):
    path = tmp_path / "ballots.csv"
    path.write_text("\ufeff" + text, encoding="utf-8", newline="")
    answer = rows(path, "--items", "q", "--weights", "w", "--by", "nhóm")
    assert [(row["domain"], row["estimate"]) for row in answer] == [
        ("ALL", pytest.approx(9.25 / 3.5)),
        ("a", 3.5),
        ("b", 2),
    ]


def test_lines_within_texts_may_cross_the_blocks_of_the_reader(tmp_path, monkeypatch):
    monkeypatch.setattr("backend.files.column_readers.BLOCK_BYTES", 64)
    path = tmp_path / "ballots.csv"
    path.write_text("ghi chú,q\n" + '"một\nhai, ba\nbốn",3\n' * 50, encoding="utf-8")
    assert rows(path, "--items", "q")[0]["n"] == 50


def test_cells_that_are_blank_in_a_csv_are_blank_in_a_workbook(tmp_path):
    book = Workbook()
    for row in (["q", "g"], ["#N/A", "a"], ["NA", "a"], ["", "NA"], [3, "a"], [4.5, True]):
        book.active.append(row)
    book.save(tmp_path / "ballots.xlsx")
    answer = rows(tmp_path / "ballots.xlsx", "--items", "q", "--by", "g", "--missing", "NA")
    assert [(row["domain"], row["n"]) for row in answer] == [("ALL", 2), ("TRUE", 1), ("a", 1)]


def test_columns_of_parquet_that_are_no_labels_are_refused_and_not_a_number_is_no_label(tmp_path):
    frame = pd.DataFrame({"q": [1, 2, 3], "list": [[1], [2], [3]]})
    frame.to_parquet(tmp_path / "ballots.parquet")
    sentence = "Cột “list” không dùng làm nhãn được."
    assert refusal(tmp_path / "ballots.parquet", "--items", "q", "--by", "list") == sentence
    table = pa.table({"q": [1, 2, 3], "g": pa.array([1.0, float("nan"), 2.0])})
    pq.write_table(table, tmp_path / "ballots.parquet")
    answer = rows(tmp_path / "ballots.parquet", "--items", "q", "--by", "g")
    assert [row["domain"] for row in answer] == ["ALL", "1", "2"]


def test_one_ballot_and_equal_answers_have_defined_rows(ballots):
    one, *_ = rows(ballots("q", "4"), "--items", "q", "--single-psu", "certainty")
    assert (one["n"], one["estimate"], one["se"], one["df"], one["lo"], one["deff"]) == (1, 4, 0, 0, None, None)
    equal, *_ = rows(ballots("q", "4", "4", "4"), "--items", "q")
    assert (equal["estimate"], equal["se"], equal["lo"], equal["hi"], equal["deff"]) == (4, 0, 4, 4, None)
    assert rows(ballots("q,w", ",1", ",1"), "--items", "q")[0]["estimate"] is None
