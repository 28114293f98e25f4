"""The rules of the house (docs: architecture). Each is checked on our code and shown to catch a breach."""

import ast
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from celery import Celery
from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy import Engine

from backend.app import create_app
from backend.db import AdvisoryLock
from backend.locale import extract
from backend.settings import ROOT
from backend.tickets.lifecycle import TRANSITIONS, Event, possible_transitions
from backend.tickets.models import TicketState
from backend.tickets.texts import EVENT_NAMES, STATE_NAMES, STATE_TONES
from backend.users.guard import allow_everybody
from backend.users.models import Role
from backend.users.texts import ROLE_NAMES
from backend.worker import QUEUES
from backend.worker import app as worker
from tests import shape, source
from tests.routes import declared

DECLARE_ROUTES = {
    "backend/app.py",  # health, and the router that the rooms' routers go into
    "backend/web/assets.py",  # the files of static/, which belong to no room
}
FINAL_STATES = {TicketState.REDIRECTED, TicketState.WITHDRAWN}
# Each writes tickets where there is no transition: reception brings one into being; the three loads bring finished
# histories in bulk, by rows that went through the same table; a recount moves due dates in bulk and no state.
WRITE_TICKETS = {
    "backend/calendars/recount.py",
    "backend/tickets/service.py",
    "backend/tickets/reception/opening.py",
    "backend/casework/statements.py",
    "backend/devserver/demo/load.py",
    "backend/devserver/load_data/statements.py",
}
COMMIT = {"backend/db.py", "migrations/env.py"}
READ_CLOCK = {"backend/clock.py"}
SPELL_TICKET_CHAIN = {"backend/audit.py"}
PIN_TICKET_CHAIN = {"tests/test_house.py", "tests/history/test_references.py"}

Rule = Callable[[ast.AST], Iterable[int]]


def breaches(rule: Rule, allowed: set[str]) -> list[str]:
    """``path:line`` of every breach outside the modules that may, and the modules that may without need."""
    found = {path: list(rule(tree)) for path, tree in source.modules().items() if "/versions/" not in path}
    lines = [f"{path}:{line}" for path, hits in found.items() if path not in allowed for line in hits]
    return lines + [f"{path} needs no leave" for path in sorted(allowed) if not found.get(path)]


def test_every_route_names_exactly_one_policy() -> None:
    unnamed = [str(route) for route in declared(create_app()) if len(route.actions) != 1]
    assert unnamed == ["GET /openapi.json"]  # the framework's, in development alone; see the policy matrix


def test_a_route_without_a_policy_would_be_noticed() -> None:
    router = APIRouter()
    router.get("/quen")(lambda: None)
    router.get("/nho", dependencies=[Depends(allow_everybody)])(lambda: None)
    app = FastAPI(openapi_url=None)
    app.include_router(router, prefix="/muc")
    assert [(str(route), len(route.actions)) for route in declared(app)] == [("GET /muc/quen", 0), ("GET /muc/nho", 1)]


def test_only_the_ticket_service_moves_a_ticket() -> None:
    assert breaches(source.assigns_state, WRITE_TICKETS) == []


def test_only_db_commits() -> None:
    assert breaches(source.commits, COMMIT) == []


def test_only_the_clock_reads_the_clock() -> None:
    assert breaches(source.reads_clock, READ_CLOCK) == []


def test_only_the_history_spells_the_chain_of_a_ticket() -> None:
    """``audit.ticket_chain`` makes the reference and ``audit.ticket_id_of`` reads it, for tests as well."""
    tests = {path: tree for path, tree in source.modules("tests").items() if path not in PIN_TICKET_CHAIN}
    lines = [f"{path}:{line}" for path, tree in tests.items() for line in source.spells_ticket_chain(tree)]
    assert breaches(source.spells_ticket_chain, SPELL_TICKET_CHAIN) + lines == []


def test_routes_stand_in_pages_alone() -> None:
    def outside_pages(path: str, tree: ast.AST) -> list[int]:
        return [] if shape.is_for_routes(path) else list(shape.declares_routes(tree))

    trees = source.modules("backend", "bot")
    lines = {path: outside_pages(path, tree) for path, tree in trees.items()}
    assert {path for path, hits in lines.items() if hits} == DECLARE_ROUTES


def test_no_module_takes_what_another_calls_its_own() -> None:
    assert breaches(source.imports_private_names, set()) == []


def test_rooms_meet_in_services_and_queries() -> None:
    entrances = {"backend/app.py", "backend/worker.py"}
    found = [
        f"{path}:{line}"
        for path, tree in source.modules("backend").items()
        if path not in entrances
        for line in source.crosses_rooms(path, tree)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("rule", "breach"),
    [
        (source.assigns_state, "ticket.state = State.ANSWERED"),
        (source.assigns_state, "a, ticket.state = 1, 2"),
        (source.assigns_state, "session.execute(update(Ticket).values(state='answered'))"),
        (source.assigns_state, "session.execute(insert(db.table_of(Ticket)), rows)"),
        (source.assigns_state, "Ticket(state=State.NEW)"),
        (source.assigns_state, "setattr(ticket, 'state', 1)"),
        (source.assigns_state, "text('UPDATE  tickets SET state = 1')"),
        (source.commits, "session.commit()"),
        (source.commits, "with engine.begin() as connection: pass"),
        (source.asks_for_a_lock, "func.pg_advisory_xact_lock(7)"),
        (source.asks_for_a_lock, "text('SELECT pg_try_advisory_lock(7)')"),
        (source.asks_for_a_lock, "SEALER_LOCK = 5_262_020"),
        (source.asks_for_a_lock, "LOCK: Final = 0x6C6E"),
        (source.spells_ticket_chain, 'chain = f"ticket:{ticket.id}"'),
        (source.spells_ticket_chain, "chain = 'ticket:' + str(ticket.id)"),
        (source.spells_ticket_chain, "entries(session, 'ticket:42')"),
        (source.spells_ticket_chain, """text("WHERE chain = 'ticket:' || tickets.id")"""),
        (source.imports_private_names, "from backend.tickets.service import _store"),
        (source.imports_private_names, "from backend.tickets._inside import store"),
        (shape.declares_routes, "router = APIRouter()"),
        (shape.declares_routes, "app.add_api_route('/gui', send)"),
        (shape.imports_tests, "from tests.users.test_sign_in import sign_in"),
        (shape.imports_tests, "import tests.users.test_sign_in"),
        (shape.imports_tests, "from tests.users import test_sign_in"),
        (shape.sleeps, "time.sleep(1)"),
        (shape.sleeps, "sleep(1)"),
        (shape.sleeps, "page.wait_for_timeout(500)"),
        (source.reads_clock, "datetime.now(UTC)"),
        (source.reads_clock, "datetime.datetime.utcnow()"),
        (source.reads_clock, "date.today()"),
        (source.reads_clock, "pd.Timestamp.now()"),
        (source.reads_clock, "time.time()"),
        (source.reads_clock, "from time import time"),
        (source.reads_clock, "func.now()"),
        (source.reads_clock, "text('SELECT now()')"),
        (
            lambda tree: source.crosses_rooms("backend/indicators/counts.py", tree),
            "from backend.desk.inbox_pages import INBOX",
        ),
        (lambda tree: source.crosses_rooms("backend/indicators/counts.py", tree), "from backend.notify import tasks"),
    ],
)
def test_the_rules_about_source_catch_a_breach(rule: Rule, breach: str) -> None:
    assert list(rule(ast.parse(breach))) == [1]


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        (source.assigns_state, "app.state.navigation = navigation"),
        (source.assigns_state, "rows.where(Ticket.state == State.NEW)"),
        (source.commits, "session.begin_nested()"),
        (source.asks_for_a_lock, "hold_lock(session, AdvisoryLock.MERGE)"),
        (source.asks_for_a_lock, "BLOCK = 4096"),
        (source.spells_ticket_chain, "chain = audit.ticket_chain(42)"),
        (source.spells_ticket_chain, "key == 'ticket:42:overdue:2026-11-22'"),
        (source.imports_private_names, "from backend.locale.catalogue import _"),
        (shape.declares_routes, "@st.composite\ndef weeks(draw): return draw(weeks)"),
        (shape.imports_tests, "from tests.signing_in import sign_in"),
        (shape.sleeps, "wait_until(lambda: letters.count() == 1)"),
        (source.reads_clock, "clock.now()"),
        (source.reads_clock, "time.monotonic() + time.perf_counter()"),
        (lambda tree: source.crosses_rooms("backend/kpi/pages.py", tree), "from backend.tickets import queries"),
    ],
)
def test_the_rules_about_source_leave_the_rest_alone(rule: Rule, allowed: str) -> None:
    assert list(rule(ast.parse(allowed))) == []


@pytest.fixture(scope="module")
def tasks() -> Celery:
    """The worker's application with every task imported."""
    worker.loader.import_default_modules()
    worker.finalize()
    return worker


def test_every_beat_entry_has_its_task_and_a_known_queue(tasks: Celery) -> None:
    schedule = tasks.conf.beat_schedule
    assert schedule
    for name, entry in schedule.items():
        assert entry["task"] in tasks.tasks, name
        assert entry["options"]["queue"] in QUEUES, name


def test_every_task_has_a_name_of_its_own_and_goes_to_a_known_queue(tasks: Celery) -> None:
    ours = [name for name in tasks.tasks if not name.startswith("celery.")]
    assert ours
    for name in ours:
        assert not name.startswith(("backend.", "bot.")), f"{name}: give it an explicit name"
        assert tasks.amqp.router.route({}, name)["queue"].name in QUEUES, name


def test_one_head_of_the_migrations() -> None:
    assert len(ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).get_heads()) == 1


def test_no_drift_between_models_and_migrations(engine: Engine) -> None:
    with engine.connect() as connection:
        config = Config(ROOT / "alembic.ini")
        config.attributes["connection"] = connection
        command.check(config)


@pytest.mark.parametrize("state", list(TicketState))
def test_every_state_leads_on_or_is_final(state: TicketState) -> None:
    leads_on = any(move.to not in (None, state) for move in possible_transitions(state))
    assert leads_on != (state in FINAL_STATES)


def test_every_event_but_the_first_has_its_transition() -> None:
    assert set(TRANSITIONS) == set(Event) - {Event.RECEIVED}


def test_states_events_and_roles_have_names_in_both_languages() -> None:
    assert set(STATE_NAMES) == set(STATE_TONES) == set(TicketState)
    assert set(EVENT_NAMES) == set(Event)
    assert set(ROLE_NAMES) == set(Role)
    missing = set(extract.list_untranslated(extract.merge_catalogue()))
    assert not missing & {*STATE_NAMES.values(), *EVENT_NAMES.values(), *ROLE_NAMES.values()}


LOCK_KEEPERS = {
    "backend/db.py",  # keeps the numbers
    "bot/persistence.py",  # holds its lock on a connection, not in a transaction
    "migrations/env.py",  # likewise
}


def test_every_number_of_an_advisory_lock_stands_in_the_one_enum() -> None:
    assert breaches(source.asks_for_a_lock, LOCK_KEEPERS) == []
    numbers = {lock.value for lock in AdvisoryLock}
    elsewhere = [
        f"{path}:{node.lineno}"
        for path, tree in source.modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in numbers and path != "backend/db.py"
    ]
    assert elsewhere == []


def test_the_import_contracts_hold() -> None:
    """Of the packages and of the rooms, and every room has its layer."""
    printed = check_imports("pyproject.toml")
    assert printed.count(" KEPT\n") == 2 and "2 kept, 0 broken" in printed, printed
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    assert contracts[0]["layers"] == ["bot", "backend", "analytics"] and contracts[1]["containers"] == ["backend"]
    layered = {room for layer in contracts[1]["layers"] for room in layer.split(" | ")}
    rooms = {path.parent.name for path in (ROOT / "backend").glob("*/__init__.py")}
    assert rooms - layered == {"locale"}  # the catalogue: it imports nothing of ours


def test_an_import_against_the_layers_would_be_noticed(tmp_path: Path) -> None:
    upside_down = """
        [tool.importlinter]
        root_packages = ["backend"]
        [[tool.importlinter.contracts]]
        name = "tickets below what they need"
        type = "layers"
        layers = ["backend.deadlines", "backend.tickets"]
    """
    (tmp_path / "pyproject.toml").write_text(textwrap.dedent(upside_down))
    assert "0 kept, 1 broken" in check_imports(tmp_path / "pyproject.toml")


def check_imports(config: Path | str) -> str:
    """In a process of its own: the checker silences the loggers of the one that it runs in."""
    check = f"from importlinter.cli import lint_imports; lint_imports({str(config)!r}, no_cache=True, no_logo=True)"
    return subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False).stdout
