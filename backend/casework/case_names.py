"""Find the units and categories that a file of cases names, and create those that are missing."""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.errors import Invalid, _
from backend.files.names import name_key
from backend.files.text import fold_text
from backend.tickets.models import Category, CategoryClass
from backend.units.directory import UnitDirectory, UnitEntry, unit_directory
from backend.units.models import Unit, UnitKind
from backend.units.queries import unit_now_or_last

MOST: Final = 5_000
FOUNDED: Final = date(1900, 1, 1)  # the file does not say since when its units exist
PARENT_CODE: Final = "nhap"
PARENT_NAME: Final = "Cơ quan nhập từ tệp"
UNSORTED: Final = "Chưa phân loại"


class CaseHeld(Exception):
    """One case cannot be stored as it is, for this reason. The others can."""

    def __init__(self, reason: Invalid) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class CaseworkNames:
    """The names met so far in one run, and how many had to be created. ``parent_code`` None: a unit of our own.

    Call ``begin`` first in each transaction: another import may have created units and categories meanwhile.
    """

    source: str
    parent_code: str | None
    made_units: int = 0
    made_categories: int = 0
    _units: UnitDirectory = field(default_factory=lambda: UnitDirectory(()))
    _matches: dict[str, list[UnitEntry]] = field(default_factory=dict)
    _parent: int = 0
    _offices: set[str] = field(default_factory=set)
    _category_names: set[str] = field(default_factory=set)
    _categories: dict[str, list[str]] = field(default_factory=dict)
    _names_of: dict[str, str] = field(default_factory=dict)
    _category_codes: dict[str, str] = field(default_factory=dict)

    def key(self, key: str) -> str:
        """Return the key by which a case of this source is stored."""
        return f"{self.source}:{key}"

    def begin(self, session: Session) -> None:
        """Read units and categories as they stand in this transaction. Raises Invalid for an unknown parent code."""
        self._parent = self._parent_id(session)
        self._units = unit_directory(session)
        self._matches.clear()
        self._category_codes.clear()
        self._categories.clear()
        self._names_of.clear()
        for code, name in session.execute(select(Category.code, Category.name_vi).order_by(Category.code)):
            self._note_category(code, name)

    def unit_id(self, session: Session, office: str, day: date) -> int:
        """Return the unit that the office names on the day, at any depth below the parent.

        The unit is created where no unit of any day has the name. Raises CaseHeld where two units have the name on that
        day, or where none has it yet or any more.
        """
        if office not in self._matches:
            self._offices.add(office)
            self._refuse_too_many()
            self._matches[office] = self._units.matches(office, below=self._parent)
        try:
            entry = self._units.valid_one(office, self._matches[office], day)
        except Invalid as reason:
            raise CaseHeld(reason) from None
        if entry is None:
            entry = self._make_unit(session, office)
            self._matches[office] = [entry]
        return entry.id

    def category_code(self, session: Session, name: str) -> str:
        """Return the category with this code or name, in any spelling. A created category is not offered to senders.

        Raises CaseHeld where two categories have the name.
        """
        if name not in self._category_codes:
            self._category_names.add(name)
            self._refuse_too_many()
            self._category_codes[name] = self._find_or_make_category(session, name or UNSORTED)
        return self._category_codes[name]

    def _parent_id(self, session: Session) -> int:
        """Return the unit below which missing units are created."""
        parent = unit_now_or_last(session, self.parent_code or PARENT_CODE)
        if parent is not None:
            return parent.id
        if self.parent_code is not None:
            raise Invalid(_("Không có cơ quan nào mang mã “%(code)s”."), code=self.parent_code)
        return _new_unit(session, PARENT_CODE, PARENT_NAME, None, "").id

    def _make_unit(self, session: Session, office: str) -> UnitEntry:
        self.made_units += 1
        free = len(office) <= 40 and session.scalar(select(Unit.id).where(Unit.code == office).limit(1)) is None
        code = office if free else _short(f"{self._parent}:{office}")
        unit = _new_unit(session, code, office, self._parent, f"Nhập từ tệp, nguồn {self.source}")
        entry = UnitEntry(unit.id, unit.code, unit.name, unit.parent_id, unit.valid_from, unit.valid_to)
        self._units.add(entry)
        return entry

    def _note_category(self, code: str, name: str) -> None:
        self._names_of[code] = name
        self._categories.setdefault(name_key(name), []).append(code)

    def _find_or_make_category(self, session: Session, name: str) -> str:
        if name in self._names_of:
            return name
        codes = self._categories.get(name_key(name), [])
        exact = [code for code in codes if self._names_of[code] == name]
        if len(codes) == 1 or len(exact) == 1:
            return (exact or codes)[0]
        if codes:
            sentence = _("Có nhiều loại tên “%(name)s”: %(codes)s.")
            raise CaseHeld(Invalid(sentence, name=name, codes=", ".join(codes[:4])))
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
        self._note_category(category.code, name)
        return category.code

    def _refuse_too_many(self) -> None:
        """Raise Invalid where a column of free text seems to be taken for offices or categories.

        It would fill the tables with one row per case.
        """
        if max(len(self._offices), len(self._category_names)) > MOST:
            raise Invalid(_("Cột cơ quan hoặc cột loại có quá %(most)s giá trị khác nhau. Hãy xem lại."), most=MOST)


def _new_unit(session: Session, code: str, name: str, parent_id: int | None, source: str) -> Unit:
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
    return unit


def _short(name: str) -> str:
    return f"nhap-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
