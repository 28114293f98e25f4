"""``langnghe rules``: what is in force, and a province's own rows."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from backend.errors import Conflict
from backend.tickets.lifecycle import Event
from backend.users.models import Role
from tests.command import Command
from tests.factories import World
from tests.life import begun


@pytest.fixture
def command(session: Session, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(monkeypatch)


def words(by: str, *more: str) -> list[str]:
    given = ["--basis", "QĐ của UBND tỉnh", "--province", "12", "--by", by, "--from", "01/11/2026"]
    return [*given, *more]


def test_a_province_demands_approval_and_the_next_answer_waits_for_it(
    command: Command, session: Session, world: World, now: datetime
) -> None:
    (shipped,) = command.json("rules", "list", "--code", "approval")
    assert (shipped["value"], shipped["province"]) == ("not required", "")
    life = begun(session, world)
    life.act(Event.ACCEPTED)
    by = world.user(Role.ADMINISTRATOR).email
    added = command.json("rules", "set", "approval", "required", *words(by, "--category", "roads"))
    stored = command.json("rules", "list", "--code", "approval")
    assert [row["id"] for row in stored] == [shipped["id"], added["id"]]
    assert (stored[-1]["category"], stored[-1]["valid_from"]) == ("roads", "2026-11-01")
    with pytest.raises(Conflict, match="phải có người thứ hai duyệt"):
        life.act(Event.ANSWERED)


@pytest.mark.parametrize(
    ("code", "value", "sentence"),
    [
        ("nothing", "3 days", "Không có thời hạn nào"),
        ("approval", "3 days", "Không có thời hạn nào"),
        ("resolve", "required", "Không có thời hạn nào"),
        ("resolve", "soon", "Không hiểu thời hạn"),
    ],
)
def test_what_is_no_rule_is_refused_with_a_sentence(
    command: Command, world: World, code: str, value: str, sentence: str
) -> None:
    by = world.user(Role.ADMINISTRATOR).email
    assert sentence in command.refusal("rules", "set", code, value, *words(by))


def test_an_unknown_author_day_or_category_is_refused(command: Command, world: World) -> None:
    assert "Không có tài khoản" in command.refusal("rules", "set", "resolve", "7 days", *words("ai@example.vn"))
    by = world.user(Role.ADMINISTRATOR).email
    assert "Không có ngày" in command.refusal("rules", "set", "resolve", "7 days", *words(by, "--to", "31/02/2027"))
    assert "loại phản ánh" in command.refusal("rules", "set", "resolve", "7 days", *words(by, "--category", "x"))


def test_nobody_sets_a_rule_in_the_name_of_who_may_not(command: Command, session: Session, world: World) -> None:
    leader, closed = world.user(Role.LEADER), world.user(Role.ADMINISTRATOR)
    closed.active = False
    session.flush()
    assert "không có quyền" in command.refusal("rules", "set", "resolve", "7 days", *words(leader.email))
    assert "Không có tài khoản" in command.refusal("rules", "set", "resolve", "7 days", *words(closed.email))
    assert not any(row["province"] for row in command.json("rules", "list"))
