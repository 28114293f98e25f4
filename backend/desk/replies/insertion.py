"""Puts a chosen template into a field of the page of a ticket, filled in with the values of that ticket.

The page is one form: a button sends everything that is typed, and the page comes back with the text appended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from backend.desk.actions import ActionOffer
from backend.desk.replies import service
from backend.desk.replies.checklist import ReplyHint, check_reply
from backend.desk.replies.fields import BUTTON, CHECK, CHECKED, FIELD_KINDS, choice_name
from backend.desk.replies.models import ReplyKind, ReplyTemplate
from backend.desk.replies.placeholders import fill_in, read_template
from backend.desk.replies.preview import tidy_text
from backend.errors import DomainError, NotFound, _
from backend.tickets.dossier import read_dossier
from backend.tickets.models import Ticket
from backend.users.policy import Actor, Permission, can
from backend.web.forms import FormReader, FormView
from backend.web.language import day_text


@dataclass(frozen=True)
class OfferedTemplates:
    """The templates that one field can take: those of the unit, and those of the province, as (id, name)."""

    of_unit: list[tuple[int, str]]
    of_province: list[tuple[int, str]]


def offer_templates(session: Session, actor: Actor, offers: Sequence[ActionOffer]) -> dict[str, OfferedTemplates]:
    """Return the templates for each field that a person can write in now, with at most one statement."""
    possible = {offer.action.field for offer in offers if offer.refusal is None}
    kinds = {field: kind for field, kind in FIELD_KINDS.items() if field in possible}
    if not kinds or not can(actor, Permission.VIEW_TEMPLATE):
        return {}
    templates = service.list_templates(session, actor, offered=sorted(set(kinds.values())))
    choices = {field: _choices(templates, kind) for field, kind in kinds.items()}
    return {field: choice for field, choice in choices.items() if choice.of_unit or choice.of_province}


def read_hints(form: FormView) -> list[ReplyHint] | None:
    """Return the hints about the text whose button asked for them; None where none did."""
    field = form.value(CHECK)
    return check_reply(form.value(field)) if field in CHECKED else None


def insert_template(
    session: Session, actor: Actor, ticket: Ticket, form: FormReader, now: datetime
) -> tuple[FormReader, DomainError | None]:
    """Return the form with the chosen text appended to its field, and no refusal; or the form as it is, and why.

    A form whose button asks for no template comes back as it is.
    """
    field = form.raw(BUTTON)
    if not field:
        return form, None
    try:
        text = _read_choice(session, actor, ticket, form, now)
    except DomainError as refusal:
        refusal.field = choice_name(field)
        return form, refusal
    typed = form.raw(field).rstrip()
    fields = [(name, value) for name, value in form.data.multi_items() if name not in (field, choice_name(field))]
    return FormReader(FormData([*fields, (field, f"{typed}\n\n{text}" if typed else text)])), None


def _read_choice(session: Session, actor: Actor, ticket: Ticket, form: FormReader, now: datetime) -> str:
    """Return the filled-in text of the template that the form names. Raises Invalid or NotFound."""
    field = form.raw(BUTTON)
    template_id = form.integer(choice_name(field))
    if template_id is None:
        form.refuse(choice_name(field), _("Hãy chọn một mẫu trả lời."))
    form.check()
    template = service.find_template(session, actor, template_id or 0)
    if not template.in_use or FIELD_KINDS.get(field) is not template.kind:
        raise NotFound(_("Không có mẫu trả lời này."))
    return _fill_for(session, ticket, template.body, now)


def _fill_for(session: Session, ticket: Ticket, body: str, now: datetime) -> str:
    """Return a template's text for one ticket. A due date that has passed while the clock ran is overdue."""
    dossier = read_dossier(session, ticket, now)
    resolve = dossier.clocks.resolve
    overdue = resolve.running and resolve.due.missed_by(dossier.at)
    values = {
        "ma_so": ticket.number,
        "tieu_de": ticket.title,
        "co_quan": ticket.unit.name,
        "ngay_nhan": day_text(ticket.received_at),
        "han": day_text(resolve.due.on),
    }
    return tidy_text(fill_in(read_template(body), values, {"qua_han" if overdue else "con_han"}))


def _choices(templates: Sequence[ReplyTemplate], kind: ReplyKind) -> OfferedTemplates:
    """Return the templates of one kind."""
    rows = [(template.unit_id, (template.id, template.name)) for template in templates if template.kind is kind]
    return OfferedTemplates(
        [choice for unit_id, choice in rows if unit_id is not None],
        [choice for unit_id, choice in rows if unit_id is None],
    )
