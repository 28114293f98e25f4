"""Reception: make a ticket of a draft, with number, secret, due date, history and acknowledgement, in one transaction.

``tickets.service`` offers ``open_ticket`` and ``look_over`` to pages and bot.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend import audit, db
from backend.deadlines.clock_states import ClockKind
from backend.deadlines.rules import RuleSubject, manner_of
from backend.deadlines.terms import Term
from backend.errors import Conflict, Invalid, _
from backend.outbox import service as outbox
from backend.settings import get_settings
from backend.tickets import rulebook
from backend.tickets.lifecycle import Event
from backend.tickets.models import (
    Category,
    Contact,
    Ticket,
    TicketDay,
    TicketState,
    WaitsFor,
    ticket_ids,
    words_digest,
)
from backend.tickets.reception import drafts, receipts, routing
from backend.tickets.reception.drafts import FeedbackDraft
from backend.tickets.search.index import TicketTexts, index_received
from backend.tickets.search.typed_sender import sender_vector
from backend.tickets.senders.sender_messages import media_of
from backend.worktime import service as worktime
from backend.worktime.calendar import ZONE

# One statement, because reception is the busiest path. A base that the statement sees came from the sequence earlier
# than its own id. So the number of the day, id - base, is always positive.
LOOK_UP = text("""
    SELECT nextval('tickets_id_seq') AS next_id, day.base,
        unit.code AS unit_code, desk.code AS desk_code,
        unit.id AS unit_id, unit.receives, unit.conduct_desk_id, unit.valid_from, unit.valid_to,
        category.listed, category.category_class, category.contact_required,
        (SELECT max(id) FROM rules) AS rules_upto,
        earlier.id AS ticket_id, earlier.number, earlier.fingerprint
    FROM (SELECT 1) AS one
    LEFT JOIN ticket_days AS day ON day.day = :today
    LEFT JOIN units AS unit ON unit.id = CAST(:unit_id AS integer)
    LEFT JOIN units AS desk ON desk.id = unit.conduct_desk_id
    LEFT JOIN categories AS category ON category.code = :category_code
    LEFT JOIN tickets AS earlier ON earlier.idempotency_hash = :key
""").columns(category_class=db.table_of(Category).c.category_class.type)
STORE = (
    insert(db.table_of(Ticket))
    .on_conflict_do_nothing(index_elements=["idempotency_hash"])
    .returning(db.table_of(Ticket).c.id)
)
OPEN_DAY = text("""
    INSERT INTO ticket_days (day, base) SELECT :day, nextval('tickets_id_seq') ON CONFLICT (day) DO NOTHING
""")


@dataclass(frozen=True)
class Receipt:
    """What the sender gets. ``repeated``: the same feedback was received before, and this is its receipt."""

    ticket_id: int
    number: str
    secret: str
    repeated: bool = False


@dataclass(frozen=True)
class _StoredTicket:
    """A new ticket: its number, and the versions of calendar and rules that count its due date."""

    ticket_id: int
    number: str
    calendar_id: int
    rules: dict[str, int]


class AlreadySent(Conflict):
    """The form was used before for another text. The typed text stays, and the sender may send it again."""

    def __init__(self, number: str) -> None:
        super().__init__(
            _("Phản ánh trước đã được nhận với mã số %(number)s. Nếu đây là phản ánh mới, xin bấm gửi lần nữa."),
            number=number,
        )


def open_ticket(session: Session, draft: FeedbackDraft, *, now: datetime) -> Receipt:
    """Store feedback as a ticket and return its receipt.

    The same ``draft.key`` gives the same receipt, also to two requests at the same time. Raises Invalid with a refusal
    for each field, and AlreadySent where the key was used for another text.
    """
    draft = drafts.tidy_draft(draft)
    if not drafts.KEY.fullmatch(draft.key):
        raise Invalid(_("Biểu mẫu đã cũ. Xin tải lại trang rồi gửi."))
    today = now.astimezone(ZONE).date()
    row = _look_up(session, draft, today)
    if row.number is not None:
        return _repeat_receipt(draft, row)
    handling_unit = _checked_unit(draft, row, today)
    stored = _store_ticket(session, draft, row, handling_unit, now)
    if stored is None:  # the other of two equal requests was faster; its ticket is committed by now
        return _repeat_receipt(draft, _look_up(session, draft, today))
    ticket_id, number = stored.ticket_id, stored.number
    data = {
        "unit": handling_unit,
        "about": draft.unit_id,
        "category": draft.category_code,
        "words": words_digest(draft.title, draft.content),
        "calendar": stored.calendar_id,
        "rules": stored.rules,
    }
    audit.record(session, audit.ticket_chain(ticket_id), Event.RECEIVED, actor="sender", now=now, data=data, first=True)
    index_received(session, TicketTexts(ticket_id, number, handling_unit, draft.title, draft.content))
    _store_contact(session, draft, ticket_id, now)
    return Receipt(ticket_id, number, _secret(draft))


def look_over(session: Session, draft: FeedbackDraft, *, now: datetime) -> tuple[FeedbackDraft, int]:
    """Return the draft as ``open_ticket`` would store it, and the unit that would get it. Stores nothing.

    Raises Invalid as ``open_ticket`` does.
    """
    draft = drafts.tidy_draft(draft)
    today = now.astimezone(ZONE).date()
    return draft, _checked_unit(draft, _look_up(session, draft, today), today)


def _secret(draft: FeedbackDraft) -> str:
    return receipts.access_secret(get_settings().secret_key.get_secret_value(), draft.key)


def _look_up(session: Session, draft: FeedbackDraft, today: date) -> Row[Any]:
    """Read all that reception needs in one statement.

    The row holds the unit and the category (empty where unknown), the base of the day's numbers, and the ticket that
    was made with the same key.
    """
    return session.execute(
        LOOK_UP,
        {
            "unit_id": draft.unit_id,
            "category_code": draft.category_code,
            "key": receipts.key_hash(draft.key),
            "today": today,
        },
    ).one()


def _repeat_receipt(draft: FeedbackDraft, row: Row[Any]) -> Receipt:
    """Return the receipt of the ticket that was made with the same key."""
    if row.fingerprint != draft.fingerprint():
        raise AlreadySent(row.number)
    return Receipt(row.ticket_id, row.number, _secret(draft), repeated=True)


def _checked_unit(draft: FeedbackDraft, row: Row[Any], today: date) -> int:
    """Return the handling unit of a draft. Raises Invalid with all that is wrong with the draft at once."""
    refusals = drafts.refusals_of(draft, contact_required=bool(row.contact_required))
    handling_unit = 0
    if not row.listed:
        refusals.append(Invalid(_("Xin chọn loại phản ánh."), field="category"))
    if row.unit_id is None or not row.valid_from <= today <= (row.valid_to or date.max):
        refusals.append(Invalid(_("Xin chọn cơ quan trong danh sách."), field="unit"))
    elif row.listed:
        about = routing.RoutingUnit(row.unit_id, row.receives, row.conduct_desk_id)
        try:
            handling_unit = routing.handling_unit(about, row.category_class)
        except Invalid as refusal:
            refusals.append(refusal)
    Invalid.collect(refusals)
    return handling_unit


def _store_ticket(
    session: Session, draft: FeedbackDraft, row: Row[Any], unit_id: int, now: datetime
) -> "_StoredTicket | None":
    """Insert the ticket. Return None where another request has just used its key."""
    day = now.astimezone(ZONE).date()
    ticket_id, number = _number(session, day, row.next_id, row.base)
    calendar_id = worktime.active_id_for(session, row.unit_code if unit_id == row.unit_id else row.desk_code)
    manner = manner_of(draft.channel.value)
    about = RuleSubject(category=draft.category_code, category_class=row.category_class.value, manner=manner)
    rules_in_force = rulebook.load_rules(session, row.rules_upto or 0).ruling(day, about)
    rule = rules_in_force[ClockKind.RESOLVE.value]
    due = Term(worktime.load_calendar(session, calendar_id), rule.duration, now).due()
    values = {
        "id": ticket_id,
        "number": number,
        "state": TicketState.NEW,
        "version": 1,
        "channel": draft.channel,
        "category_code": draft.category_code,
        "about_unit_id": draft.unit_id,
        "unit_id": unit_id,
        "title": draft.title,
        "content": draft.content,
        "language": draft.language,
        "received_at": now,
        "received_on": day,
        "acknowledged_at": now,
        "rule": rule.code,
        "term": rule.value,
        "rule_id": rule.id,
        "calendar_id": calendar_id,
        "due_date": due.on,
        "due_estimated": due.estimate,
        "waits_for": WaitsFor.NEW,
        "waits_since": now,
        "changed_at": now,
        "secret_hash": receipts.secret_hash(_secret(draft)),
        "idempotency_hash": receipts.key_hash(draft.key),
        "fingerprint": draft.fingerprint(),
        "demonstration": False,
    }
    if session.execute(STORE, values).one_or_none() is None:
        return None
    return _StoredTicket(ticket_id, number, calendar_id, rulebook.noted_ids(rules_in_force))


def _number(session: Session, day: date, ticket_id: int, base: int | None) -> tuple[int, str]:
    """Return an id and the public number of its day.

    Numbers count from the day's base. The base is written once a day in a separate transaction, so no sender waits
    for another. Gaps between numbers are allowed.
    """
    if base is None:
        with db.transaction() as separate:
            separate.execute(OPEN_DAY, {"day": day})
        base_of_day = select(TicketDay.base).where(TicketDay.day == day).scalar_subquery()
        ticket_id, base = session.execute(select(ticket_ids.next_value(), base_of_day)).one()
    return ticket_id, receipts.ticket_number(day, ticket_id - base)


def _store_contact(session: Session, draft: FeedbackDraft, ticket_id: int, now: datetime) -> None:
    """Store who sent the ticket, if they gave a contact, and queue the acknowledgement to them."""
    if not draft.has_contact:
        return
    values = {
        "ticket_id": ticket_id,
        "name": draft.name or None,
        "phone": draft.phone or None,
        "email": draft.email or None,
        "address": draft.address or None,
        "chat_id": draft.chat_id,
        "consent_at": now,
        "sender_words": sender_vector(ticket_id, draft.name, draft.phone) or None,
    }
    session.execute(insert(db.table_of(Contact)), values)
    # The bot shows the receipt in the chat itself; a message would only repeat it.
    by = [medium for medium in media_of(Contact(**values)) if medium.value != draft.channel.value]
    outbox.put(session, "received", ticket_id=ticket_id, occasion="received", by=by, now=now)
