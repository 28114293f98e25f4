"""Searching tickets: which words find which tickets, for whom, and that any query gets its answer or its sentence."""

import unicodedata
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Boolean, literal_column, text, update
from sqlalchemy.orm import Session

from backend import db
from backend.errors import Forbidden, Invalid
from backend.tickets import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Contact, MessageKind, Ticket, TicketMessage
from backend.tickets.search import find, index_checks
from backend.tickets.search.find import find_tickets, search_condition
from backend.tickets.search.search_request import TicketSearchRequest
from backend.tickets.search.time_limit import SearchTooSlow
from backend.tickets.search.typed_query import read_query
from backend.tickets.search.typed_sender import read_sender
from backend.users.models import Role
from backend.users.policy import Actor
from tests.command import Command
from tests.factories import SENDER, World

PLAIN = "Nội dung giống như tiêu đề, không có gì thêm."


@pytest.fixture
def coordinator(world: World) -> Actor:
    return world.actor(Role.COORDINATOR)


def titles(session: Session, actor: Actor, typed: str, **more: Any) -> list[str]:
    """Titles of the tickets that the words find, in the order of the answer."""
    session.flush()
    request = TicketSearchRequest(actor, read_query(typed), **more)
    found = find_tickets(session, request)
    return [session.get_one(Ticket, ticket_id).title for ticket_id in found.ticket_ids]


@pytest.mark.parametrize(
    "typed",
    [
        "bo phan mot cua",
        "bộ phận một cửa",
        unicodedata.normalize("NFD", "bộ phận một cửa"),
        "BỘ PHẬN MỘT CỬA",
        "cửa một phận bộ",
        '"một cửa"',
        '"mot cua',
        "“bộ phận”",
        "pha* mot",
        "bo-phan",
        "(một) & !cửa | :* <-> 'bộ'",
    ],
)
def test_words_find_a_title_however_they_are_typed(
    session: Session, world: World, now: datetime, coordinator: Actor, typed: str
) -> None:
    world.receive(now, title="Bộ phận một cửa đóng cửa sớm")
    world.receive(now, title="Đèn đường ở chợ tắt", content="Đèn tắt từ hôm qua đến nay, không ai sửa.")
    assert titles(session, coordinator, typed) == ["Bộ phận một cửa đóng cửa sớm"]


@pytest.mark.parametrize("typed", ["đường", "Ðường", "Ɖường", "duong", "ĐƯỜNG", "đườn", "duo*", "đườ*", "ĐỪƠNG"])
def test_every_letter_that_looks_like_d_with_a_stroke_finds_it(
    session: Session, world: World, now: datetime, coordinator: Actor, typed: str
) -> None:
    world.receive(now, title="Ðường hỏng", content=PLAIN)
    assert titles(session, coordinator, typed) == ["Ðường hỏng"]


@pytest.mark.parametrize("typed", ['"cửa một"', "một cửaa", '"phận cửa"', "cu*  xa"])
def test_a_phrase_and_every_word_must_stand_there(
    session: Session, world: World, now: datetime, coordinator: Actor, typed: str
) -> None:
    world.receive(now, title="Bộ phận một cửa", content="Đóng sớm mỗi ngày làm việc.")
    assert titles(session, coordinator, typed) == []


def test_exact_tones_stand_first_and_the_newest_first_among_equals(
    session: Session, world: World, now: datetime, coordinator: Actor
) -> None:
    for title in ("Chợ cũ bẩn", "Cho xin giấy tờ", "Chợ mới", "Chó thả rông"):
        world.receive(now, title=title, content=PLAIN)
    assert titles(session, coordinator, "chợ") == ["Chợ mới", "Chợ cũ bẩn", "Chó thả rông", "Cho xin giấy tờ"]
    assert titles(session, coordinator, "cho") == ["Chó thả rông", "Chợ mới", "Cho xin giấy tờ", "Chợ cũ bẩn"]


def test_words_side_by_side_stand_before_words_far_apart(
    session: Session, world: World, now: datetime, coordinator: Actor
) -> None:
    world.receive(now, title="Bãi rác", content="Bãi rác ở cuối đường, không ai dọn.")
    world.receive(now, title="Việc khác", content="Rác nhiều. Ở cạnh đó có một cái sân rộng và một cái bãi.")
    assert titles(session, coordinator, "bai rac") == ["Bãi rác", "Việc khác"]


def test_a_word_that_nobody_wrote_is_tried_as_a_beginning(
    session: Session, world: World, now: datetime, coordinator: Actor
) -> None:
    world.receive(now, title="Xe buýt không dừng", content=PLAIN)
    assert titles(session, coordinator, "xe buy") == ["Xe buýt không dừng"]
    assert titles(session, coordinator, "xe bu") == []
    assert titles(session, coordinator, "xe bu*") == ["Xe buýt không dừng"]


@pytest.mark.parametrize("kind", list(MessageKind))
def test_every_kind_of_text_is_found_from_its_transaction_on(
    session: Session, world: World, now: datetime, coordinator: Actor, kind: MessageKind
) -> None:
    ticket, _secret = world.receive(now, title="Đường hỏng")
    assert titles(session, coordinator, "nhựa nóng") == []
    session.add(TicketMessage(ticket_id=ticket.id, kind=kind, body="Đã trải nhựa nóng.", at=now))
    assert titles(session, coordinator, "nhựa nóng") == ["Đường hỏng"]
    assert titles(session, coordinator, "hong nhua") == ["Đường hỏng"]
    assert list(index_checks.check_index(session)) == []


def test_no_phrase_begins_in_one_text_and_ends_in_another(
    session: Session, world: World, now: datetime, coordinator: Actor
) -> None:
    ticket, _secret = world.receive(now, title="Cống tắc", content="Mưa lớn suốt cả tuần lễ này")
    session.add(TicketMessage(ticket_id=ticket.id, kind=MessageKind.REPLY, body="Hôm qua", at=now))
    for phrase in ('"tắc mưa"', '"này hôm"'):
        assert titles(session, coordinator, phrase) == []
    assert titles(session, coordinator, "tắc mưa lớn hôm") == ["Cống tắc"]


def test_parts_of_a_number_find_it(session: Session, world: World, now: datetime, coordinator: Actor) -> None:
    ticket, _secret = world.receive(now, title="Có số", content=PLAIN)
    day, count = ticket.number.split(".")[1:]
    parts = [ticket.number, ticket.number.lower(), f"{day}.{count}", f"{day} {count}", f"{day}{count}", day, day[4:]]
    for typed in [*parts, f"{day[4:]}.{count}", f"PAKN.{day}", count, f"{day}.{count[:2]}"]:
        assert titles(session, coordinator, typed) == ["Có số"], typed
    for typed in ("20990101", f"{day}.99", f"9{count}"):
        assert titles(session, coordinator, typed) == [], typed


def test_what_an_officer_may_not_see_is_neither_found_nor_counted(
    session: Session, world: World, now: datetime
) -> None:
    world.receive(now, title="Của phường mình")
    world.receive(now, title="Của xã khác", unit_id=world.unit("03434").id)
    conduct, _secret = world.receive(now, category_code="attitude", title="Thái độ khi tiếp dân")
    session.execute(update(Ticket).where(Ticket.id == conduct.id).values(unit_id=world.unit().id))
    list(index_checks.rebuild_index(db.transaction))
    for role in (Role.OFFICER, Role.LEADER):
        request = TicketSearchRequest(world.actor(role), read_query("nguy hiểm"))
        found = find_tickets(session, request)
        assert (found.total, len(found.ticket_ids)) == (1, 1)
        assert titles(session, world.actor(role), "thái độ") == []
    assert set(titles(session, world.actor(Role.COORDINATOR), "nguy hiểm")) == {
        *("Của phường mình", "Của xã khác", "Thái độ khi tiếp dân")
    }
    own_unit = world.actor(Role.COORDINATOR, world.unit())
    assert titles(session, own_unit, "thái độ") == []
    with pytest.raises(Forbidden):
        titles(session, world.actor(Role.MANAGER), "nguy hiểm")


def test_a_ticket_that_is_forwarded_is_found_where_it_is(session: Session, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now, title="Bến xe")
    there = world.unit("LC-SYT")
    assert titles(session, world.actor(), "bến xe") == ["Bến xe"]
    service.apply(
        session,
        ticket.id,
        service.ActionRequest(Event.FORWARDED, "Đúng nơi hơn.", to_unit_id=there.id),
        world.actor(Role.COORDINATOR),
        now=now,
    )
    assert titles(session, world.actor(), "bến xe") == []
    assert titles(session, world.actor(Role.OFFICER, there), "bến xe") == ["Bến xe"]
    assert list(index_checks.check_index(session)) == []


def test_filters_narrow_what_is_found(session: Session, world: World, now: datetime, coordinator: Actor) -> None:
    world.receive(now, title="Đèn ở chợ")
    world.receive(now, title="Đèn ở xã", unit_id=world.unit("03434").id)
    assert titles(session, coordinator, "den", unit_id=world.unit("03434").id) == ["Đèn ở xã"]
    assert titles(session, coordinator, "den", where=[Ticket.title == "Đèn ở chợ"]) == ["Đèn ở chợ"]


def test_a_list_of_its_own_order_uses_the_condition(session: Session, world: World, now: datetime) -> None:
    world.receive(now, title="Đèn ở chợ")
    world.receive(now, title="Rác ở chợ", content="Rác nằm mãi không ai dọn cả.")
    query = read_query("đen o cho")
    assert query is not None
    assert session.query(Ticket.title).where(search_condition(query)).all() == [("Đèn ở chợ",)]


def test_paging_shows_every_hit_once(
    session: Session, world: World, now: datetime, coordinator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [
        world.receive(now, title=title, content=PLAIN)[0].id
        for title in ("Chợ", "Cho", "Chợ", "Chọ", "Chợ")
        for _again in range(2)
    ]
    session.flush()
    query = read_query("chợ")
    for ranked_most in (200, 3):
        monkeypatch.setattr(find, "RANKED_MOST", ranked_most)
        seen: list[int] = []
        after, pages = "", 0
        while True:
            found = find_tickets(session, TicketSearchRequest(coordinator, query), after, page=3)
            assert found.total == (len(sent) if ranked_most == 200 else None) or after
            seen += found.ticket_ids
            pages += 1
            if found.after is None:
                break
            after = found.after
        assert sorted(seen) == sorted(sent) and pages == 4
        assert {session.get_one(Ticket, ticket_id).title for ticket_id in seen[:6]} == {"Chợ"}


@pytest.mark.parametrize("after", ["x", "n1", "n1.", "n-1.5", "r0.99999999999999999999999", "n٣.٣", "q1.1"])
def test_a_cursor_that_nobody_gave_out_begins_at_the_first_page(
    session: Session, world: World, now: datetime, coordinator: Actor, after: str
) -> None:
    world.receive(now, title="Đèn")
    session.flush()
    assert len(find_tickets(session, TicketSearchRequest(coordinator, read_query("đèn")), after).ticket_ids) == 1


@pytest.mark.parametrize("typed", ["%%%%", "☃🎉", "'", "& | ! <->", '"', "\x00%", "***", "“”", "\ud800 ."])
def test_what_has_no_word_is_refused_in_a_sentence(typed: str) -> None:
    with pytest.raises(Invalid, match=r"Hãy gõ ít nhất một chữ hoặc số để tìm\.") as refused:
        read_query(typed)
    assert refused.value.field == "q"


@pytest.mark.parametrize("typed", ["a" * 10_000, "x " * 10_000, " ".join(f"w{n}" for n in range(10_000))])
def test_what_is_far_too_long_is_refused_in_a_sentence(typed: str) -> None:
    with pytest.raises(Invalid, match="Hãy tìm bằng vài chữ"):
        read_query(typed)


@pytest.mark.parametrize("typed", ["", "  ", "\n"])
def test_nothing_typed_is_no_query(typed: str) -> None:
    assert read_query(typed) is None and read_sender(typed) is None


@pytest.mark.parametrize(
    "typed",
    [
        *("của và là", "a", "1", "ab*", "' OR 1=1 --", "\\", "a\\'b", "x:*", "~b0", "~u1", "ß", "İ", "ﬁ"),
        *("a" * 199, "x " * 16, "ກະ", "東京", "́", "á́́́́́́́́́́́́", "n" + "\u0302" * 150, "e\u0301*", '"a b" "c', "١٢٣"),
    ],
)
def test_any_text_is_a_query_or_is_refused(
    session: Session, world: World, now: datetime, coordinator: Actor, typed: str
) -> None:
    world.receive(now, title="Một việc khác", content=PLAIN)
    try:
        query = read_query(typed)
    except Invalid:
        return
    assert query is not None
    assert titles(session, coordinator, typed) == []


def test_a_search_that_takes_too_long_is_stopped_and_the_page_goes_on(
    session: Session, world: World, now: datetime, coordinator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.receive(now, title="Đèn")
    session.flush()
    monkeypatch.setattr(find, "SECONDS", 0.2)
    slow = [literal_column("pg_sleep(5) IS NOT NULL", Boolean())]
    with pytest.raises(SearchTooSlow, match="Hãy thêm một chữ ít gặp hơn"):
        find_tickets(session, TicketSearchRequest(coordinator, read_query("đèn"), where=slow))
    assert session.scalar(text("SHOW statement_timeout")) == "0"
    assert titles(session, coordinator, "đèn") == ["Đèn"]
    assert session.scalar(text("SHOW statement_timeout")) == "0"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Lò Thị Hằng", ["Của Hằng"]),
        ("hang lo", ["Của Hằng"]),
        ("lo", ["Của Hưng", "Của Hằng"]),
        ("0912345678", ["Của Hằng"]),
        ("0912 345 678", ["Của Hằng"]),
        ("+84 912 345 678", ["Của Hằng"]),
        ("345678", ["Của Hằng"]),
        ("4567", ["Của Hằng"]),
        ("lo 5678", ["Của Hằng"]),
        ("99999", []),
    ],
)
def test_name_and_telephone_find_the_tickets_of_a_sender(
    session: Session, world: World, now: datetime, coordinator: Actor, typed: str, found: list[str]
) -> None:
    world.receive(now, title="Của Hằng", name="Lò Thị Hằng", phone="+84 912 345 678")
    world.receive(now, title="Của Hưng", name="Lò Văn Hưng", phone="0987 000 111")
    assert titles(session, coordinator, "", sender=read_sender(typed)) == found
    assert titles(session, coordinator, "của", sender=read_sender(typed)) == found
    assert titles(session, coordinator, typed) == [], "a name is not found among the words"


@pytest.mark.parametrize("typed", ["123", "%", "☃", "l" * 201])
def test_a_sender_that_cannot_be_searched_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_sender(typed)
    assert refused.value.field == "sender"


def test_a_sender_of_another_unit_is_not_found(session: Session, world: World, now: datetime) -> None:
    world.receive(now, title="Của Hằng", name="Lò Thị Hằng")
    elsewhere = world.actor(Role.OFFICER, world.unit("LC-SYT"))
    assert titles(session, elsewhere, "", sender=read_sender("hang")) == []
    for actor in (world.actor(Role.MANAGER), SENDER):
        with pytest.raises(Forbidden):
            titles(session, actor, "", sender=read_sender("hang"))


def test_a_name_that_is_erased_finds_nobody(session: Session, world: World, now: datetime, coordinator: Actor) -> None:
    ticket, _secret = world.receive(now, title="Của Hằng", name="Lò Thị Hằng", phone="0912345678")
    contact = session.get_one(Contact, ticket.id)
    contact.name = contact.phone = None
    assert titles(session, coordinator, "", sender=read_sender("hang")) == []
    assert titles(session, coordinator, "", sender=read_sender("0912345678")) == []


def test_check_names_what_is_missing_or_wrong_and_rebuild_mends_it(
    session: Session, world: World, now: datetime
) -> None:
    tickets = [world.receive(now, title=title)[0] for title in ("Một", "Hai", "Ba")]
    session.flush()
    session.execute(text("DELETE FROM ticket_search WHERE ticket_id = :id"), {"id": tickets[0].id})
    session.execute(text("UPDATE ticket_search SET words = 'x' WHERE ticket_id = :id"), {"id": tickets[1].id})
    session.execute(text("UPDATE ticket_contacts SET sender_words = 'x' WHERE ticket_id = :id"), {"id": tickets[2].id})
    assert [(difference.ticket, difference.what) for difference in index_checks.check_index(session)] == [
        *((tickets[0].number, "missing"), (tickets[1].number, "words"), (tickets[2].number, "sender"))
    ]
    assert list(index_checks.rebuild_index(db.transaction))[-1] == session.query(Ticket).count()
    assert list(index_checks.check_index(session)) == []


def test_rebuilding_from_nothing_makes_rows_and_index(
    session: Session, world: World, now: datetime, coordinator: Actor
) -> None:
    world.receive(now, title="Đèn ở chợ")
    session.flush()
    session.execute(text("DELETE FROM ticket_search"))
    assert list(index_checks.rebuild_index(db.transaction))[-1] == session.query(Ticket).count()
    assert session.scalar(text("SELECT to_regclass('ix_ticket_search_words') IS NOT NULL"))
    assert titles(session, coordinator, "đèn chợ") == ["Đèn ở chợ"]


def test_the_commands_say_what_they_did(
    session: Session, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, _secret = world.receive(now, title="Đèn ở chợ")
    session.flush()
    run = Command(monkeypatch)
    assert "Mọi phản ánh được tìm thấy" in run.run("verify", "search").output
    session.execute(text("UPDATE ticket_search SET words = 'x' WHERE ticket_id = :id"), {"id": ticket.id})
    assert f"{ticket.number}: các chữ để tìm khác" in run.run("verify", "search").output
    assert run.json("search", "rebuild")["tickets"] == session.query(Ticket).count()
    assert run.json("verify", "search") == {"ok": True, "differences": []}


def test_a_text_of_ten_thousand_different_words_can_still_be_written(
    session: Session, world: World, now: datetime, coordinator: Actor
) -> None:
    ticket, _secret = world.receive(now, title="Dài")
    for number in range(20):
        body = " ".join(f"{number}từ{word}" for word in range(1_400))[:10_000]
        session.add(TicketMessage(ticket_id=ticket.id, kind=MessageKind.REPLY, body=body, at=now))
        session.flush()
    assert titles(session, coordinator, "0tu12") == ["Dài"]
    assert list(index_checks.check_index(session)) == []
