"""Reads of calendar versions for the pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from backend.calendars.texts import ORDINARY_WEEKS, WHOLE_PROVINCE
from backend.errors import NotFound
from backend.units.models import Unit
from backend.users.models import User
from backend.worktime import service as worktime
from backend.worktime.models import CalendarVersion


@dataclass(frozen=True)
class StoredCalendar:
    """A stored version as pages show it. ``by`` is its author; empty for versions that came with the package."""

    id: int
    code: str
    version: int
    basis: str
    by: str
    created_at: datetime
    activated_at: datetime | None
    active: bool
    scope: str
    years: Sequence[tuple[int, bool]]

    @property
    def announced(self) -> list[int]:
        return [year for year, announced in self.years if announced]

    @property
    def estimated(self) -> list[int]:
        return [year for year, announced in self.years if not announced]


def list_versions(session: Session, code: str | None = None) -> list[StoredCalendar]:
    """Return all versions, newest first, those of the province before those of units."""
    statement = _versions().order_by(CalendarVersion.code.desc(), CalendarVersion.version.desc())
    if code is not None:
        statement = statement.where(CalendarVersion.code == code)
    active = set(worktime.in_force(session).values())
    names = _unit_names(session)
    return [_version(row, name, row.id in active, names) for row, name in session.execute(statement)]


def find_version(session: Session, calendar_id: int) -> StoredCalendar:
    """Return one version. Raises NotFound."""
    result = session.execute(_versions().where(CalendarVersion.id == calendar_id)).one_or_none()
    if result is None:
        raise NotFound
    row, name = result
    active = worktime.in_force(session).get(row.code) == row.id
    return _version(row, name, active, _unit_names(session))


def scope_name(code: str, unit_names: dict[str, str]) -> str:
    """Return for whom a calendar is: a message of the catalogue, or the name of a unit."""
    if code.startswith(worktime.UNIT):
        unit = code.removeprefix(worktime.UNIT)
        return unit_names.get(unit, unit)
    return WHOLE_PROVINCE if code == worktime.DEFAULT else ORDINARY_WEEKS


def _versions() -> Select[CalendarVersion, str]:
    return select(CalendarVersion, User.name).outerjoin(User, User.id == CalendarVersion.created_by)


def _unit_names(session: Session) -> dict[str, str]:
    rows = session.execute(select(Unit.code, Unit.name).where(Unit.receives).order_by(Unit.valid_from))
    return {row.code: row.name for row in rows}


def _version(row: CalendarVersion, name: str | None, active: bool, unit_names: dict[str, str]) -> StoredCalendar:
    return StoredCalendar(
        id=row.id,
        code=row.code,
        version=row.version,
        basis=row.basis,
        by=name or "",
        created_at=row.created_at,
        activated_at=row.activated_at,
        active=active,
        scope=scope_name(row.code, unit_names),
        years=[(int(year), bool(announced)) for year, announced in row.document["years"]],
    )
