"""A citizen without JavaScript sends feedback and gets a receipt."""

import html
import re
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import clock
from backend.errors import TooMany
from backend.public.sending_pages import SenderFlows
from backend.tickets.models import Contact, Ticket
from backend.tickets.reception import receipts
from backend.units.models import Unit
from backend.web.rate_limits import NetworkFlow
from tests.factories import World
from tests.markup import text_of
from tests.sending import application, form


def tickets(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Ticket)) or 0


def secret_on(page: str) -> str:
    found = re.search(r'class="code secret">([0-9A-Z-]{19})<', page)
    assert found
    return found[1]


def test_sender_gets_a_receipt_whose_secret_opens_the_ticket(
    client: TestClient, session: Session, world: World
) -> None:
    sent = client.post("/gui", data=form(world))
    assert (sent.status_code, sent.headers["location"]) == (303, "/bien-nhan")
    shown = client.get("/bien-nhan")
    ticket = session.scalars(select(Ticket)).one()
    assert shown.status_code == 200 and shown.headers["cache-control"] == "no-store"
    assert ticket.number in shown.text and "Phường Đoàn Kết" in shown.text and "10/12/2026" in shown.text
    assert receipts.secret_matches(ticket.secret_hash, secret_on(shown.text))
    assert "HttpOnly" in sent.headers["set-cookie"] and "Path=/bien-nhan" in sent.headers["set-cookie"]


def test_a_double_click_is_one_ticket_and_one_receipt(client: TestClient, session: Session, world: World) -> None:
    fields = form(world)
    client.post("/gui", data=fields)
    first = secret_on(client.get("/bien-nhan").text)
    client.post("/gui", data=fields)
    assert secret_on(client.get("/bien-nhan").text) == first
    assert tickets(session) == 1


def test_the_receipt_is_shown_for_a_quarter_of_an_hour_to_the_sender_alone(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/gui", data=form(world))
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=14))
    assert client.get("/bien-nhan").status_code == 200
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=16))
    assert client.get("/bien-nhan").status_code == 404
    client.cookies.set("bien-nhan", "W1sxLCJBIl0sOTk5OTk5OTk5OV0.forged", path="/bien-nhan")
    assert client.get("/bien-nhan").status_code == 404


def test_a_receipt_put_away_is_gone(client: TestClient, world: World) -> None:
    client.post("/gui", data=form(world))
    assert client.post("/bien-nhan/cat").status_code == 303
    assert client.get("/bien-nhan").status_code == 404


def test_receipt_explains_the_due_date_day_by_day_and_draws_a_code_without_the_secret(
    client: TestClient, world: World
) -> None:
    client.post("/gui", data=form(world))
    page = client.get("/bien-nhan").text
    assert "không tính: ngày nhận phản ánh" in page
    assert "Thứ Năm 10/12/2026 ngày thứ 15" in text_of(page)
    assert "Lịch làm việc năm 2026. Căn cứ:" in page
    assert "/theo-doi?so=PAKN." in page and f"so={secret_on(page)}" not in page
    assert " style=" not in page and "<script>" not in page


def test_looking_over_stores_nothing_and_sends_on_exactly_what_was_typed(
    client: TestClient, session: Session, world: World
) -> None:
    fields = form(world, content='Dòng một của sự việc.\r\n\r\nDòng hai <b>&amp; "ba".')
    seen = client.post("/gui/xem-lai", data=fields)
    assert seen.status_code == 200 and tickets(session) == 0
    assert "Ai sẽ thấy gì?" in seen.text and "Phường Đoàn Kết" in seen.text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', seen.text))
    client.post("/gui", data={name: html.unescape(value) for name, value in hidden.items()})
    ticket = session.scalars(select(Ticket)).one()
    assert ticket.content == 'Dòng một của sự việc.\n\nDòng hai <b>&amp; "ba".'
    assert session.get_one(Contact, ticket.id).name == fields["name"]


def test_looking_over_a_complaint_about_conduct_says_who_will_not_see_it(client: TestClient, world: World) -> None:
    seen = client.post("/gui/xem-lai", data=form(world, category="attitude")).text
    assert "Phường Đoàn Kết không xem được phản ánh này" in seen
    assert "Văn phòng Ủy ban nhân dân tỉnh và bộ phận điều phối của tỉnh đọc nội dung" in seen


def test_looking_over_says_what_may_be_published_and_what_never_is(client: TestClient, world: World) -> None:
    seen = client.post("/gui/xem-lai", data=form(world)).text
    assert "có thể công khai nội dung phản ánh và câu trả lời" in seen
    assert "Họ tên, thông tin liên hệ và ảnh không bao giờ được công khai" in seen


def test_no_field_of_the_sender_is_called_optional_whatever_the_kind(client: TestClient) -> None:
    """Each says what every kind requires; the style sheet shows what holds for the chosen one."""
    page = client.get("/gui").text
    for name, needed in (("name", "bắt buộc"), ("phone", "cần ít nhất một cách liên hệ")):
        label = page[page.index(f'<label for="{name}">') :].partition("</label>")[0]
        kinds = dict(re.findall(r'class="need-(\w+)">\(([^)]*)\)', label))
        assert kinds["needed"] == needed and kinds["free"] == "không bắt buộc"
        assert "khi phản ánh về quy định, hành vi" in kinds["unknown"]
    assert page.count('data-contact="needed"') == page.count('data-contact="free"') == 1


def test_going_back_from_the_look_over_brings_the_form_filled(client: TestClient, world: World) -> None:
    again = client.post("/gui/xem-lai", data=form(world, change="1"))
    assert again.status_code == 200 and "Ổ gà trước cổng chợ" in again.text
    assert 'class="error-summary"' not in again.text


@pytest.mark.parametrize("path", ["/gui", "/gui/xem-lai"])
def test_everything_wrong_is_told_at_its_field_and_nothing_typed_is_lost(
    client: TestClient, session: Session, world: World, path: str
) -> None:
    fields = form(world, title="", content="ngắn", unit="", email="a@@b", category="procedure", consent="")
    refused = client.post(path, data=fields)
    assert refused.status_code == 422 and tickets(session) == 0
    for name in ("title", "content", "unit", "email", "consent"):
        assert f'id="{name}-error"' in refused.text and f'href="#{name}"' in refused.text
    assert 'value="a@@b"' in refused.text and "ngắn</textarea>" in refused.text
    assert '<option value="procedure" selected>' in refused.text
    assert f'name="key" value="{fields["key"]}"' in refused.text


def test_consent_is_never_ticked_beforehand(client: TestClient) -> None:
    page = client.get("/gui").text
    assert re.search(r'<input type="checkbox" id="consent"[^>]*>', page)
    assert "checked" not in page


BAD: dict[str, tuple[dict[str, str], str]] = {
    "nothing at all": (dict.fromkeys(("unit", "category", "title", "content", "name", "email"), ""), "title"),
    "a megabyte": ({"content": "á" * 500_000}, "content"),
    "one long word as title": ({"title": "a" * 201}, "title"),
    "only a NUL": ({"title": "\0"}, "title"),
    "NUL in the category": ({"category": "roa\0ds\0x"}, "category"),
    "only zero-width and direction signs": ({"title": "\u200b\u202e\u2066\ufeff"}, "title"),
    "a unit that is not there": ({"unit": "999999999"}, "unit"),
    "a unit beyond any integer": ({"unit": "9" * 40}, "unit"),
    "a unit in other digits": ({"unit": "١٢"}, "unit"),
    "a category that is not there": ({"category": "x' OR 1=1"}, "category"),
    "a header in the e-mail address": ({"email": "a@b.vn\r\nBcc: c@d.vn"}, "email"),
    "an e-mail address of dots": ({"email": "..@a.vn"}, "email"),
    "an e-mail address with two dots together": ({"email": "a..b@c.vn"}, "email"),
    "an e-mail address with accents": ({"email": "nguyễn@a.vn"}, "email"),
    "an e-mail address at a number": ({"email": "a@1.2.3.4"}, "email"),
    "letters for a phone": ({"phone": "không có"}, "phone"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_at_its_field_with_the_rest_kept(
    client: TestClient, session: Session, world: World, name: str
) -> None:
    changed, field = BAD[name]
    refused = client.post("/gui", data=form(world, address="Tổ 3, bản Mới", **changed))
    assert refused.status_code == 422
    assert f'id="{field}-error"' in refused.text
    assert "Tổ 3, bản Mới" in refused.text
    assert tickets(session) == 0


def test_decomposed_and_hidden_letters_are_stored_composed_and_seen(
    client: TestClient, session: Session, world: World
) -> None:
    title = "O\u0302\u0309 ga\u0300 \u202etru\u031bo\u031b\u0301c\u200b cho\u031b\u0323"
    assert client.post("/gui", data=form(world, title=title)).status_code == 303
    assert session.scalars(select(Ticket.title)).one() == "Ổ gà trước chợ"


def test_markup_is_shown_as_text(client: TestClient, world: World) -> None:
    client.post("/gui", data=form(world, title='<svg onload="alert(1)">{{ 7*7 }}'))
    page = client.get("/bien-nhan").text
    assert "<svg onload" not in page and "{{ 7*7 }}" in page


def test_an_old_form_comes_back_filled_with_a_key_that_works(
    client: TestClient, session: Session, world: World
) -> None:
    refused = client.post("/gui", data=form(world, key="short"))
    assert refused.status_code == 422 and "Biểu mẫu đã cũ" in refused.text and "Ổ gà trước cổng chợ" in refused.text
    key = re.search(r'name="key" value="([^"]+)"', refused.text)
    assert key and client.post("/gui", data=form(world, key=key[1])).status_code == 303
    assert tickets(session) == 1


def test_another_text_under_a_used_key_comes_back_with_a_fresh_key(
    client: TestClient, session: Session, world: World
) -> None:
    fields = form(world)
    client.post("/gui", data=fields)
    changed = client.post("/gui", data=fields | {"content": "Một sự việc khác hẳn ở nơi khác."})
    assert changed.status_code == 409 and "Một sự việc khác hẳn" in changed.text
    key = re.search(r'name="key" value="([^"]+)"', changed.text)
    assert key and key[1] != fields["key"]
    client.post("/gui", data=fields | {"content": "Một sự việc khác hẳn ở nơi khác.", "key": key[1]})
    assert tickets(session) == 2


def test_another_site_cannot_send_in_a_citizens_name(client: TestClient, session: Session, world: World) -> None:
    refused = client.post("/gui", data=form(world), headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403 and tickets(session) == 0


@pytest.mark.parametrize("path", ["/gui/xem-lai", "/gui"])
def test_back_finds_the_form_and_the_look_over_as_they_were(client: TestClient, world: World, path: str) -> None:
    """A browser shows the answer to a form again only if it was allowed to keep it, whatever its cookies say by now."""
    for fields in (form(world, title=""), form(world) if path == "/gui/xem-lai" else form(world, key="old")):
        answer = client.post(path, data=fields, headers={"Accept-Encoding": "gzip"})
        assert answer.headers["cache-control"] == "private, no-cache" and "vary" not in answer.headers
        assert "content-encoding" not in answer.headers
    assert client.get("/gui").headers["cache-control"] == "private, no-cache"


def test_putting_the_receipt_away_makes_the_browser_forget_the_form(client: TestClient, world: World) -> None:
    client.post("/gui", data=form(world))
    assert client.post("/bien-nhan/cat").headers["clear-site-data"] == '"cache"'


@pytest.mark.parametrize(("more", "heading"), [("?change=true", "Send feedback"), ("", "Look over before sending")])
def test_the_language_changes_in_mid_form_and_nothing_typed_is_lost(
    client: TestClient, session: Session, world: World, more: str, heading: str
) -> None:
    asked = client.post("/gui/xem-lai" + more, data=form(world, lang="en"), headers={"Accept-Language": "vi"})
    assert asked.status_code == 200 and f"<h1>{heading}" in asked.text and "Ổ gà trước cổng chợ" in asked.text
    assert re.search(r'value="vi"\s+lang="vi"', asked.text)
    assert client.cookies["lang"] == "en" and tickets(session) == 0


def test_a_flood_from_one_network_is_asked_for_patience_with_the_form_kept(
    client: TestClient, session: Session, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application(client).state, "flows", SenderFlows(NetworkFlow(2), NetworkFlow(2)))
    for _ticket in range(2):
        assert client.post("/gui", data=form(world)).status_code == 303
    fields = form(world)
    refused = client.post("/gui", data=fields)
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
    assert "rất nhiều phản ánh" in refused.text and "Ổ gà trước cổng chợ" in refused.text
    assert f'name="key" value="{fields["key"]}"' in refused.text and tickets(session) == 2
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=1))
    assert client.post("/gui", data=fields).status_code == 303


def test_networks_are_counted_apart_and_a_limit_of_nothing_is_none(now: datetime) -> None:
    flow, free = NetworkFlow(1), NetworkFlow(0)
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8:1::1", "2001:db8:1:1::1"):
        flow.take(address, now)
        free.take(address, now)
        free.take(address, now)
    for address in ("192.0.2.1", "::ffff:192.0.2.2", "2001:db8:1::ffff"):
        with pytest.raises(TooMany):
            flow.take(address, now)


@pytest.mark.parametrize("typed", ["doan ket", "ĐOÀN KẾT", "phuong doan"])
def test_a_unit_is_found_with_or_without_tone_marks(client: TestClient, world: World, typed: str) -> None:
    found = client.get("/don-vi", params={"q": typed})
    assert found.status_code == 200 and "<html" not in found.text
    assert f'value="{world.unit().id}"' in found.text


def test_a_unit_is_looked_for_without_javascript_and_nothing_typed_is_lost(client: TestClient, world: World) -> None:
    page = client.post("/gui/xem-lai", data=form(world, unit="", q="doan ket", find="1"))
    assert page.status_code == 200 and 'class="error-summary"' not in page.text
    assert re.search(rf'name="unit" value="{world.unit().id}" checked', page.text)
    assert "Ổ gà trước cổng chợ" in page.text


def test_a_unit_is_found_by_a_name_of_before_the_mergers(client: TestClient, world: World) -> None:
    found = client.get("/don-vi", params={"q": "dong phong"}).text
    tan_phong = world.session.scalars(select(Unit).where(Unit.name == "Phường Tân Phong", Unit.receives)).one()
    assert f'value="{tan_phong.id}"' in found and "gồm Phường Đông Phong trước đây" in found


def test_a_page_of_a_citizen_weighs_little_on_the_wire(client: TestClient) -> None:
    for path in ("/", "/gui", "/theo-doi"):
        page = client.get(path)
        files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        assert len(files) >= 4
        weight = len(page.content) + sum(int(client.get(file).headers["content-length"]) for file in files)
        assert weight < 150 * 1024, path
        assert not re.search(r'(?:href|src|action)="(?:https?:)?//', page.text)


def test_no_match_offers_the_whole_list(client: TestClient) -> None:
    page = client.get("/don-vi", params={"q": "zzz%_"}).text
    assert "Không có cơ quan nào tên như vậy" in page and page.count("<option") > 38


def test_the_form_speaks_the_language_of_its_reader(client: TestClient) -> None:
    page = client.get("/gui", headers={"Accept-Language": "en"})
    assert page.headers["content-language"] == "en" and 'lang="en"' in page.text
    assert "Roads, traffic" in page.text
