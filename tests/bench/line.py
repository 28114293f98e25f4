"""Tickets per second through the web form with four clients, beside the same rows straight in SQL."""

import http.client
import secrets
import time
import urllib.parse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import psycopg

from tests.bench.stage import Stage

CLIENTS = 4
EACH = 750
WARM_UP = 60
CONTENT = "Đoạn đường trước cổng chợ có nhiều ổ gà, trời mưa đọng nước, đã có người ngã xe. Mong được sửa sớm. " * 3
HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Sec-Fetch-Site": "same-origin",
    "Accept": "text/html",
}


def run(stage: Stage) -> list[str]:
    """Rows of the table: tickets a second by the form, by SQL, and their ratio."""
    unit_id = _unit_id(stage)
    through_web = _together(_send_forms, stage.address, unit_id)
    straight = _together(_insert_rows, stage.database_url, unit_id)
    return [
        "| What | tickets/s |",
        "|---|---|",
        f"| web form, {CLIENTS} clients, {CLIENTS * EACH} tickets, each committed before the 303 | {through_web:.0f} |",
        f"| floor: the same rows straight in SQL, {CLIENTS} connections, one transaction each | {straight:.0f} |",
        f"| form / floor | {through_web / straight:.2f} |",
    ]


def _unit_id(stage: Stage) -> int:
    with psycopg.connect(_plain(stage.database_url)) as connection:
        row = connection.execute("SELECT id FROM units WHERE code = '03388' AND valid_to IS NULL").fetchone()
    assert row is not None
    return int(row[0])


def _together(work: Callable[[str, int, int], None], target: str, unit_id: int) -> float:
    """Tickets a second of four processes at once, after each has warmed up."""
    with ProcessPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, [target] * CLIENTS, [unit_id] * CLIENTS, [WARM_UP] * CLIENTS))
        began = time.perf_counter()
        list(pool.map(work, [target] * CLIENTS, [unit_id] * CLIENTS, [EACH] * CLIENTS))
        return CLIENTS * EACH / (time.perf_counter() - began)


def _send_forms(address: str, unit_id: int, count: int) -> None:
    connection = http.client.HTTPConnection(address, timeout=60)
    for _ in range(count):
        form = {
            "key": secrets.token_urlsafe(16),
            "unit": str(unit_id),
            "category": "roads",
            "title": "Ổ gà trước cổng chợ",
            "content": CONTENT,
            "name": "Lò Văn Thử",
            "email": "nguoigui@example.org",
            "consent": "1",
        }
        connection.request("POST", "/gui", urllib.parse.urlencode(form), HEADERS)
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.SEE_OTHER:
            raise RuntimeError(f"the form answered {answer.status}")
    connection.close()


INSERTS = (
    """INSERT INTO tickets (id, number, state, version, channel, category_code, about_unit_id, unit_id, title, content,
        language, received_at, received_on, acknowledged_at, rule, term, calendar_id, due_date, due_estimated,
        secret_hash, idempotency_hash, fingerprint, demonstration)
    SELECT n, 'FLOOR.' || n, 'new', 1, 'web', 'roads', %(unit)s, %(unit)s, 'Ổ gà trước cổng chợ', %(content)s, 'vi',
        now(), current_date, now(), 'resolve', '15 working days', 1, current_date + 21, false, %(hash)s, %(hash)s,
        %(hash)s, false FROM nextval('tickets_id_seq') n RETURNING id""",
    """INSERT INTO audit (chain, seq, at, actor, action, data, prev, hash) VALUES
        ('floor:' || %(id)s, 1, now(), 'sender', 'received', '{"unit": 1, "about": 1, "category": "roads"}', %(hash)s,
        %(hash)s)""",
    """INSERT INTO ticket_contacts (ticket_id, name, email, consent_at)
        VALUES (%(id)s, 'Lò Văn Thử', 'nguoigui@example.org', now())""",
    """INSERT INTO outbox (key, medium, template, ticket_id, created_at, delivery, attempts, next_at)
        VALUES ('floor:' || %(id)s, 'email', 'received', %(id)s, now(), 'pending', 0, now())""",
)


def _insert_rows(url: str, unit_id: int, count: int) -> None:
    with psycopg.connect(_plain(url)) as connection:
        for _ in range(count):
            values = {"unit": unit_id, "content": CONTENT, "hash": secrets.token_bytes(32)}
            row = connection.execute(INSERTS[0], values, prepare=True).fetchone()
            assert row is not None
            for statement in INSERTS[1:]:
                connection.execute(statement, {**values, "id": row[0]}, prepare=True)
            connection.commit()


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg:", "postgresql:", 1)
