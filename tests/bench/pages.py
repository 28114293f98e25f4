"""The inbox and the manager's page at 100,000 tickets: p50 and p95 of one reader, as a browser asks for them."""

import http.client
import time
import urllib.parse

from backend.devserver.demo.accounts import ACCOUNTS
from backend.users.models import Role
from tests.bench.stage import Stage, langnghe

TICKETS = 100_000
READS = 60
PAGES = (
    ("inbox of a unit", Role.OFFICER, "/hop-thu"),
    ("inbox of the province", Role.COORDINATOR, "/hop-thu"),
    ("manager's page, whole province, 12 months", Role.MANAGER, "/chi-so"),
)


def run(stage: Stage) -> list[str]:
    """Rows of the table: milliseconds and bytes of each page."""
    langnghe("seed", "demo", "--tickets", str(TICKETS))
    return [
        f"| Page at {TICKETS:,} tickets ({READS} reads) | p50 ms | p95 ms | kB |",
        "|---|---|---|---|",
        *(_measured(stage, *page) for page in PAGES),
    ]


def _measured(stage: Stage, name: str, role: Role, path: str) -> str:
    connection = http.client.HTTPConnection(stage.address, timeout=60)
    headers = {"Cookie": sign_in(connection, role), "Accept": "text/html"}
    taken, size = [], 0
    for read in range(READS + 10):
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        size = len(answer.read())
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path} answered {answer.status}")
        if read >= 10:
            taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    return f"| {name} | {taken[len(taken) // 2]:.0f} | {taken[int(len(taken) * 0.95)]:.0f} | {size / 1000:.0f} |"


def sign_in(connection: http.client.HTTPConnection, role: Role) -> str:
    """Return the cookies of somebody of the demonstration who has this role."""
    account = next(account for account in ACCOUNTS if account.role is role)
    form = urllib.parse.urlencode({"email": account.email, "password": account.password, "next": "/"})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    connection.request("POST", "/dang-nhap", form, headers)
    answer = connection.getresponse()
    answer.read()
    cookies = [value.split(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    if not any(cookie.startswith("session=") for cookie in cookies):
        raise RuntimeError(f"signing in answered {answer.status}")
    return "; ".join(cookies)
