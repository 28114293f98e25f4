"""A citizen follows feedback by number and secret, replies, reads the answer, rates."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit, clock
from backend.errors import NotFound, TooMany
from backend.public import promise_record
from backend.ratings.models import Rating
from backend.tickets import queries
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState
from backend.tickets.reception import receipts
from backend.web import rate_limits
from backend.web.rate_limits import SECRET_BY_NETWORK, SECRET_BY_NUMBER
from tests.factories import World
from tests.following import TICKET, follow
from tests.markup import text_of

RATING = {"ease": "5", "by_rules": "4", "timely": "3", "remark": "Cảm ơn phường."}


def neutral(page: str, number: str) -> str:
    """A page without the number that was typed."""
    return page.replace(number, "")


def test_number_and_secret_as_people_type_them_open_the_ticket(client: TestClient, world: World, now: datetime) -> None:
    ticket, secret = world.receive(now)
    typed = {"number": f" {ticket.number.lower()} ", "secret": receipts.group_secret(secret).lower().replace("0", "O")}
    opened = client.post("/theo-doi", data=typed)
    assert (opened.status_code, opened.headers["location"]) == (303, TICKET)
    assert "HttpOnly" in opened.headers["set-cookie"] and "SameSite=lax" in opened.headers["set-cookie"]
    page = client.get(TICKET)
    assert page.headers["cache-control"] == "no-store"
    for told in ("Đã nhận được phản ánh", "Phường Đoàn Kết", "10/12/2026", "Ổ gà trước cổng chợ"):
        assert told in page.text
    assert receipts.group_secret(secret) not in page.text and secret not in page.text


def test_unknown_number_wrong_secret_and_missing_secret_get_one_answer(
    client: TestClient, world: World, now: datetime
) -> None:
    ticket, secret = world.receive(now)
    other, _other_secret = world.receive(now)
    absent = "PAKN.20261118.9999"
    numbers = (absent, ticket.number, other.number, ticket.number)
    answers = [
        client.post("/theo-doi", data={"number": number, "secret": typed})
        for number, typed in ((absent, secret), (ticket.number, "0" * 16), (other.number, secret), (ticket.number, ""))
    ]
    assert {answer.status_code for answer in answers} == {404}
    bodies = {neutral(a.text, n) for a, n in zip(answers, numbers, strict=True)}
    assert len(bodies) == 1
    assert all("set-cookie" not in answer.headers for answer in answers)
    assert all("0000000000000000" not in answer.text for answer in answers)


@pytest.mark.parametrize("number", ["", "\0", "' OR 1=1 --", "P" * 5000, "ＰＡＫＮ", "\u202ePAKN"])
def test_odd_numbers_get_the_same_refusal(client: TestClient, number: str) -> None:
    refused = client.post("/theo-doi", data={"number": number, "secret": "\0" * 20})
    assert refused.status_code == 404 and 'id="number-error"' in refused.text


def test_too_many_wrong_secrets_are_stopped_and_told_how_long(client: TestClient, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now)
    for _attempt in range(20):
        assert follow(client, ticket, "0000-0000-0000-0000").status_code == 404
    stopped = follow(client, ticket, "0000-0000-0000-0000")
    assert stopped.status_code == 429 and int(stopped.headers["retry-after"]) > 0
    assert "Đã thử quá nhiều lần" in stopped.text and ticket.number in stopped.text


def test_the_right_secret_opens_whatever_was_tried_before(client: TestClient, world: World, now: datetime) -> None:
    """Else a stranger could shut a sender out: by trying on the number, or from behind the same address."""
    ticket, secret = world.receive(now)
    for _attempt in range(SECRET_BY_NETWORK.most + 1):
        refused = follow(client, ticket, "0000-0000-0000-0000")
    assert refused.status_code == 429
    assert follow(client, ticket, secret).status_code == 303


def test_one_number_tried_from_many_networks_is_stopped_for_wrong_secrets_alone(
    session: Session, world: World, now: datetime
) -> None:
    ticket, secret = world.receive(now)
    typed = (ticket.number, ticket.number.lower().removeprefix("pakn."))  # spelt in turn, counted as one

    def attempt(place: int) -> None:
        queries.for_sender(session, typed[place % 2], "0" * 16, address=f"2001:db8:{place:x}::1", now=now)

    for place in range(SECRET_BY_NUMBER.most):
        with pytest.raises(NotFound):
            attempt(place)
    with pytest.raises(TooMany):
        attempt(9999)
    assert queries.for_sender(session, typed[0], secret, address="2001:db8:9999::1", now=now).id == ticket.id


def test_tries_on_many_numbers_from_many_networks_are_stopped_and_told_to_the_operator(
    client: TestClient,
    session: Session,
    world: World,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ticket, secret = world.receive(now)
    monkeypatch.setattr(rate_limits, "SECRETS_OF_ALL", replace(rate_limits.SECRETS_OF_ALL, most=3))
    for place in range(3):
        with pytest.raises(NotFound):
            queries.for_sender(session, f"20261118.{place}", "0" * 16, address=f"192.0.2.{place}", now=now)
    assert "limit reached: secret-all" in caplog.text
    assert follow(client, ticket, "0" * 16).status_code == 429
    assert follow(client, ticket, secret).status_code == 303


@pytest.mark.parametrize(
    "spelt", ["{day}.{count}", "pakn {day} {count}", "PAKN{day}{count}", " pakn-{day}-{count} ", "{day}/{bare}"]
)
def test_a_number_is_found_however_it_is_written(client: TestClient, world: World, now: datetime, spelt: str) -> None:
    ticket, secret = world.receive(now)
    _letters, day, count = ticket.number.split(".")
    number = spelt.format(day=day, count=count, bare=int(count))
    assert client.post("/theo-doi", data={"number": number, "secret": secret}).status_code == 303


def test_without_the_secret_nothing_of_a_ticket_is_shown(client: TestClient, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now)
    asked = client.get("/theo-doi", params={"so": ticket.number})
    assert ticket.number in asked.text and ticket.title not in asked.text
    assert client.get(TICKET).headers["location"] == "/theo-doi"
    client.cookies.set("theo-doi", f"WzEsOTk5OTk5OTk5OV0.{'x' * 27}", path="/theo-doi")
    assert client.get(TICKET).headers["location"] == "/theo-doi"


def test_the_grant_ends_after_an_hour_or_on_leaving(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, secret = world.receive(now)
    follow(client, ticket, secret)
    client.post("/theo-doi/roi")
    assert client.get(TICKET).status_code == 303
    follow(client, ticket, secret)
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=59))
    assert client.get(TICKET).status_code == 200
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=61))
    assert client.get(TICKET).status_code == 303


def test_course_shows_texts_and_units_and_never_an_officers_name(
    client: TestClient, world: World, now: datetime
) -> None:
    ticket, secret = world.receive(now)
    officer = world.actor()
    world.happen(ticket, Event.ACCEPTED, officer, now)
    world.happen(ticket, Event.INFO_REQUESTED, officer, now, "Xin cho biết số nhà gần nhất.")
    follow(client, ticket, secret)
    page = client.get(TICKET).text
    assert "Xin cho biết số nhà gần nhất." in page and "Chờ bạn bổ sung" in page
    assert "Lò Thị Thử" not in page


def test_sender_replies_and_the_clock_goes_on(
    client: TestClient, session: Session, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paused at the close of Thursday and Friday, so the date moves from Thursday by two working days."""
    ticket, secret = world.receive(now)
    world.happen(ticket, Event.INFO_REQUESTED, world.actor(), now, "Ở đoạn nào?")
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=3))
    follow(client, ticket, secret)
    assert client.post(f"{TICKET}/tra-loi", data={"text": " \u200b "}).status_code == 422
    assert client.post(f"{TICKET}/tra-loi", data={"text": "Trước số nhà 12."}).status_code == 303
    session.expire_all()
    ticket = session.get_one(Ticket, ticket.id)
    assert ticket.state is TicketState.ACCEPTED and ticket.due_date.isoformat() == "2026-12-14"
    page = client.get(TICKET).text
    assert "Trước số nhà 12." in page and page.count("tạm dừng, chờ bạn bổ sung") == 2
    late = client.post(f"{TICKET}/tra-loi", data={"text": "Thêm một ý nữa."})
    assert late.status_code == 409 and "Thêm một ý nữa." in late.text


def test_opening_with_the_secret_counts_as_told_and_looking_does_not(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    ticket, secret = world.receive(now)
    follow(client, ticket, secret)
    officer = world.actor()
    world.happen(ticket, Event.ACCEPTED, officer, now)
    world.happen(ticket, Event.ANSWERED, officer, now, "Đã vá xong đoạn đường.")
    session.commit()
    page = client.get(TICKET).text
    assert "Đọc trả lời" in page and "Đã vá xong" not in page
    assert session.scalar(select(Ticket.told_at).where(Ticket.id == ticket.id)) is None
    client.post(f"{TICKET}/doc")
    client.post(f"{TICKET}/doc")
    assert "Đã vá xong đoạn đường." in client.get(TICKET).text
    actions = [entry.action for entry in audit.list_entries(session, audit.ticket_chain(ticket.id))]
    assert actions.count("notified") == 1


def test_sender_rates_three_items_once(client: TestClient, session: Session, world: World, now: datetime) -> None:
    ticket, secret = world.answered(now, now)
    follow(client, ticket, secret)
    form = client.get(TICKET).text
    assert form.count('type="radio"') == 15 and "checked" not in form
    assert client.post(f"{TICKET}/danh-gia", data=RATING).status_code == 303
    rating = session.get_one(Rating, (ticket.id, 1))
    assert (rating.ease, rating.by_rules, rating.timely, rating.remark) == (5, 4, 3, "Cảm ơn phường.")
    assert "Rất hài lòng (5/5)" in client.get(TICKET).text
    again = client.post(f"{TICKET}/danh-gia", data=RATING | {"ease": "1"})
    assert again.status_code == 409 and "đã được đánh giá" in again.text
    session.expire_all()
    assert session.get_one(Rating, (ticket.id, 1)).ease == 5
    actions = [entry.action for entry in audit.list_entries(session, audit.ticket_chain(ticket.id))]
    assert actions.count("rated") == 1


def test_who_chose_nothing_is_told_of_each_question_in_the_order_of_the_form(
    client: TestClient, world: World, now: datetime
) -> None:
    ticket, secret = world.answered(now, now)
    follow(client, ticket, secret)
    page = client.post(f"{TICKET}/danh-gia", data={"remark": "Chưa chọn mức nào."})
    assert page.status_code == 422 and "Chưa chọn mức nào." in page.text
    summary = page.text[page.text.index('class="error-summary"') :].split("</section>")[0]
    places = [summary.index(f'href="#{name}"') for name in ("ease", "by_rules", "timely")]
    assert places == sorted(places)


def test_an_english_reader_rates_in_english(client: TestClient, world: World, now: datetime) -> None:
    ticket, secret = world.answered(now, now)
    follow(client, ticket, secret)
    client.cookies.set("lang", "en")
    form = client.get(TICKET).text
    assert form.count("Very satisfied") == 3 and "Rất hài lòng" not in form


@pytest.mark.parametrize("score", ["", "0", "6", "-1", "5.0", "٥", "1" * 30])
def test_an_impossible_score_is_refused_with_the_rest_kept(
    client: TestClient, session: Session, world: World, now: datetime, score: str
) -> None:
    ticket, secret = world.answered(now, now)
    follow(client, ticket, secret)
    refused = client.post(f"{TICKET}/danh-gia", data=RATING | {"by_rules": score})
    assert refused.status_code == 422 and 'href="#by_rules"' in refused.text
    assert re.search(r'name="ease" value="5" checked', refused.text) and "Cảm ơn phường." in refused.text
    assert session.get(Rating, (ticket.id, 1)) is None


def test_nobody_rates_before_the_answer(client: TestClient, session: Session, world: World, now: datetime) -> None:
    ticket, secret = world.receive(now)
    follow(client, ticket, secret)
    assert client.post(f"{TICKET}/danh-gia", data=RATING).status_code == 409
    assert session.get(Rating, (ticket.id, 1)) is None


def test_an_hour_that_ends_in_mid_form_loses_nothing(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, secret = world.answered(now, now)
    follow(client, ticket, secret)
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=2))
    asked = client.post(f"{TICKET}/danh-gia", data=RATING)
    assert asked.status_code == 401 and "Cảm ơn phường." in asked.text
    kept = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    back = client.post("/theo-doi", data={**kept, "number": ticket.number, "secret": secret})
    assert re.search(r'name="timely" value="3" checked', back.text) and "Cảm ơn phường." in back.text
    assert client.post(f"{TICKET}/danh-gia", data=RATING).status_code == 303


def test_home_offers_both_actions_and_the_promise_without_an_invented_record(client: TestClient) -> None:
    home = client.get("/").text
    assert 'href="/gui"' in home and 'href="/theo-doi"' in home
    assert "15 ngày làm việc" in home and "đúng hạn" not in home


def test_home_tells_the_record_once_there_are_answers_enough(
    client: TestClient, session: Session, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promise_record, "_records", {})
    earlier = now - timedelta(days=40)
    for _late in range(10):
        world.answered(earlier, now - timedelta(days=2))
    for _on_time in range(20):
        world.answered(earlier, earlier)
    world.answered(now, now)  # of today, which is not over
    session.commit()
    home = text_of(client.get("/").text)
    assert "66,7% được trả lời đúng hạn, trong 30 phản ánh trả lời từ 18/11/2025 đến 17/11/2026." in home
    assert "tin cậy 95%: 48,8% – 80,8%" in home  # 20 of 30 by Wilson's interval
