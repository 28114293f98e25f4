"""Reception: one form is one ticket, with number, secret, due date, history and acknowledgement."""

from dataclasses import replace
from datetime import date, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backend import audit
from backend.errors import Invalid
from backend.outbox.models import Medium, OutboxMessage
from backend.tickets import service
from backend.tickets.models import Contact, Ticket, TicketState
from backend.tickets.reception import receipts
from tests.chains import first_break
from tests.factories import World


def test_sender_gets_number_secret_unit_and_due_date(session: Session, world: World, now: datetime) -> None:
    receipt = service.open_ticket(session, world.draft(), now=now)
    ticket = session.get_one(Ticket, receipt.ticket_id)
    assert receipt.number.startswith("PAKN.20261118.") and len(receipt.number.rsplit(".", 1)[1]) >= 4
    assert len(receipt.secret) == 16
    assert ticket.state is TicketState.NEW
    # 15 working days after Wed 18/11/2026; 24/11 is a day off by law.
    assert ticket.due_date == date(2026, 12, 10)
    assert not ticket.due_estimated


def test_only_a_hash_of_the_secret_is_stored(session: Session, world: World, now: datetime) -> None:
    receipt = service.open_ticket(session, world.draft(), now=now)
    ticket = session.get_one(Ticket, receipt.ticket_id)
    assert receipts.secret_matches(ticket.secret_hash, receipts.group_secret(receipt.secret).lower())
    stored = session.execute(select(Ticket.__table__).where(Ticket.id == ticket.id)).one()
    assert receipt.secret not in repr(stored)


def test_a_retry_of_the_form_gives_the_same_receipt(session: Session, world: World, now: datetime) -> None:
    draft = world.draft()
    first = service.open_ticket(session, draft, now=now)
    again = service.open_ticket(session, draft, now=now)
    assert (again.number, again.secret, again.repeated) == (first.number, first.secret, True)
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 1


def test_an_edited_text_under_a_used_key_is_not_lost_in_silence(session: Session, world: World, now: datetime) -> None:
    draft = world.draft()
    service.open_ticket(session, draft, now=now)
    with pytest.raises(service.AlreadySent):
        service.open_ticket(session, replace(draft, content=draft.content + " Có người đã ngã."), now=now)


def test_everything_wrong_is_told_at_once_each_at_its_field(session: Session, world: World, now: datetime) -> None:
    draft = world.draft(title=" \x00 ", content="ngắn", unit_id=None, category_code="procedure", name="", email="a@@b")
    with pytest.raises(Invalid) as refused:
        service.open_ticket(session, draft, now=now)
    assert {error.field for error in refused.value.errors} == {"title", "content", "unit", "name", "email"}
    assert session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_contact_without_consent_is_refused(session: Session, world: World, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        service.open_ticket(session, world.draft(consent=False), now=now)
    assert [error.field for error in refused.value.errors] == ["consent"]


def test_a_field_report_may_come_without_contact(session: Session, world: World, now: datetime) -> None:
    receipt = service.open_ticket(session, world.draft(name="", email="", consent=False), now=now)
    assert session.get(Contact, receipt.ticket_id) is None
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0


def test_a_complaint_about_conduct_goes_to_the_desk_above(session: Session, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now, category_code="attitude")
    assert ticket.about_unit_id == world.unit().id
    assert ticket.unit_id == world.unit("LC-VP").id


def test_the_acknowledgement_waits_in_the_outbox_without_an_address(
    session: Session, world: World, now: datetime
) -> None:
    ticket, _secret = world.receive(now)
    message = session.scalars(select(OutboxMessage)).one()
    assert (message.key, message.medium) == (f"{audit.ticket_chain(ticket.id)}:received:email", Medium.EMAIL)
    assert "nguoigui@example.vn" not in repr(session.execute(select(OutboxMessage.__table__)).one())


def test_the_history_holds_no_personal_data_and_cannot_be_rewritten(
    session: Session, world: World, now: datetime
) -> None:
    ticket, _secret = world.receive(now)
    chain = audit.list_entries(session, audit.ticket_chain(ticket.id))
    assert first_break(chain) is None
    assert "Lò Văn Thử" not in repr([entry.data for entry in chain])
    for statement in ("UPDATE audit SET action = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.connection().exec_driver_sql(statement)
