"""Each indicator has one answer, wherever it is asked: pages, lists, inbox, the sender's page, stored runs."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from backend.deadlines.rules import DeadlineRule, RuleEvidence
from backend.desk.inbox.conditions import InboxReader
from backend.desk.inbox.counts import count_inbox
from backend.indicators import conditions
from backend.indicators.definitions import definitions
from backend.indicators.filters import DashboardFilters
from backend.indices.measures import inputs
from backend.indices.measures.values import RunValue
from backend.indices.models import FigureKind, PublishedFigure
from backend.indices.runs import service as runs
from backend.kpi import dashboard
from backend.ratings import service as ratings
from backend.ratings.service import RatingScores
from backend.settings import ROOT
from backend.tickets import projection, rulebook, sweeps
from backend.tickets.due_status import DuePace, due_statuses, is_overdue, overdue_on
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Ticket
from backend.users.models import Role
from backend.users.policy import SYSTEM, Actor
from backend.worktime import service as worktime
from backend.worktime.duration import Duration, TimeUnit
from tests.factories import World
from tests.signing_in import sign_in

THURSDAY = datetime.fromisoformat("2026-10-01T08:00+07:00")  # due on Thursday 22/10
TODAY = date(2026, 11, 18)  # a Wednesday
OCTOBER = DashboardFilters(None, date(2026, 10, 1), date(2026, 10, 31), None, chosen=True)
MANAGER = Actor(Role.MANAGER)


def look(session: Session, today: date = TODAY) -> dashboard.Dashboard:
    return dashboard.build_dashboard(session, OCTOBER, MANAGER, today)


def run_values(session: Session, today: date = TODAY) -> list[RunValue]:
    """What an index run of October says."""
    asked = runs.prepare_request(session, None, OCTOBER.first, OCTOBER.last, MANAGER, today)
    return runs.compute_values(inputs.read_inputs(session, asked), asked, seed=1)


def told(session: Session, today: date) -> tuple[int, int]:
    """Told in time, of how many: the managers' page and an index run must agree."""
    share = look(session, today).items[2].operation
    (value,) = [v for v in run_values(session, today) if v.code == "told" and v.unit_id is None]
    assert (value.extra["k"], value.n) == (share.k, share.n)
    return share.k, share.n


def set_notice_term(session: Session, world: World, days: int) -> None:
    rule = DeadlineRule(
        "notify", Duration(days, TimeUnit.WORKING_DAYS), "QĐ của UBND tỉnh", RuleEvidence.OURS, province="12",
        valid_from=date(2026, 1, 1),
    )  # fmt: skip
    rulebook.set_by_province(session, rule, world.user(Role.ADMINISTRATOR).id, THURSDAY)


class TestToldInTime:
    """Answered on Wednesday 14/10: the clock of the rule decides."""

    ANSWERED = THURSDAY + timedelta(days=13)

    @pytest.mark.parametrize(
        ("term", "day", "counted"),
        [
            (1, date(2026, 10, 15), (0, 0)),
            (1, date(2026, 10, 16), (0, 1)),
            (3, date(2026, 10, 16), (0, 0)),
            (3, date(2026, 10, 19), (0, 0)),  # Monday, the third working day
            (3, date(2026, 10, 20), (0, 1)),
        ],
    )
    def test_an_untold_answer_counts_once_the_term_of_the_stored_rule_is_over(
        self, session: Session, world: World, term: int, day: date, counted: tuple[int, int]
    ) -> None:
        set_notice_term(session, world, term)
        ticket, _secret = world.answered(THURSDAY, self.ANSWERED)
        assert told(session, day) == counted
        assert ticket.tell_by == (date(2026, 10, 15) if term == 1 else date(2026, 10, 19))

    def test_a_sender_told_on_the_third_day_was_told_in_time(self, session: Session, world: World) -> None:
        set_notice_term(session, world, 3)
        ticket, _secret = world.answered(THURSDAY, self.ANSWERED)
        world.happen(ticket, Event.NOTIFIED, SYSTEM, self.ANSWERED + timedelta(days=5))
        assert told(session, date(2026, 10, 19)) == (1, 1)
        assert ticket.told_in_time is True and ticket.tell_by is None
        assert list(projection.check_all(session)) == []

    def test_the_definitions_quote_the_stored_rule(self, client: TestClient, session: Session, world: World) -> None:
        sign_in(client, world.user(Role.MANAGER))
        assert "với phản ánh nhận hôm nay là 1 ngày làm việc" in client.get("/chi-so/dinh-nghia").text
        set_notice_term(session, world, 3)
        page = client.get("/chi-so/dinh-nghia").text
        assert "với phản ánh nhận hôm nay là 3 ngày làm việc" in page and "{" not in page[page.index("<main") :]


def overdue_answers(session: Session, world: World, ticket: Ticket, today: date) -> set[bool]:
    """Every answer to "is this ticket overdue?" that the system gives."""
    session.refresh(ticket)
    calendar = worktime.load_calendar(session, worktime.active_id(session))
    (standing,) = due_statuses(calendar, today, [ticket])
    of_unit = InboxReader(world.actor(Role.LEADER), today, calendar)
    of_province = InboxReader(world.actor(Role.COORDINATOR), today, calendar)
    asked = runs.prepare_request(session, None, OCTOBER.first, OCTOBER.last, MANAGER, today)
    (case,) = [case for case in inputs.read_inputs(session, asked).cases if case.id == ticket.id]
    return {
        is_overdue(ticket, today),
        session.scalar(select(Ticket.id).where(Ticket.id == ticket.id, overdue_on(today))) is not None,
        standing.pace is DuePace.OVERDUE,
        count_inbox(session, of_unit, None, {}).overdue == 1,
        count_inbox(session, of_province, None, {}).overdue == 1,
        look(session, today).overdue_now == 1,
        look(session, today).figures.overdue == 1,
        case.standing == "overdue",
    }


@pytest.mark.parametrize(
    ("asked_after_days", "today", "overdue"),
    [
        (None, date(2026, 10, 22), False),
        (None, date(2026, 10, 23), True),
        (21, date(2026, 11, 4), False),  # asked on the last day: the clock stands still
        (22, date(2026, 11, 4), True),  # asked the day after: late already, and stays so
    ],
)
def test_overdue_has_one_answer(
    session: Session, world: World, asked_after_days: int | None, today: date, overdue: bool
) -> None:
    ticket, _secret = world.receive(THURSDAY)
    if asked_after_days is not None:
        moment = THURSDAY + timedelta(days=asked_after_days)
        world.happen(ticket, Event.INFO_REQUESTED, world.actor(), moment, "Ở đoạn nào?")
    assert overdue_answers(session, world, ticket, today) == {overdue}


def test_a_pause_whose_limit_is_over_stops_nothing(session: Session, world: World) -> None:
    ticket, _secret = world.receive(THURSDAY)
    world.happen(ticket, Event.INFO_REQUESTED, world.actor(), THURSDAY + timedelta(days=20), "Ở đoạn nào?")
    assert ticket.paused_on == date(2026, 10, 21)
    assert (
        sweeps.lapse_ticket(session, ticket.id, datetime.fromisoformat("2026-11-05T08:00+07:00")) is Event.PAUSE_EXPIRED
    )
    assert ticket.paused_on is None and ticket.due_date == date(2026, 11, 6)
    assert overdue_answers(session, world, ticket, date(2026, 11, 6)) == {False}
    assert overdue_answers(session, world, ticket, date(2026, 11, 9)) == {True}
    assert list(projection.check_all(session)) == []


def test_the_migration_fills_the_rows_as_their_histories_do(session: Session, world: World) -> None:
    for days in (5, 8, 12):  # answers of a Tuesday, a Friday and a Tuesday, untold
        world.answered(THURSDAY, THURSDAY + timedelta(days=days))
    set_notice_term(session, world, 3)
    world.answered(THURSDAY, THURSDAY + timedelta(days=8))
    waiting, _secret = world.receive(THURSDAY)
    world.happen(waiting, Event.INFO_REQUESTED, world.actor(), THURSDAY + timedelta(days=3), "Ở đoạn nào?")
    columns = select(Ticket.id, Ticket.paused_on, Ticket.tell_by).order_by(Ticket.id)
    before = session.execute(columns).all()
    session.execute(update(Ticket).values(paused_on=None, tell_by=None))
    module = ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).get_revision("0012").module
    session.execute(text(module.PAUSED))
    session.execute(text(module.TELL_BY))
    assert session.execute(columns).all() == before and len({row.tell_by for row in before}) == 4


def test_every_indicator_has_its_definition() -> None:
    assert {one.code for one in conditions.INDICATORS} <= {one.code for one in definitions()}
    sentences = [one.sentence for one in conditions.INDICATORS]
    assert len(set(sentences)) == len(sentences)


def test_both_pages_give_a_unit_the_same_verdict_and_interval(session: Session, world: World) -> None:
    for code, on_time, late in (("03388", 12, 0), ("03390", 10, 4), ("LC-SXD", 1, 11), ("LC-SYT", 3, 0)):
        unit = world.unit(code)
        for days in [5] * on_time + [30] * late:
            world.answered(THURSDAY, THURSDAY + timedelta(days=days), unit_id=unit.id)
    rows = {row.unit.id: row.difference for row in look(session).units if row.difference}
    gaps = {v.unit_id: v for v in run_values(session) if v.code == "unit_gap" and v.item == 2}
    assert len(rows) == 3 and set(rows) == set(gaps)
    for unit_id, row in rows.items():
        gap = gaps[unit_id]
        assert (row.verdict.value, row.value, row.lo, row.hi) == (gap.extra["verdict"], gap.value, gap.lo, gap.hi)
    assert {row.verdict.value for row in rows.values()} == {"higher", "no-evidence", "lower"}


class TestPublished:
    def rated(self, world: World, count: int = 10) -> None:
        for _n in range(count):
            ticket, _secret = world.answered(THURSDAY, THURSDAY + timedelta(days=5))
            moment = THURSDAY + timedelta(days=6)
            ratings.store_rating(world.session, ticket.id, RatingScores(5, 4, 2), channel=Channel.WEB, now=moment)

    def enter_next_year(self, session: Session, year: int, *, n: int | None) -> None:
        for item, value in (("", "80.08"), (".1", "80.96"), (".2", "80.43"), (".3", "79.85")):
            session.add(
                PublishedFigure(
                    geography="lai-chau", year=year, kind=FigureKind.SATISFACTION, code=f"service.feedback{item}",
                    level="item", position=1, text_vi="", value=Decimal(value), n=n, method="qd1001-2023",
                    source_code="lai-chau-2024",
                )
            )  # fmt: skip
        session.flush()

    def test_the_page_shows_the_last_years_that_are_stored(
        self, client: TestClient, session: Session, world: World
    ) -> None:
        self.enter_next_year(session, 2024, n=None)
        self.rated(world)
        first = look(session).items[0].published
        assert first is not None and first.later is not None and first.earlier is not None
        assert (first.later.year, first.later.value, first.earlier.year) == (2024, Decimal("80.96"), 2023)
        sign_in(client, world.user(Role.MANAGER))
        for page in ("/chi-so", "/chi-so/hai-mat"):
            answer = client.get(f"{page}?tu=01/10/2026&den=31/10/2026")
            assert answer.status_code == 200 and "80,96" in answer.text and "None" not in answer.text
            assert "không kết luận: nguồn không công bố số phiếu" in answer.text

    def test_a_gap_to_a_figure_without_ballots_has_no_verdict(self, session: Session, world: World) -> None:
        self.rated(world)
        known = [item.gap for item in look(session).items]
        assert [gap.verdict for gap in known if gap] == ["higher", "no-evidence", "lower"]
        # Everybody gave 5: no spread among the ratings, so the whole error is that of SIPAS, widened for three.
        assert known[0] is not None and known[0].lo is not None and known[0].hi is not None
        assert known[0].value == pytest.approx(100 - 78.96) and known[0].hi - known[0].lo > 3
        session.execute(update(PublishedFigure).values(n=None))
        unknown = [item.gap for item in look(session).items]
        assert [(gap.verdict, gap.lo) for gap in unknown if gap] == [("sample-unknown", None)] * 3
        values = run_values(session)
        assert {v.extra["verdict"] for v in values if v.code in ("side_gap", "year_change")} == {"sample-unknown"}

    def test_with_no_figures_and_with_one_year_nothing_is_compared(self, session: Session, world: World) -> None:
        session.execute(text("DELETE FROM published_figures WHERE year < 2023"))
        (first, *_others) = look(session).items
        assert first.published is not None and first.published.earlier is None and first.published.later is not None
        session.execute(text("DELETE FROM published_figures"))
        assert [item.published for item in look(session).items] == [None] * 3

    def test_a_forecast_of_a_year_without_a_method_is_refused_with_its_reason(
        self, client: TestClient, session: Session, world: World
    ) -> None:
        self.enter_next_year(session, 2026, n=558)
        outlook = [v for v in run_values(session) if v.code == "forecast" and v.side.value == "published"]
        assert {(v.extra["year"], v.value, v.extra["why"]) for v in outlook} == {
            (2027, None, "no method is known for the year")
        }
        sign_in(client, world.user(Role.MANAGER))
        page = client.get("/chi-so/hai-mat?tu=01/10/2026&den=31/10/2026").text
        assert "Chưa biết năm ấy đo bằng phương pháp nào nên không dự báo." in page
