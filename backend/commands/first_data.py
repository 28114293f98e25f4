"""The data without which nothing runs: units, categories, work calendar, published figures. Loading twice changes
nothing."""

import tomllib
from datetime import datetime
from importlib.resources import files

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.indices.published import service as indices
from backend.surveys.rounds import service as surveys
from backend.tickets import rulebook
from backend.tickets.models import Category, CategoryClass
from backend.units import service as units
from backend.worktime import service as worktime


def load_first_data(session: Session, now: datetime) -> None:
    """Load what is missing, in the caller's transaction."""
    units.load_shipped(session)
    _load_categories(session)
    rulebook.load_shipped(session, now)
    worktime.ensure_shipped(session, now, "vn")
    worktime.ensure_shipped(session, now, "weekdays")
    indices.load_published(session)
    surveys.publish_shipped(session, now)
    session.flush()


def _load_categories(session: Session) -> None:
    text = files("backend.tickets").joinpath("data", "categories.toml").read_text(encoding="utf-8")
    for position, row in enumerate(tomllib.loads(text)["category"]):
        values = {
            "code": row["code"],
            "name_vi": row["name_vi"],
            "name_en": row["name_en"],
            "category_class": CategoryClass(row["class"]),
            "contact_required": row["contact_required"],
            "position": position,
            "listed": True,
        }
        session.execute(insert(Category).values(values).on_conflict_do_nothing(index_elements=[Category.code]))
