"""The question in the address: whose figures, which period, which channel; what cannot be read is refused there."""

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
    """A question that can be answered. ``unit`` None: the whole province. ``chosen``: the period was typed."""

    unit: Unit | None
    first: date
    last: date
    channel: Channel | None
    chosen: bool

    def address(self, path: str = "/chi-so", **change: str) -> str:
        """The address of the same question, with some of its parts changed."""
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
    """The filters of an address, for looking at figures or (``action``) at tickets. Raises Invalid with a refusal for
    each field, NotFound for a unit not this actor's."""
    refusals: list[Invalid] = []
    unit = _unit(session, query.get(UNIT, ""), actor, action, refusals)
    first, last = usual_period(today)
    chosen = bool(query.get(FIRST, "").strip() or query.get(LAST, "").strip())
    if chosen:
        first, last = _period(query, today, refusals)
    channel = query.get(CHANNEL, "")
    if channel and channel not in set(Channel):
        refusals.append(Invalid(_("Không có kênh này. Hãy chọn trong danh sách."), field=CHANNEL))
    Invalid.collect(refusals)
    return DashboardFilters(unit, first, last, Channel(channel) if channel else None, chosen)


def usual_period(today: date) -> tuple[date, date]:
    """The last twelve full months: every season once, and nearly every ticket in it is decided."""
    first_of_month = today.replace(day=1)
    return first_of_month.replace(year=first_of_month.year - 1), first_of_month - timedelta(days=1)


def units_to_choose(session: Session, actor: Actor, today: date) -> Sequence[Unit]:
    """The units whose figures this actor may ask for today, in the order of their names."""
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
    """The unit and those below it, former ones too, as far as this actor may see their figures (or tickets)."""
    top = Unit.id == unit.id if unit else (Unit.kind == UnitKind.PROVINCE) & Unit.parent_id.is_(None)
    below = select(Unit.id).where(top).cte("below", recursive=True)
    below = below.union(select(Unit.id).join(below, Unit.parent_id == below.c.id))
    found = session.scalars(select(Unit).where(Unit.id.in_(select(below.c.id))).order_by(Unit.folded, Unit.id)).all()
    return [one for one in found if can(actor, action, PolicySubject(one.id))]


def sees_all(actor: Actor, action: Permission = Permission.VIEW_FIGURES) -> bool:
    """Whether the whole province is open to them, or the own unit alone."""
    return actor.role in EVERY_UNIT[action]


def day_typed(text: str) -> date | None:
    """A day that can be asked for, as written (see ``days``); None where there is no such day."""
    day = day_written(text)
    return day if day and EARLIEST <= day <= LATEST else None


def _unit(session: Session, typed: str, actor: Actor, action: Permission, refusals: list[Invalid]) -> Unit | None:
    """By its code; of those that had it the one valid now or last. The own unit for whoever sees no other, who gets the
    same answer for another unit and for none."""
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
    """An end left empty is open: the beginning of the year before it, or today."""
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
