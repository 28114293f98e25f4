"""The page of approvals: one form for all rows, so that each button carries every text that was typed.

The field of a row is named after its ticket: ``approved-PAKN.20261118.0001``.
"""

from collections.abc import Mapping
from typing import Final

from backend.deadlines.clock_reading import extension_of
from backend.deadlines.events import TicketEvent
from backend.deadlines.terms import Extension
from backend.desk.actions import ACTIONS, TicketAction
from backend.desk.supervision.desk_rows import DeskRow
from backend.desk.supervision.queries import DeskText
from backend.errors import Conflict, DomainError, Invalid, _
from backend.tickets.lifecycle import Event
from backend.tickets.service import ActionRequest
from backend.web.forms import FormReader, FormView

DECISIONS: Final[Mapping[str, TicketAction]] = {
    path: ACTIONS[path] for path in ("duyet", "tra-lai", "duyet-gia-han", "khong-gia-han")
}
SHOWN: Final = (Event.SUBMITTED_FOR_APPROVAL, Event.EXTENSION_REQUESTED)
_OLD_PAGE: Final = _("Người khác vừa xử lý phản ánh này. Xin xem lại trước khi tiếp tục.")


def field_of(action: TicketAction, number: str) -> str:
    """Return the name of the text field of an action in the row of a ticket; empty where the action has none."""
    return f"{action.field}-{number}" if action.field else ""


def read_decision(form: FormReader, action: TicketAction, number: str) -> tuple[int, ActionRequest]:
    """Return the version of the ticket that the page showed, and the decision. Raises Conflict for an old page."""
    version = form.integer(f"version-{number}")
    form.check()
    if version is None:
        raise Conflict(_OLD_PAGE)
    name = field_of(action, number)
    return version, ActionRequest(action.event, form.raw(name) if name else "")


def refused_form(form: FormReader, action: TicketAction, number: str, refusal: DomainError) -> FormView:
    """Return the form as typed, with the refusal at the field of its row. The service calls each text ``text``."""
    view = form.form()
    if isinstance(refusal, Invalid) and refusal.field == "text" and action.field:
        name = field_of(action, number)
        return FormView(view.values, {name: refusal.at(name)})
    return view


def requested_time(text: DeskText) -> Extension:
    """Return the extension that an officer asks for."""
    return extension_of(TicketEvent(text.event, text.at, data=text.notes))


def texts_left(form: FormReader, rows: list[DeskRow]) -> bool:
    """Return whether something typed for the rows that are left would be lost by a redirect."""
    return any(_typed_for(form, row) for row in rows)


def _typed_for(form: FormReader, row: DeskRow) -> bool:
    number = row.ticket.number
    reasons = [form.raw(field_of(DECISIONS[path], number)) for path in ("tra-lai", "khong-gia-han")]
    if any(reason.strip() for reason in reasons):
        return True
    approved = form.raw(field_of(DECISIONS["duyet"], number)).replace("\r\n", "\n").strip()
    return bool(approved) and (row.text is None or approved != row.text.body.strip())
