"""Similar tickets: how long a search takes among 100,000 and among 1,000,000 tickets of three years."""

import random
import time
from datetime import datetime, timedelta
from itertools import product

from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.orm import Session

from backend import clock, db
from backend.tickets.models import Ticket
from backend.tickets.similar import service
from backend.tickets.similar.queries import list_similar
from backend.users.models import Role
from backend.users.policy import Actor
from backend.worktime.calendar import local_time
from tests.bench.stage import Stage

SIZES = (100_000, 1_000_000)
READS = 400
CHUNK = 100_000
YEARS = 3
OF_LARGEST = 0.2  # of all tickets are of one unit
MATTERS = (
    *("Ổ gà trên đường", "Đèn đường không sáng", "Rác thải đổ bừa bãi", "Nước sinh hoạt bị đục", "Cống nước bị tắc"),
    *("Chó thả rông cắn trẻ em", "Hàng rong lấn chiếm vỉa hè", "Karaoke gây ồn ban đêm", "Chậm trả giấy chứng nhận"),
    *("Cây xanh sắp đổ", "Xe tải chạy quá tốc độ", "Trạm y tế thiếu thuốc", "Trường học thu thêm tiền", "Sạt lở đất"),
    *("Mất điện kéo dài", "Cầu treo hư hỏng"),
)
PLACES = ("cổng chợ", "trường mầm non", "nhà văn hóa", "ngã ba", "chân cầu", "bến xe", "trạm điện", "sân vận động")
VILLAGES = [
    f"bản {first} {second}"
    for first, second in product(
        ("Nậm", "Pa", "Huổi", "Tà", "Sìn", "Mường", "Phiêng", "Khun"),
        ("Loỏng", "Khoa", "Lành", "Pố", "Cuổi", "Tâm", "Sáng", "Hồ", "Lé", "Tăm", "Ma", "Ngang", "Nưa", "Chải", "Phìn"),
    )
]
TELLINGS = (
    "Buổi sáng xe máy bị ngã, hai cháu học sinh phải đi viện.",
    "Ban đêm không ai dám đi bộ qua đoạn này.",
    "Mùi hôi bốc lên vào nhà, trẻ nhỏ ho nhiều.",
    "Đã gọi điện nhiều lần mà chưa thấy cán bộ xuống.",
    "Mưa lớn nước tràn vào ruộng lúa, hoa màu hư hại.",
    "Cả dãy phố mất ngủ đến quá nửa đêm.",
    "Chủ quán để bàn ghế chắn lối đi bộ.",
    "Giấy hẹn ghi mười lăm ngày, nay đã quá hai tháng.",
    "Tổ dân phố đã họp bàn mà không ai nhận sửa.",
    "Đất đá lăn xuống lòng đường sau mỗi trận mưa.",
)
COLUMNS = (
    "id, number, state, version, channel, category_code, about_unit_id, unit_id, title, content, language, received_at,"
    " received_on, rule, term, calendar_id, due_date, due_estimated, secret_hash, demonstration"
)


def run(stage: Stage) -> list[str]:
    """Rows of the table: milliseconds of a search for an officer of the largest unit and for the coordinator."""
    rows = [f"| Similar tickets ({READS} searches) | p50 ms | p95 ms |", "|---|---|---|"]
    engine = create_engine(stage.database_url)
    with engine.connect() as connection:
        units = list(connection.scalars(text("SELECT id FROM units WHERE receives ORDER BY id")))
    actors = {
        "officer of the largest unit": Actor(Role.OFFICER, 1, units[0]),
        "coordinator": Actor(Role.COORDINATOR, 2),
    }
    stored = 0
    for size in SIZES:
        fill(engine, units, stored, size)
        stored = size
        rows.append(list_texts(engine, size))
        with Session(engine) as session:
            rows += [measure(session, f"{size:,}, {name}", actor) for name, actor in actors.items()]
    engine.dispose()
    return rows


def list_texts(engine: Engine, size: int) -> str:
    """One row: how long the sweep takes for the texts of 90 days, and how large the pairs are."""
    began = time.perf_counter()
    texts = service.list_new_texts(clock.now(), everything=True)
    seconds = time.perf_counter() - began
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
        megabytes = connection.scalar(text("SELECT pg_total_relation_size('similar_pairs') / 1048576"))
    return f"| {size:,}: {texts:,} texts listed in {seconds:.0f} s, their pairs are {megabytes} MB | | |"


def measure(session: Session, name: str, actor: Actor) -> str:
    """One row: searches as the page of a ticket asks for them, for recent tickets that the actor handles."""
    today = local_time(clock.now()).date()
    recent = select(Ticket.id).where(Ticket.received_on >= today - timedelta(days=20)).order_by(Ticket.id)
    ids = session.scalars(recent.where(Ticket.unit_id == actor.unit_id) if actor.unit_id else recent).all()
    spent = []
    for ticket_id in random.Random(5).choices(ids, k=READS):
        session.expunge_all()
        ticket = session.get_one(Ticket, ticket_id)
        began = time.perf_counter()
        similar = list_similar(session, ticket, actor, today)
        spent.append((time.perf_counter() - began) * 1000)
        if not similar:
            raise RuntimeError("no similar ticket among so many")
    spent.sort()
    return f"| {name} | {spent[len(spent) // 2]:.1f} | {spent[int(len(spent) * 0.95)]:.1f} |"


def fill(engine: Engine, units: list[int], stored: int, size: int) -> None:
    """Add tickets that are not open until there are ``size``, spread over three years."""
    chance, now = random.Random(7), clock.now()
    for first in range(stored, size, CHUNK):
        with Session(engine) as session, session.begin():
            calendar = session.scalar(text("SELECT min(id) FROM calendar_versions")) or 0
            numbers = range(first, min(first + CHUNK, size))
            rows = (make_row(number, units, chance, now, calendar) for number in numbers)
            db.copy_rows(session, f"COPY tickets ({COLUMNS}) FROM STDIN", rows)


def make_row(
    number: int, units: list[int], chance: random.Random, now: datetime, calendar: int
) -> tuple[object, ...]:  # fmt: skip
    unit = units[0] if chance.random() < OF_LARGEST else chance.choice(units)
    received = now - timedelta(days=chance.random() * YEARS * 365)
    matter, place = chance.choice(MATTERS), f"{chance.choice(PLACES)} {chance.choice(VILLAGES)}"
    content = " ".join([f"{matter} ở {place}.", *chance.sample(TELLINGS, 4)])
    day = received.date()
    ticket = (1_000_000 + number, f"PAKN.X{number}", "refused", 1, "import", "roads", unit, unit)
    words = (f"{matter} {place}", content, "vi", received, day)
    return (*ticket, *words, "resolve", "15 working days", calendar, day + timedelta(days=21), False, b"", False)
