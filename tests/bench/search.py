"""Thirty searches of the province at a million tickets, by four readers at once: what each finds, and how fast.

``python -m tests.bench.search ADDRESS`` measures a server that runs already, with the accounts of the demonstration.
"""

import html
import http.client
import re
import sys
import time
import unicodedata
import urllib.parse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from backend.users.models import Role
from tests.bench.pages import sign_in
from tests.bench.stage import Stage, langnghe

TICKETS = 1_000_000
CLIENTS = 4
READS = 5  # of each query by each client, behind one to warm up
SEARCH = "/hop-thu/tim"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
HEADING = re.compile(r'<h2 id="results">(.*?)</h2>', re.DOTALL)
FIRST_TITLE = re.compile(r"<h3>\s*<a [^>]*>(.*?)</a>", re.DOTALL)
REFUSAL = re.compile(r'id="(?:q|sender)-error">.*?<span>(.*?)</span>\s*</p>', re.DOTALL)
TAG = re.compile("<[^>]+>")


@dataclass(frozen=True)
class SearchedFor:
    """One search: its name in the table, and its fields. A search by sender is sent as a form."""

    name: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def by_form(self) -> bool:
        return "sender" in self.fields


@dataclass(frozen=True)
class SearchTimes:
    """What a search found and the milliseconds of each answer."""

    found: str
    taken: list[float]


def words(name: str, typed: str, **more: str) -> SearchedFor:
    return SearchedFor(name, {"q": typed, **more})


QUERIES = (
    words("one very common word", "duong"),
    words("the same with tones", "đường"),
    words("the same with Ð (U+00D0)", "ĐƯỜNG".replace("Đ", "Ð")),
    words("the same decomposed (NFD)", unicodedata.normalize("NFD", "đường")),
    words("four words without tones", "bo phan mot cua"),
    words("four words with tones", "bộ phận một cửa"),
    words("in another order", "cua mot phan bo"),
    words("a phrase", '"mot cua"'),
    words("a phrase with tones", '"sạt lở"'),
    words("three very common words", "cua va la"),
    words("three common words with tones", "đường và nước"),
    words("six words", "de nghi kiem tra bong den"),
    words("a beginning", "duo*"),
    words("a beginning of common words", "th*"),
    words("a last word that is not ended", "trạm y t"),
    words("a word that nobody wrote", "zzzzqq"),
    words("a common and an unknown word", "đường zzzzqq"),
    words("a whole day of numbers", "PAKN.20260515"),
    words("part of a number", "0515.0012"),
    words("the last digits of a number", "0012"),
    words("a number that does not exist", "20260515.99999"),
    words("words among open tickets", "den duong", state="open"),
    words("words among answered tickets", "den duong", state="ended"),
    words("words of one category", "nuoc", category="utilities"),
    SearchedFor("a sender by name", {"sender": "Nguyễn Thị Hoa"}),
    SearchedFor("a sender by part of the telephone", {"sender": "1234"}),
    SearchedFor("words and a sender", {"q": "duong", "sender": "lò văn"}),
    words("operators alone", "& | ! <-> :*"),
    words("emoji and signs", "%%%% \U0001f600"),
    words("ten thousand letters", "a" * 10_000),
)


def run(stage: Stage) -> list[str]:
    """Rows of the table."""
    langnghe("seed", "load", "--tickets", str(TICKETS), "--events", "6")
    langnghe("search", "rebuild")
    return measure(stage.address)


def measure(address: str) -> list[str]:
    """Rows of the table for a server with its data; the last row is over all answers."""
    with ProcessPoolExecutor(CLIENTS) as pool:
        by_client = list(pool.map(_client, [address] * CLIENTS))
    rows = [f"| Search, {CLIENTS} clients | Found | p50 ms | p95 ms |", "|---|---|---|---|"]
    every: list[float] = []
    for query, answers in zip(QUERIES, zip(*by_client, strict=True), strict=True):
        taken = sorted(time_taken for answer in answers for time_taken in answer.taken)
        every += taken
        rows.append(f"| {query.name} | {answers[0].found} | {_share(taken, 0.5)} | {_share(taken, 0.95)} |")
    every.sort()
    return [*rows, f"| all | | {_share(every, 0.5)} | {_share(every, 0.95)} |"]


def _client(address: str) -> list[SearchTimes]:
    connection = http.client.HTTPConnection(address, timeout=60)
    cookies = sign_in(connection, Role.COORDINATOR)
    return [_searched(connection, cookies, query) for query in QUERIES]


def _searched(connection: http.client.HTTPConnection, cookies: str, query: SearchedFor) -> SearchTimes:
    taken, page = [], ""
    encoded = urllib.parse.urlencode(query.fields)
    for read in range(READS + 1):
        began = time.perf_counter()
        if query.by_form:
            connection.request("POST", SEARCH, encoded, {"Cookie": cookies, **FORM})
        else:
            connection.request("GET", f"{SEARCH}?{encoded}", headers={"Cookie": cookies})
        answer = connection.getresponse()
        page = answer.read().decode()
        if answer.status not in (http.client.OK, http.client.UNPROCESSABLE_ENTITY):
            raise RuntimeError(f"{query.name}: answered {answer.status}")
        if read:
            taken.append((time.perf_counter() - began) * 1000)
    return SearchTimes(_found(page), taken)


def _found(page: str) -> str:
    """What the page says was found, with the first title, or the sentence of its refusal."""
    refusal, heading, title = REFUSAL.search(page), HEADING.search(page), FIRST_TITLE.search(page)
    parts = [match[1] for match in ([refusal] if refusal else [heading, title]) if match]
    return ": ".join(" ".join(html.unescape(TAG.sub("", part)).split()).replace("|", "/") for part in parts)


def _share(taken: list[float], share: float) -> str:
    return f"{taken[min(int(len(taken) * share), len(taken) - 1)]:.0f}"


if __name__ == "__main__":
    print("\n".join(measure(sys.argv[1])))
