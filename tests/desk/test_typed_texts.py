"""Type in every field of a page and press every button: what the button did not use is still there."""

from collections.abc import Callable
from datetime import datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from backend.desk.actions import ACTIONS
from backend.desk.typed_texts import fields_of
from backend.surveys.rounds import service as surveys
from backend.tickets import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.users.models import Role
from backend.users.policy import SENDER
from tests.desk.typed_page import Button, TypedPage
from tests.factories import World
from tests.signing_in import sign_in

TICKET = "/theo-doi/phan-anh"
SHORT = {"more": "3", "until": "", "promised": "30/12/2026", "into": "PAKN.20261118.9999"}


def type_everywhere(page: TypedPage) -> dict[str, str]:
    """A text of its own in each field; fields of numbers and dates get what they are made for."""
    return {name: SHORT.get(name, f"Đã gõ ở ô {name}.") for name in page.texts}


def still_there(html: str, typed: dict[str, str], used: set[str]) -> dict[str, bool]:
    return {name: text in html for name, text in typed.items() if text and name not in used}


def begin(world: World, session: Session, now: datetime, events: tuple[Event, ...]) -> Ticket:
    ticket, _secret = world.receive(now)
    officer = world.actor()
    for event in events:
        world.happen(ticket, event, officer, now)
    return ticket


STATES = {
    "new": (),
    "accepted": (Event.ACCEPTED,),
    "awaiting sender": (Event.ACCEPTED, Event.INFO_REQUESTED),
    "awaiting approval": (Event.ACCEPTED, Event.SUBMITTED_FOR_APPROVAL),
}


@pytest.mark.parametrize("role", [Role.OFFICER, Role.LEADER, Role.COORDINATOR])
@pytest.mark.parametrize("state", STATES)
def test_no_button_of_a_ticket_s_page_loses_what_was_typed_for_another(
    client: TestClient, session: Session, world: World, now: datetime, state: str, role: Role
) -> None:
    reader = world.user(role)
    sign_in(client, reader)
    first = TypedPage(client.get(f"/hop-thu/{begin(world, session, now, STATES[state]).number}").text)
    for place in range(len(first.buttons)):
        ticket = begin(world, session, now, STATES[state])
        page = TypedPage(client.get(f"/hop-thu/{ticket.number}").text)
        button, typed = page.buttons[place], type_everywhere(page)
        answer = client.post(button.address, data=page.sent_by(button, typed))
        assert answer.status_code in (200, 303, 307, 404, 409, 422), button
        path = button.address.rpartition("/")[2]
        used = set(fields_of(ACTIONS[path])) if path in ACTIONS and answer.status_code == 303 else set()
        html = answer.text
        if answer.status_code == 307:
            client.post(answer.headers["location"])
            sign_in(client, reader)
        if answer.status_code in (303, 307):
            html = client.get(f"/hop-thu/{ticket.number}").text
        left = still_there(html, typed, used)
        assert all(left.values()), (button, left)


def test_a_ticket_that_goes_out_of_sight_leaves_the_texts_to_be_copied(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    sign_in(client, world.user())
    ticket = begin(world, session, now, (Event.ACCEPTED,))
    page = TypedPage(client.get(f"/hop-thu/{ticket.number}").text)
    typed = type_everywhere(page) | {"to_unit": str(world.unit("LC-SXD").id)}
    address = f"/hop-thu/{ticket.number}/chuyen"
    gone = client.post(address, data=page.sent_by(Button(address), typed))
    assert gone.status_code == 200 and "Đã chuyển." in gone.text
    assert "Đã gõ ở ô answer." in gone.text and "Đã gõ ở ô reason." not in gone.text
    late = client.post(address, data=page.sent_by(Button(address), typed))
    assert late.status_code == 404 and "Đã gõ ở ô answer." in late.text


def test_an_unchanged_draft_is_not_taken_for_a_typed_text(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    ticket = begin(world, session, now, (Event.ACCEPTED, Event.SUBMITTED_FOR_APPROVAL))
    sign_in(client, world.user(Role.LEADER))
    page = TypedPage(client.get(f"/hop-thu/{ticket.number}").text)
    assert page.texts["approved"].strip() == "Nội dung thử."
    address = f"/hop-thu/{ticket.number}/tra-lai"
    typed = {"approved": page.texts["approved"], "return_reason": "Ghi rõ ngày xong."}
    assert client.post(address, data=page.sent_by(Button(address), typed)).status_code == 303


def open_asked(client: TestClient, session: Session, world: World, now: datetime) -> None:
    ticket, secret = world.receive(now)
    world.happen(ticket, Event.INFO_REQUESTED, world.actor(), now, "Ở đoạn nào?")
    client.post("/theo-doi", data={"number": ticket.number, "secret": secret})


def open_answered(client: TestClient, session: Session, world: World, now: datetime) -> None:
    ticket, secret = world.answered(now, now)
    client.post("/theo-doi", data={"number": ticket.number, "secret": secret})


def open_answered_meanwhile(client: TestClient, session: Session, world: World, now: datetime) -> None:
    """A second answer came while the page was open."""
    ticket, secret = world.answered(now, now)
    client.post("/theo-doi", data={"number": ticket.number, "secret": secret})
    service.apply(session, ticket.id, service.ActionRequest(Event.DISPUTED, text="Chưa xong."), SENDER, now=now)
    world.happen(ticket, Event.ANSWERED, world.actor(), now, "Nay đã xong.")


USED = {
    "tra-loi": {"text"},
    "khong-tam-dung": {"objection"},
    "chua-xong": {"reason"},
    "danh-gia": {"remark"},
}


@pytest.mark.parametrize("begin_page", [open_asked, open_answered, open_answered_meanwhile])
def test_no_button_of_a_sender_s_page_loses_what_was_typed_for_another(
    client: TestClient,
    session: Session,
    world: World,
    now: datetime,
    begin_page: Callable[[TestClient, Session, World, datetime], None],
) -> None:
    begin_page(client, session, world, now)
    buttons = TypedPage(client.get(TICKET).text).buttons
    for place, wanted in enumerate(buttons):
        if wanted.address == "/theo-doi/roi":
            continue  # leaving a shared machine leaves nothing behind
        begin_page(client, session, world, now)
        page = TypedPage(client.get(TICKET).text)
        typed = {name: f"Đã gõ ở ô {name}." for name in ("text", "objection", "reason", "remark")}
        answer = client.post(page.buttons[place].address, data=page.sent_by(page.buttons[place], typed | {"ease": "4"}))
        assert answer.status_code in (200, 409, 422)
        path = page.buttons[place].address.rpartition("/")[2]
        used = USED.get(path, set()) if answer.status_code == 200 else set()
        left = still_there(answer.text, typed, used)
        assert all(left.values()), (page.buttons[place], left)


def test_thinking_better_of_a_withdrawal_brings_the_texts_back(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    open_asked(client, session, world, now)
    asked = client.post(f"{TICKET}/rut", data={"text": "Đang gõ dở."})
    page = TypedPage(asked.text)
    back = client.post(TICKET, data=page.hidden)
    assert back.status_code == 200 and "Đang gõ dở." in back.text


def test_no_button_of_the_page_of_a_new_account_loses_it(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    sign_in(client, world.user(Role.ADMINISTRATOR))
    typed = {"email": "moi@example.vn", "name": "Lò Thị Mới", "role": "officer", "unit": str(world.unit().id)}
    page = TypedPage(client.get("/tai-khoan/them").text)
    assert {"/tai-khoan", "/tai-khoan/xem"} <= {button.address for button in page.buttons}
    answer = client.post("/tai-khoan/xem", data=page.sent_by(Button("/tai-khoan/xem"), typed) | {"lang": "en"})
    assert answer.status_code == 200 and '<html lang="en">' in answer.text
    assert 'value="moi@example.vn"' in answer.text and 'value="Lò Thị Mới"' in answer.text


def test_the_language_changes_with_all_that_was_typed(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    sign_in(client, world.user())
    ticket = begin(world, session, now, (Event.ACCEPTED,))
    page = TypedPage(client.get(f"/hop-thu/{ticket.number}").text)
    english = next(button for button in page.buttons if button.value == "en")
    answer = client.post(english.address, data=page.sent_by(english, type_everywhere(page)))
    assert '<html lang="en">' in answer.text and "Đã gõ ở ô answer." in answer.text
    assert '<html lang="en">' in client.get(f"/hop-thu/{ticket.number}").text


def test_choosing_a_sample_keeps_the_totals_typed_below(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    code, days = "dot-thu", (now.date(), now.date())
    plan = surveys.RoundPlan(code, "Đợt thử", "household-2023", "12", now.year, *days, planned_n=10)
    surveys.open_round(session, plan, by="system", now=now)
    sign_in(client, world.user(Role.SURVEY))
    page = TypedPage(client.get(f"/khao-sat/dot/{code}/mau-rut").text)
    assert {"totals", "source", "trim"} <= set(page.texts)
    for button in page.buttons:
        typed = {"totals": "gioi_tinh; nữ", "source": "Niên giám", "trim": ""}
        answer = client.post(button.address, data=page.sent_by(button, typed))
        assert "gioi_tinh; nữ" in answer.text and "Niên giám" in answer.text, button
