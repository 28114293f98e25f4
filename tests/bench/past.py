"""Cases of another system that were open for years: how long import and sweeps take, and what they leave behind."""

import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import sessionmaker

from backend import clock, db
from backend.escalation import ladder, service
from backend.settings import get_settings
from backend.worktime import service as worktime
from tests.bench.stage import Stage, hire, langnghe

MANY = 100_000
YEARS = 10
OFFICES = 40
WEEK = timedelta(days=7)
TABLES = ("escalation_watches", "escalation_steps", "staff_notices")
SIZE = "SELECT count(*), pg_total_relation_size('{table}') FROM {table}"
MEGABYTE = 1024**2


def run(stage: Stage) -> list[str]:
    """Rows of the table: seconds, rows of each escalation table per ticket, and their size on disk."""
    hire(stage.database_url)
    file = get_settings().data_dir / "past.csv"
    write_cases(file, MANY)
    return measure_import(stage, file)


def measure_import(stage: Stage, file: Path, *options: str) -> list[str]:
    """Import a file, sweep twice with a week between, and look at what there is."""
    began = time.perf_counter()
    langnghe("import", "casework", str(file), *options)
    rows = ["| What | Result |", "|---|---|", f"| import of {file.name} | {time.perf_counter() - began:.1f} s |"]
    engine = create_engine(stage.database_url)
    with working_on(engine):
        for wait in (timedelta(0), WEEK):
            now = _at_work(clock.now() + wait)
            began = time.perf_counter()
            looks = _swept(now)
            rows.append(f"| sweep at {now:%d/%m/%Y %H:%M} | {looks:,} looks, {time.perf_counter() - began:.1f} s |")
            rows += _sizes(engine)
    engine.dispose()
    return rows


def write_cases(file: Path, count: int) -> None:
    """Cases that nobody has answered since they were received about ten years ago."""
    first = clock.now().date() - timedelta(days=365 * YEARS)
    with file.open("w", encoding="utf-8", newline="") as output:
        writer = csv.writer(output)
        writer.writerow(["key", "office", "received", "answered", "category"])
        for n in range(count):
            writer.writerow([f"P{n:07}", f"CQ{n % OFFICES:02}", first + timedelta(days=n % 100), "", "Đường"])


@contextmanager
def working_on(engine: Engine) -> Iterator[None]:
    """The application's transactions in this process run there."""
    factory = sessionmaker(engine, expire_on_commit=False)
    usual, db.session_factory = db.session_factory, lambda: factory  # type: ignore[assignment] # it is cached in life
    try:
        yield
    finally:
        db.session_factory = usual


def _at_work(moment: datetime) -> datetime:
    with db.transaction() as session:
        return ladder.after_pause(worktime.load_calendar(session, worktime.active_id(session)), moment)


def _swept(now: datetime) -> int:
    batches: list[list[int]] = []
    service.sweep_tickets(now, batches.append)
    return sum(service.decide_steps(ids, now) for ids in batches)


def _sizes(engine: Engine) -> list[str]:
    rows = []
    with engine.connect() as connection:
        tickets = connection.scalar(text("SELECT count(*) FROM tickets")) or 1
        for table in TABLES:
            count, size = connection.execute(text(SIZE.format(table=table))).one()
            rows.append(f"| {table} | {count:,} rows, {count / tickets:.2f} per ticket, {size / MEGABYTE:.0f} MB |")
    return rows
