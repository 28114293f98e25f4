"""Published SIPAS figures in the database: complete, recomputed, shown with what must stand beside them."""

from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analytics.compare import ComparabilityMark
from backend.indices.models import FigureKind, PublishedFigure
from backend.indices.published import queries, service
from tests.command import Command


@pytest.fixture
def command(session: Session, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(monkeypatch)


def count(session: Session, geography: str, year: int, kind: FigureKind) -> int:
    found = select(func.count()).select_from(PublishedFigure).filter_by(geography=geography, year=year, kind=kind)
    return session.scalar(found) or 0


def test_first_data_holds_all_published_figures(session: Session) -> None:
    assert count(session, "lai-chau", 2023, FigureKind.SATISFACTION) == 51
    assert count(session, "lai-chau", 2023, FigureKind.PERCEPTION) == 44
    assert count(session, "lai-chau", 2022, FigureKind.EXPECTATION) == 10
    assert count(session, "lai-chau", 2023, FigureKind.EXPECTATION) == 10
    assert count(session, "gia-nghia", 2023, FigureKind.SATISFACTION) == 12


def test_loading_again_changes_no_number_and_mends_a_wrong_value(session: Session) -> None:
    before = session.scalar(select(func.count()).select_from(PublishedFigure))
    figure = session.scalars(select(PublishedFigure).filter_by(geography="lai-chau", year=2023, code="sipas")).one()
    figure.value = Decimal("12.34")
    session.flush()
    service.load_published(session)
    session.expire_all()
    assert session.scalar(select(func.count()).select_from(PublishedFigure)) == before
    assert figure.value == Decimal("79.82")


@pytest.mark.parametrize(
    ("method", "rows", "largest"), [("qd1001-2023", 12, 0.01), ("form-2022", 8, 0.0), ("dak-nong", 3, 0.0)]
)
def test_recompute_agrees_with_what_was_published(command: Command, method: str, rows: int, largest: float) -> None:
    printed = command.json("sipas", "recompute", "--method", method)
    assert len(printed) == rows
    assert all(set(row) == {"code", "published", "recomputed", "difference"} for row in printed)
    assert max(abs(row["difference"]) for row in printed) == largest


def test_recompute_reads_the_database_and_flags_a_figure_that_does_not_follow(
    command: Command, session: Session
) -> None:
    figure = session.scalars(select(PublishedFigure).filter_by(geography="lai-chau", year=2023, code="service")).one()
    figure.value = Decimal("80.89")
    session.flush()
    table = command.run("sipas", "recompute", "--method", "qd1001-2023")
    assert table.exit_code == 0
    line = next(line for line in table.stdout.splitlines() if line.split()[:1] == ["service"])
    assert line.split()[1:5] == ["80,89", "79,89", "−1,00", "16"]
    assert "vượt mức làm tròn" in line
    assert "Chênh lệch lớn nhất: 1,00" in table.stdout


def test_recompute_says_which_groups_of_2022_are_taken_as_printed(command: Command) -> None:
    table = command.run("sipas", "recompute", "--method", "form-2022").stdout
    assert "service.officer: lấy theo số công bố" in table
    assert "nguồn không công bố số phiếu" in table


@pytest.mark.parametrize(("method", "says"), [("qd2640", "chưa được kiểm chứng"), ("abc", "qd1001-2023")])
def test_recompute_refuses_a_method_it_cannot_compute(command: Command, method: str, says: str) -> None:
    assert says in command.refusal("sipas", "recompute", "--method", method)


def test_figure_comes_with_rank_n_method_and_source(session: Session) -> None:
    (figure,) = queries.published_indices(session, "lai-chau", 2023, ["service.feedback"])
    assert (figure.value, figure.rank, figure.ranked, figure.n) == (Decimal("79.08"), 53, 63, 558)
    assert "1001/QĐ-BNV" in figure.method.vi
    assert "UBND tỉnh Lai Châu" in figure.source


def test_figure_whose_sample_was_not_printed_has_no_n(session: Session) -> None:
    figures = queries.published_indices(session, "lai-chau", 2022)
    assert len(figures) == 32
    assert {figure.n for figure in figures} == {None}


def test_change_of_the_total_is_marked_and_restated_under_the_earlier_formula(session: Session) -> None:
    (total,) = queries.year_on_year(session, "lai-chau", 2022, 2023, ["sipas"])
    assert total.difference == Decimal("0.48")
    assert total.comparability.mark is ComparabilityMark.FORMULA_CHANGED
    assert total.mark_words == "công thức đã đổi"
    assert total.restated == Decimal("79.64")


def test_change_of_the_feedback_group_is_comparable_and_needs_no_restatement(session: Session) -> None:
    (group,) = queries.year_on_year(session, "lai-chau", 2022, 2023, ["service.feedback"])
    assert (group.difference, group.restated) == (Decimal("0.85"), None)
    assert group.comparability.mark is ComparabilityMark.COMPARABLE


def test_item_without_a_figure_for_2022_has_no_change(session: Session) -> None:
    (item,) = queries.year_on_year(session, "lai-chau", 2022, 2023, ["service.access.2"])
    assert (item.earlier, item.difference) == (None, None)
    assert item.comparability.mark is ComparabilityMark.ITEM_NOT_ASKED
