"""What managers' figures count: checked on small sets made by hand, received and answered through the services."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.errors import Invalid, NotFound
from backend.indicators.definitions import definitions, document
from backend.indicators.filters import DashboardFilters, day_typed, read_filters, units_to_choose, usual_period
from backend.indices.measures import inputs
from backend.indices.published.shipped_figures import SOURCES
from backend.kpi import borders, dashboard
from backend.kpi.dashboard import Dashboard
from backend.kpi.ranking import Standing
from backend.ratings import service as ratings
from backend.ratings.service import RatingScores
from backend.settings import ROOT
from backend.tickets import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Ticket
from backend.units.models import Unit
from backend.users.models import Role
from backend.users.policy import SENDER, SYSTEM, Actor
from tests.factories import World

TODAY = date(2026, 11, 18)
MANAGER = Actor(Role.MANAGER)
OCTOBER = DashboardFilters(None, date(2026, 10, 1), date(2026, 10, 31), None, chosen=True)
THURSDAY = datetime.fromisoformat("2026-10-01T08:00+07:00")


def look(session: Session, filters: DashboardFilters = OCTOBER, actor: Actor = MANAGER) -> Dashboard:
    return dashboard.build_dashboard(session, filters, actor, TODAY)


def days_later(days: int) -> datetime:
    return THURSDAY + timedelta(days=days)


def test_rate_counts_what_is_decided_and_leaves_out_what_is_not_due(session: Session, world: World) -> None:
    for _n in range(28):
        world.answered(THURSDAY, days_later(5))
    world.receive(THURSDAY)  # open, due 22/10: late
    world.receive(days_later(29))  # received 30/10, due 20/11: not decided on 18/11
    figures = look(session).figures
    assert (figures.received, figures.answered, figures.on_time, figures.late) == (30, 28, 28, 0)
    assert (figures.overdue, figures.not_due) == (1, 1)
    # 1 in 29: Wilson 0.0061 to 0.1718 (Newcombe, Statistics in Medicine 17, 1998, 857-872, table I, method 3);
    # 28 in 29 is its mirror image.
    rate = figures.rate
    assert (rate.k, rate.n) == (28, 29)
    assert rate.lo == pytest.approx(1 - 0.1718, abs=5e-5) and rate.hi == pytest.approx(1 - 0.0061, abs=5e-5)
    # QĐ 766 leaves out what was not taken up; what is open and not yet due counts as on time.
    assert (figures.official.k, figures.official.n) == (28, 28)
    world.happen(world.receive(days_later(29))[0], Event.ACCEPTED, world.actor(), days_later(29))
    world.happen(world.receive(THURSDAY)[0], Event.ACCEPTED, world.actor(), THURSDAY)  # overdue since 23/10
    figures = look(session).figures
    assert (figures.official.k, figures.official.n) == (29, 30)


def test_an_answer_after_the_due_date_is_late_however_long_ago(session: Session, world: World) -> None:
    world.answered(THURSDAY, days_later(22))  # Friday 23/10, one day after 22/10
    world.answered(THURSDAY, days_later(21))
    figures = look(session).figures
    assert (figures.on_time, figures.late, figures.overdue) == (1, 1, 0)


def test_both_ends_of_the_period_are_counted_in_vietnams_time(session: Session, world: World) -> None:
    for moment in ("2026-09-30T23:59", "2026-10-01T00:00", "2026-10-31T23:59", "2026-11-01T00:00"):
        world.receive(datetime.fromisoformat(moment + "+07:00"))
    board = look(session)
    assert board.figures.received == 2
    assert [(span.start, span.figures.received) for span in board.spans] == [(date(2026, 10, 1), 2)]


def test_open_today_is_counted_whenever_it_was_received(session: Session, world: World, now: datetime) -> None:
    for days in (5, 6, 40, 100):
        world.receive(now - timedelta(days=days))
    board = look(session)
    assert [(age.low, age.high, age.count, age.overdue) for age in board.ages] == [
        (0, 5, 1, 0),
        (6, 15, 1, 0),
        (16, 30, 0, 0),
        (31, 60, 1, 1),
        (61, None, 1, 1),
    ]
    assert (board.open_now, board.overdue_now) == (4, 2)


def test_waiting_for_the_sender_stops_the_clock_only_when_asked_in_time(session: Session, world: World) -> None:
    officer = world.actor()
    in_time, _s = world.receive(THURSDAY)
    too_late, _s = world.receive(THURSDAY)
    world.happen(in_time, Event.INFO_REQUESTED, officer, days_later(21), "Ở đoạn nào?")
    world.happen(too_late, Event.INFO_REQUESTED, officer, days_later(22), "Ở đoạn nào?")
    figures = look(session).figures
    assert (figures.overdue, figures.not_due) == (1, 1)


def test_median_is_over_working_days_of_the_answered(session: Session, world: World) -> None:
    for days in (1, 4, 5, 12):  # Friday, Monday, Tuesday, Tuesday after: 1, 2, 3, 8 working days
        world.answered(THURSDAY, days_later(days))
    assert look(session).figures.median_days == 2.5


def test_told_counts_from_the_day_on_which_it_should_have_been(session: Session, world: World, now: datetime) -> None:
    told, _s = world.answered(days_later(20), now - timedelta(days=2))
    world.happen(told, Event.NOTIFIED, SYSTEM, now - timedelta(days=2))
    world.answered(days_later(20), now - timedelta(days=2))  # Monday, untold on Wednesday: no
    world.answered(days_later(20), now - timedelta(days=1))  # Tuesday, untold on Wednesday: still in time
    third = look(session).items[2].operation
    assert (third.k, third.n) == (1, 2)


def test_reception_is_acknowledged_at_once_by_our_own_channels(session: Session, world: World) -> None:
    world.receive(THURSDAY)
    slow, _s = world.receive(THURSDAY)
    keyed, _s = world.receive(THURSDAY)
    foreign, _s = world.receive(THURSDAY)
    slow.acknowledged_at = THURSDAY + timedelta(minutes=6)
    keyed.acknowledged_at = THURSDAY + timedelta(minutes=5)
    foreign.channel, foreign.acknowledged_at = Channel.IMPORT, None
    session.flush()
    board = look(session)
    assert (board.items[0].operation.k, board.items[0].operation.n, board.imported) == (2, 3, 1)


def rate(session: Session, world: World, scores: list[tuple[int, int, int]]) -> None:
    for one in scores:
        ticket, _s = world.answered(THURSDAY, days_later(5))
        ratings.store_rating(session, ticket.id, RatingScores(*one), channel=Channel.WEB, now=days_later(6))


def test_ratings_are_mean_scores_with_t_intervals(session: Session, world: World) -> None:
    rate(session, world, [(5, 3, 1)] * 5 + [(3, 3, 2)] * 5)
    world.answered(THURSDAY, days_later(5))
    board = look(session)
    ease, by_rules, timely = (item.rated for item in board.items)
    # 5 x 5 and 5 x 3: mean 4, s = sqrt(10/9) = 1.0541, t(0.975; 9) = 2.2622, half = 2.2622 x 1.0541 / sqrt(10) = 0.7541
    assert ease.value == pytest.approx(80) and ease.n == 10
    assert ease.lo == pytest.approx((4 - 0.7541) * 20, abs=2e-3) and ease.hi == pytest.approx(
        (4 + 0.7541) * 20, abs=2e-3
    )
    assert (by_rules.value, timely.value) == pytest.approx((60, 30))
    assert (board.response.k, board.response.n) == (10, 11)
    gaps = [item.gap for item in board.items]
    assert gaps[0] is not None and gaps[0].value == pytest.approx(80 - 78.96)
    assert [gap.verdict for gap in gaps if gap] == ["no-evidence", "lower", "lower"]


def test_nine_ratings_give_no_figure(session: Session, world: World) -> None:
    rate(session, world, [(5, 5, 5)] * 9)
    for item in look(session).items:
        assert item.rated.suppressed and item.rated.value is None and item.rated.n == 9 and item.gap is None


def test_published_figures_stand_with_method_rank_and_mark(session: Session) -> None:
    items = look(session).items
    assert [str(item.published.later.value) for item in items if item.published and item.published.later] == [
        "78.96",
        "79.43",
        "78.85",
    ]
    first = items[0].published
    assert first is not None and first.later is not None and first.earlier is not None
    assert (first.later.rank, first.later.ranked, first.later.n) == (51, 63, 558)
    assert (first.earlier.rank, first.earlier.n, first.mark_words) == (32, None, "so sánh được")
    assert SOURCES["lai-chau"].title == first.later.source


def test_a_channel_takes_its_own_tickets_and_ratings(session: Session, world: World) -> None:
    rate(session, world, [(5, 5, 5)] * 10)
    session.execute(update(Ticket).values(channel=Channel.TELEGRAM))
    world.receive(THURSDAY)
    telegram = look(session, DashboardFilters(None, OCTOBER.first, OCTOBER.last, Channel.TELEGRAM, chosen=True))
    assert (telegram.figures.received, telegram.items[0].rated.n) == (10, 10)
    web = look(session, DashboardFilters(None, OCTOBER.first, OCTOBER.last, Channel.WEB, chosen=True))
    assert (web.figures.received, web.items[0].rated.n) == (1, 0)


def test_units_apart_from_all_are_told_from_those_that_are_not(session: Session, world: World) -> None:
    good, bad, few = world.unit("03388"), world.unit("03390"), world.unit("LC-SXD")
    for _n in range(10):
        world.answered(THURSDAY, days_later(5), unit_id=good.id)
        world.answered(THURSDAY, days_later(30), unit_id=bad.id)
    world.answered(THURSDAY, days_later(5), unit_id=few.id)
    rows = look(session).units
    assert [(row.unit.code, row.standing) for row in rows] == [
        ("03388", Standing.ABOVE),
        ("03390", Standing.BELOW),
        ("LC-SXD", Standing.FEW),
    ]


def test_a_leader_looks_at_the_own_unit_alone(session: Session, world: World) -> None:
    own, other = world.unit("03388"), world.unit("03390")
    leader = world.actor(Role.LEADER, own)
    world.receive(THURSDAY, unit_id=other.id)
    world.receive(THURSDAY)
    filters = read_filters(session, {"tu": "1/10/2026", "den": "31/10/2026"}, leader, TODAY)
    assert filters.unit == own and look(session, filters, leader).figures.received == 1
    assert list(units_to_choose(session, leader, TODAY)) == [own]
    for code in ("03390", "12", "khong-co"):
        with pytest.raises(NotFound):
            read_filters(session, {"don-vi": code}, leader, TODAY)


def test_whoever_asks_for_nothing_sees_the_last_twelve_full_months(session: Session) -> None:
    filters = read_filters(session, {}, MANAGER, TODAY)
    assert (filters.unit, filters.first, filters.last) == (None, date(2025, 11, 1), date(2026, 10, 31))
    assert usual_period(date(2028, 2, 29)) == (date(2027, 2, 1), date(2028, 1, 31))


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"tu": "31/02/2026"}, {"tu"}),
        ({"den": "hôm qua", "tu": "2026-13-01"}, {"tu", "den"}),
        ({"tu": "02/10/2026", "den": "01/10/2026"}, {"tu"}),
        ({"don-vi": "99999\0"}, {"don-vi"}),
        ({"don-vi": "x" * 1_000_000}, {"don-vi"}),
        ({"don-vi": "\u202e\u200b"}, {"don-vi"}),
        ({"kenh": "fax"}, {"kenh"}),
        ({"tu": "01/01/0001"}, {"tu"}),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_field(session: Session, query: dict[str, str], fields: set[str]) -> None:
    with pytest.raises(Invalid) as refused:
        read_filters(session, query, MANAGER, TODAY)
    assert {error.field for error in refused.value.errors} == fields


def merge(world: World, one: Ticket, into: Ticket, at: datetime) -> None:
    change = service.ActionRequest(Event.MERGED, text="Cùng một việc.", into_id=into.id)
    service.apply(world.session, one.id, change, world.actor(), now=at)


def test_merged_ticket_that_nobody_answered_in_time_stays_late_in_the_rate(session: Session, world: World) -> None:
    one, other = world.receive(THURSDAY)[0], world.receive(THURSDAY)[0]
    merge(world, one, other, days_later(1))
    board = look(session)  # both due on 22 October
    assert (board.figures.overdue, board.figures.not_due, board.figures.ended) == (2, 0, 0)
    assert (board.figures.rate.k, board.figures.rate.n) == (0, 2)
    assert (board.open_now, board.overdue_now) == (1, 1)
    assert [case.standing for case in cases(session)] == ["overdue", "overdue"]


def test_merged_ticket_is_undecided_up_to_its_due_date(session: Session, world: World) -> None:
    one, other = world.receive(THURSDAY)[0], world.receive(THURSDAY)[0]
    merge(world, one, other, days_later(1))
    figures = dashboard.build_dashboard(session, OCTOBER, MANAGER, date(2026, 10, 22)).figures
    assert (figures.overdue, figures.not_due) == (0, 2)


def test_merged_ticket_answered_with_the_other_in_time_is_no_case(session: Session, world: World) -> None:
    one, other = world.receive(THURSDAY)[0], world.receive(THURSDAY)[0]
    merge(world, one, other, days_later(1))
    world.happen(other, Event.ACCEPTED, world.actor(), days_later(1))
    world.happen(other, Event.ANSWERED, world.actor(), days_later(5))
    figures = look(session).figures
    assert (figures.on_time, figures.overdue, figures.not_due, figures.ended) == (1, 0, 0, 1)
    assert (figures.rate.k, figures.rate.n) == (1, 1)
    assert [case.standing for case in cases(session)] == ["none", "on_time"]


def test_refused_in_time_is_neither_late_nor_still_to_come(session: Session, world: World) -> None:
    world.happen(world.receive(THURSDAY)[0], Event.REFUSED, world.actor(), days_later(1))
    figures = look(session).figures
    assert (figures.received, figures.overdue, figures.not_due, figures.ended) == (1, 0, 0, 1)


def test_reopened_and_overdue_again_is_one_case_with_its_first_verdict(session: Session, world: World) -> None:
    ticket, _secret = world.answered(THURSDAY, days_later(1))
    world.happen(ticket, Event.NOTIFIED, SYSTEM, days_later(1))
    world.happen(ticket, Event.DISPUTED, SENDER, days_later(2))  # due again on 23 October
    board = look(session)
    assert (board.figures.on_time, board.figures.overdue, board.figures.rate.n) == (1, 0, 1)
    assert board.overdue_now == 1
    assert [case.standing for case in cases(session)] == ["on_time"]


def cases(session: Session) -> Sequence[inputs.IndexCase]:
    unit_ids = tuple(session.scalars(select(Unit.id)))
    return inputs.read_inputs(
        session, inputs.RunRequest(date(2026, 10, 1), date(2026, 10, 31), unit_ids, True, TODAY)
    ).cases


@given(st.dates(date(1990, 1, 1), date(2099, 12, 31)))
def test_a_day_is_read_as_people_and_as_addresses_write_it(day: date) -> None:
    assert (
        day_typed(f"{day:%d/%m/%Y}") == day_typed(day.isoformat()) == day_typed(f" {day.day}-{day.month}-{day.year} ")
    )
    assert day_typed(f"{day:%d/%m/%Y}") == day


def test_a_long_period_is_shown_by_years(session: Session, world: World) -> None:
    world.receive(THURSDAY)
    long = DashboardFilters(None, date(2022, 3, 1), date(2026, 12, 31), None, chosen=True)
    spans = look(session, long).spans
    assert [(span.start.year, span.figures.received) for span in spans] == [
        (2022, 0), (2023, 0), (2024, 0), (2025, 0), (2026, 1),
    ]  # fmt: skip


def test_the_map_draws_every_commune_once(session: Session) -> None:
    communes = list(session.scalars(select(Unit.id).where(Unit.border.is_not(None), Unit.valid_to.is_(None))))
    drawn = borders.outline_units(session, communes)
    assert len(drawn.paths) == len(communes) == 38
    assert all(path.startswith("M") and path.endswith("Z") for path in drawn.paths.values())
    assert sum(map(len, drawn.paths.values())) < 60_000
    assert borders.outline_units(session, communes) is drawn


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=2, max_size=40),
    st.floats(0.1, 20),
)
def test_a_thinned_line_stays_near_the_line(line: list[tuple[float, float]], tolerance: float) -> None:
    kept = borders.thin_line(line, tolerance)
    assert kept[0] == line[0] and kept[-1] == line[-1]
    for point in line:
        pieces = pairwise(kept)
        assert min(borders._distance(point, a, b) for a, b in pieces) <= tolerance + 1e-9


def test_the_document_of_definitions_is_the_one_in_the_package() -> None:
    assert (ROOT / "docs" / "indices.md").read_text(encoding="utf-8") == document()
    assert len({one.code for one in definitions()}) == len(definitions())
