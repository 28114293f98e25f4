"""Reception: from a draft to a ticket with number, secret, due date, history and acknowledgement in one transaction."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend import audit, db
from backend.errors import Conflict, Invalid, _
from backend.notify import outbox
from backend.settings import get_settings
from backend.tickets import intake, receipts, routing, rules
from backend.tickets.deadlines import due_date
from backend.tickets.intake import Draft
from backend.tickets.lifecycle import Event
from backend.tickets.models import Category, Contact, State, Ticket, TicketDay, ticket_ids
from backend.units.models import Unit
from backend.worktime import service as worktime
from backend.worktime.calendar import ZONE
from backend.worktime.duration import Duration


@dataclass(frozen=True)
class Receipt:
    """What the sender is handed. ``repeated`` says that this feedback had been taken before."""

    ticket_id: int
    number: str
    secret: str
    repeated: bool = False


class AlreadySent(Conflict):
    """The form was used before, for another text; the sender keeps what is typed now and may send it anew."""

    def __init__(self, number: str) -> None:
        super().__init__(
            _("Phản ánh trước đã được nhận với mã số %(number)s. Nếu đây là phản ánh mới, xin bấm gửi lần nữa."),
            number=number,
        )


def open_ticket(session: Session, draft: Draft, *, now: datetime) -> Receipt:
    """Take feedback. The same ``draft.key`` gives the same receipt, also to two requests at once.

    Raises Invalid with one refusal for each field, AlreadySent where the key was used for another text.
    """
    draft = intake.tidy(draft)
    if not intake.KEY.fullmatch(draft.key):
        raise Invalid(_("Biểu mẫu đã cũ. Xin tải lại trang rồi gửi."))
    if (earlier := _earlier(session, draft)) is not None:
        return earlier
    handling_unit = _checked(session, draft, now.astimezone(ZONE).date())
    stored = _store_ticket(session, draft, handling_unit, now)
    if stored is None:  # the other of two equal requests was faster; its ticket is committed by now
        earlier = _earlier(session, draft)
        if earlier is None:
            raise Conflict(_("Phản ánh này vừa được gửi. Xin thử lại."))
        return earlier
    ticket_id, number = stored
    data = {"unit": handling_unit, "about": draft.unit_id, "category": draft.category_code}
    data["text"] = draft.fingerprint().hex()
    audit.record(session, f"ticket:{ticket_id}", Event.RECEIVED, actor="sender", now=now, data=data, first=True)
    _store_contact(session, draft, ticket_id, now)
    return Receipt(ticket_id, number, _secret(draft))


def look_over(session: Session, draft: Draft, *, now: datetime) -> tuple[Draft, int]:
    """What ``open_ticket`` would keep and which unit would get it. Stores nothing; raises Invalid as it does."""
    draft = intake.tidy(draft)
    return draft, _checked(session, draft, now.astimezone(ZONE).date())


def _secret(draft: Draft) -> str:
    return receipts.access_secret(get_settings().secret_key.get_secret_value(), draft.key)


def _earlier(session: Session, draft: Draft) -> Receipt | None:
    """The receipt that the same key was given before, if any."""
    row = session.execute(
        select(Ticket.id, Ticket.number, Ticket.fingerprint).where(
            Ticket.idempotency_hash == receipts.key_hash(draft.key)
        )
    ).one_or_none()
    if row is None:
        return None
    if row.fingerprint != draft.fingerprint():
        raise AlreadySent(row.number)
    return Receipt(row.id, row.number, _secret(draft), repeated=True)


def _checked(session: Session, draft: Draft, today: date) -> int:
    """The handling unit of a draft in which nothing is wrong; else all that is wrong, at once."""
    category = session.get(Category, draft.category_code)
    unit = session.get(Unit, draft.unit_id) if draft.unit_id is not None else None
    wrong = intake.refusals(draft, contact_required=category is not None and category.contact_required)
    handling_unit = 0
    if category is None or not category.listed:
        wrong.append(Invalid(_("Xin chọn loại phản ánh."), field="category"))
    if unit is None or not unit.valid_on(today):
        wrong.append(Invalid(_("Xin chọn cơ quan trong danh sách."), field="unit"))
    elif category is not None:
        about = routing.About(unit.id, unit.receives, unit.conduct_desk_id)
        try:
            handling_unit = routing.handling_unit(about, category.category_class)
        except Invalid as refusal:
            wrong.append(refusal)
    Invalid.collect(wrong)
    return handling_unit


def _store_ticket(session: Session, draft: Draft, unit_id: int, now: datetime) -> tuple[int, str] | None:
    """Insert the ticket; None where its key has just been taken."""
    day = now.astimezone(ZONE).date()
    ticket_id, number = next_number(session, day)
    calendar_id = worktime.active_id(session)
    rule = rules.choose(rules.shipped_rules(), "resolve", day).rule
    term = Duration.parse(rule.value)
    due = due_date(worktime.calendar(session, calendar_id), term, now, (), now)
    stored = session.execute(
        insert(Ticket)
        .values(
            id=ticket_id,
            number=number,
            state=State.NEW,
            version=1,
            channel=draft.channel,
            category_code=draft.category_code,
            about_unit_id=draft.unit_id,
            unit_id=unit_id,
            title=draft.title,
            content=draft.content,
            language=draft.language,
            received_at=now,
            received_on=day,
            acknowledged_at=now,
            rule=rule.code,
            term=rule.value,
            calendar_id=calendar_id,
            due_date=due.on,
            due_estimated=due.estimate,
            secret_hash=receipts.secret_hash(_secret(draft)),
            idempotency_hash=receipts.key_hash(draft.key),
            fingerprint=draft.fingerprint(),
            demonstration=False,
        )
        .on_conflict_do_nothing(index_elements=[Ticket.idempotency_hash])
        .returning(Ticket.id)
    ).one_or_none()
    return None if stored is None else (ticket_id, number)


def next_number(session: Session, day: date) -> tuple[int, str]:
    """An id and the public number of its day. Numbers count from the day's base, which is written once a day in a
    transaction of its own: no sender waits for another, and gaps are fine."""
    base = select(TicketDay.base).where(TicketDay.day == day).scalar_subquery()
    # A base that this statement sees was drawn from the sequence before, so the number is always positive.
    ticket_id, start = session.execute(select(ticket_ids.next_value(), base)).one()
    if start is None:
        with db.transaction() as own:
            drawn = select(ticket_ids.next_value())
            own.execute(
                insert(TicketDay)
                .values(day=day, base=drawn.scalar_subquery())
                .on_conflict_do_nothing(index_elements=[TicketDay.day])
            )
        ticket_id, start = session.execute(select(ticket_ids.next_value(), base)).one()
    return ticket_id, receipts.number(day, ticket_id - start)


def _store_contact(session: Session, draft: Draft, ticket_id: int, now: datetime) -> None:
    """Who sent it, if they said so, and the acknowledgement to them."""
    if not draft.has_contact:
        return
    contact = Contact(
        ticket_id=ticket_id,
        name=draft.name or None,
        phone=draft.phone or None,
        email=draft.email or None,
        address=draft.address or None,
        chat_id=draft.chat_id,
        consent_at=now,
    )
    session.add(contact)
    # A chat is handed its receipt in the same breath; a message beside it would only repeat that.
    by = [medium for medium in outbox.media(contact) if medium.value != draft.channel.value]
    outbox.put(session, "received", ticket_id=ticket_id, occasion="received", by=by, now=now)
