"""What a reader of the inbox can choose from: units, categories, and the people that a ticket can be assigned to."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.desk.inbox.conditions import InboxReader
from backend.desk.inbox.filters import FilterChoices
from backend.tickets.models import Category
from backend.units.models import Unit
from backend.units.queries import list_receiving_names
from backend.users.policy import Actor
from backend.users.queries import list_handlers
from backend.worktime import service as worktime
from backend.worktime.calendar import local_time


def read_reader(session: Session, actor: Actor, now: datetime) -> InboxReader:
    """Return who reads the inbox, with the day and the calendar in force."""
    calendar = worktime.load_calendar(session, worktime.active_id(session))
    return InboxReader(actor, local_time(now).date(), calendar)


def read_choices(session: Session, reader: InboxReader, unit_typed: str, language: str) -> FilterChoices:
    """Return the choices of a reader. ``unit_typed``: the unit in the address, whose handlers can be chosen."""
    if reader.everywhere:
        units = list_receiving_names(session, reader.today)
        unit_id = next((unit_id for unit_id in units if str(unit_id) == unit_typed), None)
    else:
        unit_id = reader.actor.unit_id
        units = {unit_id: session.get_one(Unit, unit_id).name} if unit_id is not None else {}
    handlers = list_handlers(session, unit_id) if unit_id is not None else ()
    return FilterChoices(units, _categories(session, language), {user.id: user.name for user in handlers})


def _categories(session: Session, language: str) -> dict[str, str]:
    name = Category.name_en if language == "en" else Category.name_vi
    rows = session.execute(select(Category.code, name.label("name")).order_by(Category.position))
    return {row.code: row.name for row in rows}
