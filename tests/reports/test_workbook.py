"""The workbook and the charts: every table a sheet, text never a formula, pictures that can be read."""

import io
from datetime import datetime
from xml.etree import ElementTree

import pytest
from openpyxl import Workbook, load_workbook
from PIL import Image
from sqlalchemy.orm import Session

from backend.indices.models import PublishedFigure
from backend.reports import docx, figures, service, xlsx
from backend.reports.blocks import ReportBar, ReportPicture
from backend.reports.content.context import gather_context
from backend.reports.content.outline import compose_report
from backend.reports.service import XLSX, ReportSubject, WrittenReport
from backend.reports.xlsx import put_value

ABOUT = ReportSubject("lai-chau", 2023, 2022)


_once: list[WrittenReport] = []


@pytest.fixture
def made(session: Session, now: datetime) -> WrittenReport:
    """All files of the published figures, made once: drawing takes seconds."""
    if not _once:
        _once.append(service.make(session, ABOUT, now))
    return _once[0]


def test_every_table_is_a_sheet_that_says_n_period_method_and_source(made: WrittenReport) -> None:
    book = load_workbook(io.BytesIO(made.files[XLSX]))
    sheets = [sheet for sheet in book if sheet.title not in ("Mục lục", "Câu")]
    assert [sheet.title for sheet in sheets] == [f"Bảng {number}" for number in range(1, 25)]
    links = [row[0].hyperlink.location or row[0].hyperlink.target for row in book["Mục lục"].iter_rows(min_row=4)]
    assert [link.lstrip("#") for link in links] == [f"'{sheet.title}'!A1" for sheet in sheets]
    for sheet in sheets:
        head = " ".join(str(row[0].value) for row in sheet.iter_rows(max_row=8) if row[0].value)
        assert "Kỳ: " in head and "Phương pháp: " in head and "Nguồn: " in head, sheet.title
        assert "Số phiếu: " in head or "chưa khớp" in head


def test_numbers_are_numbers(made: WrittenReport) -> None:
    book = load_workbook(io.BytesIO(made.files[XLSX]))
    sheet = book["Bảng 2"]
    row = next(row for row in sheet.iter_rows(values_only=True) if str(row[0]).startswith("Mức độ hài lòng"))
    assert row[1] == 79.82 and row[3] == 79.34 and row[4] == 0.48 and row[5] == 0.3 and row[6] == 50


@pytest.mark.parametrize("text", ["=1+1", "+84", "-5", "@SUM(A1)", '=HYPERLINK("http://x")'])
def test_text_stays_text(text: str) -> None:
    book = Workbook()
    assert book.active is not None
    put_value(book.active, 1, 1, text)
    out = io.BytesIO()
    book.save(out)
    cell = load_workbook(io.BytesIO(out.getvalue())).active["A1"]
    assert cell.value == text and cell.data_type == "s"


def test_a_hostile_wording_of_an_item_stays_text(session: Session, now: datetime) -> None:
    row = session.query(PublishedFigure).filter_by(year=2023, code="service.feedback.1").one()
    row.text_vi = "=cmd|' /C calc'!A0\x07"
    session.flush()
    report = compose_report(gather_context(session, "lai-chau", 2023, 2022, now.date()), {})
    cells = [
        cell
        for sheet in load_workbook(io.BytesIO(xlsx.write_xlsx(report)))
        for line in sheet.iter_rows()
        for cell in line
    ]
    assert any(cell.value == "=cmd|' /C calc'!A0" for cell in cells)
    assert all(cell.data_type != "f" for cell in cells)
    assert docx.write_docx(report)


def test_each_chart_is_an_svg_with_words_and_a_png(made: WrittenReport) -> None:
    names = [name for name in made.files if name.startswith("hinh-")]
    assert len([name for name in names if name.endswith(".svg")]) == 8
    for name in names:
        if name.endswith(".png"):
            assert Image.open(io.BytesIO(made.files[name])).width > 1000
        else:
            root = ElementTree.fromstring(made.files[name])
            words = "".join(root.itertext())
            assert root.tag.endswith("svg") and ("Điểm trung bình" in words or "Tỷ lệ người chọn" in words), name


def test_the_same_values_give_the_same_picture_and_all_letters_are_there(recwarn: pytest.WarningsRecorder) -> None:
    picture = ReportPicture(
        "x",
        "Tiêu đề ệ ữ ẫ ỡ",
        "mô tả",
        (ReportBar("Được ế ợ ậ", 79.8, 78, 81, 79), ReportBar("Ỷ", 50)),
        True,
        "Điểm",
        2023,
        2022,
    )
    assert figures.draw_svg(picture) == figures.draw_svg(picture)
    assert figures.draw_png(picture) == figures.draw_png(picture)
    assert not [warning for warning in recwarn if "missing from font" in str(warning.message)]
