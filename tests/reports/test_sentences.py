"""Ten sentences of the report beside those of the source report: what each says, and why ours differs where it does."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from backend.indices.models import PublishedFigure
from backend.reports.blocks import ReportTable, generated_paragraphs, tables_of
from backend.reports.content.context import gather_context
from backend.reports.content.outline import compose_report
from backend.worktime.calendar import ZONE
from tests.factories import World

# key of ours; what the source prints (place in it); what ours must say; what ours must not say.
PAIRS: list[tuple[str, str, list[str], list[str]]] = [
    # The same figure and rank. A mean score, so not "đạt 79.82%".
    ("overall", "đạt 79.82%, … đứng thứ 50/63 tỉnh, thành phố, giảm 15 hạng (II)",
     ["điểm trung bình 79,82", "n = 558", "78,29-81,35", "50/63 tỉnh, thành phố", "giảm 15 bậc", "35/63"],
     ["79,82%"]),
    # "tăng 0,48%" leans on two formulas; under one it is 0,30, and inside the error either way.
    ("overall_change", "tăng 0,48% so với năm 2022 (II)",
     ["79,34", "+0,48 điểm", "công thức đã đổi", "79,64", "+0,30 điểm", "trong sai số", "chưa có cơ sở"],
     ["tăng 0,48"]),
    # 1.33 under one formula instead of 1.65.
    ("policy", "79.77%, tăng 1.65% …; xếp thứ 50/63 …, giảm 14 hạng (II.2.1)",
     ["79,77", "50/63", "giảm 14 bậc", "+1,65 điểm", "79,45", "+1,33 điểm", "trong sai số"], ["tăng 1,65"]),
    # Comparable and beyond the margin: here ours says "cao hơn" as the source says "tăng".
    ("policy.accountability", "78.96%, tăng 2.35% …; xếp thứ 52/63 …, tăng 01 hạng (II.2.1.a)",
     ["78,96", "76,61", "cao hơn 2,35 điểm", "vượt sai số", "52/63", "tăng 1 bậc"], []),
    # The nine items were not asked in 2022, so +2.02 is no rise.
    ("policy.implementation", "79.57%, tăng 2.02% (II.2.1.c)",
     ["79,57", "77,55", "khác nội dung hỏi", "+2,02 điểm", "không được coi là tăng hay giảm"], ["cao hơn"]),
    # Beyond the margin downwards.
    ("service.procedure", "80.67%, giảm 2.48% …; xếp thứ 46/63 …, giảm 23 hạng (II.2.2.b)",
     ["80,67", "83,15", "thấp hơn 2,48 điểm", "vượt sai số", "46/63", "giảm 23 bậc"], []),
    # "tăng 0.85%" is inside the error.
    ("service.feedback", "79.08%, tăng 0.85% …; xếp thứ 53/63 …, giảm 21 hạng (II.2.2.đ)",
     ["79,08", "78,23", "+0,85 điểm", "trong sai số", "53/63", "giảm 21 bậc"], ["cao hơn"]),
    # Shares of people: the source's "80,03% người dân" of the next question is a mean, this one is not.
    ("perception.harassment", "83.30% … không có công chức nào gây phiền hà, tăng 4.95%; 15.62%; 1.08% (II.1.5)",
     ["83,30% (464/557)", "15,62% (87/557)", "1,08% (6/557)", "78,35%", "+4,95 điểm phần trăm"], ["tăng 4,95"]),
    # The source takes means for shares of people and compares them with the shares of 2022.
    ("perception.channel_fit", "có 80,03% người dân … cho rằng … phù hợp nhất; thấp nhất … 72.18% (II.1.3)",
     ["điểm trung bình", "(80,03)", "(72,18)", "Không so với năm 2022"], ["80,03%"]),
    # "đã tăng lên": the ten expectations of the two years are different ones.
    ("needs", "nhu cầu, mong đợi … đã tăng lên; 56.09%; 55.73% (II.3)",
     ["56,09%", "55,73% (311/558)", "43,37%"], ["tăng lên"]),
]  # fmt: skip


@pytest.fixture
def said(session: Session) -> Mapping[str, str]:
    context = gather_context(session, "lai-chau", 2023, 2022, date(2026, 11, 22))
    return {one.key: one.text for one in generated_paragraphs(compose_report(context, {}).blocks)}


@pytest.mark.parametrize(("key", "source", "ours", "never"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_a_sentence_says_what_the_stored_values_bear(
    said: Mapping[str, str], key: str, source: str, ours: list[str], never: list[str]
) -> None:
    missing = [part for part in ours if part not in said[key]]
    assert not missing, f"the source says: {source}\nours: {said[key]}"
    assert not [part for part in never if part in said[key]], said[key]


def test_no_sentence_calls_a_mean_score_a_share_of_satisfied_people(said: Mapping[str, str]) -> None:
    for key, text in said.items():
        assert not re.search(r"\d% (số )?(người|người dân|hộ)[^.;]* hài lòng", text), key
        if key.startswith(("policy", "service", "overall")):
            assert "%" not in re.sub(r"khoảng 95%", "", text), f"{key}: {text}"


def test_every_rank_stands_with_the_number_of_provinces(said: Mapping[str, str]) -> None:
    for text in said.values():
        for rank in re.findall(r"thứ (\d+[^\s,;.)]*)", text):
            assert "/63" in rank or int(rank) <= 10, text  # a place among ten expectations or five groups is no rank


def test_multiple_choice_says_that_its_shares_pass_a_hundred(session: Session) -> None:
    context = gather_context(session, "lai-chau", 2023, 2022, date(2026, 11, 22))
    tables = {block.key: block for block in compose_report(context, {}).blocks if isinstance(block, ReportTable)}
    for key, total in (("channel-used", "201,99%"), ("participation-willingness", "104,33%"), ("mong-doi", "521,23%")):
        assert total in " ".join(tables[key].notes) and "hơn 100%" in " ".join(tables[key].notes)
    assert "hơn 100%" not in " ".join(tables["harassment"].notes)


def test_the_interval_is_called_approximate_and_its_assumptions_are_named(said: Mapping[str, str]) -> None:
    text = said["approximation"]
    for part in ("gần đúng", "0,65", "±1,1 điểm", "±1,5 điểm", "hệ số thiết kế giả định 2,0", "không công bố"):
        assert part in text


def test_without_tickets_of_the_period_the_report_says_so(said: Mapping[str, str]) -> None:
    assert "01/01/2023-31/12/2023 hệ thống không có phản ánh" in said["feedback.operations"]
    assert "32,08% (179/558)" in said["feedback.impression"] and "ấn tượng" in said["feedback.impression"]


def test_no_sentence_shows_what_a_program_shows_for_nothing(said: Mapping[str, str]) -> None:
    for text in said.values():
        assert not re.search(r"None|nan\b|\{|\}|  ", text), text
        assert text == text.strip() and text.endswith((".", ":")), text


def test_tickets_of_the_period_stand_beside_the_survey(session: Session, world: World) -> None:
    """The figures of a later year are not published yet, so the survey's own are taken for that year's."""
    received = datetime(2026, 3, 3, 9, 0, tzinfo=ZONE)
    for _one in range(12):
        world.answered(received, received + timedelta(days=2))
    session.execute(update(PublishedFigure).filter_by(year=2023, geography="lai-chau").values(year=2026))
    context = gather_context(session, "lai-chau", 2026, 2022, date(2026, 11, 22))
    report = compose_report(context, {})
    text = {one.key: one.text for one in generated_paragraphs(report.blocks)}["feedback.operations"]
    assert "01/01/2026-31/12/2026 hệ thống có 12 phản ánh" in text and "12 trả lời đúng hạn" in text
    (table,) = [one for one in tables_of(report.blocks) if one.key == "phan-anh"]
    assert "12/12 = 100,0% [75,8%-100,0%]" in str(table.rows[1].cells[4])
    assert table.rows[0].cells[3] == "chưa đủ số liệu (n = 0)"
    assert table.period == "SIPAS: năm 2026; phản ánh: 01/01/2026-31/12/2026"
