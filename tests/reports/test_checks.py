"""What does not add up in the published tables, and how sure a figure is that was printed without an interval."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from backend.indices.models import FigureKind, PublishedFigure
from backend.reports.content import approximation
from backend.reports.content.approximation import IntervalAssumptions, YearVerdict
from backend.reports.content.checks import list_findings
from tests.command import Command

CENTS = st.decimals(0, 100, places=2)


@pytest.fixture
def command(session: Session, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(monkeypatch)


def figure(session: Session, year: int, code: str, kind: FigureKind = FigureKind.SATISFACTION) -> PublishedFigure:
    return session.query(PublishedFigure).filter_by(geography="lai-chau", year=year, kind=kind, code=code).one()


def test_the_list_of_the_published_tables(command: Command) -> None:
    found = command.json("sipas", "check")
    assert all(set(row) >= {"code", "what", "printed", "computed", "why"} and all(row.values()) for row in found)
    groups = {row["code"] for row in found if row["what"].startswith("nhóm không suy ra")}
    assert groups == {"policy.implementation", "policy.outcome", "service.access", "service.officer"}
    assert len([row for row in found if row["what"] == "hạng in là 0"]) == 10
    assert {"interest", "channel_fit.1", "expectation", "sipas"} <= {row["code"] for row in found}
    assert not [row for row in found if "không bằng" in row["what"]]  # aggregates, changes and ranks agree


def test_the_list_is_also_a_table_for_people(command: Command) -> None:
    shown = command.run("sipas", "check")
    assert shown.exit_code == 0 and "Có 25 chỗ chưa khớp." in shown.output


def test_an_aggregate_that_is_off_is_found(session: Session) -> None:
    figure(session, 2023, "service").value = Decimal("79.95")
    session.flush()
    found = [one for one in list_findings(session) if "không bằng số tính lại" in one.what]
    assert [(one.code, one.printed, one.computed) for one in found] == [("service", "79,95", "79,89")]


def test_single_choice_that_does_not_add_to_a_hundred_is_found(session: Session) -> None:
    figure(session, 2023, "harassment.1", FigureKind.PERCEPTION).value = Decimal("82.30")
    session.flush()
    found = [one for one in list_findings(session) if "cộng lại bằng 100" in one.what]
    assert [(one.code, one.printed) for one in found] == [("harassment", "99,00")]


def test_margins_are_those_of_the_formula() -> None:
    assumed = IntervalAssumptions()
    assert approximation.mean_margin(558, 5, assumed, deff=1) == pytest.approx(1.0787, abs=1e-4)
    assert approximation.mean_margin(558, 5, assumed) == pytest.approx(1.5254, abs=1e-4)
    assert approximation.difference_margin(558, 5, assumed) == pytest.approx(2.1573, abs=1e-4)


def test_a_share_has_wilsons_interval_of_its_effective_size() -> None:
    from analytics.operations import wilson_interval

    plain = wilson_interval(100, 200)
    got = approximation.share_interval(Decimal("50"), 400, IntervalAssumptions(deff=2.0))
    assert plain.lo is not None and plain.hi is not None
    assert (float(got.lo), float(got.hi)) == pytest.approx((100 * plain.lo, 100 * plain.hi), abs=0.006)


@given(CENTS, st.integers(20, 5000))
def test_every_interval_holds_its_value_and_stays_on_the_scale(value: Decimal, n: int) -> None:
    share = approximation.share_interval(value, n, IntervalAssumptions())
    assert 0 <= share.lo <= value + Decimal("0.01") and value - Decimal("0.01") <= share.hi <= 100
    score = max(Decimal(20), value)
    mean = approximation.mean_interval(score, n, 5, IntervalAssumptions())
    assert 20 <= mean.lo <= score <= mean.hi <= 100


@given(st.integers(1, 600), st.data())
def test_the_answers_behind_a_share_give_it_back(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    share = (Decimal(100 * k) / n).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    found = approximation.answers_behind([share], n)
    assert found == n and approximation.count_behind(share, n) == k


@given(CENTS, st.floats(0.1, 5))
def test_only_beyond_the_margin_is_a_difference_called_one(difference: Decimal, margin: float) -> None:
    inside = float(difference) <= margin
    assert (approximation.verdict_of(difference, margin) is YearVerdict.NO_EVIDENCE) == inside
    assert approximation.verdict_of(-difference, margin) is (YearVerdict.NO_EVIDENCE if inside else YearVerdict.LOWER)
