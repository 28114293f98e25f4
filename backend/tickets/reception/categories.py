"""Categories of feedback: add one, change one. Each change is an entry of the history of the category.

The class of a category never changes: it decides where feedback goes and who must not see it, and tickets have it
already. Another class is another category. A category is never deleted; one that is not listed is offered to nobody.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import audit
from backend.errors import Invalid, NotFound, _
from backend.files.text import clean_text, fold_text
from backend.tickets.models import Category, CategoryClass
from backend.users.policy import Actor

NAME_MOST = 120
CODE_MOST = 24
POSITION_MOST = 9_999
_CHAIN_MOST = 31  # characters of a code that fit into the name of a chain as they are


@dataclass(frozen=True)
class CategoryFields:
    """What an administrator sets of a category. A missing English name is the Vietnamese one."""

    name_vi: str
    name_en: str
    contact_required: bool
    listed: bool
    position: int


def category_chain(code: str) -> str:
    """Return the chain of a category in the history: ``category:roads``."""
    short = code if len(code) <= _CHAIN_MOST else hashlib.sha256(code.encode()).hexdigest()[:_CHAIN_MOST]
    return f"category:{short}"


def list_all(session: Session) -> Sequence[Category]:
    """Return every category: those offered to senders first, each part in order."""
    order = (Category.listed.desc(), Category.position, Category.code)
    return session.scalars(select(Category).order_by(*order)).all()


def find_category(session: Session, code: str, *, lock: bool = False) -> Category:
    """Return a category, with ``lock`` for a change. Raises NotFound."""
    statement = select(Category).where(Category.code == code)
    statement = statement.with_for_update() if lock else statement
    category = session.scalar(statement.execution_options(populate_existing=True))
    if category is None:
        raise NotFound
    return category


def add_category(
    session: Session, fields: CategoryFields, category_class: CategoryClass, *, by: Actor, now: datetime
) -> Category:
    """Add a category. Its code is made of its name. Raises Invalid at the field."""
    fields = _tidy(session, fields)
    category = Category(code=_free_code(session, fields.name_vi), category_class=category_class, **vars(fields))
    session.add(category)
    session.flush()
    data = {"class": category_class.value, "name": fields.name_vi}
    chain = category_chain(category.code)
    audit.record(session, chain, "category_added", actor=by.key, now=now, data=data, first=True)
    return category


def change_category(session: Session, code: str, fields: CategoryFields, *, by: Actor, now: datetime) -> Category:
    """Change what senders see of a category. Raises NotFound, and Invalid at the field.

    The history notes each field that changed, before and after. Nothing changes for tickets that have been received.
    """
    category = find_category(session, code, lock=True)
    fields = _tidy(session, fields, code)
    before = {name: getattr(category, name) for name in vars(fields)}
    changes = {name: [before[name], value] for name, value in vars(fields).items() if value != before[name]}
    if changes:
        for name, value in vars(fields).items():
            setattr(category, name, value)
        session.flush()
        audit.record(session, category_chain(code), "category_changed", actor=by.key, now=now, data=changes)
    return category


def _tidy(session: Session, fields: CategoryFields, code: str = "") -> CategoryFields:
    """Return the fields as they are stored. Raises Invalid with every refusal at its field."""
    name_vi = clean_text(fields.name_vi, limit=NAME_MOST, field="name_vi")
    name_en = clean_text(fields.name_en, limit=NAME_MOST, field="name_en")
    refusals = []
    if not name_vi:
        refusals.append(Invalid(_("Hãy ghi tên loại phản ánh."), field="name_vi"))
    elif _is_taken(session, name_vi, code):
        refusals.append(Invalid(_("Đã có loại phản ánh mang tên này."), field="name_vi"))
    if not 0 <= fields.position <= POSITION_MOST:
        sentence = _("Thứ tự là một số từ 0 đến %(most)s.")
        refusals.append(Invalid(sentence, field="position", most=POSITION_MOST))
    Invalid.collect(refusals)
    return CategoryFields(name_vi, name_en or name_vi, fields.contact_required, fields.listed, fields.position)


def _is_taken(session: Session, name: str, code: str) -> bool:
    """Tell whether another category has this name; senders could not tell them apart."""
    same = select(Category.code).where(func.lower(Category.name_vi) == name.lower(), Category.code != code)
    return session.scalar(same.limit(1)) is not None


def _free_code(session: Session, name: str) -> str:
    """Return a code made of a name: ``duong-sa``, or ``duong-sa-2`` where that is taken."""
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in fold_text(name))
    base = "-".join(part for part in letters.split("-") if part)[:CODE_MOST].strip("-") or "loai"
    taken = set(session.scalars(select(Category.code).where(Category.code.startswith(base, autoescape=True))))
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(code for code in numbered if code not in taken)
