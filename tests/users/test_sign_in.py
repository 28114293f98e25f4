"""Signing in: who gets in, where to, for how long, and what becomes of a form that comes too late."""

from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend import clock, settings
from backend.users import service
from backend.users.models import Role, User, UserSession
from tests.factories import PASSWORD, World
from tests.signing_in import come_with, sign_in


@pytest.mark.parametrize(
    ("role", "first_page"),
    [
        (Role.OFFICER, "/hop-thu"),
        (Role.LEADER, "/hop-thu"),
        (Role.COORDINATOR, "/hop-thu"),
        (Role.MANAGER, "/chi-so"),
        (Role.ADMINISTRATOR, "/tai-khoan"),
    ],
)
def test_each_role_arrives_at_its_own_first_page(client: TestClient, world: World, role: Role, first_page: str) -> None:
    user = world.user(role)
    answer = client.post("/dang-nhap", data={"email": user.email.upper(), "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, first_page)
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith("session="))
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie


def test_the_cookie_stays_on_tls_where_the_site_has_it(
    client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGNGHE_BASE_URL", "https://langnghe.example.vn")
    settings.get_settings.cache_clear()
    answer = client.post("/dang-nhap", data={"email": world.user().email, "password": PASSWORD})
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("target", "arrives"),
    [
        ("/hop-thu?state=new", "/hop-thu?state=new"),
        ("//xau.example", "/hop-thu"),
        ("https://xau.example/", "/hop-thu"),
        ("/\\xau.example", "/hop-thu"),
        ("javascript:alert(1)", "/hop-thu"),
    ],
)
def test_sign_in_leads_back_only_to_addresses_of_this_site(
    client: TestClient, world: World, target: str, arrives: str
) -> None:
    answer = client.post("/dang-nhap", data={"email": world.user().email, "password": PASSWORD, "next": target})
    assert answer.headers["location"] == arrives


def test_a_page_asked_for_without_a_session_waits_behind_the_sign_in(client: TestClient) -> None:
    answer = client.get("/hop-thu?state=new")
    assert (answer.status_code, answer.headers["location"]) == (303, "/dang-nhap?next=/hop-thu%3Fstate%3Dnew")
    assert 'value="/hop-thu?state=new"' in client.get(answer.headers["location"]).text


def test_wrong_address_and_wrong_password_get_the_same_answer(client: TestClient, world: World) -> None:
    user = world.user()
    wrong_password = client.post("/dang-nhap", data={"email": user.email, "password": "sai-mat-khau"})
    wrong_address = client.post("/dang-nhap", data={"email": "khong@example.vn", "password": "sai-mat-khau"})
    assert wrong_password.status_code == wrong_address.status_code == 422
    assert "Địa chỉ hoặc mật khẩu không đúng." in wrong_password.text
    assert wrong_password.text.replace(user.email, "") == wrong_address.text.replace("khong@example.vn", "")
    assert user.email in wrong_password.text and "sai-mat-khau" not in wrong_password.text


def test_attempts_are_limited_with_a_sentence_and_a_time_to_wait(client: TestClient, world: World) -> None:
    user = world.user()
    for _attempt in range(6):
        client.post("/dang-nhap", data={"email": user.email, "password": "sai"})
    answer = client.post("/dang-nhap", data={"email": user.email, "password": PASSWORD})
    assert answer.status_code == 429
    assert "Đã thử quá nhiều lần." in answer.text
    assert int(answer.headers["retry-after"]) > 0
    sign_in(client, world.user())


def test_a_closed_account_does_not_get_in(client: TestClient, world: World) -> None:
    user = world.user(active=False)
    assert client.post("/dang-nhap", data={"email": user.email, "password": PASSWORD}).status_code == 422


def test_signing_in_again_ends_the_session_before(client: TestClient, session: Session, world: World) -> None:
    user = world.user()
    sign_in(client, user)
    before = client.cookies["session"]
    sign_in(client, user)
    assert client.cookies["session"] != before
    ended = session.scalars(select(UserSession.ended_at).order_by(UserSession.id)).all()
    assert ended[0] is not None and ended[1] is None
    come_with(client, before)
    assert client.get("/hop-thu").status_code == 303


def test_a_session_planted_before_sign_in_is_never_used(client: TestClient, session: Session, world: World) -> None:
    client.cookies.set("session", "planted")
    sign_in(client, world.user())
    assert session.scalar(select(UserSession).where(UserSession.token_hash == service.token_hash("planted"))) is None


def test_signing_out_ends_the_session_on_the_server(client: TestClient, world: World) -> None:
    sign_in(client, world.user())
    token = client.cookies["session"]
    assert client.post("/dang-xuat").headers["location"] == "/dang-nhap"
    come_with(client, token)
    assert client.get("/hop-thu").status_code == 303


def test_signing_out_is_no_link(client: TestClient, world: World) -> None:
    sign_in(client, world.user())
    assert client.get("/dang-xuat").status_code == 405
    assert client.post("/dang-xuat", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get("/hop-thu").status_code == 200


@pytest.mark.parametrize("later", [service.IDLE, service.LASTS])
def test_a_session_ends_by_itself(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch, later: timedelta
) -> None:
    sign_in(client, world.user())
    monkeypatch.setattr(clock, "now", lambda: now + later)
    assert client.get("/hop-thu").status_code == 303


def test_a_closed_account_is_out_with_its_next_request(client: TestClient, session: Session, world: World) -> None:
    user = world.user()
    sign_in(client, user)
    session.execute(update(User).where(User.id == user.id).values(active=False))
    session.commit()
    assert client.get("/hop-thu").status_code == 303


def test_another_role_counts_from_the_next_request(client: TestClient, session: Session, world: World) -> None:
    user = world.user()
    sign_in(client, user)
    assert client.get("/hop-thu").status_code == 200
    session.execute(update(User).where(User.id == user.id).values(role=Role.MANAGER))
    session.commit()
    assert client.get("/hop-thu").status_code == 403


class TestFormAfterTheSession:
    """An officer types for long, the session ends, the form arrives without one."""

    def test_the_text_survives_the_sign_in(self, client: TestClient, world: World, now: datetime) -> None:
        ticket, _secret = world.receive(now)
        address = f"/hop-thu/{ticket.number}/hoi-them"
        late = client.post(address, data={"version": "1", "question": 'Ở đoạn nào, "gần" cổng chợ?\nXin cho biết.'})
        assert late.status_code == 401
        assert f'name="kept-path" value="{address}"' in late.text
        assert 'name="kept.question" value="Ở đoạn nào, &#34;gần&#34; cổng chợ?\n' in late.text
        kept = {"kept-path": address, "kept.version": "1", "kept.question": "Ở đoạn nào, gần cổng chợ?"}

        wrong = client.post("/dang-nhap", data={"email": "a@b.vn", "password": "sai", **kept})
        assert wrong.status_code == 422
        assert 'name="kept.question" value="Ở đoạn nào, gần cổng chợ?"' in wrong.text

        offered = client.post("/dang-nhap", data={"email": world.user().email, "password": PASSWORD, **kept})
        assert offered.status_code == 200
        assert f'<form method="post" action="{address}">' in offered.text
        assert 'name="question" value="Ở đoạn nào, gần cổng chợ?"' in offered.text
        assert client.post(address, data={"version": "1", "question": "Ở đoạn nào?"}).status_code == 303

    @pytest.mark.parametrize("path", ["//xau.example/", "https://xau.example/", "/khong-co", "/dang-xuat", "/hop-thu"])
    def test_a_made_up_address_is_not_offered(self, client: TestClient, world: World, path: str) -> None:
        data = {"email": world.user().email, "password": PASSWORD, "kept-path": path, "kept.text": "hai từ"}
        answer = client.post("/dang-nhap", data=data)
        assert (answer.status_code, answer.headers["location"]) == (303, "/hop-thu")

    def test_passwords_are_never_kept(self, client: TestClient) -> None:
        answer = client.post("/tai-khoan/mat-khau", data={"current": "mot-hai-ba-bon", "new": "nam-sau-bay-tam"})
        assert answer.status_code == 401
        assert "mot-hai" not in answer.text and "nam-sau" not in answer.text

    def test_too_much_to_keep_is_said(self, client: TestClient, world: World, now: datetime) -> None:
        ticket, _secret = world.receive(now)
        answer = client.post(f"/hop-thu/{ticket.number}/hoi-them", data={"question": "dài " * 50_000})
        assert answer.status_code == 401
        assert "không giữ lại được" in answer.text and len(answer.text) < 50_000


class TestOwnPassword:
    def test_changing_it_ends_the_other_sessions(self, client: TestClient, world: World, session: Session) -> None:
        user = world.user()
        sign_in(client, user)
        elsewhere = client.cookies["session"]
        client.cookies.clear()
        sign_in(client, user)
        new = {"current": PASSWORD, "new": "mot-cau-rat-dai-khac", "again": "mot-cau-rat-dai-khac"}
        assert client.post("/tai-khoan/mat-khau", data=new).status_code == 303
        assert client.get("/hop-thu").status_code == 200
        come_with(client, elsewhere)
        assert client.get("/hop-thu").status_code == 303
        assert client.post("/dang-nhap", data={"email": user.email, "password": new["new"]}).status_code == 303

    @pytest.mark.parametrize(
        ("changed", "sentence"),
        [
            ({"current": "sai-mat-khau"}, "Mật khẩu hiện tại không đúng."),
            ({"new": "ngan", "again": "ngan"}, "Mật khẩu cần ít nhất 10 ký tự."),
            ({"again": "khac"}, "Hai lần nhập mật khẩu mới không giống nhau."),
        ],
    )
    def test_a_refusal_changes_nothing(
        self, client: TestClient, world: World, changed: dict[str, str], sentence: str
    ) -> None:
        user = world.user()
        sign_in(client, user)
        data = {"current": PASSWORD, "new": "mot-cau-rat-dai", "again": "mot-cau-rat-dai"} | changed
        answer = client.post("/tai-khoan/mat-khau", data=data)
        assert answer.status_code == 422
        assert sentence in answer.text and "mot-cau-rat-dai" not in answer.text
        sign_in(client, user)

    def test_guesses_of_the_current_one_are_limited(self, client: TestClient, world: World) -> None:
        sign_in(client, world.user())
        data = {"current": "sai", "new": "mot-cau-rat-dai", "again": "mot-cau-rat-dai"}
        answers = [client.post("/tai-khoan/mat-khau", data=data).status_code for _attempt in range(7)]
        assert answers == [422] * 6 + [429]
        assert client.post("/tai-khoan/mat-khau", data=data | {"current": PASSWORD}).status_code == 429


def test_who_signs_in_while_a_crowd_does_is_asked_to_come_again_and_then_gets_in(
    client: TestClient, world: World
) -> None:
    typed = {"email": world.user().email, "password": PASSWORD}
    for _ in range(service.AT_ONCE):
        service._turns.acquire()
    try:
        answer = client.post("/dang-nhap", data=typed)
    finally:
        for _ in range(service.AT_ONCE):
            service._turns.release()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, str(service.AGAIN))
    assert "Nhiều người đang đăng nhập cùng lúc" in answer.text
    assert typed["email"] in answer.text and PASSWORD not in answer.text
    assert client.post("/dang-nhap", data=typed).status_code == 303
