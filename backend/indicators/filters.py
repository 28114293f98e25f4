"""Read the filters of an address: unit, period, channel. What cannot be read is refused here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backend.errors import Invalid, NotFound, _
from backend.files.days import day_written
from backend.files.text import clean_text
from backend.tickets.models import Channel
from backend.units.models import Unit, UnitKind
from backend.units.queries import unit_now_or_last
from backend.users.policy import EVERY_UNIT, Actor, Permission, PolicySubject, can

UNIT, FIRST, LAST, CHANNEL = "don-vi", "tu", "den", "kenh"
FIELDS = (UNIT, FIRST, LAST, CHANNEL)
EARLIEST, LATEST = date(1990, 1, 1), date(2099, 12, 31)
NO_SUCH_DAY = _("Không có ngày này. Hãy ghi ngày, tháng, năm, ví dụ 22/11/2026.")


@dataclass(frozen=True)
class DashboardFilters:
    """Filters that can be answered. ``unit`` None: the whole province. ``chosen``: somebody typed the period."""

    unit: Unit | None
    first: date
    last: date
    channel: Channel | None
    chosen: bool

    def address(self, path: str = "/chi-so", **change: str) -> str:
        """Return the address of the same filters with some parts changed."""
        values = {
            UNIT: self.unit.code if self.unit else "",
            FIRST: self.first.isoformat(),
            LAST: self.last.isoformat(),
            CHANNEL: self.channel.value if self.channel else "",
        } | {name.replace("_", "-"): value for name, value in change.items()}
        return f"{path}?{urlencode({name: value for name, value in values.items() if value})}"


def read_filters(
    session: Session, query: Mapping[str, str], actor: Actor, today: date, action: Permission = Permission.VIEW_FIGURES
) -> DashboardFilters:
    """Return the filters of an address, for looking at figures or (``action``) at tickets.

    Raises Invalid with a refusal for each field, NotFound for a unit that this actor may not see.
    """
    refusals: list[Invalid] = []
    unit = _unit(session, query.get(UNIT, ""), actor, action, refusals)
    first, last = usual_period(today)
    typed_period = bool(query.get(FIRST, "").strip() or query.get(LAST, "").strip())
    if typed_period:
        first, last = _period(query, today, refusals)
    channel = query.get(CHANNEL, "")
    if channel and channel not in set(Channel):
        refusals.append(Invalid(_("Không có kênh này. Hãy chọn trong danh sách."), field=CHANNEL))
    Invalid.collect(refusals)
    return DashboardFilters(unit, first, last, Channel(channel) if channel else None, typed_period)


def usual_period(today: date) -> tuple[date, date]:
    """Return the last twelve full months: every season once, and nearly every ticket is decided."""
    first_of_month = today.replace(day=1)
    return first_of_month.replace(year=first_of_month.year - 1), first_of_month - timedelta(days=1)


def units_to_choose(session: Session, actor: Actor, today: date) -> Sequence[Unit]:
    """Return the units whose figures this actor may see today, by name."""
    statement = select(Unit).where(
        Unit.kind != UnitKind.PROVINCE,
        Unit.valid_from <= today,
        or_(Unit.valid_to.is_(None), Unit.valid_to >= today),
    )
    if not sees_all(actor):
        statement = statement.where(Unit.id == actor.unit_id)
    return session.scalars(statement.order_by(Unit.kind.desc(), Unit.folded, Unit.id)).all()


def units_within(
    session: Session, unit: Unit | None, actor: Actor, action: Permission = Permission.VIEW_FIGURES
) -> list[Unit]:
    """Return the unit and all units below it, former ones too, as far as this actor may see their figures (or
    tickets)."""
    top = Unit.id == unit.id if unit else (Unit.kind == UnitKind.PROVINCE) & Unit.parent_id.is_(None)
    below = select(Unit.id).where(top).cte("below", recursive=True)
    below = below.union(select(Unit.id).join(below, Unit.parent_id == below.c.id))
    units = session.scalars(select(Unit).where(Unit.id.in_(select(below.c.id))).order_by(Unit.folded, Unit.id)).all()
    return [unit_below for unit_below in units if can(actor, action, PolicySubject(unit_below.id))]


def sees_all(actor: Actor, action: Permission = Permission.VIEW_FIGURES) -> bool:
    """Whether the actor sees the whole province, or only their own unit."""
    return actor.role in EVERY_UNIT[action]


def day_typed(text: str) -> date | None:
    """Return the day written in a text (see `backend.files.days`), or None where there is no such day in range."""
    day = day_written(text)
    return day if day and EARLIEST <= day <= LATEST else None


def _unit(session: Session, typed: str, actor: Actor, action: Permission, refusals: list[Invalid]) -> Unit | None:
    """Return the unit of a code: the one valid now, else the latest. None stands for the whole province.

    An actor who sees one unit only gets that unit, and the same answer for another unit as for none.
    """
    everything = sees_all(actor, action)
    if not typed.strip():
        return None if everything else session.get_one(Unit, actor.unit_id)
    unit = unit_now_or_last(session, _clean_code(typed))
    if unit is None and everything:
        refusals.append(Invalid(_("Không có cơ quan này. Hãy chọn trong danh sách."), field=UNIT))
        return None
    if unit is None or not can(actor, action, PolicySubject(unit.id)):
        raise NotFound
    return None if everything and unit.kind is UnitKind.PROVINCE and unit.parent_id is None else unit


def _clean_code(typed: str) -> str:
    try:
        return clean_text(typed, limit=40)
    except Invalid:
        return ""


def _period(query: Mapping[str, str], today: date, refusals: list[Invalid]) -> tuple[date, date]:
    """Return the period. An empty first day means 1 January of the last day's year; an empty last day means today."""
    days: dict[str, date | None] = {}
    for name in (FIRST, LAST):
        typed = query.get(name, "").strip()
        days[name] = day_typed(typed) if typed else None
        if typed and days[name] is None:
            refusals.append(Invalid(NO_SUCH_DAY, field=name))
    first, last = days[FIRST], days[LAST]
    last = last or max(today, first or today)
    first = first or last.replace(month=1, day=1)
    if first > last and not refusals:
        refusals.append(Invalid(_("Ngày đầu kỳ phải trước hoặc trùng ngày cuối kỳ."), field=FIRST))
    return first, last
