"""Load a province's feedback of ten years in batches. A batch is one transaction, with its history and its seal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from backend import db
from backend.audit import FIRST
from backend.db import AdvisoryLock, copy_rows, hold_lock
from backend.devserver.demo.accounts import create_officers
from backend.devserver.demo.generate import CONDUCT_DESK, DEPARTMENT
from backend.devserver.load_data import statements as sql
from backend.devserver.load_data.courses import CoursePlan, plan_courses, received_on
from backend.devserver.load_data.patterns import (
    CoursePattern,
    LoadRules,
    PatternPlace,
    count_texts,
    make_pattern,
)
from backend.devserver.load_data.words import list_samples, list_words
from backend.history.models import Seal
from backend.history.sealing import seal_hash
from backend.ratings.models import RATING_FORM
from backend.tickets import rulebook
from backend.tickets.models import Category, TicketDay
from backend.units.models import Succession, Unit
from backend.worktime import service as worktime
from backend.worktime.calendar import local_time

COPIES: Final = 40  # tickets of one course, each in a unit of its own with texts of its own
BATCH: Final = 500  # courses
SESSIONS: Final = 2  # batches at a time
SLOTS: Final = 1024
MOST_TEXTS: Final = 3  # texts in the longest course


@dataclass(frozen=True)
class LoadRequest:
    """What to load: ``tickets`` with about ``events`` entries each, received in the ten years up to ``until``."""

    tickets: int
    events: int
    seed: int
    until: date


@dataclass(frozen=True)
class LoadSetting:
    """What all batches need: the rows of units and their officers, the rules, the first numbers."""

    request: LoadRequest
    rules: LoadRules
    slots: list[tuple[Any, ...]]
    departments: list[tuple[Any, ...]]
    merger: date
    first_id: int
    first_text: int
    now: datetime


def load_tickets(request: LoadRequest, now: datetime) -> Iterator[int]:
    """Load the tickets, and yield their number after each batch. Needs the first data and a superuser."""
    with db.transaction() as session:
        setting = _prepare(session, request, now)
    plan = _plan(setting)
    stored = 0
    with ThreadPoolExecutor(SESSIONS) as pool:
        under_way: list[Future[int]] = []
        patterns = _patterns(setting, plan)
        while batch := list(islice(patterns, BATCH)):
            if len(under_way) > SESSIONS:
                stored += under_way.pop(0).result()
                yield stored
            under_way.append(pool.submit(_store, setting, batch))
        for future in under_way:
            stored += future.result()
            yield stored
    with db.transaction() as session:
        session.execute(text(f"ANALYZE {', '.join(sql.LOADED)}"))


def _prepare(session: Session, request: LoadRequest, now: datetime) -> LoadSetting:
    """Create the accounts, draw the block of ids and open the days."""
    officers = create_officers(session, now)
    calendar_id = worktime.active_id(session)
    about = {category.code: rulebook.subject_of(category) for category in session.scalars(select(Category))}
    calendar = worktime.load_calendar(session, calendar_id)
    merger = session.scalar(select(func.min(Succession.on))) or date.min
    setting = LoadSetting(
        request=request,
        rules=LoadRules(calendar_id, calendar, rulebook.load_rules(session), about),
        slots=_slots(session, officers),
        departments=_departments(session, officers),
        merger=merger,
        first_id=draw_block(session, "tickets_id_seq", request.tickets),
        first_text=draw_block(session, "ticket_messages_id_seq", request.tickets * MOST_TEXTS),
        now=now,
    )
    _open_days(session, setting)
    return setting


def draw_block(session: Session, sequence: str, count: int) -> int:
    """Take ``count`` numbers in a row from a sequence and return the first. The sequence is locked until the end."""
    session.execute(text(sql.WIDEN.format(sequence=sequence, count=count)))
    last = session.scalars(text(sql.DRAW_LAST.format(sequence=sequence))).one()
    session.execute(text(sql.WIDEN.format(sequence=sequence, count=1)))
    return int(last) - count + 1


def _slots(session: Session, officers: Mapping[str, int]) -> list[tuple[Any, ...]]:
    """Return who gets a ticket, by 1024 slots: large communes have more slots, and every receiving unit has some."""
    units = list(session.scalars(select(Unit).where(Unit.receives).order_by(Unit.kind.desc(), Unit.code)))
    code_of = {unit.id: unit.code for unit in units}
    desk = next(unit.id for unit in units if unit.code == CONDUCT_DESK)
    former: dict[int, list[int]] = {}
    for row in session.scalars(select(Succession).order_by(Succession.former_id)):
        former.setdefault(row.successor_id, []).append(row.former_id)
    rows: list[tuple[Any, ...]] = []
    for slot, unit in enumerate(_weighted(units)):
        before = former.get(unit.id, [unit.id])
        own_desk = unit.conduct_desk_id or desk
        rows.append(
            (slot, unit.id, officers[unit.code], own_desk, officers[code_of[own_desk]], before[slot % len(before)])
        )
    return rows


def _weighted(units: Sequence[Unit]) -> list[Unit]:
    """Return 1024 places for the units, the first of them with the most."""
    weights = [1 / (1 + place / 12) for place in range(len(units))]
    shares = [1 + int(weight / sum(weights) * (SLOTS - len(units))) for weight in weights]
    places = [unit for unit, share in zip(units, shares, strict=True) for _nth in range(share)]
    return (places + list(units))[:SLOTS]


def _departments(session: Session, officers: Mapping[str, int]) -> list[tuple[Any, ...]]:
    ids = dict(session.execute(select(Unit.code, Unit.id).where(Unit.receives)).all())
    return [(category, ids[code], officers[code]) for category, code in DEPARTMENT.items()]


def _plan(setting: LoadSetting) -> CoursePlan:
    request = setting.request
    courses = -(-request.tickets // COPIES)
    return CoursePlan(request.seed, courses, request.events, request.until, setting.rules.calendar, setting.rules.on)


def _open_days(session: Session, setting: LoadSetting) -> None:
    """Give each day without public numbers its base: the id before its first ticket."""
    plan = _plan(setting)
    bases: dict[date, int] = {}
    for place in range(plan.courses):
        bases.setdefault(received_on(plan, place), setting.first_id + place * COPIES - 1)
    session.execute(text(sql.OPEN_DAYS), {"days": list(bases), "bases": list(bases.values())})


def _patterns(setting: LoadSetting, plan: CoursePlan) -> Iterator[CoursePattern]:
    """Yield the counted courses. The last one may have fewer tickets than the others."""
    with db.transaction() as session:
        bases = dict(session.execute(select(TicketDay.day, TicketDay.base)).all())
    places: dict[int, PatternPlace] = {}
    first_text = setting.first_text
    for course in plan_courses(plan):
        copies = min(COPIES, setting.request.tickets - course.place * COPIES)
        place = PatternPlace(
            setting.first_id + course.place * COPIES, copies, first_text, bases[local_time(course.received).date()]
        )
        places[course.place] = place
        first_text += copies * count_texts(course)
        yield make_pattern(course, place, places[course.into] if course.into is not None else None, setting.rules)


def _store(setting: LoadSetting, batch: Sequence[CoursePattern]) -> int:
    """Store the tickets of a batch of courses with their history, and seal it. Return their number."""
    with db.transaction() as session:
        for statement in (*sql.ROOM, *sql.TABLES):
            session.execute(text(statement))
        _copy_patterns(session, setting, batch)
        session.execute(text(sql.KNOW))
        session.execute(text(sql.TRUST))
        first = {"first": setting.first_id, "seed": setting.request.seed, "copies": COPIES, "merger": setting.merger}
        session.execute(text(sql.COPIES), first)
        session.execute(text(sql.INDEX_COPIES))
        session.execute(text(sql.KNOW_COPIES))
        session.execute(text(sql.ADD_TICKETS), {"until": setting.request.until})
        session.execute(text(sql.ADD_CONTACTS))
        session.execute(text(sql.ADD_TEXTS))
        session.execute(text(sql.ADD_CLOCKS))
        session.execute(text(sql.ADD_RATINGS), {"method": RATING_FORM})
        session.execute(text(sql.NOTE_CHANGES))
        session.execute(text(sql.HEADS))
        session.execute(text(sql.ADD_LINKS))
        _seal(session, setting.now)
    return sum(pattern.pattern[2] for pattern in batch)


def _copy_patterns(session: Session, setting: LoadSetting, batch: Sequence[CoursePattern]) -> None:
    rows: dict[str, Iterable[Sequence[Any]]] = {
        sql.COPY_PATTERNS: (pattern.pattern for pattern in batch),
        sql.COPY_LINKS: (link for pattern in batch for link in pattern.links),
        sql.COPY_CLOCKS: (result for pattern in batch for result in pattern.results),
        sql.COPY_WORDS: list_words(),
        sql.COPY_SAMPLES: list_samples(),
        sql.COPY_SLOTS: setting.slots,
        sql.COPY_DEPARTMENTS: setting.departments,
    }
    for statement, content in rows.items():
        copy_rows(session, statement, content)


def _seal(session: Session, now: datetime) -> None:
    """Seal the chains of a batch at once, as `history.sealing` would seal them one part after the other."""
    hold_lock(session, AdvisoryLock.SEALING)
    fresh = session.execute(text(sql.ROOT)).one()
    last = session.execute(text(sql.LAST_SEAL)).one_or_none()
    number, prev = (last.seq + 1, last.hash) if last else (1, FIRST)
    session.add(
        Seal(
            seq=number, at=now, entries=fresh.entries, root=fresh.root, prev=prev,
            hash=seal_hash(number, now, fresh.entries, fresh.root, prev),
        )
    )  # fmt: skip
    session.flush()
    session.execute(text(sql.ADD_HEADS), {"seal": number})
