"""Published figures are entered with their document, all or none, and looked at for what does not add up."""

from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.errors import Conflict, Invalid
from backend.indices.models import FigureKind, PublishedFigure
from backend.indices.published import queries
from backend.indices.published.entry import PublishedDocument, enter_table, read_file
from backend.indices.published.service import recompute_published

NATIONAL = PublishedDocument(
    "toan-quoc", 2024, "qd1001-2023", "bo-noi-vu-2025", "Bộ Nội vụ công bố Chỉ số SIPAS năm 2024"
)
LAI_CHAU = PublishedDocument(
    "lai-chau", 2024, "qd1001-2023", "lai-chau-2025", "Báo cáo của UBND tỉnh Lai Châu năm 2025"
)
HEADER = "ma;gia_tri;hang;so_tinh;tang_giam;doi_hang;so_phieu\n"


def all_items(session: Session, **off: str) -> str:
    """The items of Lai Châu 2023 as a table for the next year, their groups and total as printed but for those off."""
    rows = queries.published_indices(session, "lai-chau", 2023)
    return HEADER + "".join(f"{one.code};{off.get(one.code, one.value)};;;;;558\n" for one in rows)


def test_a_table_that_adds_up_is_stored_with_its_document(session: Session) -> None:
    entered = enter_table(session, LAI_CHAU, all_items(session))
    assert (entered.stored, entered.findings) == (51, [])
    (group,) = queries.published_indices(session, "lai-chau", 2024, ["service.feedback"])
    assert (group.value, group.n, group.source) == (Decimal("79.08"), 558, LAI_CHAU.title)


def test_an_aggregate_off_by_more_than_rounding_is_listed(session: Session) -> None:
    entered = enter_table(session, LAI_CHAU, all_items(session, service="80.89"))
    assert [(one.code, one.printed, one.computed) for one in entered.findings] == [("service", "80,89", "79,89")]


def test_a_change_and_a_rank_that_do_not_follow_are_listed(session: Session) -> None:
    table = HEADER + "service.feedback;80,08;50;63;+1,10;5;\nservice.feedback.1;79,00;51;63;0,04;0;\n"
    entered = enter_table(session, LAI_CHAU, table)
    # 80.08 - 79.08 = 1.00, not 1.10; from 53 to 50 is three places, not five; the second row is right.
    assert [(one.what[:8], one.printed, one.computed) for one in entered.findings] == [
        ("mức tăng", "1,10", "1,00"),
        ("mức đổi ", "5", "3"),
    ]


def test_an_item_that_no_ballots_could_give_is_listed(session: Session) -> None:
    entered = enter_table(
        session, LAI_CHAU, HEADER + "service.feedback.1;79,01;;;;;100\nservice.feedback.2;15;;;;;558\n"
    )
    assert [one.what.split(" ")[0] for one in entered.findings] == ["không", "chỉ"]


def test_national_figures_stand_beside_those_of_the_province(session: Session) -> None:
    enter_table(session, NATIONAL, "ma,gia_tri\nsipas,83.94\npolicy,83.84\nservice,84.09\n")
    assert queries.published_indices(session, "toan-quoc", 2024, ["sipas"])[0].value == Decimal("83.94")
    # What is recomputed by default stays the province's.
    assert recompute_published(session, "qd1001-2023").geography == "lai-chau"


def test_entering_again_mends_and_another_document_is_refused(session: Session) -> None:
    enter_table(session, NATIONAL, "ma,gia_tri\nsipas,83.49\n")
    enter_table(session, NATIONAL, "ma,gia_tri\nsipas,83.94\n")
    assert queries.published_indices(session, "toan-quoc", 2024)[0].value == Decimal("83.94")
    other = PublishedDocument("toan-quoc", 2024, "qd1001-2023", "bao-cao-khac", "Một báo cáo khác về năm 2024")
    with pytest.raises(Conflict, match="bo-noi-vu-2025"):
        enter_table(session, other, "ma,gia_tri\nsipas,83.94\n")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("khong-co,80", "không có chỉ số “khong-co”"),
        ("sipas,101", "phải từ 0 đến 100"),
        ("sipas,tám mươi", "không phải là số"),
        ("sipas,79.822", "hai chữ số thập phân"),
        ("sipas,80\nsipas,81", "có hai lần"),
    ],
)
def test_a_faulty_line_is_named_and_nothing_is_stored(session: Session, row: str, says: str) -> None:
    before = session.scalar(select(func.count()).select_from(PublishedFigure))
    with pytest.raises(Invalid) as refused:
        enter_table(session, NATIONAL, f"ma,gia_tri\nservice,84.09\n{row}\n")
    (error,) = refused.value.errors
    assert says in str(error) and str(error).startswith(f"dòng {2 + row.count(chr(10)) + 1}:")
    assert session.scalar(select(func.count()).select_from(PublishedFigure)) == before


def test_a_rank_needs_the_number_of_provinces(session: Session) -> None:
    with pytest.raises(Invalid) as refused:
        enter_table(session, LAI_CHAU, HEADER + "sipas;80;64;63;;;\n")
    assert "hạng “64”" in str(refused.value.errors[0])


@pytest.mark.parametrize(
    "document",
    [
        PublishedDocument("sao-hoa", 2024, "qd1001-2023", "van-ban", "Một văn bản đủ dài"),
        PublishedDocument("lai-chau", 1900, "qd1001-2023", "van-ban", "Một văn bản đủ dài"),
        PublishedDocument("lai-chau", 2024, "qd2640", "van-ban", "Một văn bản đủ dài"),
        PublishedDocument("lai-chau", 2024, "qd1001-2023", "Văn bản", "Một văn bản đủ dài"),
        PublishedDocument("lai-chau", 2024, "qd1001-2023", "van-ban", "ngắn"),
    ],
)
def test_a_document_that_cannot_be_named_is_refused(session: Session, document: PublishedDocument) -> None:
    with pytest.raises(Invalid) as refused:
        enter_table(session, document, "ma,gia_tri\nsipas,80\n")
    assert len(refused.value.errors) == 1


@pytest.mark.parametrize("table", ["", "ma,gia_tri", "code,value\nsipas,80"])
def test_a_table_without_its_header_is_refused(session: Session, table: str) -> None:
    with pytest.raises(Invalid, match="dòng đầu gồm các cột"):
        enter_table(session, NATIONAL, table)


def test_a_line_with_a_cell_too_many_is_named(session: Session) -> None:
    with pytest.raises(Invalid) as refused:
        enter_table(session, NATIONAL, "ma,gia_tri\nsipas,80,90\n")
    assert [str(error) for error in refused.value.errors] == ["dòng 2: Dòng có 3 ô, cần 2."]


@pytest.mark.parametrize("table", ["sep=;\nma;gia_tri\nsipas;83,94\n", '"ma";"gia_tri"\n"sipas";"83,94"\n'])
def test_a_table_as_a_spreadsheet_saves_it_is_read(session: Session, table: str) -> None:
    assert enter_table(session, NATIONAL, table).stored == 1


def test_a_file_in_another_encoding_or_too_large_is_refused() -> None:
    assert read_file("﻿ma,gia_tri".encode()) == "ma,gia_tri"
    with pytest.raises(Invalid, match="UTF-8"):
        read_file("mã".encode("utf-16"))
    with pytest.raises(Invalid, match="1 MB"):
        read_file(b"x" * 1_000_001)


def test_shipped_changes_are_stored_as_printed(session: Session) -> None:
    figure = session.scalars(
        select(PublishedFigure).filter_by(geography="lai-chau", year=2023, kind=FigureKind.SATISFACTION, code="sipas")
    ).one()
    assert (figure.change, figure.rank_change) == (Decimal("0.48"), -15)
