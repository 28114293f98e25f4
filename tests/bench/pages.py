"""The desk's and the managers' pages at 100,000 and at 1,000,000 tickets of six events each, by four readers at once.

Beside each page stands its floor: the least that SQL must read for it, asked by as many readers at once. "Changed"
means that a ticket has changed before each read, so that figures are counted again and no answer is kept in memory.
``python -m tests.bench pages`` measures this alone; pages are found by their address.
"""

import http.client
import time
import urllib.parse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg

from backend.audit import ticket_chain_sql
from backend.clock import now
from backend.devserver.demo.accounts import ACCOUNTS
from backend.users.models import Role
from backend.worktime.calendar import local_time
from tests.bench.stage import Stage, langnghe

STEPS = (100_000, 1_000_000)
EVENTS = 6
CLIENTS = 4
WARMING, READS = 3, 20  # by each client
OPEN = "state IN ('new', 'accepted', 'in_progress', 'awaiting_sender', 'awaiting_approval')"
CHAIN = ticket_chain_sql("tickets.id")
LISTED = "SELECT id, number, title, state, due_date, received_on FROM tickets"
# What a figure over the tickets themselves would read; the roll-ups exist so that pages need not.
COUNTED = """
    SELECT unit_id, date_trunc('month', received_on), count(*), count(*) FILTER (WHERE verdict = 'on_time'),
        count(*) FILTER (WHERE verdict = 'late')
    FROM tickets WHERE received_on BETWEEN '{first}' AND '{last}' GROUP BY 1, 2
"""
RATED = """
    SELECT date_trunc('quarter', tickets.received_on), verdict, tickets.channel, category_code, count(*), sum(ease)
    FROM tickets LEFT JOIN ratings ON ratings.ticket_id = tickets.id
    WHERE tickets.received_on BETWEEN '{first}' AND '{last}' GROUP BY 1, 2, 3, 4
"""
ONE_CHANGE = """
    UPDATE tickets SET version = version + 1 WHERE id = (
        SELECT id FROM tickets WHERE received_on > %s ORDER BY received_on OFFSET floor(random() * 5000) LIMIT 1
    )
"""


@dataclass(frozen=True)
class MeasuredPage:
    """A page, who looks at it, and its floor. Of several addresses the first that answers is taken."""

    name: str
    role: Role
    paths: tuple[str, ...]
    floor: str
    changed: bool = False  # a ticket changes before each read


@dataclass(frozen=True)
class PageTimes:
    """The 95th percentile of the page and of its floor, in milliseconds, and the kilobytes of the page."""

    page: float
    floor: float
    kilobytes: float


def run(stage: Stage) -> list[str]:
    """Rows of the table: each page at both sizes, and how it grew."""
    rows = [f"{CLIENTS} clients, {CLIENTS * READS} reads of each page; floors in plain SQL by as many.", ""]
    times: dict[int, dict[str, PageTimes]] = {}
    loaded = 0
    for size in STEPS:
        rows.append(_grow(stage, size - loaded, seed=size))
        loaded = size
        times[size] = {page.name: _measured(stage, page) for page in pages_of(stage)}
    few, many = (times[size] for size in STEPS)
    head = "| Page, p95 in ms | " + " | ".join(f"{size:,} | floor" for size in STEPS) + " | growth | kB |"
    rows += ["", head, "|---|" + "---:|" * (2 * len(STEPS) + 2)]
    rows += [_row(name, few[name], many[name]) for name in many]
    return rows


def pages_of(stage: Stage) -> list[MeasuredPage]:
    """The pages, as the addresses of today make them."""
    today = local_time(now()).date()
    this_month = today.replace(day=1)
    year = (this_month.replace(year=this_month.year - 1), this_month - timedelta(days=1))
    ten = (this_month.replace(year=this_month.year - 10), today)
    number = _number_of_open(stage)
    words = urllib.parse.quote("sạt lở bản Nà")
    search = (f"/hop-thu/tim?q={words}", f"/hop-thu?q={words}")
    of_ticket = f"SELECT * FROM tickets LEFT JOIN audit ON chain = {CHAIN} WHERE number = '{number}'"
    first_open, of_unit = _listed(OPEN, "due_date, id"), _listed(f"{OPEN} AND unit_id = 2", "due_date, id")
    last_closed = _listed("state = 'closed'", "id DESC")
    with_words = _listed("title_folded LIKE '%sat lo%'", "id DESC")
    pages = [
        MeasuredPage("inbox of the province", Role.COORDINATOR, ("/hop-thu",), first_open),
        MeasuredPage("inbox of a unit", Role.OFFICER, ("/hop-thu",), of_unit),
        MeasuredPage("closed tickets", Role.COORDINATOR, ("/hop-thu?state=closed",), last_closed),
        MeasuredPage("a ticket", Role.COORDINATOR, (f"/hop-thu/{number}",), of_ticket),
        MeasuredPage("search, four words", Role.COORDINATOR, search, with_words),
    ]
    figures = {"12 months": year, "ten years": ten}
    for title, path, floor in (("manager", "/chi-so", COUNTED), ("two sides", "/chi-so/hai-mat", RATED)):
        for span, (first, last) in figures.items():
            address, statement = f"{path}?tu={first}&den={last}", floor.format(first=first, last=last)
            for changed in (True, False):
                state = "changed" if changed else "unchanged"
                name = f"{title}, {span}, {state}"
                pages.append(MeasuredPage(name, Role.MANAGER, (address,), statement, changed))
    return pages


def _listed(where: str, order: str) -> str:
    return f"{LISTED} WHERE {where} ORDER BY {order} LIMIT 25"


def _row(name: str, few: PageTimes, many: PageTimes) -> str:
    parts = [f"{few.page:.0f} | {few.floor:.1f} | {many.page:.0f} | {many.floor:.1f}"]
    return f"| {name} | {parts[0]} | {many.page / few.page:.1f} | {many.kilobytes:.0f} |"


def _grow(stage: Stage, tickets: int, seed: int) -> str:
    """Load more tickets, count the figures and tidy the tables up; return a sentence with the times."""
    began = time.perf_counter()
    langnghe("seed", "load", "--tickets", str(tickets), "--events", str(EVENTS), "--seed", str(seed))
    loaded = time.perf_counter()
    langnghe("verify", "rollups")
    counted = time.perf_counter()
    with psycopg.connect(_plain(stage), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    return (
        f"- {tickets:,} tickets loaded in {loaded - began:.0f} s ({tickets / (loaded - began):,.0f} a second); "
        f"all roll-ups counted and counted again to compare in {counted - loaded:.0f} s."
    )


def _plain(stage: Stage) -> str:
    return stage.database_url.replace("+psycopg", "")


def _number_of_open(stage: Stage) -> str:
    with psycopg.connect(_plain(stage)) as connection:
        statement = f"SELECT number FROM tickets WHERE {OPEN} AND state = 'in_progress' ORDER BY id DESC LIMIT 1"
        row = connection.execute(statement).fetchone()
    assert row is not None
    return str(row[0])


def _measured(stage: Stage, page: MeasuredPage) -> PageTimes:
    connection = http.client.HTTPConnection(stage.address, timeout=300)
    cookie = sign_in(connection, page.role)
    path = next(path for path in page.paths if _answer(connection, path, cookie)[0] == http.client.OK)
    read = partial(_read_pages, stage.address, _plain(stage), cookie, path, page.changed)
    taken, sizes = zip(*_by_clients(read), strict=True)
    floors = [spent for spent, _size in _by_clients(partial(_read_floor, _plain(stage), page.floor))]
    return PageTimes(p95(list(taken)), p95(floors), max(sizes) / 1000)


def _by_clients(read: Callable[[], list[tuple[float, int]]]) -> list[tuple[float, int]]:
    with ProcessPoolExecutor(CLIENTS) as pool:
        readers = [pool.submit(read) for _client in range(CLIENTS)]
        return [answer for reader in readers for answer in reader.result()]


def p95(taken: list[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.95)]


def _read_pages(address: str, database: str, cookie: str, path: str, changed: bool) -> list[tuple[float, int]]:
    """Milliseconds and bytes of each read of one client, after some to warm up."""
    connection = http.client.HTTPConnection(address, timeout=300)
    taken: list[tuple[float, int]] = []
    since = local_time(now()).date() - timedelta(days=300)
    with psycopg.connect(database, autocommit=True) as changing:
        for _read in range(WARMING + READS):
            if changed:
                changing.execute(ONE_CHANGE, [since])
            began = time.perf_counter()
            status, size = _answer(connection, path, cookie)
            taken.append(((time.perf_counter() - began) * 1000, size))
            if status != http.client.OK:
                raise RuntimeError(f"{path} answered {status}")
    return taken[WARMING:]


def _read_floor(database: str, statement: str) -> list[tuple[float, int]]:
    taken: list[tuple[float, int]] = []
    with psycopg.connect(database, autocommit=True) as connection:
        for _read in range(WARMING + READS):
            began = time.perf_counter()
            connection.execute(statement).fetchall()  # type: ignore[arg-type] # a text of this module
            taken.append(((time.perf_counter() - began) * 1000, 0))
    return taken[WARMING:]


def _answer(connection: http.client.HTTPConnection, path: str, cookie: str) -> tuple[int, int]:
    connection.request("GET", path, headers={"Cookie": cookie, "Accept": "text/html"})
    answer = connection.getresponse()
    return answer.status, len(answer.read())


def sign_in(connection: http.client.HTTPConnection, role: Role) -> str:
    """Return the cookies of somebody of the demonstration who has this role."""
    account: Any = next(account for account in ACCOUNTS if account.role is role)
    form = urllib.parse.urlencode({"email": account.email, "password": account.password, "next": "/"})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    connection.request("POST", "/dang-nhap", form, headers)
    answer = connection.getresponse()
    answer.read()
    cookies = [value.split(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    if not any(cookie.startswith("session=") for cookie in cookies):
        raise RuntimeError(f"signing in answered {answer.status}")
    return "; ".join(cookies)
