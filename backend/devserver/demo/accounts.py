"""Accounts of the demonstration: one of each role, to sign in with, and an officer for every unit."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit
from backend.units.models import Unit
from backend.users.models import Role, User
from backend.users.service import hasher

PASSWORD = "lang-nghe-2026"  # noqa: S105 - public; the demonstration is refused outside development


@dataclass(frozen=True)
class DemoAccount:
    """One account of the demonstration. As text it is a line with e-mail, password and role."""

    email: str
    name: str
    role: Role
    unit_code: str | None
    password: str = PASSWORD

    def __str__(self) -> str:
        return f"{self.email:30} {self.password:16} {self.role.value}"


ACCOUNTS = (
    DemoAccount("canbo@demo.langnghe.vn", "Lò Thị Hoa", Role.OFFICER, "03388"),
    DemoAccount("lanhdao@demo.langnghe.vn", "Vàng A Sơn", Role.LEADER, "03388"),
    DemoAccount("dieuphoi@demo.langnghe.vn", "Nguyễn Thu Hạnh", Role.COORDINATOR, None),
    DemoAccount("quanly@demo.langnghe.vn", "Trần Minh Tuấn", Role.MANAGER, None),
    DemoAccount("khaosat@demo.langnghe.vn", "Tẩn Mẩy Liều", Role.SURVEY, None),
    DemoAccount("quantri@demo.langnghe.vn", "Đèo Ngọc Kim", Role.ADMINISTRATOR, None),
    DemoAccount("kiemtra@demo.langnghe.vn", "Hoàng Văn Lâm", Role.AUDITOR, None),
)

SURNAMES = ("Lò", "Vàng", "Nguyễn", "Lù", "Tẩn", "Trần", "Lý", "Giàng", "Phạm", "Hoàng", "Đèo")
GIVEN_NAMES = (
    "Văn Thành",
    "Thị Mai",
    "Minh Đức",
    "Thị Thu",
    "Văn Bình",
    "Thị Lan",
    "Quang Huy",
    "Thị Hương",
    "Văn Sơn",
)


def officer_name(number: int) -> str:
    """Return an invented name for the officer of a unit; the first 99 numbers have different ones."""
    return f"{SURNAMES[number % len(SURNAMES)]} {GIVEN_NAMES[number % len(GIVEN_NAMES)]}"


def accounts() -> tuple[DemoAccount, ...]:
    """Return the accounts to print: one of each role."""
    return ACCOUNTS


def create_officers(session: Session, now: datetime) -> dict[str, int]:
    """Create the missing accounts, and return the officer's id of each receiving unit by the unit's code."""
    password_hash = hasher.hash(PASSWORD)
    units = {unit.code: unit.id for unit in session.scalars(select(Unit).where(Unit.receives))}
    officers = [
        DemoAccount(_officer_email(code), officer_name(number), Role.OFFICER, code)
        for number, code in enumerate(sorted(units))
    ]
    user_ids = {user.email: user.id for user in session.scalars(select(User))}
    for account in (*ACCOUNTS, *officers):
        if account.email not in user_ids:
            user_ids[account.email] = _create(session, account, units, password_hash, now)
    return {code: user_ids[_officer_email(code)] for code in units}


def _officer_email(unit_code: str) -> str:
    return f"{unit_code.lower()}@demo.langnghe.vn"


def _create(session: Session, account: DemoAccount, units: dict[str, int], password_hash: str, now: datetime) -> int:
    user = User(
        email=account.email,
        name=account.name,
        password_hash=password_hash,
        role=account.role,
        unit_id=units[account.unit_code] if account.unit_code else None,
        created_at=now,
    )
    session.add(user)
    session.flush()
    data = {"role": account.role.value, "demonstration": True}
    audit.record(session, audit.user_key(user.id), "created", actor="system", now=now, data=data, first=True)
    return user.id
