"""Whatever happens to tickets, in whatever order: the roll-ups equal a count of the tickets themselves."""

from collections import Counter
from datetime import date, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session

from backend.indicators import conditions, counts
from backend.indicators.filters import DashboardFilters
from backend.indicators.rollups import service as rollups
from backend.indicators.rollups.models import CountedMonth, changes
from backend.indicators.rollups.queries import RollupScope, read_cells
from backend.indicators.rollups.verification import find_differences
from backend.kpi import dashboard
from backend.tickets import service
from backend.tickets.due_status import overdue_on
from backend.tickets.lifecycle import Event
from backend.tickets.models import Category, CategoryClass, Channel, Ticket, Verdict, is_open
from backend.units.models import Unit
from backend.users.models import Role
from backend.users.policy import Actor
from backend.worktime.calendar import ZONE
from tests.command import Command
from tests.factories import World
from tests.indicators.rollup_moves import RandomTown
from tests.indices.values import assert_same_values

START = datetime(2026, 8, 3, 9, 0, tzinfo=ZONE)
MANAGER = Actor(Role.MANAGER)
DAY = timedelta(days=1)


def assert_exact(session: Session, today: date) -> None:
    """The cells are those of a count from scratch, and the figures those of the rows of tickets."""
    rollups.bring_up_to_date(today)
    assert list(find_differences(session, today)) == []
    first, last = date(2026, 8, 10), today - 3 * DAY
    for channel in (None, Channel.WEB):
        filters = DashboardFilters(None, first, last, channel, chosen=True)
        board = dashboard.build_dashboard(session, filters, MANAGER, today)
        period = [Ticket.received_on.between(first, last), *([Ticket.channel == channel] if channel else [])]
        late_now = [overdue_on(today), *([Ticket.channel == channel] if channel else [])]
        expected = {
            "received": _number(session, *period),
            "on_time": _number(session, *period, Ticket.verdict == Verdict.ON_TIME),
            "late": _number(session, *period, Ticket.verdict == Verdict.LATE),
            "overdue": _number(session, *period, conditions.UNANSWERED_IN_TIME.condition(today)),
            "open": _number(session, is_open(), *late_now[1:]),
            "overdue now": _number(session, *late_now),
        }
        figures = board.figures
        assert expected == {
            "received": figures.received,
            "on_time": figures.on_time,
            "late": figures.late,
            "overdue": figures.overdue,
            "open": board.open_now,
            "overdue now": board.overdue_now,
        }
    for unit in (None, *session.scalars(select(Unit).where(Unit.code.in_(["03388", "LC-VP"])))):
        assert_same_values(session, unit, date(2026, 8, 1), today, today)


def _number(session: Session, *where: object) -> int:
    return session.scalar(select(func.count()).select_from(Ticket).where(*where)) or 0  # type: ignore[arg-type] # any condition


@pytest.mark.parametrize("seed", range(3))
def test_rollups_equal_a_recount_after_random_moves(session: Session, world: World, seed: int) -> None:
    town = RandomTown(session, world, Random(seed), START)
    for step in range(100):
        town.receive() if step % 4 == 0 else town.move()
        town.pass_time()
        if step == 40:
            town.another_calendar()
        if step in (45, 99):
            assert_exact(session, town.today)
    assert town.happened >= {Event.ACCEPTED, Event.RATED, Event.MERGED, Event.RECOUNTED}
    assert town.happened & {Event.ANSWERED, Event.ANSWERED_TOGETHER, Event.REFUSED}
    assert_exact(session, town.today + 30 * DAY)


def test_a_merge_that_is_undone_leaves_no_trace(session: Session, world: World) -> None:
    first, second = (world.receive(START)[0] for _n in range(2))
    coordinator = world.actor(Role.COORDINATOR)
    assert_exact(session, START.date())
    merge = service.ActionRequest(Event.MERGED, "Cùng một việc.", into_id=first.id)
    service.apply(session, second.id, merge, coordinator, now=START + DAY)
    assert_exact(session, START.date() + DAY)
    world.happen(second, Event.UNMERGED, coordinator, START + 2 * DAY)
    assert_exact(session, START.date() + 2 * DAY)


def test_a_row_changed_behind_our_back_is_counted_too(session: Session, world: World) -> None:
    """The triggers see every statement, whoever wrote it."""
    ticket, _secret = world.answered(START, START + DAY)
    assert_exact(session, START.date() + 10 * DAY)
    elsewhere = world.unit("03390").id
    moved = {"unit_id": elsewhere, "received_on": date(2026, 7, 1)}
    session.execute(update(Ticket).where(Ticket.id == ticket.id).values(**moved))
    session.execute(update(Category).where(Category.code == "roads").values(category_class=CategoryClass.CONDUCT))
    assert_exact(session, START.date() + 10 * DAY)


def test_only_what_differs_is_written(session: Session, world: World) -> None:
    world.receive(START)
    ticket, _secret = world.receive(START, unit_id=world.unit("03390").id)
    rollups.bring_up_to_date(START.date())
    before = _versions(session)
    world.happen(ticket, Event.ACCEPTED, world.actor(Role.OFFICER, world.unit("03390")), START + DAY)
    assert session.scalar(select(func.count()).select_from(changes)) == 1
    rollups.bring_up_to_date(START.date())
    after = _versions(session)
    assert {key[0] for key, version in after.items() if before.get(key) != version} <= {0, ticket.unit_id}


def _versions(session: Session) -> dict[tuple[int, str, str], str]:
    rows = session.execute(text("SELECT unit_id, kind, detail, xmin || ctid::text FROM rollup_cells"))
    return {(unit_id, kind, detail): version for unit_id, kind, detail, version in rows}


def test_the_passing_of_a_day_counts_only_what_it_changes(session: Session, world: World) -> None:
    world.answered(START, START + DAY)
    waiting, _secret = world.receive(START + 60 * DAY)
    today = (START + 61 * DAY).date()
    rollups.bring_up_to_date(today)
    assert not rollups.look_at(session, today)[1]
    assert rollups.look_at(session, waiting.due_date + DAY)[1], "then it is overdue"
    first, second = session.scalars(select(CountedMonth.holds_until).order_by(CountedMonth.month)).all()
    assert first > today + 300 * DAY and today <= second <= waiting.due_date


def test_a_complaint_about_conduct_is_not_counted_for_its_own_unit(session: Session, world: World) -> None:
    """Not even where it has come to lie with that unit, which no move of ours does."""
    unit = world.unit()
    ticket, _secret = world.receive(START, category_code="attitude")
    session.execute(update(Ticket).where(Ticket.id == ticket.id).values(unit_id=unit.id))
    world.receive(START)
    today = START.date() + DAY
    filters = DashboardFilters(None, START.date() - DAY, today, None, chosen=True)
    everybody = dashboard.build_dashboard(session, filters, MANAGER, today)
    leader = world.actor(Role.LEADER)
    own = dashboard.build_dashboard(session, DashboardFilters(unit, filters.first, today, None, True), leader, today)
    assert (everybody.figures.received, everybody.open_now) == (2, 2)
    assert (own.figures.received, own.open_now, sum(row.figures.received for row in own.units)) == (1, 1, 1)


def test_a_wrong_cell_is_named(session: Session, world: World) -> None:
    ticket, _secret = world.receive(START)
    rollups.bring_up_to_date(START.date())
    session.execute(text("UPDATE rollup_cells SET numbers[1] = 7 WHERE kind = 'held' AND unit_id <> 0"))
    found = list(find_differences(session, START.date()))
    assert [(cell.unit_id, cell.month, cell.what, cell.stored, cell.counted) for cell in found][:1] == [
        (ticket.unit_id, date(2026, 8, 1), "held:tickets", 7, 1)
    ]
    session.execute(text("DELETE FROM rollup_cells WHERE kind = 'open' AND month = '0001-01-01'"))
    found = list(find_differences(session, START.date()))
    assert (None, "open:open_0", 0, 1) in [(cell.month, cell.what, cell.stored, cell.counted) for cell in found]


def test_the_command_names_wrong_cells_and_fails(
    committed: Engine, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Command(monkeypatch)
    with Session(committed) as session, session.begin():
        World(session).receive(now - DAY)
    assert command.json("verify", "rollups") == {"ok": True, "differences": []}
    with committed.begin() as connection:
        connection.execute(text("UPDATE rollup_cells SET numbers[1] = 7 WHERE kind = 'held' AND unit_id <> 0"))
    wrong = command.run("verify", "rollups")
    assert wrong.exit_code == 1
    assert "03388, tháng nhận 11/2026, kênh web, held:tickets: đang lưu 7, đếm lại 1" in wrong.stdout


def test_part_of_a_month_is_counted_live(session: Session, world: World) -> None:
    for day in range(20):
        world.receive(START + day * DAY)
    today = START.date() + 30 * DAY
    rollups.bring_up_to_date(today)
    ids = tuple(session.scalars(select(Unit.id)))
    for first, last in ((3, 20), (10, 12), (5, 5), (1, 31)):
        scope = RollupScope(ids, date(2026, 8, first), date(2026, 8, last), None, today)
        counted = counts.count_tickets(session, read_cells(session, scope))
        days = Counter((START + day * DAY).date() for day in range(20))
        assert sum(row.received for row in counted.units.values()) == sum(
            count for day, count in days.items() if first <= day.day <= last
        )
