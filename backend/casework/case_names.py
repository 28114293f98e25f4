"""Units and categories that a file of casework names: found, or made where they are missing."""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.errors import Invalid, _
from backend.files.text import fold_text
from backend.tickets.models import Category, CategoryClass
from backend.units.models import Unit, UnitKind

MOST: Final = 5_000
FOUNDED: Final = date(1900, 1, 1)  # units that come with a file do not say since when they exist
PARENT_CODE: Final = "nhap"
PARENT_NAME: Final = "Cơ quan nhập từ tệp"
UNSORTED: Final = "Chưa phân loại"


@dataclass
class CaseworkNames:
    """The names met so far in one run, and how many had to be made. ``parent_code`` None: a unit of our own."""

    source: str
    parent_code: str | None
    made_units: int = 0
    made_categories: int = 0
    units: dict[str, int] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)

    def key(self, key: str) -> str:
        """By which a case of this source is known here."""
        return f"{self.source}:{key}"

    def parent_id(self, session: Session) -> int:
        """The unit under which missing ones are made. Raises Invalid for a code that no unit has."""
        found = session.scalar(
            select(Unit.id)
            .where(Unit.code == (self.parent_code or PARENT_CODE))
            .order_by(Unit.valid_to.is_not(None), Unit.valid_from.desc())
            .limit(1)
        )
        if found is not None:
            return found
        if self.parent_code is not None:
            raise Invalid(_("Không có cơ quan nào mang mã “%(code)s”."), code=self.parent_code)
        return _make_unit(session, PARENT_CODE, PARENT_NAME, None, "")

    def unit_id(self, session: Session, office: str) -> int:
        """The parent's unit with this code or exactly this name: folded names of two units may be the same."""
        if office not in self.units:
            self.units[office] = self._find_or_make_unit(session, office)
            self._refuse_too_many()
        return self.units[office]

    def category_code(self, session: Session, name: str) -> str:
        """The category with this code or exactly this name; one that is made is not offered to senders."""
        if name not in self.categories:
            self.categories[name] = self._find_or_make_category(session, name or UNSORTED)
            self._refuse_too_many()
        return self.categories[name]

    def _find_or_make_unit(self, session: Session, office: str) -> int:
        parent_id = self.parent_id(session)
        found = session.scalar(
            select(Unit.id)
            .where(Unit.parent_id == parent_id, (Unit.code == office) | (Unit.name == office))
            .order_by(Unit.code != office, Unit.valid_to.is_not(None), Unit.valid_from.desc())
            .limit(1)
        )
        if found is not None:
            return found
        self.made_units += 1
        free = len(office) <= 40 and session.scalar(select(Unit.id).where(Unit.code == office).limit(1)) is None
        code = office if free else _short(f"{parent_id}:{office}")
        return _make_unit(session, code, office, parent_id, f"Nhập từ tệp, nguồn {self.source}")

    def _find_or_make_category(self, session: Session, name: str) -> str:
        found = session.scalar(
            select(Category.code)
            .where((Category.code == name) | (Category.name_vi == name))
            .order_by(Category.code != name, Category.code)
            .limit(1)
        )
        if found is not None:
            return found
        self.made_categories += 1
        category = Category(
            code=_short(name),
            name_vi=name,
            name_en="Not classified" if name == UNSORTED else name,
            category_class=CategoryClass.FIELD,
            contact_required=False,
            position=1000,
            listed=False,
        )
        session.add(category)
        session.flush()
        return category.code

    def _refuse_too_many(self) -> None:
        """A column of free text taken for offices or types would fill the tables with one row a case."""
        if max(len(self.units), len(self.categories)) > MOST:
            raise Invalid(_("Cột cơ quan hoặc cột loại có quá %(most)s giá trị khác nhau. Hãy xem lại."), most=MOST)


def _make_unit(session: Session, code: str, name: str, parent_id: int | None, source: str) -> int:
    unit = Unit(
        code=code,
        name=name,
        folded=fold_text(name)[:200],
        kind=UnitKind.OFFICE,
        parent_id=parent_id,
        receives=False,
        valid_from=FOUNDED,
        source=source,
    )
    session.add(unit)
    session.flush()
    return unit.id


def _short(name: str) -> str:
    return f"nhap-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
