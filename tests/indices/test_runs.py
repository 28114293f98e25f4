"""Index runs: what they count, that they are kept as they were, and that anybody can count them again."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from backend.errors import Conflict, Invalid, NotFound
from backend.indicators.filters import DashboardFilters
from backend.indices.measures.values import RunValue
from backend.indices.models import IndexPublication, IndexRun, IndexValue
from backend.indices.runs import service as runs
from backend.kpi import dashboard
from backend.ratings import service as ratings
from backend.ratings.models import Rating
from backend.ratings.service import RatingScores
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Ticket
from backend.users.models import Role
from backend.users.policy import SENDER, SYSTEM, Actor
from tests.command import Command
from tests.factories import World

THURSDAY = datetime.fromisoformat("2026-10-01T08:00+07:00")
FIRST, LAST, TODAY = date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 18)
MANAGER = Actor(Role.MANAGER)


@pytest.fixture
def command(session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(monkeypatch)


def rated(world: World, scores: tuple[int, int, int], days: int = 5) -> Ticket:
    """A ticket received on 1 October, answered after some days, told at once and rated the next day."""
    answered = THURSDAY + timedelta(days=days)
    ticket, _secret = world.answered(THURSDAY, answered)
    world.happen(ticket, Event.NOTIFIED, SYSTEM, answered + timedelta(hours=3))
    ratings.store_rating(
        world.session, ticket.id, RatingScores(*scores), channel=Channel.WEB, now=answered + timedelta(days=1)
    )
    return ticket


def count(session: Session, now: datetime, seed: int = 1) -> tuple[int, list[RunValue]]:
    asked = runs.prepare_request(session, None, FIRST, LAST, MANAGER, TODAY)
    run_id = runs.make_run(session, asked, None, seed=seed, now=now, user_id=None)
    return run_id, runs.values_of(session, run_id)


def of(values: list[RunValue], code: str, item: int = 0) -> RunValue:
    """The value of the whole province and period."""
    (found,) = [
        v for v in values if (v.code, v.item, v.unit_id) == (code, item, None) and v.first == FIRST and v.last == LAST
    ]
    return found


def test_official_ratios_count_each_ticket_once(session: Session, world: World, now: datetime) -> None:
    for scores in [(5, 5, 5)] * 6 + [(4, 4, 2)]:  # seven on time, one of them dissatisfied
        rated(world, scores)
    rated(world, (1, 1, 1), days=30)  # late and dissatisfied: once
    world.answered(THURSDAY, THURSDAY + timedelta(days=30))  # late
    world.receive(THURSDAY)  # never taken up, overdue by now: left out
    fresh, _secret = world.receive(THURSDAY + timedelta(days=29))  # not taken up, not due: left out
    taken, _secret = world.receive(THURSDAY + timedelta(days=29))
    world.happen(taken, Event.ACCEPTED, world.actor(), THURSDAY + timedelta(days=29))  # open, not due: as on time
    refused, _secret = world.receive(THURSDAY)
    world.happen(refused, Event.REFUSED, world.actor(), THURSDAY + timedelta(days=1))  # not of the unit: left out
    world.answered(THURSDAY - timedelta(days=1), THURSDAY)  # first received before the period: left out
    _run, values = count(session, now)
    on_time, satisfied = of(values, "qd766_on_time", 2), of(values, "qd766_satisfied", 2)
    assert (on_time.extra["k"], on_time.n, on_time.value) == (8, 10, 0.8)
    assert (on_time.extra["waiting"], on_time.extra["waiting_overdue"]) == (2, 1)
    assert (satisfied.extra["k"], satisfied.n, satisfied.value) == (7, 10, 0.7)
    assert (satisfied.extra["late"], satisfied.extra["dissatisfied"], satisfied.extra["counted_once"]) == (2, 2, 3)
    assert fresh.accepted_at is None
    page = dashboard.build_dashboard(
        session, DashboardFilters(None, FIRST, LAST, None, chosen=True), MANAGER, TODAY
    ).figures.official
    assert (page.k, page.n) == (8, 10), "the page of the unit counts the same"


def test_a_reopened_ticket_is_not_a_satisfied_one_and_keeps_its_verdict(
    session: Session, world: World, now: datetime
) -> None:
    for _n in range(9):
        rated(world, (5, 5, 5))
    again, _secret = world.answered(THURSDAY, THURSDAY + timedelta(days=5))
    world.happen(again, Event.DISPUTED, SENDER, THURSDAY + timedelta(days=6), "Chưa sửa.")
    _run, values = count(session, now)
    assert of(values, "qd766_on_time", 2).value == 1.0
    assert of(values, "qd766_satisfied", 2).extra | {"k": 9, "again": 1} == of(values, "qd766_satisfied", 2).extra
    assert (of(values, "reopened", 2).extra["k"], of(values, "reopened", 2).n) == (1, 10)


def test_ratings_are_adjusted_to_all_closed_tickets_and_bounded(session: Session, world: World, now: datetime) -> None:
    for scores in [(5, 4, 5)] * 10:
        rated(world, scores)
    for _n in range(5):
        rated(world, (2, 2, 2), days=30)
    for _n in range(15):
        world.answered(THURSDAY, THURSDAY + timedelta(days=30))
    _run, values = count(session, now)
    # Ease: 15 ratings, mean 4.0; ten on time weigh 10/30, five late ones 20/30: (5 + 2 x 2) / 3 = 3 of 5.
    assert of(values, "ratings", 1).value == pytest.approx(80.0)
    adjusted = of(values, "ratings_adjusted", 1)
    assert adjusted.value == pytest.approx(60.0)
    assert (adjusted.n, adjusted.extra["closed"], adjusted.extra["cells"]) == (15, 30, 2)
    bounds = of(values, "ratings_bounds", 1)
    assert (bounds.lo, bounds.hi) == pytest.approx((100 / 5 * 75 / 30, 100 / 5 * 135 / 30))
    response = of(values, "response_rate")
    assert (response.extra["k"], response.n, response.value) == (15, 30, 0.5)
    # The group is the mean over its three items, rating by rating.
    assert of(values, "ratings", 0).value == pytest.approx(20 * (10 * 14 / 3 + 5 * 2) / 15)


def test_what_an_officer_keyed_in_as_a_rating_is_shown_but_not_counted(
    session: Session, world: World, now: datetime
) -> None:
    for _n in range(10):
        rated(world, (3, 3, 3))
    session.scalars(select(Rating).limit(1)).one().channel = Channel.COUNTER
    session.flush()
    _run, values = count(session, now)
    assert of(values, "response_rate").extra == {"k": 9, "by_staff": 1}
    assert of(values, "ratings", 1).value is None and of(values, "ratings", 1).n == 9


def test_gap_stands_between_scores_alone_and_carries_its_interval(
    session: Session, world: World, now: datetime
) -> None:
    for scores in [(5, 5, 5)] * 8 + [(4, 5, 4)] * 4:
        rated(world, scores)
    _run, values = count(session, now)
    gaps = [v for v in values if v.code == "side_gap"]
    assert {gap.about for gap in gaps} == {"ratings_adjusted - published"} and len(gaps) == 4
    ease = next(gap for gap in gaps if gap.item == 1)
    # (8 x 5 + 4 x 4) / 12 / 5 x 100 = 93.33 against the 78.96 of 2023.
    assert ease.value == pytest.approx(93.3333333 - 78.96) and ease.extra["earlier"] == 2023
    assert ease.extra["verdict"] == "higher" and ease.lo is not None and 0 < ease.lo < ease.value


def test_the_same_inputs_give_the_same_digits(session: Session, world: World, now: datetime) -> None:
    for _n in range(12):
        rated(world, (4, 3, 5))
    (one, first), (two, second) = count(session, now), count(session, now)
    assert first == second and len(first) > 40
    a, b = runs.find_run(session, one), runs.find_run(session, two)
    assert (a.inputs_hash, a.values_hash, a.code_hash) == (b.inputs_hash, b.values_hash, b.code_hash)
    found = runs.verify_run(session, one)
    assert found.holds and found.code and found.changed == () and found.different == ()


def test_verify_tells_new_ratings_from_a_wrong_digit(session: Session, world: World, now: datetime) -> None:
    tickets = [rated(world, (4, 3, 5)) for _n in range(12)]
    run_id, _values = count(session, now)
    session.get_one(Rating, (tickets[0].id, 1)).ease = 1
    session.flush()
    later = runs.verify_run(session, run_id)
    assert later.holds and later.changed == ("tickets",)
    session.execute(text("ALTER TABLE index_values DISABLE TRIGGER ALL"))
    session.execute(text("UPDATE index_values SET value = value + 1e-13 WHERE code = 'ratings' AND item = 1"))
    session.expire_all()
    forged = runs.verify_run(session, run_id)
    assert not forged.holds and not forged.digits and len(forged.different) == 1
    with pytest.raises(Conflict, match="kết quả khác"):
        runs.publish_run(session, run_id, user_id=world.user(Role.MANAGER).id, now=now)


@pytest.mark.parametrize("table", ["index_runs", "index_inputs", "index_values", "index_publications"])
@pytest.mark.parametrize("deed", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET {}"])
def test_nobody_rewrites_a_run(session: Session, world: World, now: datetime, table: str, deed: str) -> None:
    run_id, _values = count(session, now)
    runs.publish_run(session, run_id, user_id=world.user(Role.MANAGER).id, now=now)
    column = {"index_runs": "seed = 2", "index_inputs": "part = 'x'", "index_values": "n = 1"}.get(table, "at = at")
    with pytest.raises(ProgrammingError, match="append-only"), session.begin_nested():
        session.execute(text(deed.format(table, column)))


def test_a_run_is_published_once_with_name_and_hour(session: Session, world: World, now: datetime) -> None:
    run_id, _values = count(session, now)
    user = world.user(Role.MANAGER)
    runs.publish_run(session, run_id, user_id=user.id, now=now)
    held = session.get_one(IndexPublication, run_id)
    assert (held.user_id, held.at) == (user.id, now)
    with pytest.raises(Conflict, match="đã được công bố"):
        runs.publish_run(session, run_id, user_id=user.id, now=now)
    with pytest.raises(NotFound):
        runs.publish_run(session, 10**6, user_id=user.id, now=now)


def test_small_numbers_are_counted_and_not_shown(session: Session, world: World, now: datetime) -> None:
    for _n in range(9):
        rated(world, (1, 1, 1))
    _run, values = count(session, now)
    others = ("published", "year_change", "forecast", "least_visible_change")
    about_tickets = [v for v in values if v.code not in others]
    assert about_tickets and all(v.value is None and v.lo is None for v in about_tickets)
    assert {v.n for v in about_tickets if v.code == "ratings"} == {9}


def test_a_unit_is_counted_with_its_own_tickets(session: Session, world: World, now: datetime) -> None:
    other = world.unit("LC-SYT")
    for _n in range(10):
        rated(world, (5, 5, 5))
    for _n in range(3):
        world.answered(THURSDAY, THURSDAY + timedelta(days=5), unit_id=other.id)
    asked = runs.prepare_request(session, other, FIRST, LAST, MANAGER, TODAY)
    run_id = runs.make_run(session, asked, other, seed=1, now=now, user_id=None)
    values = runs.values_of(session, run_id)
    assert runs.find_run(session, run_id).inputs["tickets"]["rows"] == 3
    assert of(values, "response_rate").n == 3 and not [v for v in values if v.code in ("side_gap", "association")]


def test_period_upside_down_is_refused(session: Session) -> None:
    with pytest.raises(Invalid, match="Ngày cuối kỳ"):
        runs.prepare_request(session, None, LAST, FIRST, MANAGER, TODAY)


def test_commands_run_show_and_verify(command: Command, world: World) -> None:
    for _n in range(10):
        rated(world, (4, 4, 4))
    made = command.json("index", "run", "--from", "2026-10-01", "--to", "2026-10-31", "--seed", 7)
    assert made["seed"] == 7 and made["inputs"]["tickets"]["rows"] == 10 and len(made["inputs_hash"]) == 64
    adjusted = next(v for v in made["values"] if v["code"] == "ratings_adjusted" and v["item"] == 1)
    assert (adjusted["value"], adjusted["n"]) == (80.0, 10)
    assert command.json("index", "show", made["run"]) == made
    assert command.json("index", "verify", made["run"])["holds"] is True
    assert "đúng từng chữ số" in command.run("index", "verify", made["run"]).stdout
    assert "ratings_adjusted" in command.run("index", "show", made["run"]).stdout
    assert "Không có lần tính này" in command.refusal("index", "verify", 99999)
    assert "Không có ngày" in command.refusal("index", "run", "--from", "2026-13-01", "--to", "2026-10-31")


def test_command_publishes_once_in_the_name_of_an_account_that_may(command: Command, world: World) -> None:
    rated(world, (4, 4, 4))
    made = command.json("index", "run", "--from", "2026-10-01", "--to", "2026-10-31")["run"]
    manager, officer = world.user(Role.MANAGER), world.user(Role.OFFICER)
    gone = world.user(Role.MANAGER, active=False)
    assert "không có quyền công bố" in command.refusal("index", "publish", made, "--by", officer.email)
    for nobody in (gone.email, "khong-co@example.vn"):
        assert "Không có tài khoản nào" in command.refusal("index", "publish", made, "--by", nobody)
    assert world.session.scalar(select(IndexPublication)) is None
    published = command.json("index", "publish", made, "--by", manager.email)
    assert published == {"run": made, "at": "2026-11-18T09:00:00+07:00", "by": manager.email}
    kept = world.session.scalars(select(IndexPublication)).one()
    assert (kept.run_id, kept.user_id) == (made, manager.id)
    assert "đã được công bố" in command.refusal("index", "publish", made, "--by", manager.email)


def test_a_run_names_its_calendar_code_and_demonstration(session: Session, world: World, now: datetime) -> None:
    rated(world, (4, 4, 4)).demonstration = True
    session.flush()
    run_id, _values = count(session, now)
    run = session.get_one(IndexRun, run_id)
    assert run.demonstration == 1 and len(run.code_hash) == 64 and run.code_version
    assert session.scalars(select(IndexValue).filter_by(run_id=run_id)).first() is not None
