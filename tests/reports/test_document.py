"""The document: laid out as Decree 30/2020 asks, the author's places kept, and looked at as pages."""

import io
import os
import re
import shutil
import subprocess
import zipfile
from copy import deepcopy
from datetime import date, datetime
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.document import Document
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph
from sqlalchemy.orm import Session

from backend.documents.places import KEYS, PLACES, read_back
from backend.errors import Invalid
from backend.reports import service
from backend.reports.content.context import gather_context
from backend.reports.content.outline import compose_report
from backend.reports.docx import write_docx
from backend.reports.service import ReportSubject
from tests.command import Command
from tests.source import ROOT

ABOUT = ReportSubject("lai-chau", 2023, 2022)
OFFICE = shutil.which("soffice")
# Only where there is no LibreOffice; continuous integration installs it (.ci/run) and must not pass without.
with_office = pytest.mark.skipif(OFFICE is None and not os.environ.get("CI"), reason="no LibreOffice on this machine")


_once: list[bytes] = []


def written(session: Session) -> bytes:
    """The document alone, without workbook and charts of their own."""
    context = gather_context(session, ABOUT.geography, ABOUT.year, ABOUT.against, date(2026, 11, 22))
    return write_docx(
        compose_report(context, {key: text for key, text in service.read_texts(session, ABOUT).items() if text})
    )


@pytest.fixture
def document(session: Session) -> bytes:
    """The report of the published figures, written once: drawing its charts takes seconds."""
    if not _once:
        _once.append(written(session))
    return _once[0]


@pytest.fixture
def page(document: bytes) -> Document:
    return docx.Document(io.BytesIO(document))


def write_in(document: bytes, key: str, *lines: str) -> bytes:
    """What an author does in Word: other words in a place, a paragraph for each line."""
    opened = docx.Document(io.BytesIO(document))
    (control,) = [one for one in opened.element.body.iter(qn("w:sdt")) if tag(one) == key]
    content = control.find(qn("w:sdtContent"))
    first, *others = list(content.iter(qn("w:p")))
    for other in others:
        content.remove(other)
    for place, line in enumerate(lines):
        paragraph = first
        if place:
            paragraph = deepcopy(first)
            content.append(paragraph)
        for run in list(paragraph.iter(qn("w:r"))):
            paragraph.remove(run)
        Paragraph(paragraph, opened).add_run(line)
    out = io.BytesIO()
    opened.save(out)
    return out.getvalue()


def tag(control: Any) -> str:
    return str(control.find(qn("w:sdtPr")).find(qn("w:tag")).get(qn("w:val"))).removeprefix("langnghe:")


def convert(document: bytes, folder: Path, to: str) -> bytes:
    """By LibreOffice, with a profile of its own."""
    assert OFFICE, "LibreOffice is not installed"
    folder.mkdir(exist_ok=True)
    (folder / "report.docx").write_bytes(document)
    out = folder / "out"
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    words = [OFFICE, profile, "--headless", "--convert-to", to, "--outdir", str(out), str(folder / "report.docx")]
    subprocess.run(words, check=True, capture_output=True, timeout=180)
    return (out / f"report.{to.partition(':')[0]}").read_bytes()


def test_paper_margins_and_letters_are_those_of_the_decree(page: Document) -> None:
    (section,) = page.sections
    assert (section.page_width.mm, section.page_height.mm) == (pytest.approx(210, abs=0.1), pytest.approx(297, abs=0.1))
    assert 20 <= round(section.top_margin.mm, 1) <= 25 and 20 <= round(section.bottom_margin.mm, 1) <= 25
    assert 30 <= round(section.left_margin.mm, 1) <= 35 and 15 <= round(section.right_margin.mm, 1) <= 20
    normal = page.styles["Normal"]
    assert normal.font.name == "Times New Roman" and 13 <= normal.font.size.pt <= 14
    assert normal.paragraph_format.space_after.pt >= 6


def test_no_other_letters_and_no_theme_fonts_are_named(document: bytes, page: Document) -> None:
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        body = archive.read("word/document.xml").decode()
    used = {run.font.name for paragraph in page.element.body.iter(qn("w:p")) for run in runs(paragraph)}
    assert used <= {None, "Times New Roman"}
    assert "asciiTheme" not in body
    for name in ("Normal", "Heading 1", "Heading 2", "Heading 3", "Heading 4", "Caption", "Header"):
        fonts = page.styles[name].element.rPr.rFonts
        assert {fonts.get(qn(f"w:{script}")) for script in ("ascii", "hAnsi", "cs", "eastAsia")} == {"Times New Roman"}
        assert fonts.get(qn("w:asciiTheme")) is None


def runs(paragraph: Any) -> list[Any]:
    return list(Paragraph(paragraph, None).runs)


def test_the_number_of_the_page_is_centred_on_top_but_not_of_page_one(page: Document) -> None:
    (section,) = page.sections
    assert section.different_first_page_header_footer
    (number,) = section.header.paragraphs
    assert "PAGE" in number._p.xml and 'w:jc w:val="center"' in number._p.xml
    assert "PAGE" not in section.first_page_header._element.xml


def test_head_and_foot_are_tables_of_two_columns_without_borders(page: Document) -> None:
    for table in (page.tables[0], page.tables[-2]):
        assert len(table.columns) == 2
        lines = table._tbl.tblPr.find(qn("w:tblBorders"))
        assert {line.get(qn("w:val")) for line in lines} == {"none"}
    head = page.tables[0]._tbl.xml
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in head and "Độc lập - Tự do - Hạnh phúc" in head
    assert "ỦY BAN NHÂN DÂN" in head and "/BC-UBND" in head and "Lai Châu, ngày" in head
    assert head.count("w:pBdr>") == 4  # a rule under the agency and one under the motto
    foot = page.tables[-2]._tbl.xml
    assert "Nơi nhận:" in foot and "TM. ỦY BAN NHÂN DÂN" in foot


def test_the_body_is_justified_and_ends_as_it_must(page: Document) -> None:
    texts = [paragraph.text for paragraph in page.paragraphs if paragraph.text]
    assert "BÁO CÁO" in texts
    assert next(text for text in reversed(texts[: texts.index("PHỤ LỤC")])).endswith("./.")
    opening = next(paragraph for paragraph in page.paragraphs if paragraph.text.startswith("Căn cứ"))
    assert opening.alignment == 3 and opening.paragraph_format.first_line_indent.mm == pytest.approx(10, abs=0.1)


def test_pictures_have_words_for_those_who_cannot_see_them(page: Document) -> None:
    alts = [one.get("descr") for one in page.element.body.iter(qn("wp:docPr"))]
    assert len(alts) == 8 and all(alt.startswith("Biểu đồ: ") and "Cao nhất" in alt for alt in alts)


def test_tables_repeat_their_head_and_say_n_and_source(page: Document) -> None:
    grids = [table for table in page.tables if table._tbl.find(qn("w:tblPr")).find(qn("w:tblDescription")) is not None]
    assert len(grids) == 24
    for grid in grids:
        assert "w:tblHeader" in grid.rows[0]._tr.xml and "w:cantSplit" in grid.rows[0]._tr.xml
    sourced = [p.text for p in page.paragraphs if "Nguồn: Báo cáo chuyên đề" in p.text]
    drawn = [text for text in sourced if text.startswith("Vạch ngang")]
    assert len(drawn) == 8 and all("Năm 2023; n = 558 phiếu." in text for text in drawn)
    notes = [text for text in sourced if text not in drawn]
    assert len(notes) == 24 and sum("n = 558" in note for note in notes) >= 20


def test_every_place_is_a_control_of_its_name(page: Document) -> None:
    assert sorted(tag(control) for control in page.element.body.iter(qn("w:sdt"))) == sorted(KEYS)


@pytest.mark.parametrize(
    ("name", "text"),
    [("moved.docx", "Đoạn hai.\nĐoạn được dời."), ("inserted-deleted-ok.docx", "Giữ. Thêm.")],
)
def test_tracked_changes_are_read_as_if_they_were_accepted(name: str, text: str) -> None:
    document = ROOT / "tests" / "data" / "cases" / "report" / name
    assert read_back(document.read_bytes()) == {"achievements": text}


def test_what_the_author_wrote_is_read_back_and_hints_are_not(document: bytes) -> None:
    hinted = {place.key for place in PLACES if place.hint}
    assert not hinted & set(read_back(document))
    edited = write_in(document, "causes", "Thiếu người.", "Đường xa & <khó>.")
    assert read_back(edited)["causes"] == "Thiếu người.\nĐường xa & <khó>."


def test_hand_written_texts_survive_the_next_report(session: Session, now: datetime, document: bytes) -> None:
    edited = write_in(write_in(document, "tasks", "Sửa đường.", "=SUM(A1)"), "target", "Đạt từ 80 trở lên.")
    assert service.keep_texts(session, ABOUT, edited, user_id=None, now=now) == ["target", "tasks"]
    again = written(session)
    assert read_back(again)["tasks"] == "Sửa đường.\n=SUM(A1)" and read_back(again)["target"] == "Đạt từ 80 trở lên."
    assert service.keep_texts(session, ABOUT, again, user_id=None, now=now) == ["target", "tasks"]
    service.save_texts(session, ABOUT, {"tasks": ""}, user_id=None, now=now)
    assert "tasks" not in read_back(written(session))


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04 not a zip", b"<html>"])
def test_what_is_no_document_is_refused(broken: bytes) -> None:
    with pytest.raises(Invalid, match="không phải là báo cáo"):
        read_back(broken)


def test_a_document_that_unpacks_to_too_much_is_refused() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * (31 * 1024 * 1024))
    with pytest.raises(Invalid, match="quá lớn"):
        read_back(bomb.getvalue())


def test_an_outside_entity_is_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mật")
    xml = (
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:pPr>'
        '<w:pStyle w:val="langnghecauses"/></w:pPr><w:r><w:t>&e;</w:t></w:r></w:p></w:body></w:document>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", xml)
    assert "mật" not in str(read_back(out.getvalue()))


def test_the_command_writes_the_document_and_keeps_the_texts(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, document: bytes
) -> None:
    command = Command(monkeypatch)
    (tmp_path / "old.docx").write_bytes(write_in(document, "causes", "Lý do."))
    words = ("report", "sipas", "--year", 2023, "--against", 2022, "--unit", "lai-chau", "--out", tmp_path / "new.docx")
    told = command.json(
        *words, "--keep", tmp_path / "old.docx", "--charts", tmp_path / "charts", "--xlsx", tmp_path / "t.xlsx"
    )
    assert told["kept"] == ["causes"] and told["places"]["causes"] and told["n"] == 558
    assert read_back((tmp_path / "new.docx").read_bytes())["causes"] == "Lý do."
    assert len(list((tmp_path / "charts").glob("*.svg"))) == len(list((tmp_path / "charts").glob("*.png"))) == 8
    assert command.json(*words)["places"]["causes"]  # stored, so no file is needed the next time
    assert command.json(*words)["inputs_hash"] == told["inputs_hash"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"--year": 2021, "--against": 2020}, "Chưa có số liệu công bố"),
        ({"--year": 2022, "--against": 2023}, "Năm so sánh phải trước"),
        ({"--unit": "ha-noi"}, "Chưa có mẫu báo cáo"),
        ({"--out": "report.pdf"}, "phải kết thúc bằng .docx"),
        ({"--keep": "/nowhere/old.docx"}, "Không đọc được tệp"),
    ],
)
def test_the_command_refuses_in_a_sentence_and_writes_nothing(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    words = {"--year": 2023, "--against": 2022, "--unit": "lai-chau", "--out": "report.docx"} | change
    told = Command(monkeypatch).refusal("report", "sipas", *(word for pair in words.items() for word in pair))
    assert sentence in told and list(tmp_path.iterdir()) == []


@with_office
def test_the_pages_look_whole(document: bytes, tmp_path: Path) -> None:
    pdf = convert(document, tmp_path, "pdf")
    (tmp_path / "report.pdf").write_bytes(pdf)
    told = subprocess.run(["pdfinfo", tmp_path / "report.pdf"], check=True, capture_output=True, text=True).stdout
    pages = int(re.findall(r"Pages:\s+(\d+)", told)[0])
    assert 5 < pages < 40 and "A4" in told
    words = subprocess.run(["pdftotext", "-layout", tmp_path / "report.pdf", "-"], check=True, capture_output=True)
    text = words.stdout.decode()
    assert not re.search(r"\bNone\b|\bnan\b|\{\{|\}\}|�|\\x", text)
    sheets = text.split("\f")
    assert "BÁO CÁO" in sheets[0] and not re.match(r"\s*1\s*\n", sheets[0])
    for number, sheet in enumerate(sheets[1:pages], start=2):
        assert re.match(rf"\s*{number}\s*\n", sheet), f"page {number} does not begin with its number"
    fonts = subprocess.run(["pdffonts", tmp_path / "report.pdf"], check=True, capture_output=True, text=True).stdout
    assert re.search(r"Liberation ?Serif|Tinos|Times", fonts)


@with_office
def test_texts_survive_libreoffice_which_drops_the_controls(document: bytes, tmp_path: Path) -> None:
    edited = write_in(document, "tasks", "Việc một.", "Việc hai.")
    saved = convert(edited, tmp_path, "docx:MS Word 2007 XML")
    assert read_back(saved)["tasks"] == "Việc một.\nViệc hai."
    assert "causes" not in read_back(saved)
