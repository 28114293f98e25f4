"""Reads the submitted form of an action. ``ticket_pages`` asks it before it calls the service of tickets."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy.orm import Session

from backend.desk import answer_fields
from backend.desk.actions import TicketAction
from backend.errors import _
from backend.tickets import queries
from backend.tickets.lifecycle import Event
from backend.tickets.service import ActionRequest
from backend.web.forms import FormReader
from backend.worktime.duration import MAX_VALUE


def read_action_request(session: Session, action: TicketAction, form: FormReader) -> ActionRequest:
    """Return what a submitted form asks for. The form collects what is wrong with its fields."""
    text = form.raw(action.field) if action.field else ""
    if action.field in answer_fields.TEXTS:
        return _read_answer(action.event, text, action.field, form)
    return _READERS.get(action.event, _read_text)(session, action.event, text, form)


RequestReader = Callable[[Session, Event, str, FormReader], ActionRequest]


def _read_text(_session: Session, event: Event, text: str, _form: FormReader) -> ActionRequest:
    return ActionRequest(event, text)


def _read_unit(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    return ActionRequest(event, text, to_unit_id=form.integer("to_unit"))


def _read_user(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    return ActionRequest(event, text, to_user_id=form.integer("to_user"))


def _read_more_time(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    """Read a number of working days, a new due date, or both; the ticket's checks say whether they fit."""
    more, until = form.integer("more"), form.day("until")
    if more is not None and not 1 <= more <= MAX_VALUE:
        form.refuse("more", _("Xin ghi số ngày làm việc, từ 1 trở lên."))
        more = None
    return ActionRequest(event, text, more=f"{more} working days" if more else "", until=until)


def _read_promise(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    return ActionRequest(event, text, until=form.day("promised"))


def _read_judgement(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    stands = {"yes": True, "no": False}.get(form.raw("stands"))
    return ActionRequest(event, text, pause=form.integer("pause"), stands=stands)


def _read_procedure(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    return ActionRequest(event, text, procedure=form.raw("procedure")[:20])


def _read_refusal(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    """Read the ground, and the earlier ticket that a repeat names."""
    earlier = answer_fields.read_earlier(form, answer_fields.REFUSAL)
    return ActionRequest(event, text, ground=form.raw("ground")[:40], earlier=earlier)


def _read_answer(event: Event, text: str, field: str, form: FormReader) -> ActionRequest:
    """Read an answer, a draft or an approval, with its outcome, proof and points."""
    typed = answer_fields.read_answer(form, field)
    return ActionRequest(
        event, text, until=typed.until, ground=typed.ground, answer=typed.content, earlier=typed.earlier
    )


def _read_new_promise(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    return ActionRequest(event, text, until=form.day("promise_reason_until"))


def _read_note(_session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    mention = form.integer("mention")
    return ActionRequest(event, text, mentions=(mention,) if mention is not None else ())


def _read_target(session: Session, event: Event, text: str, form: FormReader) -> ActionRequest:
    """Read the number of the ticket to merge into."""
    number = form.text("into", limit=40, required=_("Xin ghi mã số của phản ánh muốn gộp vào."))
    return ActionRequest(event, text, into_id=queries.id_of(session, number) if number else None)


_READERS: Final[Mapping[Event, RequestReader]] = {
    Event.FORWARDED: _read_unit,
    Event.ASSIGNED: _read_user,
    Event.EXTENSION_REQUESTED: _read_more_time,
    Event.DELAY_EXPLAINED: _read_promise,
    Event.PAUSE_JUDGED: _read_judgement,
    Event.REDIRECTED: _read_procedure,
    Event.REFUSED: _read_refusal,
    Event.PROMISE_EXPLAINED: _read_new_promise,
    Event.MERGED: _read_target,
    Event.NOTED: _read_note,
}
