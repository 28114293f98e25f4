"""Accounts: made, closed, given a new password, by the administrator's page and by the command."""

import json
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from backend import audit
from backend.cli import app
from backend.units.models import Unit
from backend.users.models import Role, User
from tests.command import Command
from tests.factories import PASSWORD, World
from tests.features.test_sign_in import come_with, sign_in
from tests.markup import field_error


@pytest.fixture
def administrator(client: TestClient, world: World) -> User:
    """Signed in on the client."""
    user = world.user(Role.ADMINISTRATOR)
    sign_in(client, user)
    return user


def shown_password(html: str) -> str:
    found = re.search(r"<code>([^<]+)</code>", html)
    assert found
    return found[1]


def test_a_new_account_gets_a_password_shown_once_that_works(
    client: TestClient, session: Session, world: World, administrator: User
) -> None:
    data = {"email": "Moi@LaiChau.gov.vn", "name": "Lù Thị Mới", "role": "officer", "unit": str(world.unit().id)}
    answer = client.post("/tai-khoan", data=data)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    password = shown_password(answer.text)
    assert password not in client.get("/tai-khoan").text
    user = session.scalars(select(User).where(User.email == "moi@laichau.gov.vn")).one()
    assert audit.list_entries(session, audit.user_key(user.id))[0].actor == audit.user_key(administrator.id)
    client.cookies.clear()
    assert client.post("/dang-nhap", data={"email": user.email, "password": password}).status_code == 303


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"email": "khong-phai-dia-chi"}, "email", "Hãy nhập địa chỉ thư điện tử"),
        ({"email": "..@a.vn"}, "email", "Hãy nhập địa chỉ thư điện tử"),
        ({"email": ""}, "email", "Hãy nhập địa chỉ thư điện tử"),
        ({"email": "a" * 500 + "@b.vn"}, "email", "Dài quá 200 ký tự."),
        ({"name": " \u200b"}, "name", "Hãy nhập họ tên."),
        ({"role": "citizen"}, "role", "Hãy chọn một vai trò."),
        ({"role": "king"}, "role", "Hãy chọn một vai trò."),
        ({"unit": ""}, "unit", "Vai trò này cần một cơ quan."),
        ({"unit": "999999"}, "unit", "Xin chọn cơ quan trong danh sách."),
        ({"unit": "x"}, "unit", "Xin chọn cơ quan trong danh sách."),
    ],
)
def test_a_wrong_account_is_refused_at_its_field(
    client: TestClient,
    session: Session,
    world: World,
    administrator: User,
    changed: dict[str, str],
    field: str,
    sentence: str,
) -> None:
    data = {"email": "moi@laichau.gov.vn", "name": "Lù Thị Mới", "role": "officer", "unit": str(world.unit().id)}
    answer = client.post("/tai-khoan", data=data | changed)
    assert answer.status_code == 422
    assert sentence in field_error(answer.text, field)
    assert 'value="Lù Thị Mới"' in answer.text or field == "name"
    assert session.scalar(select(func.count()).select_from(User)) == 1


def test_nobody_is_put_into_a_unit_that_receives_nothing(
    client: TestClient, session: Session, administrator: User
) -> None:
    """They would have an empty inbox for ever."""
    former = session.scalars(select(Unit).where(Unit.receives.is_(False)).limit(1)).one()
    data = {"email": "moi@laichau.gov.vn", "name": "Lù Thị Mới", "role": "officer", "unit": str(former.id)}
    refused = client.post("/tai-khoan", data=data)
    assert refused.status_code == 422 and 'id="unit-error"' in refused.text


def test_an_address_is_used_once(client: TestClient, world: World, administrator: User) -> None:
    data = {"email": administrator.email.upper(), "name": "Lù Thị Hai", "role": "manager", "unit": ""}
    answer = client.post("/tai-khoan", data=data)
    assert answer.status_code == 422 and "Địa chỉ này đã có tài khoản." in answer.text


def test_closing_ends_the_sessions_at_once(client: TestClient, world: World, administrator: User) -> None:
    own = client.cookies["session"]
    user = world.user()
    client.cookies.clear()
    sign_in(client, user)
    theirs = client.cookies["session"]
    come_with(client, own)
    assert client.post(f"/tai-khoan/{user.id}/dong").status_code == 303
    come_with(client, theirs)
    assert client.get("/hop-thu").status_code == 303
    come_with(client, own)
    client.post(f"/tai-khoan/{user.id}/mo")
    come_with(client, theirs)
    assert client.get("/hop-thu").status_code == 303
    client.cookies.clear()
    sign_in(client, user)


def test_a_new_password_replaces_the_old_one_and_ends_the_sessions(
    client: TestClient, world: World, administrator: User
) -> None:
    user = world.user()
    password = shown_password(client.post(f"/tai-khoan/{user.id}/mat-khau-moi").text)
    assert client.post("/dang-nhap", data={"email": user.email, "password": PASSWORD}).status_code == 422
    assert client.post("/dang-nhap", data={"email": user.email, "password": password}).status_code == 303


def test_nobody_closes_the_account_in_use(client: TestClient, administrator: User) -> None:
    answer = client.post(f"/tai-khoan/{administrator.id}/dong")
    assert answer.status_code == 409 and "Bạn không thể khóa tài khoản mình đang dùng." in answer.text
    assert client.get("/tai-khoan").status_code == 200


@pytest.mark.parametrize("deed", ["dong", "mo", "mat-khau-moi"])
def test_an_unknown_account_is_not_found(client: TestClient, administrator: User, deed: str) -> None:
    assert client.post(f"/tai-khoan/999999/{deed}").status_code == 404
    assert client.post(f"/tai-khoan/x/{deed}").status_code == 404
    assert client.post(f"/tai-khoan/{2**40}/{deed}").status_code == 404


class TestCommand:
    @pytest.fixture
    def command(self, session: Session, monkeypatch: pytest.MonkeyPatch) -> Command:
        return Command(monkeypatch)

    def add(self, *words: str, password: str = "mot-cau-rat-dai") -> tuple[int, str]:
        result = CliRunner().invoke(app, ["users", "add", *words], input=password + "\n")
        return result.exit_code, result.output

    def test_an_account_is_added_listed_and_revoked(
        self, command: Command, client: TestClient, session: Session
    ) -> None:
        code, output = self.add("can.bo@laichau.gov.vn", "--name", "Lò A", "--role", "officer", "--unit", "03388")
        assert code == 0 and "mot-cau-rat-dai" not in output
        (row,) = command.json("users", "list")
        assert (row["email"], row["role"], row["unit"], row["active"]) == (
            "can.bo@laichau.gov.vn",
            "officer",
            "03388",
            True,
        )
        signed_in = client.post("/dang-nhap", data={"email": row["email"], "password": "mot-cau-rat-dai"})
        assert signed_in.status_code == 303
        assert command.run("users", "revoke", "can.bo@laichau.gov.vn").exit_code == 0
        session.expire_all()
        assert client.get("/hop-thu").status_code == 303
        assert json.loads(command.run("users", "list", "--json").stdout)[0]["active"] is False

    def test_every_refusal_is_a_line(self, command: Command) -> None:
        code, output = self.add("khong", "--name", "", "--role", "officer", password="ngan")
        assert code == 2
        assert output.strip().splitlines() == [
            "Mật khẩu cần ít nhất 10 ký tự.",
            "Hãy nhập địa chỉ thư điện tử, như ten@laichau.gov.vn.",
            "Hãy nhập họ tên.",
            "Vai trò này cần một cơ quan.",
        ]
        assert command.refusal("users", "revoke", "ai@do.vn") == "Không có tài khoản nào với địa chỉ này."

    def test_the_password_is_no_option(self) -> None:
        code, _output = self.add("a@b.vn", "--name", "A", "--role", "manager", "--password", "mot-cau-rat-dai")
        assert code == 2
